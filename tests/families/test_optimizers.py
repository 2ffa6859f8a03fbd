"""The optimizers against NumPy written from the papers' formulas, and their life in a graph."""

import numpy as np
import pytest

import labkit as lk
from labkit.errors import DTypeError, GraphError, InvalidArgumentError, ShapeError

RANDOM = np.random.default_rng(11)
START = RANDOM.normal(size=(4, 3))
GRADIENTS = RANDOM.normal(size=(50, 4, 3)) * 10.0 ** RANDOM.uniform(-3, 1, size=(50, 4, 3))


def numpy_sgd(w, gradients, learning_rate=0.01, momentum=0.0, nesterov=False):
    a = np.zeros_like(w)
    for g in gradients:
        a = momentum * a + g
        w = w - learning_rate * (g + momentum * a if nesterov else a)
    return w


def numpy_adam(
    w, gradients, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False, weight_decay=0.0
):
    m, v, largest = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(gradients, start=1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        largest = np.maximum(largest, v)
        w = w - learning_rate * weight_decay * w
        size = np.sqrt(largest if amsgrad else v)
        w = w - learning_rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t) * m / (size + epsilon)
    return w


def numpy_adamw(w, gradients, weight_decay=0.004, **more):
    return numpy_adam(w, gradients, weight_decay=weight_decay, **more)


def numpy_amsgrad(w, gradients, **more):
    return numpy_adam(w, gradients, amsgrad=True, **more)


def numpy_adamax(w, gradients, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    m, u = np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(gradients, start=1):
        m = beta_1 * m + (1 - beta_1) * g
        u = np.maximum(beta_2 * u, abs(g))
        w = w - learning_rate / (1 - beta_1**t) * m / (u + epsilon)
    return w


def numpy_nadam(w, gradients, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, momentum_decay=0.004):
    mu = [beta_1 * (1 - 0.5 * 0.96 ** (momentum_decay * t)) for t in range(1, len(gradients) + 2)]
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(gradients, start=1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        mean = mu[t] * m / (1 - np.prod(mu[: t + 1])) + (1 - mu[t - 1]) * g / (1 - np.prod(mu[:t]))
        w = w - learning_rate * mean / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
    return w


def numpy_rmsprop(
    w, gradients, learning_rate=0.001, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False, initial_mean_square=0.0
):
    s, c, d = np.full_like(w, initial_mean_square), np.zeros_like(w), np.zeros_like(w)
    for g in gradients:
        s = rho * s + (1 - rho) * g**2
        c = rho * c + (1 - rho) * g
        d = momentum * d + learning_rate * g / np.sqrt(s - c**2 * centered + epsilon)
        w = w - d
    return w


def numpy_adagrad(w, gradients, learning_rate=0.001, initial_accumulator_value=0.1, epsilon=1e-7):
    a = np.full_like(w, initial_accumulator_value)
    for g in gradients:
        a = a + g**2
        w = w - learning_rate * g / np.sqrt(a + epsilon)
    return w


def numpy_adadelta(w, gradients, learning_rate=0.001, rho=0.95, epsilon=1e-7):
    a, u = np.zeros_like(w), np.zeros_like(w)
    for g in gradients:
        a = rho * a + (1 - rho) * g**2
        d = np.sqrt(u + epsilon) / np.sqrt(a + epsilon) * g
        u = rho * u + (1 - rho) * d**2
        w = w - learning_rate * d
    return w


def numpy_ftrl(w, gradients, learning_rate=0.001, learning_rate_power=-0.5, initial_accumulator_value=0.1, **more):
    l1, l2 = more.get("l1_regularization_strength", 0.0), more.get("l2_regularization_strength", 0.0)
    shrinkage, beta = more.get("l2_shrinkage_regularization_strength", 0.0), more.get("beta", 0.0)
    n, z, p = np.full_like(w, initial_accumulator_value), np.zeros_like(w), -learning_rate_power
    for g in gradients:
        new = n + g**2
        z = z + g + 2 * shrinkage * w - (new**p - n**p) / learning_rate * w
        divisor = (beta + new**p) / learning_rate + 2 * l2
        w = np.where(abs(z) <= l1, 0, (np.sign(z) * l1 - z) / divisor)
        n = new
    return w


PENALTIES = {
    "l1_regularization_strength": 0.2,
    "l2_regularization_strength": 0.3,
    "l2_shrinkage_regularization_strength": 0.1,
    "beta": 0.5,
}
CASES = [
    (lk.optimizers.SGD, numpy_sgd, {}),
    (lk.optimizers.SGD, numpy_sgd, {"learning_rate": 0.1, "momentum": 0.8}),
    (lk.optimizers.SGD, numpy_sgd, {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    (lk.optimizers.Momentum, numpy_sgd, {"learning_rate": 0.1, "momentum": 0.9}),
    (lk.optimizers.Adam, numpy_adam, {}),
    (lk.optimizers.Adam, numpy_adam, {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3}),
    (lk.optimizers.Adam, numpy_adam, {"learning_rate": 0.1, "beta_2": 0.5, "amsgrad": True}),
    (lk.optimizers.AMSGrad, numpy_amsgrad, {}),
    (lk.optimizers.AMSGrad, numpy_amsgrad, {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.5, "epsilon": 1e-3}),
    (lk.optimizers.AdamW, numpy_adamw, {}),
    (lk.optimizers.AdamW, numpy_adamw, {"learning_rate": 0.1, "weight_decay": 0.5, "beta_1": 0.5, "epsilon": 1e-3}),
    (lk.optimizers.AdamW, numpy_adamw, {"learning_rate": 0.1, "weight_decay": 0.5, "beta_2": 0.5, "amsgrad": True}),
    (lk.optimizers.Adamax, numpy_adamax, {}),
    (lk.optimizers.Adamax, numpy_adamax, {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.8, "epsilon": 1e-2}),
    (lk.optimizers.Nadam, numpy_nadam, {}),
    (lk.optimizers.Nadam, numpy_nadam, {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.9, "momentum_decay": 1.0}),
    (lk.optimizers.RMSprop, numpy_rmsprop, {}),
    (lk.optimizers.RMSprop, numpy_rmsprop, {"learning_rate": 0.1, "momentum": 0.9, "initial_mean_square": 1.0}),
    (lk.optimizers.RMSprop, numpy_rmsprop, {"learning_rate": 0.01, "momentum": 0.5, "epsilon": 0.1, "centered": True}),
    (lk.optimizers.Adagrad, numpy_adagrad, {}),
    (lk.optimizers.Adagrad, numpy_adagrad, {"learning_rate": 0.5, "initial_accumulator_value": 1e-3, "epsilon": 0.0}),
    (lk.optimizers.Adadelta, numpy_adadelta, {}),
    (lk.optimizers.Adadelta, numpy_adadelta, {"learning_rate": 1.0, "rho": 0.5, "epsilon": 1e-3}),
    (lk.optimizers.Ftrl, numpy_ftrl, {"learning_rate": 0.1}),
    (lk.optimizers.Ftrl, numpy_ftrl, {"learning_rate": 0.5, "initial_accumulator_value": 1.0, **PENALTIES}),
    (lk.optimizers.Ftrl, numpy_ftrl, {"learning_rate": 0.5, "learning_rate_power": -0.75, **PENALTIES}),
]


@pytest.mark.parametrize(("optimizer", "reference", "settings"), CASES)
@pytest.mark.parametrize(("dtype", "rtol"), [(lk.float64, 1e-12), (lk.float32, 2e-5)])
def test_fifty_steps_follow_the_formulas(optimizer, reference, settings, dtype, rtol):
    with lk.Graph().as_default(), lk.Session() as session:
        w, g = lk.Variable(START, dtype=dtype, name="w"), lk.placeholder(dtype, START.shape)
        step = optimizer(**settings).apply_gradients([(g, w)])
        session.run(lk.global_variables_initializer())
        for gradient in GRADIENTS:
            session.run(step, {g: gradient})
        found = session.read(w)
    expected = reference(START, GRADIENTS, **settings)
    np.testing.assert_allclose(found - START, expected - START, rtol, rtol)


ALL_ROWS = {getattr(lk.optimizers, name) for name in ("Adam", "AdamW", "AMSGrad", "Adamax", "Nadam")}
ROW_CASES = [case for case in CASES if case[0] not in ALL_ROWS]


@pytest.mark.parametrize(("optimizer", "reference", "settings"), ROW_CASES)
@pytest.mark.parametrize(("dtype", "rtol"), [(lk.float64, 1e-12), (lk.float32, 2e-5)])
def test_rows_take_the_steps_of_the_formulas_and_others_none(optimizer, reference, settings, dtype, rtol):
    """Each row sees only the steps that name it; a row that comes twice sees the sum."""
    steps = [[2, 0, 2], [1, 1, 1], [0], [2, 0, 1]]
    values = [RANDOM.normal(size=(len(rows), 3)) for rows in steps]
    with lk.Graph().as_default(), lk.Session() as session:
        w = lk.Variable(START, dtype=dtype, name="w")
        rows, given = lk.placeholder(lk.int32, [None]), lk.placeholder(dtype, [None, 3])
        step = optimizer(**settings).apply_gradients([(lk.IndexedSlices(given, rows, lk.constant([4, 3])), w)])
        session.run(lk.global_variables_initializer())
        for at, value in zip(steps, values, strict=True):
            session.run(step, {rows: at, given: value})
        found = session.read(w)
        before = session.state()
        with pytest.raises(InvalidArgumentError, match="index out of range"):
            session.run(step, {rows: [0, 4], given: values[0][:2]})
        assert all(np.array_equal(before[name], value) for name, value in session.state().items())
    for row in range(4):
        at = [np.array(x) == row for x in steps]
        gradients = [value[chosen].sum(0) for chosen, value in zip(at, values, strict=True) if chosen.any()]
        expected = reference(START[row], gradients, **settings)
        np.testing.assert_allclose(found[row] - START[row], expected - START[row], rtol, rtol, err_msg=f"row {row}")


@pytest.mark.parametrize("name", ["Adam", "AdamW", "AMSGrad", "Adamax", "Nadam"])
def test_what_means_decay_moves_all_rows_as_in_tensorflow_1(name):
    optimizer = getattr(lk.optimizers, name)
    reference = next(case[1] for case in CASES if case[0] is optimizer)
    steps = [[2, 0, 2], [1, 1, 1], [0], [2, 0, 1]]
    values = [RANDOM.normal(size=(len(rows), 3)) for rows in steps]
    whole = np.zeros((4, 4, 3))
    for total, rows, value in zip(whole, steps, values, strict=True):
        np.add.at(total, rows, value)
    with lk.Graph().as_default(), lk.Session() as session:
        w = lk.Variable(START, dtype=lk.float64)
        rows, given = lk.placeholder(lk.int32, [None]), lk.placeholder(lk.float64, [None, 3])
        step = optimizer(0.1).apply_gradients([(lk.IndexedSlices(given, rows, lk.constant([4, 3])), w)])
        session.run(lk.global_variables_initializer())
        for at, value in zip(steps, values, strict=True):
            session.run(step, {rows: at, given: value})
        np.testing.assert_allclose(session.read(w), reference(START, whole, learning_rate=0.1), 1e-12)


def program(optimizer, dtype=lk.float32, scope="layer", **settings):
    """(graph, step, loss) of w² summed, with w in a name scope."""
    graph = lk.Graph()
    with graph.as_default():
        with lk.name_scope(scope):
            w = lk.Variable(START, dtype=dtype, name="w")
        loss = lk.reduce_sum(lk.square(w))
        step = optimizer.minimize(loss, **settings)
    return graph, step, loss


def variables(graph):
    with graph.as_default():
        return [variable.op.name for variable in lk.global_variables()]


def test_names_of_operations_and_state():
    graph, step, _ = program(lk.optimizers.Adam())
    assert step.name == "Adam"
    assert sorted(variables(graph)) == ["beta1_power", "beta2_power", "layer/w", "layer/w/Adam", "layer/w/Adam_1"]
    graph, step, _ = program(lk.optimizers.Momentum(), name="train")
    assert step.name == "train"
    assert variables(graph) == ["layer/w", "layer/w/Momentum"]
    assert variables(program(lk.optimizers.SGD())[0]) == ["layer/w"]
    with graph.as_default():
        assert [variable.op.name for variable in lk.trainable_variables()] == ["layer/w"]


def test_slots_are_named_after_the_variable_in_any_scope():
    with lk.Graph().as_default(), lk.name_scope("train"):
        w = lk.Variable(START, name="w")
        step = lk.optimizers.Adam().minimize(lk.reduce_sum(lk.square(w)))
        assert step.name == "train/Adam"
        assert {v.op.name for v in lk.global_variables()} == {
            "train/w", "train/w/Adam", "train/w/Adam_1", "train/beta1_power", "train/beta2_power"
        }  # fmt: skip


def test_slots_are_under_the_variable_scope_of_the_step():
    with lk.Graph().as_default(), lk.variable_scope("train"):
        with lk.variable_scope("layer"):
            w = lk.get_variable("w", [2])
        optimizer = lk.optimizers.Momentum()
        assert optimizer.minimize(lk.reduce_sum(w)).name == "train/Momentum"
        assert optimizer.get_slot(w, "momentum").op.name == "train/train/layer/w/Momentum"


def test_two_optimizers_of_one_variable_keep_apart():
    with lk.Graph().as_default(), lk.Session() as session:
        w = lk.Variable(START, name="w")
        loss = lk.reduce_sum(lk.square(w))
        first, second = lk.optimizers.Adam(), lk.optimizers.Adam()
        steps = [first.minimize(loss), second.minimize(loss)]
        assert [step.name for step in steps] == ["Adam", "Adam_1"]
        assert {v.op.name for v in second.variables()} == {"w/Adam_2", "w/Adam_3", "beta1_power_1", "beta2_power_1"}
        session.run(lk.global_variables_initializer())
        session.run(steps[0])
        assert session.read(first.get_slot(w, "m")).any()
        assert not session.read(second.get_slot(w, "m")).any()


def test_a_second_call_goes_on_with_the_same_state():
    with lk.Graph().as_default(), lk.Session() as session:
        w = lk.Variable(START, name="w", dtype=lk.float64)
        g = lk.constant(GRADIENTS[0])
        optimizer = lk.optimizers.Adam()
        steps = [optimizer.apply_gradients([(g, w)]) for _ in range(2)]
        session.run(lk.global_variables_initializer())
        for step in steps:
            session.run(step)
        np.testing.assert_allclose(session.read(w), numpy_adam(START, [GRADIENTS[0]] * 2), 1e-12)


def test_all_variables_read_the_powers_before_they_advance():
    with lk.Graph().as_default(), lk.Session() as session:
        pair = [lk.Variable(START, name=name, dtype=lk.float64) for name in "ab"]
        step = lk.optimizers.Adam().apply_gradients([(lk.constant(GRADIENTS[0]), v) for v in pair])
        session.run(lk.global_variables_initializer())
        session.run(step, steps=7)
        for variable in pair:
            np.testing.assert_allclose(session.read(variable), numpy_adam(START, [GRADIENTS[0]] * 7), 1e-12)


def test_fetching_the_loss_beside_the_step_gives_the_loss_before_it():
    graph, step, loss = program(lk.optimizers.SGD(0.1), lk.float64)
    session = lk.Session(graph)
    with graph.as_default():
        session.run(lk.global_variables_initializer())
    nothing, value = session.run([step, loss])
    assert nothing is None
    assert value == pytest.approx((START**2).sum())
    assert session.run(loss) == pytest.approx((START**2).sum() * 0.8**2)


def test_gradients_can_be_changed_in_between():
    with lk.Graph().as_default(), lk.Session() as session:
        w, idle = lk.Variable(START, name="w", dtype=lk.float64), lk.Variable(1.0, name="idle")
        optimizer = lk.optimizers.SGD(0.5)
        pairs = optimizer.compute_gradients(lk.reduce_sum(lk.square(w)))
        assert [(gradient is None, v) for gradient, v in pairs] == [(False, w), (True, idle)]
        clipped = [(None if g is None else lk.minimum(lk.maximum(g, -1.0), 1.0), v) for g, v in pairs]
        session.run([lk.global_variables_initializer(), optimizer.apply_gradients(clipped)][0])
        session.run(optimizer.apply_gradients(clipped))
        np.testing.assert_allclose(session.read(w), START - 0.5 * np.clip(2 * START, -1, 1))
        assert session.read(idle) == 1


@pytest.mark.parametrize("kind", ["placeholder", "function of the step", "variable"])
def test_the_learning_rate_may_be_a_tensor(kind):
    with lk.Graph().as_default(), lk.Session() as session:
        w, step_number = lk.Variable(START, dtype=lk.float64), lk.Variable(0, trainable=False, name="global_step")
        placeholder = lk.placeholder(lk.float32, [])
        rate = {
            "placeholder": placeholder,
            "function of the step": 0.1 / (1.0 + lk.cast(step_number, lk.float32)),
            "variable": lk.Variable(0.1, trainable=False),
        }[kind]
        loss = lk.reduce_sum(lk.square(w))
        step = lk.optimizers.SGD(rate).minimize(loss, global_step=step_number, var_list=[w])
        session.run(lk.global_variables_initializer())
        expected = START
        for number in range(3):
            session.run(step, {placeholder: 0.1} if kind == "placeholder" else {})
            expected = expected * (1 - 2 * (0.1 / (1 + number) if kind == "function of the step" else 0.1))
        np.testing.assert_allclose(session.read(w), expected, rtol=1e-6)
        assert session.read(step_number) == 3


def test_variables_of_two_dtypes():
    with lk.Graph().as_default(), lk.Session() as session:
        single, double = lk.Variable(START, dtype=lk.float32), lk.Variable(START, dtype=lk.float64)
        step = lk.optimizers.Adam().apply_gradients([(GRADIENTS[0], single), (GRADIENTS[0], double)])
        session.run(lk.global_variables_initializer())
        session.run(step, steps=3)
        expected = numpy_adam(START, [GRADIENTS[0]] * 3)
        np.testing.assert_allclose(session.read(double), expected, 1e-12)
        np.testing.assert_allclose(session.read(single), expected, 1e-5)


def test_a_step_waits_for_what_control_dependencies_put_before_it():
    with lk.Graph().as_default(), lk.Session() as session:
        w, mean = lk.Variable(1.0, name="w"), lk.Variable(0.0, trainable=False, name="mean")
        loss = lk.square(w)
        update = mean.assign_add(2.0)
        with lk.control_dependencies([update]):
            step = lk.optimizers.Adam(0.1).minimize(loss)
        session.run(lk.global_variables_initializer())
        session.run(step)
        assert session.read(mean) == 2.0
        assert session.read(w) == pytest.approx(0.9)


def test_var_list_says_what_is_changed():
    with lk.Graph().as_default(), lk.Session() as session:
        named = {"a": lk.Variable(1.0, name="a"), "b": lk.Variable(1.0, name="b")}
        loss = lk.square(named["a"]) + lk.square(named["b"])
        only = lk.optimizers.SGD(0.1).minimize(loss, var_list=[named["b"]])
        both = lk.optimizers.SGD(0.1).minimize(loss, var_list=named.values())
        session.run(lk.global_variables_initializer())
        session.run(only)
        assert session.run([named["a"], named["b"]]) == pytest.approx([1.0, 0.8])
        session.run(both)
        assert session.run([named["a"], named["b"]]) == pytest.approx([0.8, 0.64])


def test_the_graph_of_the_loss_is_used_whatever_the_default_graph():
    graph = lk.Graph()
    with graph.as_default():
        loss = lk.square(lk.Variable(1.0))
    with lk.Graph().as_default():
        step = lk.optimizers.SGD().minimize(loss)
    assert step.graph is graph


def test_what_cannot_be_minimized():
    optimizer = lk.optimizers.SGD()
    with lk.Graph().as_default():
        with pytest.raises(GraphError, match="No variables to optimize"):
            optimizer.minimize(lk.constant(1.0))
        w = lk.Variable([1.0, 2.0], name="w")
        with pytest.raises(GraphError, match=r"No gradients provided for any variable, .*variables \['w:0'\] and loss"):
            optimizer.minimize(lk.cast(lk.argmax(w), lk.float32))
        with pytest.raises(ValueError, match="differentiable path"):
            optimizer.minimize(lk.constant(1.0))
        with pytest.raises(GraphError, match="No gradients provided"):
            optimizer.apply_gradients([(None, w)])
        with pytest.raises(GraphError, match="two gradients"):
            optimizer.apply_gradients([([1.0, 1.0], w), ([2.0, 2.0], w)])
        with pytest.raises(DTypeError, match=r"gradient of variable 'w:0'.*lk\.cast"):
            optimizer.apply_gradients([(lk.constant([1.0, 1.0], lk.float64), w)])
        with pytest.raises(ShapeError, match="variable's shape"):
            optimizer.apply_gradients([(lk.constant([1.0]), w)])
        with pytest.raises(InvalidArgumentError, match="changes variables"):
            optimizer.minimize(lk.reduce_sum(w), var_list=[w.ref])


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: lk.optimizers.SGD([1]), r"learning_rate=\[1\]"),
        (lambda: lk.optimizers.SGD(float("nan")), "finite"),
        (lambda: lk.optimizers.SGD(momentum=1.5), "from 0 on and at most 1"),
        (lambda: lk.optimizers.Adam(beta_1=1.0), "from 0 on and below 1"),
        (lambda: lk.optimizers.Adam(beta_2=-0.1), "beta_2=-0.1"),
        (lambda: lk.optimizers.Adam(epsilon=-1), "from 0 on"),
        (lambda: lk.optimizers.AMSGrad(beta_1=2), "beta_1=2"),
        (lambda: lk.optimizers.AdamW(weight_decay=-1), "weight_decay=-1"),
        (lambda: lk.optimizers.AdamW(exclude_from_weight_decay="bias"), "a list of texts.*'bias'"),
        (lambda: lk.optimizers.AdamW(exclude_from_weight_decay=[""]), "none of them empty"),
        (lambda: lk.optimizers.Adamax(beta_2=1.0), "from 0 on and below 1"),
        (lambda: lk.optimizers.Nadam(momentum_decay=-0.1), "momentum_decay=-0.1"),
    ],
)
def test_settings_that_are_refused(make, text):
    with pytest.raises(InvalidArgumentError, match=text):
        make()


def test_an_optimizer_of_ones_own_says_slots_and_update_only():
    class SignMomentum(lk.optimizers.Optimizer):
        slots = {"mean": lk.optimizers.Slot("mean", initial=1.0)}  # noqa: RUF012

        def update(self, variable, gradient, learning_rate, *, mean):
            mean = mean.assign(0.5 * mean + 0.5 * gradient)
            return variable.assign_sub(learning_rate * lk.sign(mean))

    with lk.Graph().as_default(), lk.Session() as session:
        w = lk.Variable([1.0, -1.0], name="w")
        optimizer = SignMomentum(0.25)
        step = optimizer.minimize(lk.reduce_sum(lk.square(w)))
        session.run(lk.global_variables_initializer())
        session.run(step)
        assert session.read(optimizer.get_slot(w, "mean")).tolist() == [1.5, -0.5]
        assert session.read(w).tolist() == [0.75, -0.75]
        assert optimizer.get_slot(w, "mean").op.name == "w/mean"


def test_excluded_variables_do_not_decay():
    with lk.Graph().as_default(), lk.Session() as session:
        kernel, bias = (lk.Variable(START, name=f"dense/{name}", dtype=lk.float64) for name in ("kernel", "bias"))
        optimizer = lk.optimizers.AdamW(0.1, weight_decay=0.5, exclude_from_weight_decay=["bias"])
        step = optimizer.apply_gradients([(GRADIENTS[0], kernel), (GRADIENTS[0], bias)])
        session.run(lk.global_variables_initializer())
        session.run(step, steps=3)
        expected = [numpy_adam(START, [GRADIENTS[0]] * 3, 0.1, weight_decay=decay) for decay in (0.5, 0.0)]
        np.testing.assert_allclose(session.read(kernel), expected[0], 1e-12)
        np.testing.assert_allclose(session.read(bias), expected[1], 1e-12)


def test_weights_decay_by_the_rate_of_the_schedule():
    with lk.Graph().as_default(), lk.Session() as session:
        w = lk.Variable(START, dtype=lk.float64)
        rates = lk.schedules.PiecewiseConstantDecay([0, 1], [0.1, 0.2, 0.3])
        step = lk.optimizers.AdamW(rates, weight_decay=0.5).apply_gradients([(np.zeros((4, 3)), w)])
        session.run(lk.global_variables_initializer())
        session.run(step, steps=3)
        np.testing.assert_allclose(session.read(w), START * 0.95 * 0.9 * 0.85, 1e-12)


def test_slots_of_the_relatives_of_adam():
    def state(optimizer):
        return sorted(name for name in variables(program(optimizer)[0]) if name != "layer/w")

    powers = ["beta1_power", "beta2_power"]
    assert state(lk.optimizers.AdamW()) == [*powers, "layer/w/Adam", "layer/w/Adam_1"]
    assert state(lk.optimizers.AMSGrad()) == [*powers, "layer/w/Adam", "layer/w/Adam_1", "layer/w/Adam_2"]
    assert state(lk.optimizers.Adamax()) == ["beta1_power", "layer/w/Adamax", "layer/w/Adamax_1"]
    assert state(lk.optimizers.Nadam()) == [
        "beta2_power", "layer/w/Nadam", "layer/w/Nadam_1", "momentum_power", "momentum_product"
    ]  # fmt: skip


TORCH = [
    ("Adam", {"amsgrad": True}, "Adam", {"amsgrad": True}),
    ("AMSGrad", {}, "Adam", {"amsgrad": True}),
    ("AdamW", {"weight_decay": 0.3}, "AdamW", {"weight_decay": 0.3}),
    ("AdamW", {"weight_decay": 0.3, "amsgrad": True}, "AdamW", {"weight_decay": 0.3, "amsgrad": True}),
    ("Adamax", {}, "Adamax", {}),
    ("Nadam", {}, "NAdam", {}),
]


@pytest.mark.parametrize(("name", "settings", "theirs", "their_settings"), TORCH)
def test_fifty_steps_are_those_of_pytorch(name, settings, theirs, their_settings):
    """With an epsilon so small that its place in the formula does not matter."""
    torch = pytest.importorskip("torch")
    parameter = torch.nn.Parameter(torch.tensor(START))
    peer = getattr(torch.optim, theirs)([parameter], lr=0.05, betas=(0.8, 0.95), eps=1e-14, **their_settings)
    with lk.Graph().as_default(), lk.Session() as session:
        w, g = lk.Variable(START, dtype=lk.float64), lk.placeholder(lk.float64, START.shape)
        ours = getattr(lk.optimizers, name)(0.05, beta_1=0.8, beta_2=0.95, epsilon=1e-14, **settings)
        step = ours.apply_gradients([(g, w)])
        session.run(lk.global_variables_initializer())
        for gradient in GRADIENTS:
            session.run(step, {g: gradient})
            parameter.grad = torch.tensor(gradient)
            peer.step()
        rtol = 1e-6 if name == "Nadam" else 1e-9  # PyTorch keeps Nadam's product of momenta in float32
        np.testing.assert_allclose(session.read(w), parameter.detach().numpy(), rtol, rtol / 100)


KERAS = [
    ("Adam", {"amsgrad": True}, "Adam", {"amsgrad": True}),
    ("AdamW", {"weight_decay": 0.3}, "AdamW", {"weight_decay": 0.3}),
    ("Adamax", {}, "Adamax", {}),
    ("Nadam", {"momentum_decay": 1.0}, "Nadam", {}),
    ("SGD", {"clipnorm": 0.5}, "SGD", {"clipnorm": 0.5}),
    ("Adam", {"global_clipnorm": 0.5}, "Adam", {"global_clipnorm": 0.5}),
    ("Nadam", {"momentum_decay": 1.0, "clipvalue": 0.1}, "Nadam", {"clipvalue": 0.1}),
]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras and NumPy 2 about copies
@pytest.mark.parametrize(("name", "settings", "theirs", "their_settings"), KERAS)
def test_fifty_steps_are_those_of_keras(name, settings, theirs, their_settings):
    keras = pytest.importorskip("keras")
    variable = keras.Variable(START, dtype="float32")
    peer = getattr(keras.optimizers, theirs)(0.05, **their_settings)
    with lk.Graph().as_default(), lk.Session() as session:
        w, g = lk.Variable(START, dtype=lk.float32), lk.placeholder(lk.float32, START.shape)
        step = getattr(lk.optimizers, name)(0.05, **settings).apply_gradients([(g, w)])
        session.run(lk.global_variables_initializer())
        for gradient in GRADIENTS:
            session.run(step, {g: gradient})
            peer.apply([keras.ops.convert_to_tensor(gradient, "float32")], [variable])
        np.testing.assert_allclose(session.read(w), keras.ops.convert_to_numpy(variable), rtol=1e-4, atol=1e-4)

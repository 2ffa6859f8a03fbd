"""Models and data sets: fit, evaluate, predict and the training loop on pipelines of batches."""

from __future__ import annotations

import signal
import threading
import time

import numpy as np
import pytest

import labkit as lk
from labkit.data import Dataset, chunk_cursor
from labkit.data.chunks import Chunks
from labkit.errors import CheckpointError, FeedError, InvalidArgumentError, PipelineError, ShapeError
from labkit.models import TrainingLoop
from tests.data.pipelines import require_no_threads, threads


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)


def weights(model):
    return model.session.state()


def slices(data, size=8):
    return Dataset.from_tensor_slices(data).batch(size)


def noisy(x, y, rng):
    return x + rng.normal(0, 0.1, x.shape).astype("float32"), y


def brighter(x, y):
    return x + np.float32(0.5), y


def always(*element):
    return True


@pytest.fixture(autouse=True)
def no_thread_outlives_a_test():
    yield
    require_no_threads()


PIPELINES = {
    "slices": lambda data: slices(data),
    "indexed": lambda data: Dataset.from_tensor_slices(data).shuffle(seed=3).map(noisy, seed=1).batch(7),
    "parallel": lambda data: Dataset.from_tensor_slices(data).shuffle(seed=3).map(noisy, 3, seed=1).batch(7).prefetch(2),
    "sequential": lambda data: Dataset.from_tensor_slices(data).filter(always).shuffle(11, seed=3).map(noisy, seed=1).batch(7),
    "threads": lambda data: Dataset.from_tensor_slices(data).filter(always).map(noisy, 3, seed=1).batch(7).prefetch(3),
    "generator": lambda data: Dataset.from_generator(lambda: zip(*data, strict=True)).batch(7),
}  # fmt: skip

# --- the same as arrays ---


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("sequential", [False, True])
def test_batches_of_slices_train_as_arrays_do(network, digits, optimizer, sequential):
    arrays, pipeline = network(optimizer), network(optimizer)
    dataset = Dataset.from_tensor_slices(digits)
    dataset = (dataset.filter(always) if sequential else dataset).batch(8)
    kept = {"epochs": 3, "verbose": 0}
    expected = arrays.fit(*digits, batch_size=8, shuffle=False, validation_data=digits, **kept)
    found = pipeline.fit(dataset, validation_data=dataset, **kept)
    assert found.history == expected.history
    assert found.steps == expected.steps == [5, 5, 5]
    assert same(weights(pipeline), weights(arrays))
    assert pipeline.evaluate(dataset) == arrays.evaluate(*digits)
    assert np.array_equal(pipeline.predict(dataset), arrays.predict(digits[0]))


def test_weights_of_examples_and_classes_are_those_of_arrays(network, digits):
    x, y = digits
    sample_weight, class_weight = np.linspace(0, 2, 40), {0: 1.0, 1: 2.0, 2: 0.0, 3: 0.5}
    for class_weights in (None, class_weight):
        arrays, pipeline = network(), network()
        kept = {"class_weight": class_weights, "verbose": 0, "epochs": 2}
        expected = arrays.fit(x, y, batch_size=8, shuffle=False, sample_weight=sample_weight, **kept)
        found = pipeline.fit(slices((x, y, sample_weight)), **kept)
        assert found.history == expected.history
        assert same(weights(pipeline), weights(arrays))
    only_classes = network()
    only_classes.fit(slices(digits), class_weight=class_weight, verbose=0)
    assert not same(weights(only_classes), weights(network()))
    dataset = slices((x, y, sample_weight))
    assert arrays.evaluate(dataset) == arrays.evaluate(x, y, sample_weight=sample_weight)


def test_several_inputs_and_outputs_by_name_or_in_order():
    random = np.random.default_rng(0)
    wide, deep = random.normal(size=(24, 3)).astype("f4"), random.normal(size=(24, 4)).astype("f4")
    up, down = random.normal(size=(24, 1)).astype("f4"), random.integers(0, 3, 24)

    def model():
        a, b = lk.Input((3,), name="wide"), lk.Input((4,), name="deep")
        joined = lk.layers.Concatenate()([a, lk.layers.Dense(5, activation="relu")(b)])
        outputs = [lk.layers.Dense(1, name="up")(joined), lk.layers.Dense(3, name="down")(joined)]
        made = lk.Model([a, b], outputs)
        loss = {"up": "mse", "down": lk.losses.SparseCategoricalCrossentropy(from_logits=True)}
        made.compile("adam", loss)
        return made

    expected = model()
    history = expected.fit([wide, deep], [up, down], batch_size=6, epochs=2, shuffle=False, verbose=0).history
    for element in (
        ((wide, deep), (up, down)),
        ({"wide": wide, "deep": deep}, {"down": down, "up": up}),
        ((wide, deep), {"up": up, "down": down}),
    ):
        found = model()
        assert found.fit(slices(element, 6), epochs=2, verbose=0).history == history
        assert same(weights(found), weights(expected))
    for element in (((wide, deep),), {"wide": wide, "deep": deep}, ((wide, deep), (up, down))):
        for a, b in zip(expected.predict(slices(element, 5)), expected.predict([wide, deep]), strict=True):
            assert np.array_equal(a, b)


def test_batches_are_trained_on_as_they_are(network, digits):
    whole, steps = network(), network()
    history = whole.fit(slices(digits, 12), verbose=0)
    assert history.steps == [4]
    for start in range(0, 40, 12):
        steps.train_on_batch(digits[0][start : start + 12], digits[1][start : start + 12])
    assert same(weights(whole), weights(steps))


def test_a_smaller_batch_weighs_less_in_the_means_of_an_epoch(digits):
    x, y = digits
    w, per_class = np.linspace(0, 2, len(x), dtype=np.float32), {i: 1 + i / 4 for i in range(4)}
    cases = (
        ((x, y), None, np.ones(len(x))),
        ((x, y, w), None, w.astype(np.float64)),
        ((x, y), per_class, np.array([per_class[int(label)] for label in y])),
    )
    for element, class_weight, weight in cases:
        model = lk.Sequential([lk.layers.Flatten(), lk.layers.Dense(4, activation="softmax")])
        model.compile(optimizer=lk.optimizers.SGD(0.0), loss="sparse_categorical_crossentropy")
        p = model.predict(x).astype(np.float64)[np.arange(len(x)), y]
        history = model.fit(slices(element, 12), class_weight=class_weight, verbose=0)
        assert history.history["loss"][0] == pytest.approx(np.mean(weight * -np.log(p)), rel=1e-5)


def test_the_first_batch_builds_a_model(digits):
    x, y = digits[0].reshape(40, 64), digits[1]
    arrays, pipeline = (lk.Sequential([lk.layers.Dense(4, name="d")], seed=1) for _ in range(2))
    for model in (arrays, pipeline):
        model.compile("sgd", lk.losses.SparseCategoricalCrossentropy(from_logits=True))
    arrays.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    pipeline.fit(slices((x.astype("f8"), y)), verbose=0)
    assert same(weights(arrays), weights(pipeline))


# --- epochs, sizes, ends ---


def test_an_epoch_has_the_order_of_its_number(network, digits):
    dataset = PIPELINES["indexed"](digits)
    whole, parts, steps = network(), network(), network()
    whole.fit(dataset, epochs=3, verbose=0)
    assert parts.fit(dataset, epochs=1, verbose=0).epoch == [0]
    assert parts.fit(dataset, epochs=3, initial_epoch=1, verbose=0).epoch == [1, 2]
    for epoch in range(3):
        for x, y in dataset.iterate(epoch):
            steps.train_on_batch(x, y)
    assert same(weights(whole), weights(parts))
    assert same(weights(whole), weights(steps))


@pytest.mark.parametrize("kind", ["sequential", "generator"])
def test_an_unknown_length_ends_where_it_ends(network, digits, kind):
    model = network()
    seen = []
    callback = lk.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    history = model.fit(PIPELINES[kind](digits), epochs=2, verbose=0, callbacks=callback)
    assert history.steps == [6, 6]
    assert seen == [*range(6), *range(6)]
    assert history.params["steps"] is None
    assert history.params["batch_size"] == 7


def test_without_an_end_an_epoch_goes_on_where_the_last_ended(network, digits):
    dataset = Dataset.from_tensor_slices(digits).shuffle(seed=3).repeat().batch(6)
    whole, cut, steps = network(), network(), network()
    assert whole.fit(dataset, epochs=3, steps_per_epoch=4, verbose=0).steps == [4, 4, 4]
    assert cut.fit(dataset, epochs=1, steps_per_epoch=4, verbose=0).params["steps"] == 4
    cut.fit(dataset, epochs=3, steps_per_epoch=4, initial_epoch=1, verbose=0)
    assert steps.fit(dataset, steps=12, verbose=0).steps == [12]
    assert same(weights(whole), weights(cut))
    assert same(weights(whole), weights(steps))
    with pytest.raises(InvalidArgumentError, match=r"fit would not end.*steps_per_epoch"):
        network().fit(dataset, epochs=2, verbose=0)
    with pytest.raises(InvalidArgumentError, match=r"Validation would not end.*validation_steps"):
        network().fit(slices(digits), validation_data=dataset, verbose=0)
    for method in (whole.evaluate, whole.predict):
        with pytest.raises(InvalidArgumentError, match="would not end"):
            method(dataset)
    x, y = (np.concatenate(parts) for parts in zip(*dataset.take(3).iterate(0), strict=True))
    assert whole.evaluate(dataset, steps=3) == whole.evaluate(x, y)
    assert np.array_equal(whole.predict(dataset, steps=3), whole.predict(x))
    history = network().fit(slices(digits), validation_data=dataset, validation_steps=3, verbose=0)
    assert "val_loss" in history.history


@pytest.mark.parametrize("kind", ["indexed", "sequential"])
def test_steps_per_epoch_cuts_an_endless_sequence_of_epochs(network, digits, kind):
    dataset = PIPELINES[kind](digits)  # 6 batches
    whole, cut, steps = network(), network(), network()
    assert whole.fit(dataset, epochs=4, steps_per_epoch=4, verbose=0).steps == [4, 4, 4, 4]
    cut.fit(dataset, epochs=2, steps_per_epoch=4, verbose=0)
    cut.fit(dataset, epochs=4, steps_per_epoch=4, initial_epoch=2, verbose=0)
    assert steps.fit(dataset, steps=16, verbose=0).steps == [6, 6, 4]
    assert same(weights(whole), weights(cut))
    assert same(weights(whole), weights(steps))
    arrays = network().fit(*digits, batch_size=8, epochs=3, steps_per_epoch=2, verbose=0)
    assert arrays.steps == [2, 2, 2]


def test_metrics_of_a_whole_epoch_do_not_depend_on_the_cut(network, digits):
    histories = []
    for every in (None, 1, 3):
        model = network()
        cut = lk.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None) if every else None
        if cut:
            cut.every = every
        history = model.fit(PIPELINES["indexed"](digits), epochs=3, verbose=0, callbacks=[cut] if cut else None)
        histories.append((history.history, weights(model)))
    assert histories[0][0] == histories[1][0] == histories[2][0]
    assert same(histories[0][1], histories[1][1])
    assert same(histories[0][1], histories[2][1])


def test_early_stopping_and_stop_training(network, digits):
    model = network()

    def stop(batch, logs):
        model.stop_training = batch == 2

    history = model.fit(
        PIPELINES["threads"](digits),
        epochs=5,
        verbose=0,
        callbacks=lk.callbacks.LambdaCallback(on_train_batch_end=stop),
    )
    assert history.steps == [3]
    assert not threads()


def test_the_progress_bar_shows_what_is_known(network, digits, capsys):
    network().fit(PIPELINES["generator"](digits), epochs=2, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" - ")[:2] for line in lines] == [["Epoch 1/2", "6 steps"], ["Epoch 2/2", "6 steps"]]


# --- state ---


@pytest.mark.parametrize("kind", PIPELINES)
def test_a_loop_goes_on_from_every_step_with_the_same_bits(network, digits, kind):
    dataset = PIPELINES[kind](digits)
    with TrainingLoop(network("adam"), dataset) as loop:
        states = []
        for _ in range(13):
            states.append({key: value.copy() for key, value in loop.state().items()})
            loop.run(1)
        final = loop.state()
    with TrainingLoop(network("adam"), PIPELINES[kind](digits)) as other:
        for step, state in enumerate(states):
            other.restore(state)
            assert other.step == step
            other.run(13 - step)
            assert same(other.state(), final)


def test_a_state_goes_on_with_other_numbers_of_threads(network, digits):
    with TrainingLoop(network(), PIPELINES["indexed"](digits)) as loop, \
            TrainingLoop(network(), PIPELINES["parallel"](digits)) as other:  # fmt: skip
        loop.run(8)
        other.restore(loop.state())
        loop.run(5)
        other.run(5)
        assert same(loop.state(), other.state())


def test_how_steps_are_cut_changes_no_bit(network, digits):
    with TrainingLoop(network(), PIPELINES["sequential"](digits)) as whole, \
            TrainingLoop(network(), PIPELINES["sequential"](digits)) as cut:  # fmt: skip
        series = whole.run(15)
        parts = [cut.run(n) for n in (1, 5, 2, 7)]
        for name, values in series.items():
            assert np.array_equal(values, np.concatenate([part[name] for part in parts]))
        assert same(whole.state(), cut.state())
        assert whole.epoch == cut.epoch == 2


def test_a_state_of_another_pipeline_or_of_arrays_is_refused(network, digits):
    with TrainingLoop(network(), PIPELINES["indexed"](digits)) as loop:
        loop.run(2)
        before = loop.state()
        with TrainingLoop(network(), PIPELINES["slices"](digits)) as other:
            other.run(1)
            own = other.state()
            for state in (
                before,
                TrainingLoop(network(), *digits).state(),
                {**own, "loop/data": np.array([1, 2], np.uint8)},
                {**own, "loop/data": own["loop/data"][:-1]},
                {**own, "loop/data": np.array([1.5])},
                {**own, "loop/data": np.frombuffer(b'{"format":"labkit-iterator-1"}', np.uint8)},
            ):
                with pytest.raises(CheckpointError, match="another training loop"):
                    other.restore(state)
                assert same(other.state(), own)
        with pytest.raises(CheckpointError, match="another training loop"):
            TrainingLoop(network(), *digits).restore(before)


# --- errors and threads ---


def fails_at(number):
    def fail(x, y):
        fail.calls += 1
        if fail.calls > number:
            raise KeyError("broken")
        return x, y

    fail.calls = 0
    return fail


@pytest.mark.parametrize("sequential", [False, True])
def test_an_error_of_the_pipeline_comes_after_the_steps_before_it(network, digits, sequential):
    def fail(i, x, y):
        if i == 19:
            raise KeyError("broken")
        return x, y

    dataset = Dataset.zip(Dataset.range(40), *map(Dataset.from_tensor_slices, digits))
    dataset = (dataset.filter(always) if sequential else dataset).map(fail).batch(8)
    model, expected = network(), network()
    with pytest.raises(PipelineError, match="'fail' failed at element 19: KeyError") as caught:
        model.fit(dataset, verbose=0)
    assert not threads()
    assert caught.value.index == 19
    expected.fit(slices(tuple(part[:16] for part in digits)), verbose=0)
    assert same(weights(model), weights(expected))


def test_a_batch_that_does_not_fit_comes_after_those_before_it(network, digits):
    def other(i, x, y):
        return (x[:4] if i == 24 else x), y

    dataset = Dataset.zip(Dataset.range(40), *map(Dataset.from_tensor_slices, digits)).map(other)
    assert network().fit(dataset.padded_batch(8), verbose=0).steps == [5]  # which makes them alike
    model, expected = network(), network()
    with pytest.raises(ShapeError, match="In epoch 0, batch 24 of the data set: x does not fit"):
        model.fit(dataset.batch(1), verbose=0)
    expected.fit(slices(tuple(part[:24] for part in digits), 1), verbose=0)
    assert same(weights(model), weights(expected))


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt])
@pytest.mark.parametrize("kind", PIPELINES)
def test_a_callback_that_raises_leaves_no_thread(network, digits, kind, error):
    model, expected = network(), network()

    def fail(batch, logs):
        if batch == 3:
            raise error("stop")

    callback = lk.callbacks.LambdaCallback(on_train_batch_end=fail)
    with pytest.raises(error):
        model.fit(PIPELINES[kind](digits), verbose=0, callbacks=callback)
    assert not threads()
    expected.fit(PIPELINES[kind](digits), steps=4, verbose=0)
    assert same(weights(model), weights(expected))


def test_an_interrupt_in_the_pipeline_ends_the_fit(network, digits):
    def interrupt(x, y):
        raise KeyboardInterrupt

    dataset = slices(digits).concatenate(slices(digits).map(interrupt))
    with pytest.raises(KeyboardInterrupt):
        network().fit(dataset, verbose=0)
    assert not threads()


def test_ctrl_c_while_the_model_waits_for_a_batch(network, digits):
    calls = []

    def slow(x, y):
        time.sleep(0.02)
        calls.append(threading.current_thread())
        if len(calls) == 14:  # in the pipeline's thread, while the model waits for the fourth batch
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        return x, y

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # some shells let their children ignore it
    try:
        with pytest.raises(KeyboardInterrupt):
            network().fit(Dataset.from_tensor_slices(digits).repeat().map(slow).batch(4), steps=40, verbose=0)
    finally:
        signal.signal(signal.SIGINT, before)
    assert calls[-1] is not threading.main_thread()
    assert not threads()


def test_loops_that_nobody_holds_leave_no_thread(network, digits):
    loop = TrainingLoop(network(), PIPELINES["threads"](digits))
    loop.run(2)
    assert threads()
    del loop
    require_no_threads()


def test_an_early_end_of_stretches_leaves_a_loop_that_can_go_on(network, digits):
    loop = TrainingLoop(network(), PIPELINES["threads"](digits))
    for _ in loop.stretches(12):
        break
    assert threads()
    loop.close()
    assert not threads()
    with loop, TrainingLoop(network(), PIPELINES["threads"](digits)) as whole:
        loop.run(12 - loop.step)
        whole.run(12)
        assert same(loop.state(), whole.state())


def test_batches_are_made_while_steps_run(network, digits):
    made = []

    def slow(x, y):
        made.append(threading.current_thread().name)
        time.sleep(0.001)
        return x, y

    network().fit(Dataset.from_tensor_slices(digits).map(slow).batch(4), epochs=2, verbose=0)
    main = threading.current_thread().name
    assert made[:4] == [main] * 4  # the first batch, which builds the model
    assert len(made) == 80
    assert set(made[4:]) == {"labkit-prefetch"}


def test_chunks_are_bounded(monkeypatch, digits):
    monkeypatch.setattr(chunk_cursor, "CHUNK_BYTES", 5000)
    sizes = []

    def prepare(columns, where):
        sizes.append(len(columns[0]))
        return [np.ascontiguousarray(columns[0])]

    batches = Chunks(Dataset.from_tensor_slices(digits).repeat().batch(4), prepare)
    batches.peek()
    for _ in range(30):
        batches.advance(len(batches.look(1000)[0]))
    batches.close()
    assert max(sizes) == 4  # of 1,024 bytes each


# --- refusals ---


@pytest.mark.parametrize(
    "options", [{"batch_size": 8}, {"shuffle": True}, {"seed": 1}, {"sample_weight": np.ones(40)}, {"y": np.ones(40)},
                {"validation_split": 0.5}]
)  # fmt: skip
def test_what_the_data_set_says_itself_is_refused(network, digits, options):
    with pytest.raises(InvalidArgumentError, match=f"fit of a Dataset takes no {next(iter(options))}"):
        network().fit(slices(digits), verbose=0, **options)


def test_single_examples_are_no_batches(network, digits):
    model = network()
    with pytest.raises(FeedError, match=r"single examples.*batch\(32\)"):
        model.fit(Dataset.from_tensor_slices(digits), verbose=0)
    with pytest.raises(FeedError, match=r"single examples.*batch\(32\)"):
        model.fit(Dataset.from_tensor_slices((digits[0], np.eye(4, dtype="f4")[digits[1]])), verbose=0)
    with pytest.raises(FeedError, match=r"single examples.*batch\(32\)"):
        model.predict(Dataset.from_tensor_slices(digits[0]))
    dense = lk.Sequential([lk.layers.Dense(3)])
    dense.compile("sgd", "mse")
    with pytest.raises(FeedError, match=r"no batches.*batch\(32\)"):
        dense.fit(Dataset.from_tensor_slices((np.ones((5, 7)), np.ones((5, 3)))), verbose=0)
    assert not dense.built


def test_generators_and_iterators_are_told_what_to_use(network, digits):
    generator = (batch for batch in slices(digits))
    for x in (generator, iter([1]), lambda: iter([1])):
        with pytest.raises(FeedError, match="from_generator"):
            network().fit(x, verbose=0)
    with pytest.raises(FeedError, match="not its iterator"):
        network().fit(iter(slices(digits)), verbose=0)
    for method in ("evaluate", "predict"):
        with pytest.raises(FeedError, match="from_generator"):
            getattr(network(), method)(iter([1]))


def test_elements_that_are_no_such_tuples(network, digits):
    with pytest.raises(FeedError, match="needs targets"):
        network().fit(slices(digits[0]), verbose=0)
    with pytest.raises(FeedError, match="a tuple of 4"):
        network().fit(slices((*digits, *digits)), verbose=0)
    with pytest.raises(InvalidArgumentError, match="takes no steps"):
        network().evaluate(*digits, steps=2)


def test_an_epoch_without_batches(network, digits):
    for empty in (slices(digits).take(0), slices(digits).filter(lambda x, y: False)):
        with pytest.raises(FeedError, match="Epoch 0 of the data set holds no batch"):
            network().fit(empty, verbose=0)
        with pytest.raises(FeedError, match="holds no batch"):
            network().evaluate(empty)


def test_nan_is_named(network, digits):
    x, y = digits[0].copy(), digits[1]
    x[33] = np.nan
    with pytest.raises(FeedError, match="last batches' x holds NaN"):
        network().fit(slices((x, y)), verbose=0, epochs=9)
    x[1] = np.nan
    with pytest.raises(FeedError, match="first batch's x holds NaN"):
        network().fit(slices((x, y)).prefetch(2).filter(always), verbose=0)
    assert not threads()


def test_validation_data_that_do_not_fit_are_refused_at_once(network, digits):
    model = network()
    model.build()
    before = model.get_weights()
    with pytest.raises(FeedError, match=r"validation data do not fit.*single examples"):
        model.fit(slices(digits), validation_data=Dataset.from_tensor_slices(digits), verbose=0)
    assert all(map(np.array_equal, before, model.get_weights()))


# --- the others ---


def test_find_learning_rate_takes_a_data_set(network, digits):
    model = network()
    model.evaluate(*digits)
    before = model.get_weights()
    found = model.find_learning_rate(slices(digits), steps=20)
    expected = network().find_learning_rate(*digits, 8, steps=20)
    assert len(found.losses) == len(expected.losses)
    assert found.losses[0] != expected.losses[0]  # these are shuffled
    assert all(map(np.array_equal, before, model.get_weights()))


def test_outputs_of_different_shapes_make_no_array():
    model = lk.Sequential([lk.layers.Input((None, 3)), lk.layers.Dense(2)])
    batches = Dataset.from_generator(lambda: (np.zeros((2, n, 3), np.float32) for n in (4, 5)))
    with pytest.raises(ShapeError, match=r"\(4, 2\) and \(5, 2\)"):
        model.predict(batches)


def test_evaluation_is_the_same_however_examples_are_cut(digits):
    x, y = digits
    model = lk.Sequential([lk.Input((8, 8, 1)), lk.layers.Flatten(), lk.layers.Dense(4)])
    loss = lk.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, metrics=["accuracy", "sparse_top_k_categorical_accuracy"])
    expected = model.evaluate(x, y, return_dict=True)
    for size in (1, 7, 40):
        assert model.evaluate(slices(digits, size), return_dict=True) == expected
        assert model.evaluate(slices(digits, size).filter(always), return_dict=True) == expected

"""What a model finds of its layers: those that refer to each other, appear in build, are replaced, or are gone."""

import copy
import gc
import pickle
import threading
import weakref

import numpy as np
import pytest

import labkit as lk
from labkit.errors import GraphError

RANDOM = np.random.default_rng(8)
X, Y = RANDOM.normal(size=(12, 3)).astype("float32"), RANDOM.normal(size=(12, 1)).astype("float32")
Dense, Input = lk.layers.Dense, lk.Input


class Two(lk.Model):
    def __init__(self):
        super().__init__()
        self.hidden, self.out = Dense(3), Dense(1)

    def call(self, inputs, training=False):
        return self.out(self.hidden(inputs))


class Chain(lk.layers.Layer):
    """Makes its sub-layers when it knows the input."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.parts, self.named = [], {"more": []}

    def build(self, input_shape):
        self.parts.append(Dense(3))
        self.named["more"].append(Dense(3))

    def call(self, inputs, training=False):
        for part in (*self.parts, *self.named["more"]):
            inputs = part(inputs)
        return inputs


def trained(model):
    model.compile("adam", "mse")
    model.fit(X, Y, epochs=1, batch_size=4, verbose=0)
    return model


def test_layers_may_refer_to_each_other():
    model = Two()
    model.hidden.owner = model
    assert len(trained(model).trainable_weights) == 4
    model.trainable = False
    assert model.trainable_weights == []


def test_layers_made_in_build_are_found_once_also_by_symbols():
    chain = trained(lk.Sequential([Input((3,)), Chain(), Dense(1)]))
    x = Input((3,))
    graph = trained(lk.Model(x, Dense(1)(Chain()(x))))
    assert list(graph.named_weights()) == list(chain.named_weights())
    assert len(chain.weights) == 6
    chain.layers[0](x)  # a built one, too, stays what it is
    assert len(chain.weights) == 6


@pytest.mark.parametrize("variable", [False, True])
def test_weights_made_in_call_are_refused(variable):
    class Careless(lk.layers.Layer):
        def call(self, inputs, training=False):
            return inputs * lk.Variable(1.0) if variable else Dense(3)(inputs)

    with pytest.raises(GraphError, match="training would not find"):
        trained(lk.Sequential([Input((3,)), Careless(), Dense(1)]))


def test_weights_made_in_the_training_call_alone_are_refused():
    class Careless(lk.layers.Layer):
        def call(self, inputs, training=False):
            return Dense(3)(inputs) if training else inputs

    model = lk.Sequential([Input((3,)), Careless(), Dense(1)])
    assert model.predict(X).shape == (12, 1)
    with pytest.raises(GraphError, match="training would not find"):
        trained(model)


@pytest.mark.parametrize("change", ["replace", "delete", "add"])
def test_a_built_models_layers_stay(change):
    model = trained(Two())
    if change == "delete":
        del model.hidden
    else:
        setattr(model, "hidden" if change == "replace" else "further", Dense(3))
    for attempt in (lambda: trained(model), model.get_weights, lambda: model.weights):
        with pytest.raises(GraphError, match="other layers than when it was built"):
            attempt()


def test_a_model_in_a_graph_of_the_programs_own_shows_its_weights():
    model = Two()
    with lk.Graph().as_default(), lk.Session() as session:
        output = model(lk.placeholder("float32", [None, 3]))
        assert len(model.weights) == len(model.trainable_weights) == len(lk.trainable_variables()) == 4
        session.run(lk.global_variables_initializer())
        assert output.shape.as_list() == [None, 1]
    with pytest.raises(GraphError, match="cannot stand in a model"):
        trained(model)


def test_models_that_nobody_holds_are_gone():
    def graph_of_a_model():
        steps = Input((4,), dtype="int32")
        vectors = lk.layers.Embedding(5, 3, mask_zero=True)(steps)
        model = lk.Model(steps, Dense(1)(lk.layers.LSTM(2)(vectors)))
        model.compile("adam", "mse")
        model.fit(np.ones((4, 4), "int32"), Y[:4], verbose=0)
        return weakref.ref(model.graph)

    graph = graph_of_a_model()
    gc.collect()
    assert graph() is None


def test_weights_cannot_be_copied_or_pickled_and_nothing_else_is_lost():
    model = lk.Sequential([Input((3,)), Dense(1)])
    twin = copy.deepcopy(model)
    assert np.array_equal(trained(twin).predict(X), trained(model).predict(X))
    for each in (model, model.layers[0]):
        for attempt in (copy.deepcopy, copy.copy, pickle.dumps):
            with pytest.raises(GraphError, match="cannot be copied or pickled"):
                attempt(each)


def test_a_layer_that_training_alone_uses_lives_where_the_model_does():
    class Helped(lk.Model):
        def __init__(self, helper):
            super().__init__()
            self.out, self.helper = Dense(1), helper

        def call(self, inputs, training=False):
            return self.out(inputs) + 0.0 * self.helper(inputs) if training else self.out(inputs)

    helper = Dense(1)
    model = trained(Helped(helper))
    x = Input((3,))
    assert trained(lk.Model(x, helper(x))).graph is model.graph


def test_threads_may_share_a_model_that_is_not_built_yet():
    models = [lk.Sequential([Input((3,)), Dense(4), Dense(1)]) for _ in range(5)]
    found = []

    def use():
        found.extend((model, model.predict(X)) for model in models)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 20
    assert all(np.array_equal(each, model.predict(X)) for model, each in found)

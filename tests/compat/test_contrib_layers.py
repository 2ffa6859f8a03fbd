"""tf.contrib.layers."""

import numpy as np
import pytest

import labkit as lk
import labkit.compat.v1 as tf


@pytest.mark.parametrize(
    ("known", "flat"), [([None, 2, 3], [None, 6]), ([4, 2, 3], [4, 6]), ([None, None, 3], [None, None]), ([4], [4, 1])]
)
def test_flatten(known, flat):
    with lk.Graph().as_default() as graph, lk.Session() as session:
        x = lk.placeholder(lk.float32, known)
        y = tf.contrib.layers.flatten(x, "ends")
        assert y.shape.as_list() == flat
        assert graph.get_collection("ends") == [y]
        value = np.arange(24.0)[: 4 if len(known) == 1 else 24].reshape([4, 2, 3][: len(known)])
        assert np.array_equal(session.run(y, {x: value}), value.reshape(4, -1))


def test_a_number_has_nothing_to_flatten():
    with lk.Graph().as_default(), pytest.raises(ValueError, match="at least one dimension"):
        tf.contrib.layers.flatten(lk.constant(1.0))

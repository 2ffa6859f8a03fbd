"""What the tests of layers share: running one, and the definitions in NumPy."""

import math

import numpy as np

import labkit as lk

erf = np.vectorize(math.erf)


def apply(layer, x, training=False):
    """The layer's output for `x`, and its weights, in a graph of its own; numbers that are not whole in float64."""
    x = np.asarray(x)
    x = x if x.dtype.kind == "i" else x.astype(np.float64)
    with lk.Graph().as_default(), lk.Session() as session:
        y = layer(lk.placeholder(x.dtype, [None, *x.shape[1:]], name="x"), training=training)
        assert y.shape.as_list()[0] is None
        assert None not in y.shape.as_list()[1:]
        session.run(lk.global_variables_initializer())
        return session.run(y, {"x:0": x}), [session.read(variable) for variable in layer.weights]


def places(size, window, stride, padding, dilation=1):
    """For each output along one dimension, the inputs that lie under the window: (tap, place) pairs."""
    reach = (window - 1) * dilation + 1
    out = -(-size // stride) if padding == "same" else -(-(size - reach + 1) // stride)
    before = max((out - 1) * stride + reach - size, 0) // 2 if padding == "same" else 0
    starts = [i * stride - before for i in range(out)]
    return [[(t, s + t * dilation) for t in range(window) if 0 <= s + t * dilation < size] for s in starts]


def pool2d(x, window, strides, padding, reduce):
    rows, columns = (places(x.shape[i + 1], window[i], strides[i], padding) for i in range(2))
    y = np.zeros((len(x), len(rows), len(columns), x.shape[-1]))
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            y[:, i, j] = reduce(x[:, [p for _, p in row]][:, :, [p for _, p in column]], axis=(1, 2))
    return y

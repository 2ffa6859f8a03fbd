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


def conv2d(x, kernel, strides=(1, 1), padding="valid", dilations=(1, 1), groups=1):
    """Cross-correlation, NHWC and HWIO, written as its definition."""
    rows, columns = (places(x.shape[i + 1], kernel.shape[i], strides[i], padding, dilations[i]) for i in range(2))
    y = np.zeros((len(x), len(rows), len(columns), kernel.shape[-1]))
    wide, many = x.shape[-1] // groups, kernel.shape[-1] // groups
    for g in range(groups):
        part, filters = x[..., g * wide : (g + 1) * wide], kernel[..., g * many : (g + 1) * many]
        for i, row in enumerate(rows):
            for j, column in enumerate(columns):
                for u, p in row:
                    for v, q in column:
                        y[:, i, j, g * many : (g + 1) * many] += part[:, p, q] @ filters[u, v]
    return y


def conv2d_transpose(x, kernel, strides, padding, dilations=(1, 1)):
    """Each number of x, times the kernel [kh, kw, out, in], added where a convolution would have met it."""
    reach = [(k - 1) * d + 1 for k, d in zip(kernel.shape, dilations, strict=False)]
    spare = [max(r - s, 0) for r, s in zip(reach, strides, strict=True)]
    size = [n * s + (e if padding == "valid" else 0) for n, s, e in zip(x.shape[1:3], strides, spare, strict=True)]
    rows, columns = (places(size[i], kernel.shape[i], strides[i], padding, dilations[i]) for i in range(2))
    y = np.zeros((len(x), *size, kernel.shape[2]))
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            for u, p in row:
                for v, q in column:
                    y[:, p, q] += x[:, i, j] @ kernel[u, v].T
    return y

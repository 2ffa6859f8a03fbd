"""Wrong shapes and settings are refused, with the layer, the rule, what came, and what to do."""

import inspect

import numpy as np
import pytest

import labkit as lk
from labkit.errors import InvalidArgumentError, ShapeError
from labkit.plugins import current_lab, settings_of


@pytest.mark.parametrize(
    ("make", "shape", "message"),
    [
        (lambda: lk.layers.MaxPooling1D(), [None, 8], r"\(MaxPooling1D\).*3 dimensions: \[batch, steps, channels\]"),
        (
            lambda: lk.layers.AvgPool2D(3),
            [None, 2, 9, 1],
            r"Dimension 1 is at least 3.*Use a smaller pool_size, or padd",
        ),
        (lambda: lk.layers.GlobalMaxPool2D(), [None, 8, 3], r"\(GlobalMaxPooling2D\).*4 dimensions"),
        (lambda: lk.layers.GlobalAvgPool1D(), [None, 0, 3], r"at least one step"),
        (lambda: lk.layers.Reshape((4, 2)), [None, 3, 3], r"shape \(4, 2\) has 8.*\(\?, 3, 3\): 9 for each.*-1 stands"),
        (lambda: lk.layers.Reshape((4, -1)), [None, 3, 3], r"a multiple of 4 elements"),
        (lambda: lk.layers.Permute((2, 1)), [None, 3, 3, 1], r"\(Permute\).*3 dimensions: the batch and the 2"),
        (lambda: lk.layers.RepeatVector(2), [None, 3, 3], r"\(RepeatVector\).*2 dimensions: \[batch, features\]"),
        (lambda: lk.layers.PReLU(), [None, None, 3], r"\(PReLU\) must know the size of its dimensions.*not shared"),
        (lambda: lk.layers.PReLU(shared_axes=3), [None, 5, 3], r"shared_axes=\(3,\)"),
        (lambda: lk.layers.SpatialDropout1D(0.5), [None, 5], r"\(SpatialDropout1D\).*3 dimensions"),
        (lambda: lk.layers.SpatialDropout2D(0.5), [None, 5, 3], r"\(SpatialDropout2D\).*4 dimensions"),
        (lambda: lk.layers.ZeroPadding1D(), [None, 5, 5, 3], r"\(ZeroPadding1D\).*3 dimensions"),
        (
            lambda: lk.layers.Cropping1D(3),
            [None, 6, 3],
            r"\(Cropping1D\).*at least 7.*shape \(\?, 6, 3\).*Cut off less",
        ),
        (lambda: lk.layers.Cropping2D((1, 3)), [None, 9, 6, 3], r"Dimension 2 is at least 7"),
        (lambda: lk.layers.UpSampling1D(), [None, 5], r"\(UpSampling1D\).*3 dimensions"),
        (
            lambda: lk.layers.UpSampling2D(interpolation="bilinear"),
            [None, None, 4, 1],
            r"must know the size of its height",
        ),
        (lambda: lk.layers.Conv2D(2, 3), [None, 28, 2, 1], r"Dimension 2 is at least 3.*smaller kernel_size.*same"),
        (lambda: lk.layers.Conv1D(2, 3, dilation_rate=4), [None, 8, 2], r"\(Conv1D\).*Dimension 1 is at least 9"),
        (lambda: lk.layers.Conv1D(2, 3), [None, 8, 2, 1], r"\(Conv1D\).*3 dimensions: \[batch, steps, channels\]"),
        (lambda: lk.layers.Conv2D(4, 1, groups=2), [None, 8, 8, 3], r"multiple of groups=2.*Choose groups that divide"),
        (lambda: lk.layers.DepthwiseConv2D(3), [None, 8, 8], r"\(DepthwiseConv2D\).*4 dimensions"),
        (lambda: lk.layers.Conv2DTranspose(2, 3), [None, 8, 8, None], r"\(Conv2DTranspose\) must know.*channels"),
        (
            lambda: lk.layers.LayerNormalization(2),
            [None, 8],
            r"\(LayerNormalization\).*from 1 to 1.*axis=-1 normalizes",
        ),
        (lambda: lk.layers.LayerNormalization((1, -1)), [None, 8], r"different dimensions"),
        (lambda: lk.layers.LayerNormalization(-2), [None, 8], r"different dimensions"),
        (lambda: lk.layers.LayerNormalization(), [None, None], r"must know the size of its normalized dimensions"),
        (lambda: lk.layers.Rescaling([1.0, 2.0]), [None, 3], r"2.*3|3.*2"),
    ],
)
def test_shapes(make, shape, message):
    with lk.Graph().as_default(), pytest.raises(ShapeError, match=message):
        make()(lk.placeholder(lk.float32, shape))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: lk.layers.MaxPooling1D(0), "pool_size is one positive int. Received: 0"),
        (lambda: lk.layers.MaxPooling2D(2, strides=(1, 2, 3)), "strides is one positive int, or two"),
        (lambda: lk.layers.AveragePooling1D(padding="causal"), "AveragePooling1D does not know that padding"),
        (lambda: lk.layers.Reshape((2, 0)), "of which one may be -1.*Received: \\(2, 0\\)"),
        (lambda: lk.layers.Reshape((-1, -1)), "of which one may be -1"),
        (lambda: lk.layers.Permute((0, 1)), "each once.*the batch is not counted"),
        (lambda: lk.layers.Permute((1.5, 1)), "each once"),
        (lambda: lk.layers.RepeatVector(-1), "positive whole number of repetitions. Received: -1"),
        (lambda: lk.layers.ReLU(max_value=-1), "ReLU's max_value is a finite number, from 0 on. Received: -1"),
        (lambda: lk.layers.LeakyReLU(None), "negative_slope is a finite number"),
        (lambda: lk.layers.ELU(float("nan")), "ELU's alpha is a finite number"),
        (lambda: lk.layers.PReLU(shared_axes=[0]), "from 1 on, 0 being the batch"),
        (lambda: lk.layers.GaussianNoise(-0.1), "GaussianNoise's stddev is a finite number, from 0 on"),
        (lambda: lk.layers.GaussianDropout(1), "GaussianDropout's rate.*below 1. Received: 1"),
        (lambda: lk.layers.SpatialDropout1D("half"), "SpatialDropout1D's rate.*'half'"),
        (lambda: lk.layers.Dropout(10**400), "Dropout's rate.*below 1"),
        (lambda: lk.layers.Dropout(10**30), "Dropout's rate.*below 1"),
        (
            lambda: lk.layers.ZeroPadding1D((1, 2, 3)),
            r"one whole number or \(before, after\), none negative.*\(1, 2, 3\)",
        ),
        (lambda: lk.layers.Cropping2D(((1, -1), (0, 0))), "Cropping2D's cropping is not understood.*none negative"),
        (lambda: lk.layers.UpSampling1D(1.5), "size is one positive int. Received: 1.5"),
        (lambda: lk.layers.UpSampling2D(interpolation="cubic"), 'It is "nearest" or "bilinear". Received: \'cubic\''),
        (lambda: lk.layers.Rescaling("big"), "Rescaling's scale is a finite number, or several. Received: 'big'"),
        (lambda: lk.layers.Rescaling(1, [0, np.inf]), "Rescaling's offset is a finite number"),
        (lambda: lk.layers.Conv1D(0, 3), "Conv1D needs a positive whole number of filters. Received: 0"),
        (lambda: lk.layers.Conv2D(3, 3, groups=2), "cannot have such groups.*Groups divide the filters"),
        (lambda: lk.layers.Conv2DTranspose(4, 3, groups=2), "It has one group"),
        (lambda: lk.layers.Conv2D(3, 3, padding="causal"), "Conv2D does not know that padding"),
        (lambda: lk.layers.Conv1D(3, 3, padding="full"), 'It is "valid" or "same" or "causal"'),
        (lambda: lk.layers.Conv1D(3, (3, 3)), "kernel_size is one positive int. Received"),
        (lambda: lk.layers.DepthwiseConv2D(3, depth_multiplier=0), "depth_multiplier. Received: 0"),
        (lambda: lk.layers.LayerNormalization(axis=0), "none of them the batch, 0"),
        (lambda: lk.layers.LayerNormalization(epsilon=0), "epsilon is positive. Received: 0"),
        (lambda: lk.layers.Embedding(0, 2), "positive whole number of rows, input_dim. Received: 0"),
        (lambda: lk.layers.Embedding(5, 2.0), "row length, output_dim. Received: 2.0"),
        (lambda: lk.layers.PadToSize(0, 3), "PadToSize needs a positive whole number for its height"),
    ],
)
def test_settings(make, message):
    with pytest.raises((InvalidArgumentError, ShapeError), match=message):
        make()


def test_a_reshape_that_only_a_run_can_refuse():
    with lk.Graph().as_default(), lk.Session() as session:
        x = lk.placeholder(lk.float32, [None, None, 2])
        y = lk.layers.Reshape((4,))(x)
        assert session.run(y, {x: np.zeros((3, 2, 2))}).shape == (3, 4)
        with pytest.raises(lk.errors.LabkitError):
            session.run(y, {x: np.zeros((4, 3, 2))})


def test_a_table_too_long_for_numbers_in_float32():
    with lk.Graph().as_default(), pytest.raises(InvalidArgumentError, match=r"up to 2\*\*24.*dtype=\"int32\""):
        lk.layers.Embedding(2**24 + 1, 1)(lk.placeholder(lk.float32, [None, 2]))


def test_settings_may_come_from_numpy():
    assert lk.layers.Dropout(np.float32(0.5)).rate == 0.5
    assert lk.layers.Conv2D(np.int64(2), np.array([3, 3])).kernel_size == (3, 3)


@pytest.mark.parametrize(
    ("layer", "first", "second"),
    [
        (lk.layers.Cropping1D(2), [None, 9, 2], [None, 4, 2]),
        (lk.layers.GlobalMaxPooling1D(), [None, 9, 2], [None, 9, 9, 2]),
        (lk.layers.Permute((2, 1)), [None, 9, 2], [None, 9, 2, 2]),
        (lk.layers.Conv1D(2, 3), [None, 9, 2], [None, 2, 2]),
        (lk.layers.Conv1D(2, 3), [None, 9, 2], [None, 9, 3]),
    ],
    ids=repr,
)
def test_a_second_call_with_a_shape_that_does_not_fit(layer, first, second):
    with lk.Graph().as_default():
        layer(lk.placeholder(lk.float32, first))
        with pytest.raises(ShapeError):
            layer(lk.placeholder(lk.float32, second))


def test_a_setting_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(
        InvalidArgumentError, match=r"layer Dense has no setting 'unit'. .*units, activation.*Did you mean 'units'"
    ):
        lk.layers.Dense(3, unit=1)
    with pytest.raises(
        InvalidArgumentError, match=r"DepthwiseConv2D has no setting 'foo'.* depth_multiplier,.* input_shape"
    ):
        lk.layers.DepthwiseConv2D(3, foo=1)

    class Mine(lk.layers.Dense):
        def __init__(self, units, mine=1, **kwargs):
            super().__init__(units, **kwargs)

    with pytest.raises(InvalidArgumentError, match=r"layer Mine has no setting 'nine'.* are units, mine, activation"):
        Mine(3, nine=2)


@pytest.mark.parametrize("name", [record.name for record in current_lab().registry("layers").records()])
def test_every_layer_refuses_an_unknown_setting(name):
    made = getattr(lk.layers, name)
    needed = [
        p for p in inspect.signature(made).parameters.values() if p.default is p.empty and p.kind is not p.VAR_KEYWORD
    ]
    with pytest.raises((InvalidArgumentError, TypeError), match=None if needed else "no_such_setting") as refused:
        made(no_such_setting=1)
    assert needed or refused.type is InvalidArgumentError


def test_the_algorithm_of_convolutions():
    with lk.Graph().as_default():
        x = lk.placeholder(lk.float32, [None, 32, 32, 64])
        for algorithm in ("direct", "winograd"):
            y = lk.layers.Conv2D(64, 3, algorithm=algorithm)(x)
            assert algorithm in lk.explain_plan(y, shapes={x: (2, 32, 32, 64)})
        assert settings_of(lk.layers.Conv2D(64, 3, algorithm="direct"))["algorithm"] == "direct"
    with pytest.raises(InvalidArgumentError, match=r"'auto' or 'direct' or 'winograd'.*'fft'"):
        lk.layers.Conv2D(4, 3, algorithm="fft")
    for layer in (lk.layers.Conv1D, lk.layers.Conv2DTranspose):
        with pytest.raises(InvalidArgumentError, match="no such algorithm"):
            layer(4, 3, algorithm="winograd")

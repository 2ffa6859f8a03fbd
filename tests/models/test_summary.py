"""summary: what each layer keeps, weights, biases and the rest apart; totals that count everything once."""

import importlib.util
from pathlib import Path

import numpy as np

import labkit as lk

Dense, Input = lk.layers.Dense, lk.Input

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


def summary(model):
    """(the columns' names, name -> the cells of its line, the last line)."""
    lines = []
    model.summary(print_fn=lines.append)
    _, header, _, *rows, foot = lines[0].splitlines()
    cells = [[cell.strip() for cell in row.split("  ") if cell.strip()] for row in rows if not row.startswith("--")]
    return header.split(), {row[0].split()[0]: row[1:] for row in cells}, foot


def vgg(width=1.0):
    spec = importlib.util.spec_from_file_location("vgg_mnist", EXPERIMENTS / "vgg_mnist.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.vgg(width)


def test_weights_are_counted_apart_from_biases(network):
    model = network()
    header, rows, foot = summary(model)
    assert header == ["Layer", "Output", "shape", "Weights", "Biases"]
    assert rows["input"] == ["(?, 8, 8, 1)"]
    assert rows["conv2d"] == ["(?, 8, 8, 3)", "27", "3"]
    assert rows["max_pool2d"] == ["(?, 4, 4, 3)", "0", "0"]
    assert rows["dense"] == ["(?, 8)", "384", "8"]
    assert rows["dense_1"] == ["(?, 4)", "32", "4"]
    assert rows["total"] == ["443", "15"]
    assert foot == "458 parameters, 458 of them trained"
    assert model.count_params() == 458


def test_the_vgg_model_has_the_weights_of_the_blogs_table():
    """Learn TensorFlow Now, part 8, "Modified VGGNet"; the table's first row, 1,728, is that of three colours."""
    _, rows, _ = summary(vgg())
    shown = [(cells[0], int(cells[1].replace(",", ""))) for cells in list(rows.values())[1:-1]]
    assert shown == [
        ("(?, 32, 32, 1)", 0),  # padded
        ("(?, 32, 32, 64)", 576),
        ("(?, 32, 32, 64)", 36_864),
        ("(?, 16, 16, 64)", 0),
        ("(?, 16, 16, 128)", 73_728),
        ("(?, 16, 16, 128)", 147_456),
        ("(?, 8, 8, 128)", 0),  # the table says 256 channels here and 512 below: those of the convolutions that follow
        ("(?, 8, 8, 256)", 294_912),
        ("(?, 8, 8, 256)", 589_824),
        ("(?, 8, 8, 256)", 589_824),
        ("(?, 4, 4, 256)", 0),
        ("(?, 4, 4, 512)", 1_179_648),
        ("(?, 4, 4, 512)", 2_359_296),
        ("(?, 4, 4, 512)", 2_359_296),
        ("(?, 2, 2, 512)", 0),
        ("(?, 2048)", 0),
        ("(?, 4096)", 8_388_608),
        ("(?, 10)", 40_960),
    ]
    assert rows["total"] == ["16,060,992", "6,794"]


def test_scales_and_statistics_are_neither_weights_nor_biases():
    class Counting(lk.layers.Layer):
        """x W, and a count that training does not learn."""

        def build(self, input_shape):
            self.W = self.add_weight("W", (input_shape[-1], 2))
            self.count = self.add_weight("count", (5,), "zeros", trainable=False)

        def call(self, inputs):
            return lk.matmul(inputs, self.W)

    layers = [Input((4,)), lk.layers.LayerNormalization(), Dense(3), lk.layers.PReLU(), Counting()]
    model = lk.Sequential(layers)
    header, rows, foot = summary(model)
    assert header[-3:] == ["Weights", "Biases", "Other"]
    assert [cells[-3:] for cells in rows.values()][1:] == [
        ["0", "0", "8"], ["12", "3", "0"], ["0", "0", "3"], ["6", "0", "5"], ["18", "3", "16"],
    ]  # fmt: skip
    assert foot == "37 parameters, 32 of them trained, 5 not"


def test_a_frozen_layers_weights_are_weights_that_are_not_trained():
    model = lk.Sequential([Input((4,)), Dense(3, trainable=False), Dense(2)])
    for frozen in (True, False):
        model.layers[0].trainable = not frozen
        header, rows, foot = summary(model)
        assert "Other" not in header
        assert rows["total"] == ["18", "5"]
        assert foot == f"23 parameters, {8 if frozen else 23} of them trained{', 15 not' if frozen else ''}"


def test_several_inputs_and_outputs_shared_layers_and_models_in_models():
    inner = lk.Sequential([Input((4,)), Dense(3)], name="encoder")
    left, right = Input((4,), name="left"), Input((4,), name="right")
    joined = lk.layers.Concatenate()([inner(left), inner(right)])
    model = lk.Model([left, right], [Dense(1, name="one")(joined), Dense(2, name="two")(joined)])
    _, rows, foot = summary(model)
    assert list(rows) == ["left", "right", "encoder", "concatenate", "one", "two", "total"]
    assert rows["left"] == rows["right"] == ["(?, 4)"]
    assert rows["encoder"] == ["(?, 3)", "12", "3"]  # used twice, counted once
    assert rows["total"] == ["30", "6"]
    assert foot.startswith("36 parameters")


def test_what_layers_share_counts_once_in_the_total():
    x = Input((4,))
    inner = lk.Sequential([Input((4,)), Dense(3)], name="encoder")
    _, rows, _ = summary(lk.Model(x, [inner(x), inner.layers[0](x)]))
    assert rows["encoder"] == rows["dense"] == ["(?, 3)", "12", "3"]
    assert rows["total"] == ["12", "3"]


def test_a_layer_of_several_outputs_and_one_that_is_never_called():
    class Halves(lk.layers.Layer):
        def call(self, inputs):
            return lk.split(inputs, 2, axis=1)

    class Program(lk.Model):
        def __init__(self):
            super().__init__()
            self.halves, self.used, self.spare = Halves(), Dense(1), Dense(5)

        def call(self, inputs):
            left, right = self.halves(inputs)
            return self.used(left + right)

    model = Program()
    model.predict(np.zeros((2, 6)))
    _, rows, _ = summary(model)
    assert rows["halves"] == ["(?, 3), (?, 3)", "0", "0"]
    assert rows["dense_1"] == ["not used", "0", "0"]

"""Summaries in the graph: names and tags, what the bytes hold, what they cost a run, and that looking changes nothing."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from tensorboard.compat.proto.summary_pb2 import Summary

import labkit as lk
from labkit.core.passes.program import Program
from labkit.core.verify import verify_graph
from labkit.errors import DTypeError, InvalidArgumentError, ShapeError
from labkit.summary.images import stretched
from tests.summary.reading import accumulate


@pytest.fixture(autouse=True)
def graph():
    with lk.Graph().as_default() as graph:
        yield graph
        verify_graph(graph)


def values(summary, feeds=None, session=None):
    """The values of a summary in the default graph, by tag."""
    with session or lk.Session() as running:
        running.run(lk.global_variables_initializer())
        data = running.run(summary, feeds)
    assert type(data) is bytes
    found = Summary.FromString(data).value
    assert len({v.tag for v in found}) == len(found)
    return {v.tag: v for v in found}


def pixels(value):
    image = np.array(Image.open(io.BytesIO(value.image.encoded_image_string)))
    assert image.shape[:2] == (value.image.height, value.image.width)
    return image.reshape(value.image.height, value.image.width, value.image.colorspace)


# --- names ---

TAGS = [
    ("loss", "loss:0", "loss"),
    ("loss", "loss_1:0", "loss_1"),
    ("W1:0", "W1_0:0", "W1_0"),
    ("a b", "a_b:0", "a_b"),
    ("Loss", "Loss_2:0", "Loss_2"),
    ("/abs", "abs:0", "abs"),
    ("a/b", "a/b:0", "a/b"),
    ("a.b-c_d/e", "a.b-c_d/e:0", "a.b-c_d/e"),
    ("1st", "1st:0", "1st"),
    ("a:b:c", "a_b_c:0", "a_b_c"),
    (".dot", ".dot:0", ".dot"),
    ("a\\b", "a_b_1:0", "a_b_1"),
    ("a>b", "a_b_2:0", "a_b_2"),
    ("tab\tx", "tab_x:0", "tab_x"),
    ("trail/", "trail:0", "trail"),
    ("a/ b", "a/_b:0", "a/_b"),
]
"""Names given one after the other in one graph, and the tensors' names and tags that TensorFlow 2.21 makes of them."""


def test_awkward_names_become_the_tags_that_tensorflow_makes():
    made = [lk.summary.scalar(name, lk.constant(1.0)) for name, _, _ in TAGS]
    assert [x.name for x in made] == [name for _, name, _ in TAGS]
    assert [next(iter(values(x))) for x in made] == [tag for _, _, tag in TAGS]


def test_scopes_and_families():
    x = lk.constant(1.0)
    with lk.name_scope("Loss"):
        inside = lk.summary.scalar("value", x)
        family = lk.summary.scalar("loss", x, family="fam ily")
    outside = lk.summary.scalar("loss", x)
    again = lk.summary.scalar("loss", x, family="fam ily")
    assert [s.name for s in (inside, family, outside, again)] == [
        "Loss/value:0", "Loss/fam_ily/loss:0", "loss_1:0", "fam_ily/loss:0",
    ]  # fmt: skip
    assert [next(iter(values(s))) for s in (inside, family, outside, again)] == [
        "Loss/value", "fam_ily/Loss/fam_ily/loss", "loss_1", "fam_ily/fam_ily/loss",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["", "/", None, 3, "_under", "%"])
def test_a_summary_needs_a_name(name):
    with pytest.raises(InvalidArgumentError):
        lk.summary.scalar(name, 1.0)


# --- kinds ---


@pytest.mark.parametrize("dtype", [lk.float32, lk.float64, lk.int32, lk.int64, lk.uint8])
def test_a_scalar(dtype):
    assert values(lk.summary.scalar("x", lk.constant(3, dtype)))["x"].simple_value == 3


def test_scalars_of_any_value_and_from_variables_and_numbers():
    v = lk.Variable(2.5, name="v")
    found = values([lk.summary.scalar("a", v), lk.summary.scalar("b", 7), lk.summary.merge_all()][-1])
    assert found["a"].simple_value == 2.5
    assert found["b"].simple_value == 7
    for number in (np.nan, np.inf, 1e300):
        shown = values(lk.summary.scalar("c", lk.constant(number, lk.float64))).popitem()[1].simple_value
        np.testing.assert_equal(shown, np.float64(number) if number < 1e300 or np.isnan(number) else np.inf)


def test_what_is_no_scalar():
    with pytest.raises(ShapeError, match="single number"):
        lk.summary.scalar("x", [1.0])
    with pytest.raises(DTypeError):
        lk.summary.scalar("x", True)
    with pytest.raises(DTypeError):
        lk.summary.scalar("x", "text")
    x = lk.placeholder(lk.float32)
    shown = lk.summary.scalar("x", x)
    with lk.Session() as session, pytest.raises(ShapeError, match="single number"):
        session.run(shown, {x: [1.0]})


@pytest.mark.parametrize("dtype", [lk.float32, lk.float64, lk.int32, lk.int64, lk.uint8])
def test_a_histogram_is_the_native_one(dtype):
    x = np.random.default_rng(0).normal(size=(50, 7)) * 20 + 60
    x = x.clip(0, 255).astype(dtype.numpy)
    histo = values(lk.summary.histogram("h", x))["h"].histo
    expected = lk.summary.Histogram.of(x)
    assert len(histo.bucket) == len(histo.bucket_limit) == 64
    assert (list(histo.bucket), list(histo.bucket_limit)) == (expected.counts.tolist(), expected.limits.tolist())
    assert (histo.min, histo.max, histo.num) == (x.min(), x.max(), x.size)
    assert (histo.sum, histo.sum_squares) == (expected.total, expected.total_of_squares)


def test_numbers_that_are_not_finite_are_counted_apart():
    found = values(lk.summary.histogram("h", [1.0, np.nan, 2.0, np.inf, -np.inf]))
    assert found["h"].histo.num == 2
    assert found["h"].histo.max == 2
    assert found["h/non_finite"].simple_value == 3
    assert set(values(lk.summary.histogram("g", [1.0]))) == {"g"}
    assert values(lk.summary.histogram("e", np.zeros(0, np.float32)))["e"].histo.num == 0


def test_a_histogram_is_of_numbers():
    for wrong in (True, "text"):
        with pytest.raises(DTypeError, match="'h' is a histogram of no numbers"):
            lk.summary.histogram("h", wrong)


def test_text():
    one = values(lk.summary.text("notes", lk.constant("**bold** ü")))["notes"]
    assert list(one.tensor.string_val) == ["**bold** ü".encode()]
    assert one.metadata.plugin_data.plugin_name == "text"
    table = values(lk.summary.text("table", [["a", "b"], ["c", "d"]]))["table"]
    assert list(table.tensor.string_val) == [b"a", b"b", b"c", b"d"]
    assert [d.size for d in table.tensor.tensor_shape.dim] == [2, 2]
    with pytest.raises(DTypeError):
        lk.summary.text("t", 1.0)


# --- images ---


def test_images_have_tags_and_numbers():
    x = lk.placeholder(lk.float32, [None, 2, 3, 1])
    three, one, many = (lk.summary.image("im", x, max_outputs=n) for n in (3, 1, 9))
    feeds = {x: np.zeros((5, 2, 3, 1))}
    assert list(values(three, feeds)) == ["im/image/0", "im/image/1", "im/image/2"]
    assert list(values(one, feeds)) == ["im_1/image"]
    assert list(values(many, feeds)) == [f"im_2/image/{i}" for i in range(5)]
    assert list(values(three, {x: np.zeros((1, 2, 3, 1))})) == ["im/image/0"]
    assert list(values(three, {x: np.zeros((0, 2, 3, 1))})) == []


def test_bytes_are_shown_as_they_are():
    for channels in (1, 3, 4):
        x = np.random.default_rng(0).integers(0, 256, (2, 5, 4, channels)).astype(np.uint8)
        found = values(lk.summary.image("im", x))
        np.testing.assert_array_equal([pixels(v) for v in found.values()], x)


def test_numbers_are_stretched_to_the_range_of_each_image():
    x = np.array([[0, 0.25, 0.5], [0, 1, 2], [-1, 0, 0.5], [0, 0, 0], [-4, 0, 4], [1e-7, 0, 0]], np.float32)
    found = values(lk.summary.image("im", x.reshape(6, 1, 3, 1), max_outputs=6))
    shown = [pixels(v).reshape(-1).tolist() for v in found.values()]
    assert shown == [[0, 127, 255], [0, 127, 255], [1, 128, 191], [0, 0, 0], [1, 128, 255], [0, 0, 0]]


def test_pixels_that_are_not_finite_are_red():
    x = np.ones((1, 1, 3, 4), np.float32)
    x[0, 0, 1, 2], x[0, 0, 2, 0] = np.nan, np.inf
    assert pixels(values(lk.summary.image("im", x)).popitem()[1])[0].tolist() == [
        [255] * 4,
        [255, 0, 0, 255],
        [255, 0, 0, 255],
    ]
    grey = np.array([np.nan, 0, 2], np.float32).reshape(1, 1, 3, 1)
    assert pixels(values(lk.summary.image("im", grey)).popitem()[1]).reshape(-1).tolist() == [255, 0, 255]
    nothing = np.full((1, 1, 1, 3), -np.inf, np.float32)
    assert pixels(values(lk.summary.image("im", nothing)).popitem()[1]).reshape(-1).tolist() == [255, 0, 0]


def random_images():
    rng = np.random.default_rng(8)
    for number in range(60):
        channels, kind = (1, 3, 4)[number % 3], number % 5
        x = rng.normal(size=(2, 5, 6, channels)) * 10.0 ** rng.integers(-5, 6)
        if kind == 1:
            x = np.abs(x)
        if kind in (2, 3):
            x[rng.random(x.shape) < 0.1] = np.nan if kind == 2 else np.inf
        yield from x.astype(np.float64 if number % 2 else np.float32)


def test_pixels_are_those_of_tensorflow_to_the_byte():
    # The digest is that of the pixels in TensorFlow 2.21's summaries of these 120 images.
    digest = hashlib.sha256()
    for image in random_images():
        digest.update(stretched(image).tobytes())
    assert digest.hexdigest()[:16] == "bc1a5ce638279f21"


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((2, 3, 1), lk.float32),
        ((1, 2, 3, 2), lk.float32),
        ((1, 0, 2, 3), lk.float32),
        ((1, 2, 2, 3), lk.int32),
        ((1, 2, 2, 1), lk.bool),
    ],
)
def test_what_is_no_image(shape, dtype):
    with pytest.raises((ShapeError, DTypeError)):
        lk.summary.image("im", np.zeros(shape, dtype.numpy))


def test_at_least_one_image():
    with pytest.raises(InvalidArgumentError, match="at least 1"):
        lk.summary.image("im", np.zeros((1, 2, 2, 1)), max_outputs=0)


def test_the_weights_of_a_softmax_regression_look_like_digits():
    # As a first course does it: the columns of W as pictures, 28 x 28 each.
    columns = np.zeros((784, 10), np.float32)
    columns[np.arange(10) * 29, np.arange(10)] = 1  # a bright pixel on the diagonal, another place for each digit
    columns[0, 5] = -2
    w = lk.Variable(columns, name="W")
    images = lk.expand_dims(lk.transpose(lk.reshape(w, [28, 28, 10]), [2, 0, 1]), -1)
    found = values(lk.summary.image("W", images, max_outputs=10))
    assert len(found) == 10
    for digit in range(10):
        shown = pixels(found[f"W_1/image/{digit}"])[..., 0]
        assert shown.shape == (28, 28)
        if digit != 5:
            assert shown[digit, digit] == 255
            assert np.count_nonzero(shown) == 1
        else:
            assert (shown[5, 5], shown[0, 0], shown[1, 0]) == (191, 1, 128)


# --- several ---


def test_merging():
    a, b = lk.summary.scalar("a", 1.0), lk.summary.scalar("b", 2.0, collections=["mine"])
    h = lk.summary.histogram("h", [1.0])
    assert lk.get_default_graph().get_collection("summaries") == [a, h]
    everything = lk.summary.merge_all()
    assert everything.name == "Merge/MergeSummary:0"
    assert set(values(everything)) == {"a", "h"}
    assert set(values(lk.summary.merge_all("mine"))) == {"b"}
    assert lk.summary.merge([a, b], name="both").name == "both/both:0"
    assert set(values(lk.summary.merge([everything, b]))) == {"a", "b", "h"}
    kept = lk.summary.merge([a], collections=["merged"])
    assert lk.get_default_graph().get_collection("merged") == [kept]


def test_merging_a_scope():
    with lk.name_scope("train"):
        lk.summary.scalar("loss", 1.0)
    lk.summary.scalar("test", 1.0)
    assert set(values(lk.summary.merge_all(scope="tr"))) == {"train/loss"}
    assert lk.summary.merge_all(scope="rain") is None


def test_nothing_to_merge():
    assert lk.summary.merge_all() is None
    with pytest.raises(InvalidArgumentError, match="no summary"):
        lk.summary.merge([])


def test_a_tag_is_merged_once():
    a = lk.summary.scalar("a", 1.0)
    for inputs in ([a, a], [lk.summary.merge([a]), a]):
        with pytest.raises(InvalidArgumentError, match="Duplicate tag a found"):
            lk.summary.merge(inputs)


# --- in a run ---


def network():
    """A training step with everything that a summary can look at."""
    lk.set_random_seed(1)
    x = lk.placeholder(lk.float32, [None, 6], name="x")
    w = lk.Variable(lk.random_normal([6, 4]), name="w")
    noisy = lk.nn.dropout(x @ w, keep_prob=0.5)
    loss = lk.reduce_mean(lk.square(noisy - 1))
    (slope,) = lk.gradients(loss, [w])
    step = w.assign_sub(slope * 0.1)
    return x, w, loss, slope, step


def test_looking_changes_nothing():
    x, w, loss, slope, step = network()
    lk.summary.scalar("loss", loss)
    lk.summary.histogram("w", w)
    lk.summary.histogram("slope", slope)
    lk.summary.image("pictures", lk.reshape(x, [-1, 2, 3, 1]))
    lk.summary.text("note", lk.string_join(["loss ", lk.as_string(loss)]))
    merged = lk.summary.merge_all()
    data = np.random.default_rng(0).normal(size=(20, 7, 6))
    seen = []
    for look in (False, True):
        with lk.Session() as session:
            session.run(lk.global_variables_initializer())
            losses = []
            for rows in data:
                fetches = [step, loss, merged] if look else [step, loss]
                losses.append(session.run(fetches, {x: rows})[1].tobytes())
            seen.append((losses, {name: value.tobytes() for name, value in session.state().items()}))
    assert seen[0] == seen[1]


def test_all_summaries_of_a_training_step_cost_one_stage():
    x, w, loss, slope, step = network()
    for i in range(10):
        lk.summary.scalar(f"loss{i}", loss * i)
    lk.summary.histogram("w", w)
    lk.summary.text("note", lk.string_join(["loss ", lk.as_string(loss)]))
    program = Program([lk.summary.merge_all(), step], [], [x])
    (stage,) = program.stages
    assert step.op in stage.sequence
    assert slope.op in stage.sequence
    assert slope not in stage.exports


def test_a_summary_shows_the_value_at_the_start_of_the_run_or_what_it_depends_on():
    v = lk.Variable(1.0, name="v")
    write = v.assign_add(1.0)
    before, after = lk.summary.scalar("before", v), lk.summary.scalar("after", write)
    found = values(lk.summary.merge([before, after]))
    assert (found["before"].simple_value, found["after"].simple_value) == (1, 2)


def test_a_function_that_fails_beside_a_summary_still_comes_before_the_write():
    v = lk.Variable(1.0)

    def fail():
        raise ValueError("no")

    shown, write = lk.summary.scalar("v", v), v.assign_add(1.0)
    with lk.Session() as session:
        session.run(lk.global_variables_initializer())
        with pytest.raises(InvalidArgumentError):
            session.run([shown, write, lk.py_func(fail, [], lk.float32)])
        assert session.run(v) == 1


def test_a_wrong_shape_is_told_before_the_write():
    v, x = lk.Variable(1.0), lk.placeholder(lk.float32)
    shown, write = lk.summary.image("im", x), v.assign_add(1.0)
    with lk.Session() as session:
        session.run(lk.global_variables_initializer())
        with pytest.raises(ShapeError, match=r"Images are \[number"):
            session.run([shown, write], {x: np.zeros(3)})
        assert session.run(v) == 1


def test_many_steps_in_one_call_give_each_steps_summary():
    x = lk.placeholder(lk.float32, [])
    shown = lk.summary.scalar("x", x)
    with lk.Session() as session:
        found = session.run(shown, {x: np.arange(3.0)}, steps=3)
    assert [Summary.FromString(data).value[0].simple_value for data in found] == [0, 1, 2]


def test_not_inside_a_branch():
    with pytest.raises(DTypeError, match="text exists on the host only"):
        lk.cond(lk.constant(True), lambda: lk.summary.scalar("a", 1.0), lambda: lk.summary.scalar("b", 1.0))


def test_an_event_file_of_fetched_summaries(tmp_path):
    x = lk.placeholder(lk.float32, [])
    lk.summary.scalar("x", x)
    lk.summary.histogram("h", lk.reshape(x, [1]))
    lk.summary.image("im", lk.reshape(x, [1, 1, 1, 1]))
    merged = lk.summary.merge_all()
    with lk.Session() as session, lk.summary.EventWriter(tmp_path) as writer:
        for step in range(3):
            writer.summary(session.run(merged, {x: step}), step)
        writer.summary(Summary(value=[Summary.Value(tag="own", simple_value=5)]), 1)
    read = accumulate(tmp_path)
    assert [(e.step, e.value) for e in read.Scalars("x")] == [(0, 0), (1, 1), (2, 2)]
    assert [e.value for e in read.Scalars("own")] == [5]
    assert len(read.Histograms("h")) == 3
    assert len(read.Images("im/image/0")) == 3


def test_what_is_no_summary_is_refused_at_once(tmp_path):
    with lk.summary.EventWriter(tmp_path) as writer:
        for wrong in ("text", b"\xff\xff", 1.5, None, np.zeros(3)):
            with pytest.raises(InvalidArgumentError, match="no Summary"):
                writer.summary(wrong, 1)
        with pytest.raises(InvalidArgumentError, match="no Event"):
            writer.event(b"\xff\xff")


def test_building_summaries_loads_no_protobufs():
    code = (
        "import sys, labkit as lk; lk.summary.scalar('a', 1.0); lk.summary.merge_all(); "
        "assert not {'tensorboardX', 'PIL', 'google.protobuf'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

"""Text: constants, placeholders and the operations on it, which Python computes; and everything that refuses it."""

from __future__ import annotations

import numpy as np
import pytest

import labkit as lk
from labkit.core.convert import as_array
from labkit.core.opdef import OPS
from labkit.core.verify import verify_graph
from labkit.errors import DTypeError, FeedError, GraphError, InvalidArgumentError, NotFoundError, ShapeError


@pytest.fixture(autouse=True)
def graph():
    with lk.Graph().as_default() as graph:
        yield graph
        verify_graph(graph)


def run(fetches, feeds=None):
    with lk.Session() as session:
        return session.run(fetches, feeds)


def test_the_first_program_of_every_course():
    hello = lk.constant("Hello, TensorFlow!")
    assert str(hello) == 'Tensor("Const:0", shape=(), dtype=string)'
    result = run(hello)
    assert result == b"Hello, TensorFlow!"
    assert type(result) is bytes


def test_arrays_of_text_are_arrays_of_bytes():
    texts = lk.constant([["a", b"b"], ["ü", "d" * 1000]])
    assert texts.shape.as_list() == [2, 2]
    result = run(texts)
    assert result.dtype == object
    assert result.tolist() == [[b"a", b"b"], ["ü".encode(), b"d" * 1000]]
    result[0, 0] = b"changed"
    assert run(texts)[0, 0] == b"a"
    assert run(lk.constant("x", shape=[2])).tolist() == [b"x", b"x"]
    assert run(lk.constant(np.array(["a", "b"]))).tolist() == [b"a", b"b"]
    assert run(lk.constant(b"a\0b\0")) == b"a\0b\0"


@pytest.mark.parametrize("value", ["text", b"text", np.array("text"), np.array(b"text", object), np.str_("text")])
def test_a_placeholder_of_text_is_fed_text_of_every_kind(value):
    x = lk.placeholder(lk.string)
    assert run(x, {x: value}) == b"text"


def test_a_fed_text_meets_numbers_in_one_run():
    x, y = lk.placeholder(lk.string, [None]), lk.placeholder(lk.float32, [None])
    z = lk.reduce_sum(y) * 2
    for _ in range(2):  # planned, and again
        got = run([lk.string_join([x, lk.as_string(z, precision=1)], "="), lk.shape(x), z], {x: ["a", "b"], y: [1, 2]})
        assert got[0].tolist() == [b"a=6.0", b"b=6.0"]
        assert got[1].tolist() == [2]
        assert got[2] == 6


def test_a_number_alone_does_not_need_the_text_that_is_fed_beside_it():
    x, y = lk.placeholder(lk.string), lk.placeholder(lk.float32)
    assert run(y + 1, {x: "unused", y: 1}) == 2


def test_steps_take_text_too():
    x = lk.placeholder(lk.string, [None])
    count = lk.strings.length(x)
    with lk.Session() as session:
        batches = lk.Batches(np.array(["a", "bb", "ccc"]), np.array([[0, 1], [2, 2]]))
        assert session.run(count, {x: batches}, steps=2).tolist() == [[1, 2], [3, 3]]
        assert session.run(x, {x: [["a"], ["b"]]}, steps=2).tolist() == [[b"a"], [b"b"]]


def test_arranging_text():
    x = lk.placeholder(lk.string, [None])
    fetches = [
        lk.identity(x),
        lk.reshape(x, [2, -1]),
        lk.stack([x, x])[1],
        lk.gather(x, [1, 0]),
        lk.squeeze(lk.expand_dims(x, 0)),
        lk.concat([x, ["z"]], 0)[::-1],
        lk.where(lk.equal(x, "a"), x, lk.constant("-")),
        lk.not_equal(x, ["a", "a", "c", "c"]),
        lk.size(x),
        lk.placeholder_with_default(x[0], []),
    ]
    got = run(fetches, {x: list("abcd")})
    assert [np.asarray(v).tolist() for v in got] == [
        [b"a", b"b", b"c", b"d"],
        [[b"a", b"b"], [b"c", b"d"]],
        [b"a", b"b", b"c", b"d"],
        [b"b", b"a"],
        [b"a", b"b", b"c", b"d"],
        [b"z", b"d", b"c", b"b", b"a"],
        [b"a", b"-", b"-", b"-"],
        [False, True, False, True],
        4,
        b"a",
    ]
    assert got[7].dtype == np.bool_
    with pytest.raises(InvalidArgumentError, match="out of bounds"):
        run(lk.gather(x, [9]), {x: list("abcd")})


def test_a_fed_text_in_the_middle_stands():
    x = lk.string_join(["a", "b"])
    assert run(lk.strings.upper(x), {x: "fed"}) == b"FED"


def test_equal_texts_are_shared_and_different_ones_are_not():
    a, b, c = lk.constant("same"), lk.constant("same"), lk.constant("other")
    assert run([lk.strings.upper(x) for x in (a, b, c)]) == [b"SAME", b"SAME", b"OTHER"]


def test_as_string():
    # The texts are what TensorFlow 2.21 gives.
    third, big = lk.constant(np.float32(3.14159265)), lk.constant(np.float64(1e20))
    cases = [
        (lk.as_string(third), b"3.141593"),
        (lk.as_string(big), b"100000000000000000000.000000"),
        (lk.as_string([7, -1]), [b"7", b"-1"]),
        (lk.as_string(True, width=8), b"true"),
        (lk.as_string(np.inf), b"inf"),
        (lk.as_string(third, precision=2), b"3.14"),
        (lk.as_string(third, scientific=True), b"3.141593e+00"),
        (lk.as_string(big, shortest=True), b"1e+20"),
        (lk.as_string(third, shortest=True, precision=2), b"3.1"),
        (lk.as_string(7, width=8, fill="0"), b"00000007"),
        (lk.as_string(7, width=8, fill="-"), b"7       "),
        (lk.as_string(np.nan, width=8), b"     nan"),
    ]
    for value, (_, expected) in zip(run([tensor for tensor, _ in cases]), cases, strict=True):
        assert (value.tolist() if isinstance(value, np.ndarray) else value) == expected
    with pytest.raises(DTypeError, match="floating"):
        lk.as_string(7, precision=2)
    with pytest.raises(InvalidArgumentError, match="At most one"):
        lk.as_string(third, scientific=True, shortest=True)


def test_joining():
    assert run(lk.strings.join(["a", ["b", "c"], "d"], "-")).tolist() == [b"a-b-d", b"a-c-d"]
    assert run(lk.string_join(["a", "b"])) == b"ab"
    with pytest.raises(ShapeError, match="one shape"):
        lk.string_join([["a"], ["b", "c"]])
    with pytest.raises(DTypeError, match="as_string"):
        lk.string_join(["a", lk.constant(1)])


def test_lengths_and_letters():
    x = lk.constant(["aü", ""])
    assert run(lk.strings.length(x)).tolist() == [3, 0]
    assert run(lk.strings.length(x, unit="UTF8_CHAR")).tolist() == [2, 0]
    assert run([lk.strings.lower("AÜ"), lk.strings.upper("aü"), lk.strings.strip(" a\t\n")]) == [
        "aÜ".encode(),
        "Aü".encode(),
        b"a",
    ]


def test_numbers_from_text():
    assert run(lk.string_to_number(["1", " 2.5 ", "1e3", "-.5"])).tolist() == [1, 2.5, 1000, -0.5]
    assert run(lk.string_to_number("12", lk.int64)) == 12
    for text, dtype in (
        ("x", lk.float32),
        ("", lk.float32),
        ("1.5", lk.int32),
        ("1_0", lk.int32),
        ("9" * 10, lk.int32),
    ):
        with pytest.raises(InvalidArgumentError, match="no number"):
            run(lk.string_to_number(text, dtype))


def test_reading_a_file(tmp_path):
    (tmp_path / "data").write_bytes(b"\x00\xff")
    assert run(lk.read_file(str(tmp_path / "data"))) == b"\x00\xff"
    with pytest.raises(NotFoundError, match="nowhere"):
        run(lk.read_file("/nowhere/at/all"))


def test_printing_and_asserting_with_text(capfd):
    x = lk.placeholder(lk.string, [None])
    assert run(lk.Print(x, [x[0], x], "texts:"), {x: ["ü", "b"]}).tolist() == ["ü".encode(), b"b"]
    assert capfd.readouterr().err == "texts: ü ['ü' 'b']\n"
    with pytest.raises(InvalidArgumentError, match=r"Received: is b\.$"):
        run(lk.Assert(lk.equal(x[0], "a"), ["is", x[0]]), {x: ["b"]})


def test_a_python_function_takes_and_gives_text():
    x = lk.placeholder(lk.string, [None])
    y = lk.py_func(lambda texts: [t + b"!" for t in texts], [x], lk.string)
    assert run(y, {x: ["a", "b"]}).tolist() == [b"a!", b"b!"]
    assert run(lk.py_func(lambda: "text", [], lk.string)) == b"text"
    with pytest.raises(DTypeError, match="no text"):
        run(lk.py_func(lambda: 1, [], lk.string))


def test_text_goes_through_a_graph_description():
    x = lk.placeholder(lk.string, [None], name="x")
    shown = lk.Print(x, ["x is", x], first_n=1, name="shown")
    with lk.control_dependencies([lk.Assert(lk.not_equal(x, ""), ["an empty text in", x], name="filled")]):
        lk.string_join([shown, lk.constant([b"\xff\0", "ü"])], "-", name="y")
    described = lk.GraphDef.from_json(lk.get_default_graph().as_graph_def().to_json())
    with lk.Graph().as_default() as again:
        lk.import_graph_def(described, name="")
        with lk.Session(again) as session:
            assert session.run("y:0", {"x:0": ["a", "b"]}).tolist() == [b"a-\xff\0", "b-ü".encode()]
            with pytest.raises(InvalidArgumentError, match=r"an empty text in \['a' ''\]"):
                session.run("y:0", {"x:0": ["a", ""]})


# --- what refuses text ---


@pytest.mark.parametrize(
    "build",
    [
        lambda x: x + 1,
        lambda x: x + "b",
        lambda x: x * x,
        lambda x: x < "b",
        lambda x: lk.cast(x, lk.float32),
        lambda x: lk.cast(1.0, lk.string),
        lambda x: lk.constant("1", lk.float32),
        lambda x: lk.constant(1, lk.string),
        lambda x: lk.constant(["a", 1]),
        lambda x: lk.constant([1.0]) + "a",
        lambda x: lk.zeros([2], lk.string),
        lambda x: lk.zeros_like(x),
        lambda x: lk.transpose(x),
        lambda x: lk.stop_gradient(x),
        lambda x: lk.gradients(x, x),
        lambda x: lk.Variable("text"),
        lambda x: lk.get_variable("v", [2], lk.string),
        lambda x: lk.unique(lk.reshape(x, [1])),
        lambda x: lk.placeholder(lk.float32) + x,
        lambda x: as_array([["a"], ["b", "c"]]),
        lambda x: as_array("\ud800"),
    ],
)
def test_numbers_and_text_do_not_mix(build):
    with pytest.raises(DTypeError):
        build(lk.constant("a"))


def test_every_operation_without_a_word_about_text_refuses_it():
    for record in OPS.values():
        if not record.text and record.inputs:
            with pytest.raises(DTypeError, match=f"{record.name} computes with numbers"):
                record.out_dtypes([lk.string] * len(record.inputs), dict.fromkeys(record.attrs))


def test_loops_and_branches_refuse_text():
    x = lk.placeholder(lk.string, [None])
    for build in (
        lambda: lk.cond(lk.constant(True), lambda: x, lambda: x),
        lambda: lk.cond(lk.constant(True), lambda: lk.constant("a"), lambda: lk.constant("b")),
        lambda: lk.map_fn(lambda t: t, x),
        lambda: lk.while_loop(lambda t: lk.constant(False), lambda t: [t], [x]),
    ):
        with pytest.raises((GraphError, DTypeError), match="text"):
            build()


def test_feeds_of_the_wrong_kind():
    x, y = lk.placeholder(lk.string, [None]), lk.placeholder(lk.float32)
    with pytest.raises(FeedError, match="Text is a str"):
        run(x, {x: [1]})
    with pytest.raises(FeedError, match="Text is a str"):
        run(x, {x: np.array([None])})
    with pytest.raises(FeedError, match="shape"):
        run(x, {x: "a"})
    with pytest.raises(FeedError, match="list of equal-length lists of numbers"):
        run(y, {y: "a"})


def test_names_of_the_dtype():
    for value in (lk.string, "string", str, bytes, np.dtype("S3"), np.dtype("U1"), np.object_):
        assert lk.as_dtype(value) is lk.string
    with pytest.raises(DTypeError):
        lk.as_dtype("text")

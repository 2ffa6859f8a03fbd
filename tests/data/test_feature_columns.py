"""Feature columns: from the columns of a table to the numbers that a model multiplies."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

import labkit as lk
from labkit.data.columns import read_columns
from labkit.errors import DataError, FeedError, InvalidArgumentError, NotFoundError, ResourceExhaustedError

fc = lk.feature_column

TABLE = {
    "age": np.array([17, 20, 34, 61]),
    "point": np.array([[1.0, -2.0], [0.5, 0.0], [3.0, 4.0], [-1.0, 9.0]]),
    "job": np.array(["clerk", "farmer", "", "pirate"]),
    "size": np.array([2, 0, -1, 1]),
}
AGE = fc.numeric_column("age")
JOB = fc.categorical_column_with_vocabulary_list("job", ["farmer", "clerk"])
SIZE = fc.categorical_column_with_identity("size", 3)
HASHED = fc.categorical_column_with_hash_bucket("job", 10)


def test_numbers_as_they_are_and_scaled():
    scaled = fc.numeric_column("age", normalizer_fn=lambda x: (x - 33) / 10)
    point = fc.numeric_column("point", shape=2)
    encoded = fc.input_layer(TABLE, [point, scaled])
    assert encoded.dtype == np.float32
    np.testing.assert_array_equal(encoded[:, :2], TABLE["point"])
    np.testing.assert_allclose(encoded[:, 2], [-1.6, -1.3, 0.1, 2.8], rtol=1e-6)


def test_a_bucket_begins_at_its_boundary():
    buckets = fc.bucketized_column(AGE, [20, 34.5, 60])
    np.testing.assert_array_equal(fc.input_layer(TABLE, buckets).argmax(1), [0, 1, 1, 3])
    tenths = fc.bucketized_column(AGE, [0.1, 0.7])
    for dtype in ("float32", "float64"):  # 0.7 as float32 is less than 0.7 as float64
        assert tenths.ids({"age": np.array([0.1, 0.7], dtype)}).tolist() == [[1], [2]]


def test_each_of_several_numbers_has_ranges_of_its_own():
    buckets = fc.bucketized_column(fc.numeric_column("point", 2), [0.0, 3.0])
    assert buckets.width == 6
    expected = [[0, 1, 0, 1, 0, 0], [0, 1, 0, 0, 1, 0], [0, 0, 1, 0, 0, 1], [1, 0, 0, 0, 0, 1]]
    np.testing.assert_array_equal(fc.input_layer(TABLE, buckets), expected)


def test_words_in_and_outside_the_vocabulary():
    np.testing.assert_array_equal(fc.input_layer(TABLE, JOB), [[0, 1], [1, 0], [0, 0], [0, 0]])
    default = fc.categorical_column_with_vocabulary_list("job", ["farmer", "clerk"], default_value=1)
    np.testing.assert_array_equal(fc.input_layer(TABLE, default), [[0, 1], [1, 0], [0, 0], [0, 1]])  # "" is no word
    spread = fc.categorical_column_with_vocabulary_list("job", ["farmer", "clerk"], num_oov_buckets=3)
    encoded = fc.input_layer(TABLE, spread)
    assert encoded.shape == (4, 5)
    assert encoded.sum(1).tolist() == [1, 1, 0, 1]
    assert encoded[3, 2:].sum() == 1


def test_a_vocabulary_of_numbers():
    column = fc.categorical_column_with_vocabulary_list("n", [30, 10])
    table = {"n": np.array([10.0, np.nan, 30.0, 20.0])}  # as pandas has whole numbers of which some are missing
    np.testing.assert_array_equal(fc.input_layer(table, column), [[0, 1], [0, 0], [1, 0], [0, 0]])


def test_whole_numbers_as_categories():
    np.testing.assert_array_equal(fc.input_layer(TABLE, SIZE), [[0, 0, 1], [1, 0, 0], [0, 0, 0], [0, 1, 0]])
    default = fc.categorical_column_with_identity("age", 30, default_value=29)
    assert default.ids(TABLE).ravel().tolist() == [17, 20, 29, 29]


def test_an_indicator_is_its_column():
    np.testing.assert_array_equal(fc.input_layer(TABLE, fc.indicator_column(JOB)), fc.input_layer(TABLE, JOB))
    assert fc.input_layer(TABLE, [JOB, fc.indicator_column(JOB)]).shape == (4, 4)


def test_a_cross_tells_combinations_apart():
    table = {"a": np.repeat(["x", "y", "z"], 4), "b": np.tile([0, 1, 2, 3], 3)}
    cross = fc.crossed_column(["a", "b"], 100_000)
    ids = cross.ids(table)
    assert ids.shape == (12, 1)
    assert len(set(ids.ravel().tolist())) == 12
    assert ids.min() >= 0
    assert ids.max() < 100_000
    again = {key: values[::-1] for key, values in table.items()}
    np.testing.assert_array_equal(cross.ids(again), ids[::-1])  # nothing but the combination counts
    assert fc.input_layer(table, fc.crossed_column(["a", "b"], 7)).sum() == 12


def test_a_cross_of_columns_of_categories():
    cross = fc.crossed_column([JOB, fc.bucketized_column(AGE, [20, 60])], 1000)
    ids = cross.ids(TABLE).ravel()
    assert (ids >= 0).tolist() == [True, True, False, False]  # those without a job have no combination
    assert cross.name == "age_bucketized_X_job"
    pairs = fc.crossed_column([fc.bucketized_column(fc.numeric_column("point", 2), [0.0]), "size"], 1000)
    assert pairs.ids(TABLE).shape == (4, 2)  # each of an example's two ranges with its size
    assert fc.input_layer(TABLE, pairs).sum(1).tolist() == [2, 2, 0, 2]


def test_texts_and_numbers_fall_into_buckets():
    table = {"name": np.array(["ada", "", "bob", "ada", "Bob"]), "code": np.array([7, -1, 8, 7, 1007])}
    for key in table:
        ids = fc.categorical_column_with_hash_bucket(key, 10**6).ids(table).ravel()
        assert ids[1] == -1
        assert ids[0] == ids[3]
        assert len(set(ids.tolist())) == 4
    few = fc.categorical_column_with_hash_bucket("name", 2).ids({"name": [f"n{i}" for i in range(1000)]})
    assert 400 < few.sum() < 600  # a hash spreads evenly
    same = [
        np.array(["ada", "é"]),
        np.array([np.str_("ada"), "é"], object),
        pd.Series(["ada", "é"], dtype="category"),
        np.array([b"ada", "é".encode()], object),
        pd.Series(["ada", "é"]),
    ]
    column = fc.categorical_column_with_hash_bucket("name", 1000)
    assert len({str(column.ids({"name": words}).tolist()) for words in same}) == 1


@pytest.mark.parametrize(
    "column",
    [
        "lk.feature_column.categorical_column_with_hash_bucket('a', 1000)",
        "lk.feature_column.categorical_column_with_vocabulary_list('a', ['x'], num_oov_buckets=1000)",
        "lk.feature_column.crossed_column(['a', 'b'], 1000)",
    ],
)
def test_buckets_are_the_same_in_every_process(column):
    code = f"import labkit as lk; print({column}.ids({{'a': ['y', 'ä'], 'b': [3, 4]}}).ravel().tolist())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found = eval(column).ids({"a": ["y", "ä"], "b": [3, 4]})
    assert done.stdout.strip() == str(found.ravel().tolist())


def test_the_hash_is_pinned():  # models that are saved depend on it
    hashed = fc.categorical_column_with_hash_bucket("a", 10**6).ids({"a": ["x", "labkit", "ä"]})
    assert hashed.ravel().tolist() == [258058, 212336, 443504]
    assert fc.crossed_column(["a", "b"], 10**6).ids({"a": ["x"], "b": [3]}).tolist() == [[588372]]


def test_a_vocabulary_in_a_file(tmp_path):
    path = tmp_path / "jobs.txt"
    path.write_text("farmer\nclerk\n smith \n", encoding="utf-8")
    column = fc.categorical_column_with_vocabulary_file("job", path)
    assert column == fc.categorical_column_with_vocabulary_list("job", ["farmer", "clerk", "smith"])
    path.unlink()  # it was read when the column was made
    assert column.ids(TABLE).ravel().tolist() == [1, 0, -1, -1]
    path.write_text("farmer\nclerk\nsmith\n")
    two = fc.categorical_column_with_vocabulary_file("job", str(path), vocabulary_size=2, num_oov_buckets=4)
    assert two.num_buckets == 6


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\nb\na\n", r"different words.*'a' on lines 1 and 3"),
        (b"a\n\nb\n", r"line 2, '', is empty"),
        (b"", r"too few words.*at least 1"),
        (b"\xff\xfe", r"cannot be read.*UTF-8"),
    ],
)
def test_files_that_are_no_vocabulary(content, message, tmp_path):
    path = tmp_path / "words.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        fc.categorical_column_with_vocabulary_file("job", path)
    with pytest.raises(NotFoundError, match=r"no such vocabulary file"):
        fc.categorical_column_with_vocabulary_file("job", tmp_path / "none.txt")
    path.write_bytes(b"a\nb\n")
    with pytest.raises(DataError, match=r"too few words.*3.*2"):
        fc.categorical_column_with_vocabulary_file("job", path, vocabulary_size=3)


def test_weighted_categories_are_the_sums_of_their_weights():
    table = {"word": np.array([["a", "b", "a"], ["c", "", "z"]]), "times": np.array([[1.0, 2.5, 3.0], [4.0, 9.0, 9.0]])}
    words = fc.categorical_column_with_vocabulary_list("word", ["a", "b", "c"])
    weighted = fc.weighted_categorical_column(words, "times")
    np.testing.assert_array_equal(fc.input_layer(table, weighted), [[4.0, 2.5, 0], [0, 0, 4.0]])
    np.testing.assert_array_equal(fc.input_layer(table, words), [[2, 1, 0], [0, 0, 1]])
    assert weighted.name == "word_weighted_by_times"


def test_numbers_are_normalized_by_the_training_data():
    random = np.random.default_rng(1)
    train = {
        "age": random.normal(40, 9, 500),
        "point": random.normal([1.0, -5.0], [2.0, 0.1], (500, 2)),
        "same": np.full(500, 0.1),  # whose mean, as it is computed, is another number
        "gap": np.where(np.arange(500) % 5, random.normal(7, 2, 500), np.nan),
        "job": random.choice(["a", "b"], 500),
        "yes": random.random(500) < 0.5,
    }
    columns = fc.normalized_columns(train)
    assert [column.name for column in columns] == ["age", "point", "same", "gap"]
    x = fc.input_layer(train, columns).astype(np.float64)
    np.testing.assert_allclose(x.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(x[:, :3].std(0), 1, rtol=1e-6)
    np.testing.assert_array_equal(x[:, 3], 0)  # what never changes
    known = np.arange(500) % 5 > 0
    np.testing.assert_array_equal(x[~known, 4], 0)  # the mean stands for what is missing
    np.testing.assert_allclose(x[known, 4].std(), 1, rtol=1e-6)
    test = {"age": np.array([np.nan]), "gap": np.array([np.nan])}
    with pytest.raises(FeedError, match="'age' lacks numbers"):
        fc.input_layer(test, fc.normalized_columns(train, ["age"]))
    assert fc.input_layer(test, fc.normalized_columns(pd.DataFrame({"gap": train["gap"]}))).tolist() == [[0.0]]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "bb", "", "ü", "z"]), st.integers(-1, 4), st.floats(-3, 3)),
        min_size=2,
        max_size=30,
    ),
    st.integers(1, 29),
    st.randoms(),
)
def test_what_becomes_of_an_example_does_not_depend_on_the_others(rows, place, random):
    """So batches of a pipeline are what the whole table is, and any order of the rows will do."""
    number = fc.numeric_column("x", mean=1.0, std=2.0)
    word = fc.categorical_column_with_vocabulary_list("word", ["a", "bb"], num_oov_buckets=5)
    size = fc.categorical_column_with_identity("n", 5)
    hashed, ranges = fc.categorical_column_with_hash_bucket("word", 97), fc.bucketized_column(number, [-1.0, 0.5])
    columns = [
        number,
        ranges,
        size,
        fc.crossed_column([hashed, size, ranges], 1000),
        fc.crossed_column(["word", "n"], 99),
    ]

    def read(some):
        table = {key: np.array([row[i] for row in some]) for i, key in enumerate(("word", "n", "x"))}
        return {**read_columns(columns, table), "words": word.ids(table)}

    whole, first, rest = read(rows), read(rows[: place % len(rows)] or rows), read(rows[place % len(rows) :])
    if place % len(rows):
        for name, values in whole.items():
            np.testing.assert_array_equal(np.concatenate([first[name], rest[name]]), values)
    order = list(range(len(rows)))
    random.shuffle(order)
    for name, values in read([rows[i] for i in order]).items():
        np.testing.assert_array_equal(values, whole[name][order])


def test_a_column_is_made_again_of_its_description():
    times = fc.weighted_categorical_column(SIZE, "times")
    columns = [
        fc.numeric_column("point", 2, default_value=[1.0, 2.0], mean=[0.0, 1.0], std=2.0),
        fc.bucketized_column(AGE, [20, 60]),
        JOB,
        fc.indicator_column(fc.crossed_column([JOB, "age", fc.bucketized_column(AGE, [1.0])], 50)),
        fc.embedding_column(fc.categorical_column_with_hash_bucket("job", 9), 3, "sqrtn", {"name": "zeros"}, False),
        *fc.shared_embeddings([SIZE, times], 2),
    ]
    descriptions = json.loads(json.dumps([fc.described(column) for column in columns]))
    assert fc.as_columns(descriptions) == columns
    assert [eval(repr(column), vars(fc)) for column in columns[:3]] == columns[:3]


def test_a_pandas_frame_is_a_table():
    frame = pd.DataFrame({"age": [17, None, 34], "job": ["clerk", None, "farmer"], "size": [1, 2, None]})
    frame = frame.astype({"size": "Int64"})
    columns = [fc.numeric_column("age", default_value=-1), JOB, SIZE]
    expected = [[17, 0, 1, 0, 1, 0], [-1, 0, 0, 0, 0, 1], [34, 1, 0, 0, 0, 0]]
    np.testing.assert_array_equal(fc.input_layer(frame, columns), expected)
    ages = frame.assign(age=frame["age"].astype("Int64"))
    np.testing.assert_array_equal(fc.input_layer(ages, columns), expected)


def test_no_examples():
    empty = {key: values[:0] for key, values in TABLE.items()}
    columns = [AGE, fc.numeric_column("point", 2), fc.bucketized_column(AGE, [1.0]), JOB, SIZE]
    cross = fc.crossed_column(["job", "size"], 5)
    assert fc.input_layer(empty, [*columns, cross]).shape == (0, 1 + 2 + 2 + 2 + 3 + 5)


def test_more_categories_than_memory_holds():
    table = {"a": np.zeros(10**6, int), "b": np.zeros(10**6, int)}
    with pytest.raises(ResourceExhaustedError, match=r"1000000 examples of 2147483647 categories.*embedding_column"):
        fc.input_layer(table, fc.crossed_column(["a", "b"], 2**31 - 1))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fc.input_layer({"ages": [1]}, AGE), r"no column 'age'; did you mean 'ages'\?"),
        (lambda: fc.input_layer({}, AGE), r"columns none"),
        (lambda: fc.input_layer(np.zeros((3, 2)), AGE), r"are no table.*dict of arrays by column"),
        (lambda: fc.input_layer({"age": ["17", "x"]}, AGE), r"'age' holds something that is no number.*vocabulary_list"),
        (lambda: fc.input_layer({"age": np.array([1, "x"], object)}, AGE), r"no number.*'x'"),
        (lambda: fc.input_layer({"age": 3}, AGE), r"'age' is no array"),
        (lambda: fc.input_layer({"age": [[1], [2, 3]]}, AGE), r"'age' is no array"),
        (lambda: fc.input_layer({"age": [1.0, np.nan]}, AGE), r"lacks numbers.*NaN in 1 of 2 examples.*default_value"),
        (lambda: fc.input_layer({"age": np.zeros((3, 2))}, AGE), r"\[examples, 1\].*shape \(3, 2\)"),
        (lambda: fc.input_layer({**TABLE, "age": [1, 2]}, [AGE, JOB]), r"different numbers of examples.*'age': 2, 'job': 4"),
        (lambda: fc.crossed_column(["job", "age"], 9).ids({**TABLE, "age": [1, 2]}), r"different numbers of examples"),
        (lambda: fc.crossed_column(["job", "age"], 9).ids({**TABLE, "age": [1]}), r"different numbers of examples"),
        (lambda: fc.input_layer(TABLE, fc.categorical_column_with_identity("age", 20)), r"no category.*0 to 19.*20"),
        (lambda: fc.input_layer({"job": [1, 2]}, JOB), r"categories are texts.*Received: 1"),
        (lambda: fc.input_layer({"job": np.array(["clerk", 0], object)}, JOB), r"categories are texts.*Received: 0"),
        (lambda: fc.input_layer({"size": ["1"]}, SIZE), r"whole numbers.*'1'"),
        (lambda: fc.input_layer({"size": [0.5]}, SIZE), r"whole numbers.*0\.5.*bucketized_column"),
        (lambda: fc.crossed_column(["point", "job"], 9).ids(TABLE), r"whole numbers.*bucketized_column"),
        (lambda: fc.input_layer(TABLE, fc.numeric_column("age", normalizer_fn=np.mean)), r"return as many numbers"),
        (lambda: fc.input_layer({"job": [["a"], ["b", "c"]]}, HASHED), r"'job' is no array"),
        (lambda: fc.input_layer({"job": np.array([["a"], 1, []], object)}, HASHED), r"holds something that is no category"),
        (lambda: fc.input_layer({"job": [0.5]}, HASHED), r"whole numbers.*0\.5"),
        (lambda: fc.input_layer(TABLE, fc.weighted_categorical_column(SIZE, "point")), r"numbers \[4, 2\] for"),
        (lambda: fc.input_layer({"size": [1], "w": [np.nan]}, fc.weighted_categorical_column(SIZE, "w")), r"finite.*NaN"),
        (lambda: fc.input_layer({"size": [1], "w": ["x"]}, fc.weighted_categorical_column(SIZE, "w")), r"'w' holds.*no number"),
        (lambda: fc.normalized_columns(TABLE, ["job"]), r"'job' holds something that is no number"),
        (lambda: fc.normalized_columns({"a": [np.nan, np.nan]}, ["a"]), r"no mean.*none"),
        (lambda: fc.normalized_columns({"a": [np.inf, 1.0]}), r"no mean.*1 infinite"),
        (lambda: fc.normalized_columns(3), r"no table"),
    ],
)  # fmt: skip
def test_tables_that_do_not_fit(make, message):
    with pytest.raises(FeedError, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fc.input_layer(TABLE, []), r"no feature columns.*none"),
        (lambda: fc.input_layer(TABLE, ["age"]), r"no feature columns.*'age'"),
        (lambda: fc.input_layer(TABLE, [AGE, AGE]), r"Two feature columns have one name.*'age'"),
        (lambda: fc.numeric_column(3), r"name of a table's column"),
        (lambda: fc.input_layer(TABLE, None), r"no feature columns.*None"),
        (lambda: fc.numeric_column("age", 0), r"from 1 on"),
        (lambda: fc.numeric_column("age", 2.5), r"from 1 on.*2\.5"),
        (lambda: fc.numeric_column("age", default_value="x"), r"missing number"),
        (lambda: fc.numeric_column("age", normalizer_fn=3), r"normalizer_fn is a function"),
        (lambda: fc.categorical_column_with_vocabulary_list("job", "abc"), r"given in a list.*'abc'"),
        (lambda: fc.categorical_column_with_vocabulary_list("job", None), r"given in a list"),
        (lambda: fc.bucketized_column(JOB, [1]), r"takes a numeric column"),
        (lambda: fc.bucketized_column(AGE, []), r"numbers that rise"),
        (lambda: fc.bucketized_column(AGE, [1, 1]), r"numbers that rise"),
        (lambda: fc.bucketized_column(AGE, [0, np.inf]), r"finite"),
        (lambda: fc.categorical_column_with_vocabulary_list("job", []), r"no list of different texts"),
        (lambda: fc.categorical_column_with_vocabulary_list("job", ["a", 1]), r"no list of different texts"),
        (lambda: fc.categorical_column_with_vocabulary_list("job", ["a", "a"]), r"no list of different texts"),
        (lambda: fc.categorical_column_with_vocabulary_list("job", ["a"], default_value=1), r"default_value.*from -1 to 0"),
        (lambda: fc.categorical_column_with_vocabulary_list("job", ["a"], 0, 2), r"or further categories"),
        (lambda: fc.categorical_column_with_vocabulary_list("job", ["a"], num_oov_buckets=-1), r"from 0 to"),
        (lambda: fc.categorical_column_with_identity("size", 0), r"num_buckets"),
        (lambda: fc.categorical_column_with_identity("size", 3, 3), r"from 0 to 2.*3"),
        (lambda: fc.crossed_column(["job"], 10), r"at least two"),
        (lambda: fc.crossed_column(["job", JOB], 10), r"at least two different"),
        (lambda: fc.crossed_column(["job", AGE], 10), r"bucketized_column"),
        (lambda: fc.crossed_column(["job", "size"], 0), r"hash_bucket_size"),
        (lambda: fc.crossed_column(["job", "size"], 10**30), r"from 1 to 2147483647"),
        (lambda: fc.indicator_column(AGE), r"column of categories"),
        (lambda: fc.embedding_column(AGE, 3), r"column of categories"),
        (lambda: fc.embedding_column(JOB, 0), r"dimension.*from 1 on"),
        (lambda: fc.embedding_column(JOB, 3, "max"), r"mean, sum, sqrtn.*'max'"),
        (lambda: fc.input_layer(TABLE, fc.embedding_column(JOB, 3)), r"has weights.*DenseFeatures"),
        (lambda: fc.shared_embeddings([JOB, SIZE], 3), r"same categories.*'job': 2, 'size': 3"),
        (lambda: fc.shared_embeddings([], 3), r"no columns"),
        (lambda: fc.weighted_categorical_column(AGE, "w"), r"column of categories"),
        (lambda: fc.weighted_categorical_column(JOB, 3), r"name of a table's column"),
        (lambda: fc.categorical_column_with_hash_bucket("job", 0), r"hash_bucket_size"),
        (lambda: fc.categorical_column_with_vocabulary_file("job", 3), r"path of a file"),
        (lambda: fc.numeric_column("age", mean=3), r"mean and std together"),
        (lambda: fc.numeric_column("age", mean=3, std=0), r"above 0"),
        (lambda: fc.numeric_column("age", mean=3, std=[1, 2]), r"divided by std.*\[1, 2\]"),
        (lambda: fc.numeric_column("age", mean=np.nan, std=1), r"mean is subtracted"),
        (lambda: fc.numeric_column("age", mean=1, std=1, normalizer_fn=abs), r"or by a normalizer_fn"),
        (lambda: fc.normalized_columns({"job": ["a"]}), r"no columns of numbers"),
        (lambda: fc.as_columns({"name": "numeric_column", "kee": "a"}), r"numeric_column does not make this column"),
        (lambda: fc.as_columns({"name": "input_layer", "key": "a"}), r"no feature columns"),
    ],
)  # fmt: skip
def test_columns_that_cannot_be(make, message):
    with pytest.raises(InvalidArgumentError, match=message):
        make()

"""Splits: parts that have nothing in common, exact counts, nested fractions, groups that stay together; duplicates."""

import collections
import itertools
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

import labkit as lk
from labkit.datasets.split import Split
from labkit.errors import InvalidArgumentError

RANDOM = np.random.default_rng(6)
LABELS = RANDOM.choice([7, 7, 7, 3, 3, 1], 1000)
X = np.arange(1000) * 10


def shares(labels):
    return {label: int(count) for label, count in zip(*np.unique(labels, return_counts=True), strict=True)}


def test_fractions_are_nested_and_follow_the_seed():
    parts = [lk.data.fraction(1000, share, seed=3) for share in (0.001, 0.01, 0.1, 0.5, 1.0)]
    assert [len(part) for part in parts] == [1, 10, 100, 500, 1000]
    for small, large in itertools.pairwise(parts):
        assert set(small.tolist()) <= set(large.tolist())
        assert (np.diff(large) > 0).all()
    np.testing.assert_array_equal(parts[2], lk.data.fraction(1000, 0.1, seed=3))
    assert not np.array_equal(parts[2], lk.data.fraction(1000, 0.1, seed=4))
    with lk.Graph().as_default():
        lk.set_random_seed(3)
        np.testing.assert_array_equal(parts[2], lk.data.fraction(1000, 0.1))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=2, max_size=60), st.floats(0.02, 1), st.floats(0.02, 1), st.integers(0, 9))
def test_stratified_fractions_are_nested_and_keep_shares(labels, a, b, seed):
    small, large = (lk.data.fraction(len(labels), share, labels, seed=seed) for share in sorted((a, b)))
    assert set(small.tolist()) <= set(large.tolist())
    labels = np.array(labels)
    for part in (small, large):
        for label, count in shares(labels).items():
            assert abs((labels[part] == label).sum() - count * len(part) / len(labels)) < 2


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(5, 40), min_size=1, max_size=5), st.floats(0.15, 0.85), st.integers(0, 9))
def test_stratified_splits_have_exact_counts(counts, share, seed):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    n = len(labels)
    rows = lk.data.stratified_split(n, [share, 1 - share], labels, seed)
    assert sorted(np.concatenate(rows).tolist()) == list(range(n))
    own = np.array([(labels[rows[0]] == label).sum() for label in range(len(counts))])
    quotas = np.array(counts) * len(rows[0]) / n
    assert (np.abs(own - quotas) < 1).all()
    raised = own > np.floor(quotas + 1e-9)  # those that were rounded up have the largest remainders
    remainders = quotas - np.floor(quotas + 1e-9)
    if raised.any() and not raised.all():
        assert remainders[raised].min() >= remainders[~raised].max() - 1e-9


def test_three_parts_by_name_and_what_is_left_over():
    parts = lk.data.stratified_split((X, LABELS), {"train": 700, "validation": 200, "test": 50}, seed=1)
    assert list(parts) == ["train", "validation", "test"]
    assert [len(x) for x, _ in parts.values()] == [700, 200, 50]
    rows = np.concatenate([x for x, _ in parts.values()])
    assert len(set(rows.tolist())) == 950
    for x, y in parts.values():
        np.testing.assert_array_equal(y, LABELS[x // 10])  # x and y stay together
        for label, count in shares(LABELS).items():
            assert abs((y == label).sum() - count * len(y) / 1000) < 2
    train, rest = lk.data.random_split(X, [0.25, 0.5])
    assert (len(train), len(rest)) == (250, 500)
    assert not set(train.tolist()) & set(rest.tolist())
    assert [len(part) for part in lk.data.random_split(10, [1 / 3, 1 / 3, 1 / 3])] == [4, 3, 3]


@pytest.mark.parametrize("labels", [None, LABELS])
@pytest.mark.parametrize("k", [2, 3, 7, 10])
def test_each_example_is_validated_exactly_once(k, labels):
    folds = lk.data.k_fold((X, LABELS), k, labels, seed=2)
    assert len(folds) == k
    seen = collections.Counter()
    for (x, y), (own, answers) in folds:
        assert not set(x.tolist()) & set(own.tolist())
        assert len(x) + len(own) == 1000
        np.testing.assert_array_equal(answers, LABELS[own // 10])
        np.testing.assert_array_equal(y, LABELS[x // 10])
        seen.update(own.tolist())
    assert set(seen) == set(X.tolist())
    assert set(seen.values()) == {1}
    validated = [own for _, (own, _) in folds]
    assert np.ptp([len(own) for own in validated]) <= 1
    if labels is not None:
        for label in set(LABELS.tolist()):
            assert np.ptp([(LABELS[own // 10] == label).sum() for own in validated]) <= 1
    np.testing.assert_array_equal(folds[-1][1][0], validated[-1])
    assert len(folds[:2]) == 2


def test_folds_are_as_even_as_scikit_learns():
    selection = pytest.importorskip("sklearn.model_selection")
    theirs = selection.StratifiedKFold(5, shuffle=True, random_state=0).split(X, LABELS)
    ours = lk.data.k_fold(1000, 5, LABELS)
    counts = [[sorted(shares(LABELS[own]).items()) for _, own in folds] for folds in (theirs, ours)]
    for label in range(3):
        assert sorted(fold[label] for fold in counts[0]) == sorted(fold[label] for fold in counts[1])
    split = selection.train_test_split(np.arange(1000), train_size=0.27, stratify=LABELS, random_state=0)
    assert shares(LABELS[split[0]]) == shares(LABELS[lk.data.stratified_split(1000, [0.27, 0.73], LABELS)[0]])
    groups = RANDOM.integers(0, 60, 1000)
    sizes = [
        sorted(len(own) for _, own in folds)
        for folds in (selection.GroupKFold(5).split(X, groups=groups), lk.data.k_fold(1000, 5, groups=groups))
    ]
    assert sizes[0] == sizes[1]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=40, max_size=120), st.integers(0, 5))
def test_groups_stay_together(groups, seed):
    groups = np.array(groups)
    if len(set(groups.tolist())) < 5:
        return
    n = len(groups)
    for _, own in lk.data.k_fold(n, 3, groups=groups, seed=seed):
        assert not set(groups[own].tolist()) & set(np.delete(groups, own).tolist())
    a, b = lk.data.group_split(n, [0.6, 0.4], groups, seed)
    assert sorted([*a.tolist(), *b.tolist()]) == list(range(n))
    assert not set(groups[a].tolist()) & set(groups[b].tolist())
    assert abs(len(a) - 0.6 * n) <= np.bincount(groups).max()


def test_groups_differ_by_the_seed():
    groups = np.repeat([f"patient {i}" for i in range(20)], 5)
    found = {tuple(lk.data.group_split(100, [0.5, 0.5], groups, seed)[0].tolist()) for seed in range(5)}
    assert len(found) == 5


def test_all_forms_of_examples():
    rows = lk.data.fraction(1000, 0.1)
    frame = pd.DataFrame({"x": X, "y": LABELS}, index=np.arange(1000)[::-1])
    table = {"a": X, "b": [X.astype(str), (X,)][0], "pair": (X, LABELS)}
    np.testing.assert_array_equal(lk.data.fraction(X, 0.1), X[rows])
    np.testing.assert_array_equal(lk.data.fraction(X.tolist(), 0.1), X[rows])
    pd.testing.assert_frame_equal(lk.data.fraction(frame, 0.1), frame.iloc[rows])
    pd.testing.assert_series_equal(lk.data.fraction((frame, frame["y"]), 0.1)[1], frame["y"].iloc[rows])
    found = lk.data.fraction(table, 0.1)
    np.testing.assert_array_equal(found["pair"][1], LABELS[rows])
    split = Split(table, LABELS.astype(np.int64))
    part = lk.data.fraction(split, 0.1)
    assert isinstance(part, Split)
    np.testing.assert_array_equal(part.x["b"], table["b"][rows])
    train, validation = lk.data.k_fold(split, 5, stratified=True)[0]
    assert (len(train), len(validation)) == (800, 200)
    np.testing.assert_array_equal(split.fraction(0.1).y, part.y)
    np.testing.assert_array_equal(split.k_fold(5, stratified=True)[0][1].y, validation.y)
    words = np.array(["a", "b"])[LABELS % 2 * 0 + (LABELS > 3)]
    assert [len(p) for p in lk.data.stratified_split(frame, [0.5, 0.5], pd.Series(words))] == [500, 500]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda d: d.fraction(10, 0), r"above 0 and up to 1.*0"),
        (lambda d: d.fraction(10, 1.5), r"1\.5"),
        (lambda d: d.fraction(10, True), r"True"),
        (lambda d: d.fraction(0, 0.5), r"no examples"),
        (lambda d: d.fraction([], 0.5), r"no examples"),
        (lambda d: d.fraction(3.5, 0.5), r"are no examples.*float"),
        (lambda d: d.fraction({}, 0.5), r"are no examples"),
        (lambda d: d.fraction(lk.datasets.load("two_moons"), 0.5), r"are no examples.*data\.train"),
        (lambda d: d.fraction((X, X[:3]), 0.5), r"differ in their number.*1000, 3"),
        (lambda d: d.fraction(X, 0.5, stratified=True), r"no such labels.*none"),
        (lambda d: d.fraction(X, 0.5, LABELS[:5]), r"no such labels.*\[5\]"),
        (lambda d: d.fraction(X, 0.5, LABELS + 0.5), r"whole number"),
        (lambda d: d.k_fold(3, 2, ["a", None, "b"]), r"no such labels.*None"),
        (lambda d: d.k_fold(3, 2, [1, np.nan, 2]), r"no such labels.*nan"),
        (lambda d: d.fraction(X, 0.5, seed="a"), r"seed"),
        (lambda d: d.random_split(10, [6, 5]), r"10 examples are not divided.*\[6, 5\]"),
        (lambda d: d.random_split(10, [0.9, 0.2]), r"not divided"),
        (lambda d: d.random_split(10, [0.99, 0.01]), r"not divided.*one at least"),
        (lambda d: d.random_split(10, [5, 0]), r"not divided"),
        (lambda d: d.random_split(10, []), r"not divided"),
        (lambda d: d.random_split(10, 0.5), r"not divided"),
        (lambda d: d.random_split(10, ["a"]), r"not divided"),
        (lambda d: d.random_split(10, [np.nan, 0.5]), r"not divided"),
        (lambda d: d.stratified_split(4, [2, 2], [0, 0, 0, 1]), r"fewer examples than there are parts.*1 of the 2th class"),
        (lambda d: d.k_fold(10, 1), r"from 2 to 10 folds.*k=1"),
        (lambda d: d.k_fold(10, 11), r"from 2 to 10 folds"),
        (lambda d: d.k_fold(10, 2.0), r"k=2\.0"),
        (lambda d: d.k_fold(4, 3, [0, 0, 1, 1]), r"fewer examples than there are folds"),
        (lambda d: d.k_fold(4, 3, groups=[0, 0, 1, 1]), r"fewer groups.*2 groups for 3"),
        (lambda d: d.k_fold(4, 2, [0, 0, 1, 1], groups=[0, 0, 1, 1]), r"not both"),
        (lambda d: d.group_split(4, [1, 1], [0, 0, 1, 1]), r"sum is 4.*2"),
        (lambda d: d.group_split(10, [9, 1], [0] * 5 + [1] * 5), r"gets no group"),
        (lambda d: d.group_split(4, [2, 2], None), r"no such groups"),
        (lambda d: d.duplicates(X), r"no splits to compare.*ndarray"),
        (lambda d: d.duplicates({"a": X}), r"1 splits"),
        (lambda d: d.duplicates({"a": X, "b": X.astype(float)}), r"alike.*'a': int64 \[\]; 'b': float64"),
        (lambda d: d.duplicates({"a": X, "b": np.array([])}), r"no examples"),
    ],
)  # fmt: skip
def test_refusals(make, message):
    with pytest.raises(InvalidArgumentError, match=message):
        make(lk.data)


def test_examples_in_two_splits_are_found():
    images = RANDOM.integers(0, 256, (300, 5, 4), np.uint8)
    train, test = images[:200].copy(), images[200:].copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert lk.data.duplicates({"train": train, "test": test}) == []
    test[7], test[90], test[91], train[150] = train[33], train[33], train[2], train[2]
    with pytest.warns(
        lk.data.LeakageWarning, match=r"3 examples of 'test' stand in 'train', too \(3 there\): train\[33\]"
    ):
        (found,) = lk.data.duplicates({"train": train, "test": test})
    assert found.splits == ("train", "test")
    assert found.counts == (3, 3)  # rows 2, 33 and 150; 7, 90 and 91
    assert found.indices == ((33, 7), (33, 90), (2, 91))
    three = {"a": train, "b": test, "c": train[:3]}
    assert [each.splits for each in lk.data.duplicates(three, warn=False)] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert len(lk.data.duplicates({"a": train, "b": train}, warn=False)[0].indices) == 5


def test_tables_frames_and_splits_are_compared_too():
    table = {"n": np.arange(6), "word": np.array(["a", "bb", "c", "d", "e", "f"])}
    other = {"word": np.array(["a longer word", "bb"]), "n": np.array([0, 1])}
    (found,) = lk.data.duplicates({"train": table, "test": other}, warn=False)
    assert found.indices == ((1, 1),)
    frames = {"train": pd.DataFrame(table), "test": pd.DataFrame(other)[["n", "word"]]}
    assert lk.data.duplicates(frames, warn=False)[0].indices == ((1, 1),)
    y = np.zeros(6, np.int64)
    splits = {"train": Split(table, y), "test": Split(other, y[:2] + 1)}
    assert lk.data.duplicates(splits, warn=False)[0].counts == (1, 1)  # labels do not count
    assert lk.data.duplicates(lk.datasets.load("two_moons"), warn=False) == []


def test_a_collision_of_digests_is_no_duplicate(monkeypatch):
    monkeypatch.setattr("labkit.data.leakage._digest", lambda row: 1)
    (found,) = lk.data.duplicates({"a": np.array([3, 4, 5]), "b": np.array([5, 6])}, warn=False)
    assert found.indices == ((2, 0),)


def test_a_column_of_a_table_tells_labels_and_groups():
    town, patient = np.array(["Bonn", "Kiel"]).repeat(10), np.arange(20) // 4
    table = {"town": town, "patient": patient, "x": np.arange(20.0)}
    for data in (table, pd.DataFrame(table)):
        for named, listed in (
            (
                lk.data.stratified_split(data, [0.8, 0.2], labels="town"),
                lk.data.stratified_split(data, [0.8, 0.2], town),
            ),
            (lk.data.group_split(data, [0.8, 0.2], "patient"), lk.data.group_split(data, [0.8, 0.2], patient)),
            (lk.data.k_fold(data, 5, labels="town")[0], lk.data.k_fold(data, 5, labels=town)[0]),
        ):
            for one, other in zip(named, listed, strict=True):
                np.testing.assert_array_equal(np.asarray(one["x"]), np.asarray(other["x"]))
        with pytest.raises(InvalidArgumentError, match=r"no column 'city'.*columns 'town', 'patient', 'x'"):
            lk.data.stratified_split(data, [0.8, 0.2], labels="city")
    with pytest.raises(InvalidArgumentError, match=r"no column 'town'.*ndarray"):
        lk.data.fraction(np.arange(3), 0.5, labels="town")
    with pytest.raises(InvalidArgumentError, match=r"no such groups.*none"):
        lk.data.group_split((np.arange(4), np.arange(4)), [0.5, 0.5], None)

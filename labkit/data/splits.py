"""Splits of examples, and fractions of them for learning curves.

How much better would the model be with more data? Train on nested fractions, and look at the same validation examples:

    data = lk.datasets.load("mnist")
    for share in (0.1, 0.3, 1.0):                                # the first 10% are in the 30%
        part = lk.data.fraction(data.train, share, stratified=True)
        model = network()
        model.fit(part.x, part.y, epochs=5, verbose=0)
        print(len(part), model.evaluate(data.validation.x, data.validation.y))

How sure is that figure? Cross-validation; the test split is not part of what is divided, so it cannot leak:

    for train, validation in lk.data.k_fold(data.train, 5, stratified=True):
        ...

All of these work on an array or list [n, ...], a tuple or dict of them such as (x, y), a pandas frame, or the split of a data
set, and give parts of the same kind; given the number n, they give the examples' numbers, int64. Parts keep the order of the
examples. Which examples a part gets follows from the seed alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from labkit.data.draws import chosen_seed, generator, key_of
from labkit.data.rows import count_of, labels_of, take
from labkit.data.tables import is_number
from labkit.errors import InvalidArgumentError


def fraction(data: Any, share: float, labels: Any = None, stratified: bool = False, seed: int | None = None) -> Any:
    """A part of the examples. Of one seed, smaller parts are in the larger ones.

    Args:
        data: examples, see above.
        share: which part of them, above 0 and up to 1; rounded to a whole number of examples, at least one.
        labels: [n], the classes, for `stratified`, or the name of a table's column; None takes y of a split or of a pair
            (x, y).
        stratified: whether each class has about its share in every part. Examples enter in the order of Webster's method
            (1832; Sainte-Laguë 1910): the i-th of a class with n examples at (i - 1/2) / n. Largest remainders would not do:
            of a larger part a class may have fewer then (the Alabama paradox), and parts would not be nested.
        seed: None takes that of `lk.set_random_seed`, or 0.

    Raises:
        InvalidArgumentError: the share is out of range, or these are no examples, or no labels.
    """
    count = count_of(data)
    if not is_number(share) or not 0 < share <= 1:
        raise InvalidArgumentError("A fraction is above 0 and up to 1", received=repr(share))
    order = _shuffled(count, seed, "fraction")
    if stratified or labels is not None:
        classes = labels_of(data, labels, count)[order]
        order = order[np.argsort((_ranks(classes) + 0.5) / np.bincount(classes)[classes], kind="stable")]
    return take(data, np.sort(order[: max(1, round(share * count))]))


def random_split(data: Any, sizes: Any, seed: int | None = None) -> Any:
    """Parts of the examples that have none in common, at random.

    Args:
        data: examples, see above.
        sizes: of the parts: whole numbers, or fractions of the examples, whose sum is at most all of them; what is left over
            is in no part. A list, or a dict by part's name: {"train": 0.8, "validation": 0.2}. Fractions become whole
            numbers by largest remainders (Hamilton 1792).
        seed: as of `fraction`.

    Returns:
        A list of the parts, or a dict by their names.

    Raises:
        InvalidArgumentError: the sizes are none, a part would be empty, or these are no examples.
    """
    count = count_of(data)
    counts = _counts(sizes, count)
    rows = np.split(_shuffled(count, seed, "random_split"), np.cumsum(counts))[:-1]
    return _parts(data, sizes, rows)


def stratified_split(data: Any, sizes: Any, labels: Any = None, seed: int | None = None) -> Any:
    """`random_split` in which each class has its share in every part.

    A part's size is exact, and so is each class's number in the first part: largest remainders of its share (Hamilton 1792).
    The next parts have theirs of what the first ones left, likewise.

    Args:
        data, sizes, seed: as of `random_split`.
        labels: as of `fraction`.

    Returns:
        As of `random_split`.

    Raises:
        InvalidArgumentError: as of `random_split`; there are no labels; or a class has fewer examples than there are parts.
    """
    count = count_of(data)
    counts, classes = _counts(sizes, count), labels_of(data, labels, count)
    if count > sum(counts):
        counts = [*counts, count - sum(counts)]
    _require_enough(classes, len(counts), "parts")
    order = _shuffled(count, seed, "stratified_split")
    ranks, left, rows = _ranks(classes[order]), np.bincount(classes), []
    for size in counts:
        own = _largest_remainders(left * (size / left.sum()), size, left)
        start = (np.bincount(classes) - left)[classes[order]]  # how many of each class former parts have
        rows.append(order[(ranks >= start) & (ranks < start + own[classes[order]])])
        left = left - own
    return _parts(data, sizes, rows[: len(_listed(sizes))])


def group_split(data: Any, sizes: Any, groups: Any, seed: int | None = None) -> Any:
    """`random_split` in which all examples of a group are in one part: pictures of one patient, say, of which a model would
    know the patient.

    Groups go, the largest first and at random among equals, to the part that lacks the most examples; sizes are met as well
    as that does.

    Args:
        data, sizes, seed: as of `random_split`. The sizes' sum is all examples.
        groups: [n], whole numbers or texts, or the name of a table's column.

    Returns:
        As of `random_split`.

    Raises:
        InvalidArgumentError: as of `random_split`; a part gets no group; or sizes leave examples over.
    """
    count = count_of(data)
    counts, numbers = _counts(sizes, count), labels_of(data, groups, count, "groups")
    if sum(counts) < count:
        raise InvalidArgumentError(
            "Groups are divided among all parts", rule=f"The sizes' sum is {count}", received=str(sum(counts))
        )
    return _parts(data, sizes, _grouped(numbers, counts, seed, "group_split"))


class Folds(Sequence[tuple[Any, Any]]):
    """The pairs (train, validation) of `k_fold`. Each is made when it is asked for."""

    def __init__(self, data: Any, rows: list[np.ndarray]) -> None:
        self._data, self._rows = data, rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, fold: Any) -> Any:
        if isinstance(fold, slice):
            return [self[number] for number in range(len(self))[fold]]
        fold = range(len(self))[fold]
        others = np.concatenate([rows for number, rows in enumerate(self._rows) if number != fold])
        return take(self._data, np.sort(others)), take(self._data, self._rows[fold])

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        return (self[fold] for fold in range(len(self)))

    def __repr__(self) -> str:
        return f"<{len(self)} folds, {', '.join(str(len(rows)) for rows in self._rows)} examples to validate with>"


def k_fold(
    data: Any, k: int = 5, labels: Any = None, stratified: bool = False, groups: Any = None, seed: int | None = None
) -> Folds:
    """Cross-validation (Stone 1974): k pairs (train, validation); every example is in exactly one of the validation parts.

    The sizes of the validation parts differ by at most one example; where `stratified`, so do the numbers of each class.

    Args:
        data: examples, see above.
        k: how many folds, from 2 on.
        labels, stratified: as of `fraction`.
        groups: as of `group_split`: all examples of a group are in one fold; sizes then differ as the groups' do.
        seed: as of `fraction`.

    Raises:
        InvalidArgumentError: k is out of range; these are no examples, labels or groups; a class has fewer examples than
            folds; there are fewer groups than folds; or both labels and groups are given.
    """
    count = count_of(data)
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 2 <= k <= count:
        raise InvalidArgumentError(f"{count} examples make from 2 to {count} folds", received=f"k={k!r}")
    stratified = stratified or labels is not None
    if stratified and groups is not None:
        raise InvalidArgumentError("Folds are stratified, or keep groups together, not both")
    if groups is not None:
        rows = _grouped(labels_of(data, groups, count, "groups"), _counts([1 / k] * k, count), seed, "k_fold")
        return Folds(data, [np.sort(fold) for fold in rows])
    order = _shuffled(count, seed, "k_fold")
    if stratified:
        classes = labels_of(data, labels, count)
        _require_enough(classes, k, "folds")
        order = order[np.argsort(classes[order], kind="stable")]  # neighbours of one class fall into different folds
    return Folds(data, [np.sort(order[fold::k]) for fold in range(k)])


def _shuffled(count: int, seed: int | None, purpose: str) -> np.ndarray:
    return generator(key_of(chosen_seed(seed), purpose), 0, 0).permutation(count)


def _ranks(classes: np.ndarray) -> np.ndarray:
    """How many of the same class stand before each example."""
    order = np.argsort(classes, kind="stable")
    starts = np.cumsum(np.bincount(classes)) - np.bincount(classes)
    ranks = np.empty(len(classes), np.int64)
    ranks[order] = np.arange(len(classes)) - starts[classes[order]]
    return ranks


def _largest_remainders(quotas: np.ndarray, total: int, most: np.ndarray) -> np.ndarray:
    """Whole numbers near the quotas, of that sum, none above its `most`: rounded down, then one more for the largest
    remainders."""
    found = np.minimum(np.floor(quotas + 1e-9).astype(np.int64), most)
    order = np.argsort(-np.where(found < most, quotas - found, -1), kind="stable")
    found[order[: total - found.sum()]] += 1
    return found


def _listed(sizes: Any) -> list[Any]:
    return list(sizes.values() if isinstance(sizes, Mapping) else sizes)


def _counts(sizes: Any, count: int) -> list[int]:
    """The parts' sizes as whole numbers."""
    listed = _listed(sizes) if isinstance(sizes, Mapping | list | tuple | np.ndarray) else []
    whole = all(isinstance(size, int | np.integer) and not isinstance(size, bool) for size in listed)
    if not listed or not all(is_number(size) and size > 0 for size in listed):
        found = None
    elif whole:
        found = np.array(listed, np.int64)
    else:
        shares = np.array(listed, np.float64)
        total = shares.sum()
        fits = total <= 1 + 1e-9 and shares.max() < 1 + 1e-9
        most = np.full(len(shares), count)
        found = _largest_remainders(shares * count, round(min(total, 1) * count), most) if fits else None
    if found is None or found.sum() > count or found.min() < 1:
        raise InvalidArgumentError(
            f"{count} examples are not divided into parts of these sizes",
            rule="Sizes are whole numbers of examples, or fractions of them, in a list or dict; their sum is at most all, and "
            "every part has one at least",
            received=repr(sizes),
            fix='For example [0.8, 0.2], or {"train": 0.8, "validation": 0.2}.',
        )
    return [int(size) for size in found]


def _require_enough(classes: np.ndarray, parts: int, what: str) -> None:
    counts = np.bincount(classes)
    if counts.min() < parts:
        raise InvalidArgumentError(
            f"A class has fewer examples than there are {what}",
            rule=f"Each has {parts} at least",
            received=f"{counts.min()} of the {int(counts.argmin()) + 1}th class, in sorted order",
            fix="Leave such classes out, put some together, or divide without labels.",
        )


def _grouped(groups: np.ndarray, counts: list[int], seed: int | None, purpose: str) -> list[np.ndarray]:
    """The examples of each part, whole groups."""
    sizes = np.bincount(groups)
    if len(sizes) < len(counts):
        raise InvalidArgumentError(
            "There are fewer groups than parts", received=f"{len(sizes)} groups for {len(counts)} parts"
        )
    lacking, part_of = list(counts), np.empty(len(sizes), np.int64)
    order = _shuffled(len(sizes), seed, purpose)
    order = order[np.argsort(-sizes[order], kind="stable")]
    for group in order.tolist():
        part = int(np.argmax(lacking))
        part_of[group] = part
        lacking[part] -= int(sizes[group])
    if len(set(part_of.tolist())) < len(counts):
        raise InvalidArgumentError(
            "A part gets no group",
            received=f"sizes {counts}, of groups of up to {sizes.max()} examples",
            fix="Make that part larger, or the groups smaller.",
        )
    parts = part_of[groups]
    return [np.flatnonzero(parts == part) for part in range(len(counts))]


def _parts(data: Any, sizes: Any, rows: list[np.ndarray]) -> Any:
    found = [take(data, np.sort(part)) for part in rows]
    return dict(zip(sizes, found, strict=True)) if isinstance(sizes, Mapping) else found

"""Texts and whole numbers as categories: which differ in a column, and which example has which."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np

from labkit.data.tables import flat_column, is_missing
from labkit.errors import FeedError


def words_of(features: Any, key: str, text: bool | None) -> tuple[np.ndarray, list[Any]]:
    """The texts, or whole numbers, of a column: each value's place among those that occur, and these.

    Args:
        text: which of the two it must hold; None where both will do, one of them throughout.

    Returns:
        int64 [examples, n], -1 where a value is missing (an empty text, -1, NaN); and for each place a text or an int.

    Raises:
        FeedError: it holds something else.
    """
    codes, values = _distinct(flat_column(features, key))
    words = [_word(value) for value in values]
    kinds = {type(word) for word in words if word is not None}
    wanted = {str} if text else {int} if text is False else {str} if str in kinds else {int}
    if strange := [word for word in words if word is not None and type(word) not in wanted]:
        raise FeedError(
            f"Column {key!r} holds something that is no category",
            rule=f"Its categories are {'texts' if str in wanted else 'whole numbers'}",
            received=repr(strange[0]),
            fix="Convert the column, or make numbers to categories with lk.feature_column.bucketized_column.",
        )
    missing = np.array([word is None for word in words], bool)
    return (np.where(missing[codes], -1, codes) if missing.any() else codes), words


def ids_of(features: Any, key: str, text: bool | None, number: Callable[[Any], int]) -> np.ndarray:
    """`number` of each value, asked once for each that occurs, int64 [examples, n]; -1 where it is missing.

    Raises:
        FeedError: as of `words_of`.
    """
    codes, words = words_of(features, key, text)
    ids = np.array([-1 if word is None else number(word) for word in words], np.int64)
    return np.where(codes < 0, -1, ids[codes]) if len(ids) else codes


def bucket_of(word: str, buckets: int) -> int:
    """One of so many buckets, the same in every process: BLAKE2b of the text. (TensorFlow hashes otherwise.)"""
    digest = hashlib.blake2b(word.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little") % buckets


def _distinct(values: np.ndarray) -> tuple[np.ndarray, list[Any]]:
    """Each value's place among the different ones, int64 of the same shape; and these."""
    if values.dtype.kind in "biuf":
        found, codes = np.unique(values, return_inverse=True)  # NaN once
        return codes.astype(np.int64).reshape(values.shape), found.tolist()
    listed = values.ravel().tolist()
    try:
        places = {value: place for place, value in enumerate(dict.fromkeys(listed))}
    except TypeError:  # lists, say, in an array of objects: no categories
        return np.arange(len(listed), dtype=np.int64).reshape(values.shape), listed
    codes = np.fromiter(map(places.__getitem__, listed), np.int64, len(listed))
    return codes.reshape(values.shape), list(places)


def _word(value: Any) -> Any:
    """A text or a whole number; None for what says that there is none; anything else as it is."""
    if isinstance(value, np.generic):  # in arrays of objects
        value = value.item()
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if isinstance(value, bool) or (isinstance(value, float) and value.is_integer()):
        value = int(value)
    return None if is_missing(value) or (isinstance(value, str | int) and value in ("", -1)) else value

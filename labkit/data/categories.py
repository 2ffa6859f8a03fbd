"""Columns of categories: of a vocabulary, of whole numbers, or of anything by a hash."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from labkit.data.columns import MOST_BUCKETS, CategoricalColumn, key_of, whole_number
from labkit.data.tables import entries
from labkit.data.words import bucket_of, ids_of
from labkit.errors import DataError, FeedError, InvalidArgumentError, NotFoundError


@dataclass(frozen=True, repr=False)
class VocabularyColumn(CategoricalColumn):
    """See `categorical_column_with_vocabulary_list`."""

    made_by: ClassVar[str] = "categorical_column_with_vocabulary_list"
    key: str
    vocabulary_list: tuple[Any, ...]
    default_value: int
    num_oov_buckets: int

    @property
    def name(self) -> str:
        return self.key

    @property
    def num_buckets(self) -> int:  # type: ignore[override]
        return len(self.vocabulary_list) + self.num_oov_buckets

    def ids(self, features: Any) -> np.ndarray:
        return ids_of(features, self.key, isinstance(self.vocabulary_list[0], str), self._place)

    @cached_property
    def _places(self) -> dict[Any, int]:
        return {word: place for place, word in enumerate(self.vocabulary_list)}

    def _place(self, word: Any) -> int:
        place = self._places.get(word)
        if place is not None:
            return place
        if not self.num_oov_buckets:
            return self.default_value
        return len(self.vocabulary_list) + bucket_of(str(word), self.num_oov_buckets)


@dataclass(frozen=True, repr=False)
class IdentityColumn(CategoricalColumn):
    """See `categorical_column_with_identity`."""

    made_by: ClassVar[str] = "categorical_column_with_identity"
    key: str
    num_buckets: int
    default_value: int | None

    @property
    def name(self) -> str:
        return self.key

    def ids(self, features: Any) -> np.ndarray:
        return ids_of(features, self.key, False, self._place)

    def _place(self, number: int) -> int:
        if 0 <= number < self.num_buckets:
            return number
        if self.default_value is None:
            raise FeedError(
                f"Column {self.key!r} holds a number that is no category",
                rule=f"Its categories are 0 to {self.num_buckets - 1}; -1 says that there is none",
                received=str(number),
                fix="Raise num_buckets, or say with default_value which category such numbers have.",
            )
        return self.default_value


@dataclass(frozen=True, repr=False)
class HashedColumn(CategoricalColumn):
    """See `categorical_column_with_hash_bucket`."""

    made_by: ClassVar[str] = "categorical_column_with_hash_bucket"
    key: str
    hash_bucket_size: int

    @property
    def name(self) -> str:
        return self.key

    @property
    def num_buckets(self) -> int:  # type: ignore[override]
        return self.hash_bucket_size

    def ids(self, features: Any) -> np.ndarray:
        return ids_of(features, self.key, None, lambda word: bucket_of(str(word), self.hash_bucket_size))


def categorical_column_with_vocabulary_list(
    key: str, vocabulary_list: Sequence[Any], default_value: int = -1, num_oov_buckets: int = 0
) -> VocabularyColumn:
    """Texts, or whole numbers, as categories: their places in a list.

    A value that is missing (an empty text, -1, NaN) is of no category.

    Args:
        key: the column of the table.
        vocabulary_list: texts, or whole numbers, each once.
        default_value: the category of values that are not in the list; -1 is none.
        num_oov_buckets: instead, so many further categories, which such values are spread over by a hash.

    Raises:
        InvalidArgumentError: the vocabulary is empty, mixed, or has a value twice; the default is no place in it; or
            both a default and further categories are asked for.
    """
    words = entries(vocabulary_list, "The words of a vocabulary")
    if {type(word) for word in words} not in ({str}, {int}) or len(set(words)) < len(words):
        raise InvalidArgumentError(
            f"The vocabulary of column {key!r} is no list of different texts, or of different whole numbers",
            received=repr(words)[:200],
        )
    num_oov_buckets = whole_number("num_oov_buckets", num_oov_buckets, 0, MOST_BUCKETS)
    default_value = whole_number("default_value, the place of a word or -1,", default_value, -1, len(words) - 1)
    if num_oov_buckets and default_value != -1:
        raise InvalidArgumentError(
            f"Words that are not in the vocabulary of column {key!r} have a default, or further categories",
            received=f"default_value={default_value}, num_oov_buckets={num_oov_buckets}",
        )
    return VocabularyColumn(key_of(key), tuple(words), default_value, num_oov_buckets)


def categorical_column_with_vocabulary_file(
    key: str,
    vocabulary_file: str | os.PathLike[str],
    vocabulary_size: int | None = None,
    num_oov_buckets: int = 0,
    default_value: int = -1,
) -> VocabularyColumn:
    """`categorical_column_with_vocabulary_list` of a text file's lines, UTF-8, which are read here and now: models that are
    saved hold the words.

    Args:
        key: the column of the table, of texts.
        vocabulary_file: a word on each line; spaces around it and one line end at the end of the file do not count.
        vocabulary_size: how many lines to take, the first ones; None takes all.
        num_oov_buckets, default_value: as of `categorical_column_with_vocabulary_list`.

    Raises:
        NotFoundError: there is no such file.
        DataError: it cannot be read, is no UTF-8, a line is empty, a word comes twice (their lines are named), or there are
            fewer than vocabulary_size.
        InvalidArgumentError: an argument is out of range.
    """
    if not isinstance(vocabulary_file, str | os.PathLike):
        raise InvalidArgumentError("vocabulary_file is the path of a file", received=repr(vocabulary_file))
    if vocabulary_size is not None:
        vocabulary_size = whole_number("vocabulary_size", vocabulary_size, 1, MOST_BUCKETS)
    path = os.fspath(vocabulary_file)
    try:
        with open(path, encoding="utf-8") as file:
            words = [line.strip() for line in itertools.islice(file, vocabulary_size)]
    except FileNotFoundError:
        raise NotFoundError("There is no such vocabulary file", received=repr(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"The vocabulary file {path!r} cannot be read: {error}", rule="It is text, UTF-8") from None
    lines: dict[str, int] = {}
    for number, word in enumerate(words, 1):
        if not word or (first := lines.setdefault(word, number)) != number:
            raise DataError(
                f"The vocabulary file {path!r} is no list of different words",
                rule="Each line is a word",
                received=f"line {number}, {word!r}, is empty"
                if not word
                else f"{word!r} on lines {first} and {number}",
            )
    if len(words) < (vocabulary_size or 1):
        raise DataError(
            f"The vocabulary file {path!r} has too few words",
            rule=f"It has {vocabulary_size or 'at least 1'}",
            received=str(len(words)),
        )
    return categorical_column_with_vocabulary_list(key, words, default_value, num_oov_buckets)


def categorical_column_with_identity(key: str, num_buckets: int, default_value: int | None = None) -> IdentityColumn:
    """Whole numbers 0 to num_buckets - 1 as categories. -1 and NaN are of no category.

    Args:
        key: the column of the table.
        num_buckets: the number of categories.
        default_value: the category of other numbers; without it they are refused.

    Raises:
        InvalidArgumentError: there is no category, or the default is none of them.
    """
    num_buckets = whole_number("num_buckets", num_buckets, 1, MOST_BUCKETS)
    if default_value is not None:
        default_value = whole_number("default_value, one of the categories,", default_value, 0, num_buckets - 1)
    return IdentityColumn(key_of(key), num_buckets, default_value)


def categorical_column_with_hash_bucket(key: str, hash_bucket_size: int) -> HashedColumn:
    """Texts, or whole numbers, as categories, without a list of them: each is put into one of so many buckets by a hash.

    The hash (BLAKE2b of the text) is the same in every process, but not TensorFlow's. Two values may share a bucket; several
    times as many buckets as values make this rare. A value that is missing (an empty text, -1, NaN) is of no category.

    Args:
        key: the column of the table.
        hash_bucket_size: the number of buckets.

    Raises:
        InvalidArgumentError: there is no bucket.
    """
    return HashedColumn(key_of(key), whole_number("hash_bucket_size", hash_bucket_size, 1, MOST_BUCKETS))

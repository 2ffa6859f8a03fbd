"""check_dataset."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from labkit.core.nest import flatten
from labkit.core.shapes import compatible
from labkit.data.leakage import duplicates
from labkit.data.spec import TensorSpec, require_same_structure
from labkit.datasets.base import SPLITS, DataSet, DataSetInfo, Split
from labkit.datasets.files import MissingDataError
from labkit.datasets.load import info as info_of
from labkit.errors import DataError, ElementError, InvalidArgumentError
from labkit.plugins import current_lab, resolve
from labkit.testing.numeric import require

FEW = 10  # examples a class, below which a class may be missing in training


def check_dataset(name: str, **options: Any) -> None:
    """Checks that a registered data set keeps its contract, with these options.

    It has a record that is there without it, and is what the record says: the three splits, as many examples, their dtypes and
    shapes, finite numbers, classes that there are. The arrays are read-only. No example stands in two splits, unless the
    record says why. Made again, also from its spec as JSON, it has the same checksum and the same bits; another seed, where it
    takes one, gives others. Without its files and offline it raises a MissingDataError that names each place; without files to
    need it can be made.

    Takes a second, and with large files as long as making the data set twice.

    Args:
        name: the registered name, in the current Lab.
        options: what it is made with.

    Raises:
        AssertionError: it does not.
        MissingDataError: its files are not on this machine and cannot be fetched, so that nothing can be said.
    """
    if not isinstance(name, str):
        raise InvalidArgumentError(
            "check_dataset takes the name of a data set that a plugin registered",
            received=repr(name)[:80],
            fix="Name the module of its hook in pyproject.toml, under [project.entry-points.labkit], and pip install -e it.",
        )
    maker = current_lab().registry("datasets").get(name)
    require(
        isinstance(getattr(maker, "info", None), DataSetInfo), f"{name} has no record: decorate it with described_by"
    )
    info = info_of(name)
    require(info.name == name, f"{name} has the record of {info.name!r}")
    for entry in ("title", "splits", "licence", "citation"):
        require(str(getattr(info, entry)).strip(), f"{name} does not say its {entry}")
    require(
        not info.homepage or info.homepage.startswith(("http://", "https://")),
        f"{name}: {info.homepage!r} is no address",
    )
    _check_offline(name, info, options)

    data = resolve("datasets", {"name": name, **options})
    _check_data(data, name, info)
    prints = {}
    for split in SPLITS:
        examples = data.split(split)
        _check_split(examples, data.info, f"{name}.{split}", split)
        prints[split] = _fingerprint(examples)
    filled = {split: data.split(split) for split in SPLITS if len(data.split(split))}
    if not data.info.shared and len(filled) > 1:
        both = duplicates(filled, warn=False)
        require(not both, f"{name}: {'; '.join(map(str, both))}: the record does not say why")

    try:
        text = json.dumps(data.spec)
    except TypeError as error:
        raise AssertionError(f"{name} cannot be made in another process: {data.spec} is no JSON: {error}") from None
    again = resolve("datasets", json.loads(text))
    require(again.checksum == data.checksum, f"{name} made again from {text} has another checksum")
    for split in SPLITS:
        require(_fingerprint(again.split(split)) == prints[split], f"{name}.{split} made again has other examples")
    if "seed" in inspect.signature(maker).parameters and filled:
        other = resolve("datasets", {"name": name, **options, "seed": options.get("seed", 0) + 1})
        require(other.checksum != data.checksum, f"{name} has the same checksum with another seed")
        split = next(iter(filled))
        require(_fingerprint(other.split(split)) != prints[split], f"{name} has the same examples with another seed")


def _check_data(data: DataSet, name: str, info: DataSetInfo) -> None:
    require(data.name == name, f"{name} gives a data set with the record of {data.name!r}")
    require(data.info.task == info.task, f"{name} is a {data.info.task}, and its record says {info.task}")
    hexadecimal = len(data.checksum) == 64 and set(data.checksum) <= set("0123456789abcdef")
    require(hexadecimal, f"{name} has the checksum {data.checksum!r}, which is no SHA-256")
    require(data.source.strip(), f"{name} does not say its source")


def _check_split(split: Split, info: DataSetInfo, what: str, name: str) -> None:
    require(
        len(split) == info.examples[name], f"{what} has {len(split)} examples; the record says {info.examples[name]}"
    )
    try:
        require_same_structure(split.x, info.x)
    except ElementError as error:
        raise AssertionError(f"{what}: x is another nest than the record says: {error}") from None
    for array, spec in zip([*flatten(split.x), split.y], [*flatten(info.x), info.y], strict=True):
        found = TensorSpec(array.shape[1:], array.dtype if array.dtype.kind not in "OUS" else "string")
        fits = found.dtype is spec.dtype and compatible(found.dims, spec.dims)
        require(fits, f"{what} holds {found}; the record says {spec}")
        require(not array.flags.writeable, f"{what} can be written")
        require(array.dtype.kind != "f" or np.isfinite(array).all(), f"{what} holds NaN or infinity")
    if info.class_names and len(split):
        classes = np.unique(split.y)
        good = classes[0] >= 0 and classes[-1] < len(info.class_names)
        require(good, f"{what} has labels from {classes[0]} to {classes[-1]} for {len(info.class_names)} classes")
        enough = name != "train" or len(split) < FEW * len(info.class_names)
        require(
            enough or len(classes) == len(info.class_names), f"{what} lacks a class: it has only {classes.tolist()}"
        )


def _fingerprint(split: Split) -> str:
    """The same for splits of the same bits."""
    digest = hashlib.sha256()
    for leaf in (*flatten(split.x), split.y):
        text = leaf.dtype.kind in "OUS"
        digest.update(repr(leaf.tolist()).encode() if text else np.ascontiguousarray(leaf).data)
    return digest.hexdigest()


def _check_offline(name: str, info: DataSetInfo, options: dict[str, Any]) -> None:
    with (
        tempfile.TemporaryDirectory() as empty,
        _environment(LABKIT_DATA=empty, LABKIT_CACHE=empty, LABKIT_OFFLINE="1"),
    ):
        try:
            data = resolve("datasets", {"name": name, **options})
            for split in SPLITS:
                data.split(split)
        except MissingDataError as error:
            require(info.files, f"{name} misses files that its record does not name: {error}")
            require(empty in str(error), f"{name}: offline it does not say where it looked: {error}")
        except DataError as error:
            raise AssertionError(f"{name}: without its files it raises no MissingDataError but {error!r}") from error
        else:
            require(not info.files, f"{name} can be made without the files that its record names")
        left = os.listdir(empty)
        require(not left, f"{name} leaves {left} behind when it is offline")


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {key: os.environ.get(key) for key in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value

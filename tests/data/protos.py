"""tf.train.Example as Google's protobuf library reads and writes it: an oracle for our own reading."""

from __future__ import annotations

from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory


def _made() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="example_oracle.proto", package="oracle", syntax="proto3")
    field = descriptor_pb2.FieldDescriptorProto
    for name, kind in (
        ("BytesList", field.TYPE_BYTES),
        ("FloatList", field.TYPE_FLOAT),
        ("Int64List", field.TYPE_INT64),
    ):
        list_of = file.message_type.add(name=name)
        list_of.field.add(name="value", number=1, type=kind, label=field.LABEL_REPEATED)
    feature = file.message_type.add(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, name in enumerate(("BytesList", "FloatList", "Int64List"), 1):
        inner = feature.field.add(name=name.lower(), number=number, type=field.TYPE_MESSAGE, label=field.LABEL_OPTIONAL)
        inner.type_name, inner.oneof_index = f".oracle.{name}", 0
    # A map is a list of entries on the wire. Declared as one, an entry with unknown fields would be kept aside by protobuf's
    # Python library, which no other library does.
    features = file.message_type.add(name="Features")
    entry = features.nested_type.add(name="FeatureEntry")
    entry.field.add(name="key", number=1, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    entry.field.add(
        name="value", number=2, type=field.TYPE_MESSAGE, label=field.LABEL_OPTIONAL, type_name=".oracle.Feature"
    )
    features.field.add(
        name="feature",
        number=1,
        type=field.TYPE_MESSAGE,
        label=field.LABEL_REPEATED,
        type_name=".oracle.Features.FeatureEntry",
    )
    example = file.message_type.add(name="Example")
    example.field.add(
        name="features", number=1, type=field.TYPE_MESSAGE, label=field.LABEL_OPTIONAL, type_name=".oracle.Features"
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("oracle.Example"))


Example = _made()


def read(data: bytes) -> dict[str, Any] | None:
    """The features that have a kind: bytes as lists, numbers as arrays; None where the bytes are no Example."""
    try:
        example = Example.FromString(bytes(data))
    except message.DecodeError:
        return None
    found: dict[str, Any] = {}
    for entry in example.features.feature:
        kind = entry.value.WhichOneof("kind")
        found.pop(entry.key, None)
        if kind == "byteslist":
            found[entry.key] = list(entry.value.byteslist.value)
        elif kind is not None:
            dtype = np.float32 if kind == "floatlist" else np.int64
            found[entry.key] = np.array(getattr(entry.value, kind).value, dtype)
    return found


def same(ours: dict[str, Any], theirs: dict[str, Any]) -> bool:
    """Whether both are the same features, to the bit but for the payloads of NaNs."""
    if set(ours) != set(theirs):
        return False
    for name, values in theirs.items():
        if isinstance(values, list):
            if ours[name] != values:
                return False
        elif ours[name].dtype != values.dtype or not np.array_equal(
            ours[name], values, equal_nan=values.dtype.kind == "f"
        ):
            return False
    return True

"""Writing TFRecord files."""

from __future__ import annotations

import os
import zlib
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from labkit.errors import InvalidArgumentError
from labkit.io.atomic import atomic_write
from labkit.io.records import WINDOW_BITS, checked_compression, frame


class TFRecordWriter:
    """Writes a TFRecord file, as tf.io.TFRecordWriter does; a context manager.

    The file appears, whole, when it is closed; when the block raises, what was at its path before stays.

        with lk.data.TFRecordWriter("train.tfrecord") as writer:
            for image, label in zip(images, labels):
                writer.write(lk.data.serialize_example({"image": image.tobytes(), "label": label}))

    Args:
        path: the file.
        compression_type: "", "GZIP" or "ZLIB".

    Raises:
        InvalidArgumentError: there is no such compression.
        OSError: the file cannot be made.
    """

    def __init__(self, path: str | os.PathLike[str], compression_type: str | None = "") -> None:
        bits = WINDOW_BITS[checked_compression(compression_type)]
        self._packer = zlib.compressobj(wbits=bits) if bits else None
        self._open = ExitStack()
        self._file = self._open.enter_context(atomic_write(Path(path)))
        self._closed = False

    def write(self, record: bytes) -> None:
        """Adds a record.

        Raises:
            InvalidArgumentError: it is no bytes, or the writer is closed.
            OSError: it did not fit on the disk.
        """
        if self._closed or not isinstance(record, bytes | bytearray | memoryview):
            raise InvalidArgumentError(
                "The writer is closed" if self._closed else "A record is bytes",
                received=type(record).__name__,
                fix="" if self._closed else "lk.data.serialize_example(values) makes bytes of a dict of values.",
            )
        data = frame(bytes(record))
        self._file.write(data if self._packer is None else self._packer.compress(data))

    def close(self) -> None:
        """Puts the file in its place; further calls do nothing.

        Raises:
            OSError: something failed; what was there before stays.
        """
        self.__exit__(None, None, None)

    def __enter__(self) -> TFRecordWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._closed:
            return
        self._closed = True
        if self._packer is not None and kind is None:
            try:
                self._file.write(self._packer.flush())
            except OSError as failed:
                self._open.__exit__(type(failed), failed, failed.__traceback__)
                raise
        self._open.__exit__(kind, error, trace)

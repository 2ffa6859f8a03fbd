"""Messages between runner, zygote and workers: JSON behind a four-byte length, over a local socket."""

from __future__ import annotations

import array
import socket
import struct
from collections import deque
from typing import Any

from labkit.lab import plain

LIMIT = 16 * 2**20
"""Bytes of one message; a longer one is a programming error, or not a message."""


class Channel:
    """One end of a socket that carries messages, and with them file descriptors when asked.

    Reading never splits a message: bytes that arrived early wait in a buffer.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self._bytes = bytearray()
        self._ready: deque[dict[str, Any]] = deque()
        self._descriptors: deque[int] = deque()
        self.closed = False

    def fileno(self) -> int:
        return self.socket.fileno()

    def send(self, message: dict[str, Any], descriptor: int | None = None) -> None:
        """Send all of a message. Raises OSError when the other end is gone."""
        body = plain.dumps(message).encode()
        if len(body) > LIMIT:
            raise ValueError(f"a message of {len(body)} bytes is longer than {LIMIT}")
        data = struct.pack(">I", len(body)) + body
        if descriptor is not None:
            # The descriptor travels with the first byte, so it is there before its message is complete.
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))]
            sent = self.socket.sendmsg([data], rights)
            data = data[sent:]
        if data:
            self.socket.sendall(data)

    def receive(self) -> dict[str, Any] | None:
        """The next message, waiting for it; None when the other end is gone."""
        while not self._ready and not self.closed:
            self.read()
        return self._ready.popleft() if self._ready else None

    def pending(self) -> list[dict[str, Any]]:
        """The messages read so far and not yet taken."""
        messages = list(self._ready)
        self._ready.clear()
        return messages

    def take_descriptor(self) -> int:
        """The oldest file descriptor received and not yet taken."""
        return self._descriptors.popleft()

    def read(self) -> None:
        """One read of whatever is there (waits when nothing is). At the end of the stream sets `closed`."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self.socket, 65536, 16)
        except (ConnectionResetError, BrokenPipeError):
            data, descriptors = b"", []
        self._descriptors.extend(descriptors)
        if not data:
            self.closed = True
            return
        self._bytes += data
        while len(self._bytes) >= 4:
            (length,) = struct.unpack_from(">I", self._bytes)
            if length > LIMIT:
                raise ValueError(f"a message claims {length} bytes, more than {LIMIT}")
            if len(self._bytes) < 4 + length:
                break
            self._ready.append(plain.loads(bytes(self._bytes[4 : 4 + length])))
            del self._bytes[: 4 + length]

    def close(self) -> None:
        self.closed = True
        self.socket.close()


def pair() -> tuple[socket.socket, socket.socket]:
    """Two connected stream sockets, not inherited by programs that are started later."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)

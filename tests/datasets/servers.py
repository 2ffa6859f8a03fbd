"""Servers on this machine: good ones, and ones as they are met; and what they give."""

from __future__ import annotations

import hashlib
import http.server
from pathlib import Path

from labkit.datasets.files import PinnedFile

PAYLOAD = b"a tiny pinned payload"
PINNED = PinnedFile("tiny", len(PAYLOAD), hashlib.sha256(PAYLOAD).hexdigest())


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


class Handler(http.server.BaseHTTPRequestHandler):
    served: dict[str, bytes]
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        body = self.served.get(self.path)
        self.send_response(200 if body is not None else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: object) -> None:
        pass


class Odd(http.server.BaseHTTPRequestHandler):
    """Servers as they are met: each path is another way to be wrong, or right in a roundabout way."""

    def do_GET(self) -> None:
        way = self.path.strip("/")
        length = {"short": len(PAYLOAD) + 9, "long": 5, "nonsense": "many", "truncates": len(PAYLOAD)}.get(way)
        if way in ("redirects", "loops", "elsewhere"):
            self.send_response(302)
            target = {"redirects": "/good", "loops": "/loops", "elsewhere": "file:///etc/passwd"}[way]
            self.send_header("Location", target)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if way == "hangs":
            self.server.released.wait(30)  # type: ignore[attr-defined]
            return
        self.send_response(500 if way == "broken" else 200)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        for i, byte in enumerate(PAYLOAD):
            if way == "truncates" and i == 7:
                return
            self.wfile.write(bytes([byte]))
            if way == "drips":
                self.wfile.flush()
                self.server.released.wait(0.2)  # type: ignore[attr-defined]
            if way == "slow":
                self.wfile.flush()
                self.server.released.wait(0.01)  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        pass

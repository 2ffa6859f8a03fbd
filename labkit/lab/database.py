"""The store's file: one SQLite database, opened so that what is committed stays, and whose errors say what to do.

The journal is a rollback journal (WAL databases have corrupted under several writers) that is kept and made void at the
end of a transaction: that its header is zero reaches the disk before the commit is acknowledged. A journal that is
removed instead can come back after a loss of power, and with it the state before the commit.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from labkit.errors import NotFoundError, StoreError
from labkit.io import make_folder
from labkit.io.failpoints import reach
from labkit.lab.rows import SCHEMA, VERSION

NAME = "labkit.sqlite"
PATIENCE = 30.0
"""Seconds that a transaction waits for those of other processes."""

JOURNAL_LIMIT = 1 << 20
"""Bytes that the journal keeps between transactions."""


class Database:
    """The database in a folder of logs.

    Args:
        create: make folder and database where there are none, and find out now whether they can be written; else the
            database has to be there, and may be one that can be read only.

    Raises:
        NotFoundError: there is no database, and none is to be made.
        StoreError: it cannot be opened, or is of another version.
    """

    def __init__(self, logs: Path, create: bool = True) -> None:
        self.path = logs / NAME
        self._nested = False
        self._opened: os.stat_result | None = None
        if create:
            self._make_folder(logs)
        elif not self.path.exists():
            raise self._absent()
        with self._errors("opened"):
            address = f"file:{urllib.parse.quote(os.fsencode(self.path))}?mode={'rwc' if create else 'rw'}"
            self._db = sqlite3.connect(address, uri=True, timeout=PATIENCE, isolation_level=None)
        try:
            with self._errors("opened"):
                self._prepare(create)
                self._opened = self.path.stat()
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        self._db.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """What is written inside is committed at the end, all of it or, when the block raises, nothing.

        Raises:
            StoreError: it cannot be written.
        """
        with self.batch():
            if not self._db.in_transaction:
                self._db.execute("BEGIN IMMEDIATE")
            yield

    @contextlib.contextmanager
    def batch(self) -> Iterator[None]:
        """All transactions inside become one, which begins with the first of them: one commit, or nothing.

        Raises:
            StoreError: it cannot be written.
        """
        if self._nested:
            yield
            return
        self._nested = True
        try:
            with self._errors("written"):
                yield
                if self._db.in_transaction:
                    self._commit()
        except BaseException:
            with contextlib.suppress(sqlite3.Error):  # the first error is the one to report
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
            raise
        finally:
            self._nested = False

    def _commit(self) -> None:
        try:  # what SQLite does in between has its own tests: full disks, and losses of power
            reach("commit")
            self._db.execute("COMMIT")
            reach("committed")
        except OSError as error:
            raise StoreError(f"The store {self.path} cannot be written: {error}", fix=_FULL) from error

    def _prepare(self, create: bool) -> None:
        for pragma in ("synchronous = FULL", "foreign_keys = ON", f"journal_size_limit = {JOURNAL_LIMIT}"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.execute("PRAGMA journal_mode = PERSIST")
        version = self._version()
        if create and version in (0, VERSION):
            with self.transaction():
                version = self._version()  # another process may have been quicker
                if version == 0:
                    for statement in SCHEMA.split(";\n"):
                        self._db.execute(statement)
                    self._db.execute(f"PRAGMA user_version = {VERSION}")
                    version = VERSION
                self._db.execute("DELETE FROM events WHERE 0")  # shows here and now whether it can be written
        if version == 0 and not create:  # whoever was to make it died before it had
            raise self._absent()
        if version != VERSION:
            raise StoreError(
                f"{self.path} was written by another version of labkit",
                rule=f"This version reads stores of layout {VERSION}",
                received=f"layout {version}",
                fix="Use that version, or another folder: --logs DIR",
            )

    def _absent(self) -> NotFoundError:
        return NotFoundError(
            f"There is no store in {self.path.parent}", fix="Name the folder that `labkit run` wrote to: --logs DIR"
        )

    def _version(self) -> int:
        return self._db.execute("PRAGMA user_version").fetchone()[0]

    def _make_folder(self, logs: Path) -> None:
        try:
            make_folder(logs)
        except OSError as error:
            raise StoreError(
                f"The log folder {logs} cannot be made ({error.strerror})",
                fix="Free some space or choose another folder: --logs DIR",
            ) from error

    def _query(self, query: str, values: Any = ()) -> list[tuple[Any, ...]]:
        with self._errors("read"):
            return self._db.execute(query, values).fetchall()

    @contextlib.contextmanager
    def _errors(self, verb: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, ValueError) as error:
            if isinstance(error, StoreError) or not isinstance(error, (sqlite3.Error, UnicodeError)):
                raise
            fix = _MOVED if self._moved() else _ADVICE.get(str(error), "")
            raise StoreError(f"The store {self.path} cannot be {verb}: {error}", fix=fix) from error

    def _moved(self) -> bool:
        """Whether the file that was opened is not where it was any more."""
        try:
            return self._opened is not None and not os.path.samestat(self._opened, self.path.stat())
        except OSError:
            return self._opened is not None


_MOVED = (
    "It was removed or replaced while it was used: what was reported before is in the file that was there. "
    "Run the same command again to begin another store, or choose another folder: --logs DIR"
)
_READ_ONLY = "Make the folder and the file writable or choose another folder: --logs DIR"
_DAMAGED = "Move that file away; the trials' own files are still in their folders. Or choose another folder: --logs DIR"
_FULL = "Free some space and run the same command again: it continues."
_ADVICE = {
    "database or disk is full": _FULL,
    "disk I/O error": f"The disk may be full or failing. {_FULL}",
    "attempt to write a readonly database": _READ_ONLY,
    "unable to open database file": _READ_ONLY,
    "database is locked": "Another program holds the store; stop it and run the same command again.",
    "file is not a database": _DAMAGED,
    "database disk image is malformed": _DAMAGED,
}

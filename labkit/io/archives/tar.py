"""Tar archives (POSIX ustar and pax, GNU's long names), plain or packed, read in one pass or, where plain, from any byte.

Sources: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Header Block"; GNU tar manual, "Basic Tar Format".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from labkit.io.archives.members import MIB, Member, Names, Wrong, shown
from labkit.io.archives.streams import Source

BLOCK = 512
_ZEROS = bytes(BLOCK)
_FILES, _FOLDER = b"0\x007", b"5"
_REFUSED = {
    b"1": "is a hard link",
    b"2": "is a symbolic link",
    b"3": "is a device",
    b"4": "is a device",
    b"6": "is a pipe",
    b"S": "is a sparse file, which tar --sparse makes",
    b"M": "is a part of a file of several volumes",
}
_DEREFERENCE = "Pack it again with what links lead to: tar --dereference --hard-dereference -cf ARCHIVE FOLDER"
_OCTAL = re.compile(rb"\s*([0-7]*)[\s\0]*")


def walk(source: Source, wrong: Wrong, wanted: Callable[[Member], bool]) -> Iterator[tuple[Member, bytes | None]]:
    """The files of a tar, each with its content where it is wanted. Folders are left out.

    Raises:
        ArchiveError: it is no tar, is damaged or cut short, passes a limit, or holds something that is neither file nor folder.
    """
    names, extended, extended_at = Names(wrong), dict[str, str](), -1
    while True:
        at = source.position
        header = source.take(BLOCK)
        if len(header) < BLOCK:
            raise _ends(wrong, at, "A tar ends with two blocks of zeros", f"{len(header)} bytes of a header")
        if header == _ZEROS:
            break
        _check_sum(header, at, wrong)
        kind, size = header[156:157], _number(header[124:136], at, wrong)
        if kind in b"xXgLK":
            text = _extension(source, size, at, wrong)
            found = {"path": _decoded(text.split(b"\0")[0], at, wrong)} if kind == b"L" else {}
            found = _records(text, at, wrong) if kind in b"xXg" else found
            if kind == b"g" and found.keys() & {"path", "size"}:
                raise wrong("gives all its members the same name or size", position=at)
            extended, extended_at = (extended, extended_at) if kind == b"g" else (extended | found, at)
            continue
        name = extended.get("path")
        if name is None:
            name = _name(header, at, wrong)
        if "size" in extended:
            size = _decimal(extended["size"], at, wrong)
        sparse = any(key.startswith("GNU.sparse.") for key in extended)
        extended, extended_at = {}, -1
        folder = kind == _FOLDER or (kind == b"\0" and name.endswith("/"))
        if (kind not in _FILES and not folder) or sparse or (folder and size) or (not folder and name.endswith("/")):
            raise _refused(kind, name, at, sparse, wrong)
        plain = names.plain(name, at, folder)
        if folder:
            continue
        names.weigh(plain, size, at)
        start = source.position
        member = Member(plain, size, at, start, size)
        content = source.take(size) if wanted(member) else None
        if content is None:
            source.skip(size)
        if source.position < start + size:
            received = f"{source.position - start:,} bytes"
            raise _ends(wrong, at, f"The header says that it has {size:,} bytes", received, plain)
        source.skip(-size % BLOCK)
        yield member, content
    if extended:
        raise wrong("ends after a header that belongs to a member", position=extended_at)
    _end(source, wrong)


def is_header(block: bytes) -> bool:
    """Whether a block is a tar's header, by its check sum, or the end of a tar."""
    if len(block) < BLOCK:
        return False
    octal = _OCTAL.fullmatch(block[148:156])
    return block == _ZEROS or (octal is not None and _sums_fit(block, int(octal[1] or b"0", 8)))


def _check_sum(header: bytes, at: int, wrong: Wrong) -> None:
    if not is_header(header):
        what = "is no tar" if at == 0 else "is damaged, or what is said of a member's size is wrong"
        raise wrong(what, position=at, rule="A header of a member stands here, and its check sum fits")


def _sums_fit(header: bytes, told: int) -> bool:
    field = header[148:156]
    if sum(header) - sum(field) + 8 * 32 == told:
        return True
    negative = sum(byte >= 128 for byte in header) - sum(byte >= 128 for byte in field)
    return sum(header) - sum(field) + 8 * 32 - 256 * negative == told  # old writers took bytes for signed


def _number(field: bytes, at: int, wrong: Wrong) -> int:
    """An octal number, or a binary one behind the byte 0x80 as GNU writes larger ones."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    octal = _OCTAL.fullmatch(field)
    if octal is None:
        raise wrong("has a number in a header that is none", position=at, received=ascii(field))
    return int(octal[1] or b"0", 8)


def _decimal(text: str, at: int, wrong: Wrong) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 20:
        raise wrong("has a size in a pax header that is none", position=at, received=shown(text))
    return int(text)


def _decoded(text: bytes, at: int, wrong: Wrong) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise wrong(
            "has a name that is not in UTF-8", position=at, received=ascii(text[:60]), fix="Pack it with a UTF-8 locale"
        ) from None


def _name(header: bytes, at: int, wrong: Wrong) -> str:
    name = header[:100].split(b"\0")[0]
    prefix = header[345:500].split(b"\0")[0] if header[257:263] == b"ustar\0" else b""
    return _decoded(prefix + b"/" + name if prefix else name, at, wrong)


def _extension(source: Source, size: int, at: int, wrong: Wrong) -> bytes:
    """The content of a header that speaks of the next one."""
    if size > MIB:
        raise wrong(
            "has a huge pax header or name", position=at, rule=f"They have at most {MIB:,} bytes", received=f"{size:,}"
        )
    text = source.take(size)
    if len(text) < size:
        raise _ends(wrong, at, f"A pax header or name has {size:,} bytes", f"{len(text):,}")
    source.skip(-size % BLOCK)
    return text


def _records(text: bytes, at: int, wrong: Wrong) -> dict[str, str]:
    """The records "length key=value\\n" of a pax header, of which these matter: path, size, GNU.sparse."""
    found, place = {}, 0
    while place < len(text):
        digits, blank, _ = text[place : place + 8].partition(b" ")
        length = int(digits) if blank and digits.isdigit() else 0
        record = text[place + len(digits) + 1 : place + length]
        key, equals, value = record.partition(b"=")
        if not equals or not record.endswith(b"\n") or place + length > len(text):
            raise wrong("has a damaged pax header", position=at, received=ascii(text[place : place + 40]))
        if key in (b"path", b"size") or key.startswith(b"GNU.sparse."):
            found[key.decode("ascii", "replace")] = _decoded(value[:-1], at, wrong)
        place += length
    return found


def _refused(kind: bytes, name: str, at: int, sparse: bool, wrong: Wrong) -> Exception:
    if sparse or kind in _REFUSED:
        what = _REFUSED[b"S" if sparse else kind]
    elif kind in (_FOLDER, *(_FILES[i : i + 1] for i in range(3))):
        what = "is a folder with content, or a file with the name of a folder"
    else:
        what = f"is something of the unknown kind {kind!a}"
    return wrong(
        what,
        member=name,
        position=at,
        rule="Only files and folders are read, and only whole ones",
        fix=_DEREFERENCE if kind in b"12" else "",
    )


def _ends(wrong: Wrong, at: int, rule: str, received: str, member: str | None = None) -> Exception:
    return wrong("ends too early", member=member, position=at, rule=rule, received=received, fix="Fetch it again")


def _end(source: Source, wrong: Wrong) -> None:
    """After the first block of zeros there is nothing but zeros: other programs would read what is hidden there."""
    while data := source.take(MIB // 16):
        if data.strip(b"\0"):
            at = source.position - len(data.lstrip(b"\0"))
            raise wrong("goes on behind its end", position=at, rule="Nothing but zeros follows a tar's last member")

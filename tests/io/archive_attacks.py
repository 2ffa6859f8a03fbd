"""Archives made by hand, byte by byte where the libraries refuse: hostile ones, and strange ones that do no harm.

Each is written by a function into a path. `REFUSED` says what an ArchiveError of it says, `HARMLESS` what is read from it.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

Write = Callable[[Path], object]
BLOCK = 512


def header(name: bytes, size: int | bytes = 0, kind: bytes = b"0", link: bytes = b"", prefix: bytes = b"") -> bytes:
    """A ustar header, with whatever is asked for in it, and the right check sum."""
    told = size if isinstance(size, bytes) else b"%011o\0" % size
    fields = [name.ljust(100, b"\0"), b"0000644\0", b"0000000\0" * 2, told, b"00000000000\0", b" " * 8, kind]
    fields += [link.ljust(100, b"\0"), b"ustar\x0000", bytes(80), prefix.ljust(155, b"\0")]
    block = bytearray(b"".join(fields).ljust(BLOCK, b"\0"))
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % BLOCK)


def file(name: bytes, data: bytes = b"content", kind: bytes = b"0") -> bytes:
    return header(name, len(data), kind) + padded(data)


def pax(kind: bytes = b"x", **records: bytes) -> bytes:
    text = b""
    for key, value in records.items():
        body = b" " + key.replace("__", ".").encode() + b"=" + value + b"\n"
        length = len(body) + 1
        while len(str(length)) + len(body) != length:
            length += 1
        text += str(length).encode() + body
    return file(b"pax", text, kind)


END = bytes(2 * BLOCK)


def tar(*parts: bytes, end: bytes = END) -> Write:
    return lambda path: path.write_bytes(b"".join(parts) + end)


def packed(pack: Callable[[bytes], bytes], data: bytes, tail: bytes = b"") -> Write:
    return lambda path: path.write_bytes(pack(data) + tail)


def zipped(
    *members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED, change: Callable[[bytes], bytes] = bytes
) -> Write:
    """A zip of members, in which something was changed then."""

    def write(path: Path) -> None:
        target = io.BytesIO()
        with warnings.catch_warnings(), zipfile.ZipFile(target, "w", method) as archive:
            warnings.simplefilter("ignore")  # of names that are there twice
            for name, data in members:
                info = zipfile.ZipInfo("x" * len(name.encode()))
                info.filename = info.orig_filename = name
                info.compress_type = method
                archive.writestr(info, data)
        path.write_bytes(change(target.getvalue()))

    return write


def replaced(old: bytes, new: bytes, times: int = -1) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        assert old in data
        return data.replace(old, new, times)

    return change


def patched(signature: bytes, offset: int, new: bytes, last: bool = False) -> Callable[[bytes], bytes]:
    """Bytes written over, so far behind the first or last signature."""

    def change(data: bytes) -> bytes:
        at = (data.rindex(signature) if last else data.index(signature)) + offset
        return data[:at] + new + data[at + len(new) :]

    return change


def with_mode(mode: int) -> Callable[[bytes], bytes]:
    return patched(b"PK\x01\x02", 38, struct.pack("<L", mode << 16))


def overlapping(count: int) -> Write:
    """Many entries of the list that share the bytes of one file: a bomb that does not nest."""

    def write(path: Path) -> None:
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        content = bytes(1 << 20)
        data = deflate.compress(content) + deflate.flush()
        fields = (0, 8, 0, 0x21, zlib.crc32(content), len(data), len(content), 5, 0)
        local = struct.pack("<4sHHHHHLLLHH", b"PK\x03\x04", 20, *fields) + b"00000" + data
        entries = b"".join(
            struct.pack("<4sBBHHHHHLLLHHHHHLL", b"PK\x01\x02", 20, 3, 20, *fields, 0, 0, 0, 0, 0) + b"%05d" % i
            for i in range(count)
        )
        end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, count, count, len(entries), len(local), 0)
        path.write_bytes(local + entries + end)

    return write


def bomb(pack: Callable[[], object], name: bytes = b"zeros") -> Write:
    """A file of 10 GB of zeros in a packed tar of a few MB at most; what it is made of is packed block by block."""

    def write(path: Path) -> None:
        with path.open("wb") as out:
            stream = pack()
            out.write(stream.compress(header(name, b"\x80" + (10 << 30).to_bytes(11, "big"))))  # type: ignore[attr-defined]
            block = bytes(1 << 20)
            for _ in range(100):  # enough to be found out: the rest would only take time
                out.write(stream.compress(block))  # type: ignore[attr-defined]
            out.write(stream.flush())  # type: ignore[attr-defined]

    return write


def with_dictionary(data: bytes) -> bytes:
    """An .xz file that asks for a dictionary of 4 GB."""
    block = data[12 : 12 + 4 * (data[12] + 1)]
    block = block[:4] + b"\x28" + block[5:-4]
    return data[:12] + block + struct.pack("<L", zlib.crc32(block)) + data[12 + len(block) + 4 :]


def tar_of(*members: tuple[str, bytes], kind: int = tarfile.PAX_FORMAT) -> bytes:
    """What Python's tarfile writes."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=kind) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return target.getvalue()


GOOD = [("train/cat/1.jpg", b"first"), ("train/dog/2.jpg", bytes(range(256)) * 40), ("empty", b"")]
GOOD_TAR = tar_of(*GOOD)
LARGE = 1 << 60

REFUSED: dict[str, tuple[Write, str]] = {
    # Names.
    "tar, upwards": (tar(file(b"a/../../etc/passwd")), "leads upwards"),
    "tar, absolute": (tar(file(b"/etc/passwd")), "absolute"),
    "tar, absolute by its prefix": (tar(header(b"x", prefix=b"/etc")), "absolute"),
    "tar, drive": (tar(file(b"C:/windows/x")), "drive"),
    "tar, backslash": (tar(file(b"..\\..\\x")), "backslash"),
    "tar, no name": (tar(file(b"")), "empty"),
    "tar, newline": (tar(file(b"a\nb")), "control character"),
    "tar, escape": (tar(file(b"\x1b[2J")), "control character"),
    "tar, Latin-1": (tar(file(b"caf\xe9.jpg")), "not in UTF-8"),
    "tar, NUL in a pax name": (tar(pax(path=b"a\0b"), file(b"a")), "control character"),
    "tar, pax name not in UTF-8": (tar(pax(path=b"\xff\xfe"), file(b"a")), "not in UTF-8"),
    "tar, pax name upwards": (tar(pax(path=b"../x"), file(b"a")), "leads upwards"),
    "tar, GNU name upwards": (tar(file(b"././@LongLink", b"../x\0", b"L"), file(b"a")), "leads upwards"),
    "tar, name twice": (tar(file(b"a", b"1"), file(b"a", b"2")), "there twice"),
    "tar, name twice otherwise written": (tar(file(b"a/b", b"1"), file(b"./a//b", b"2")), "there twice"),
    "tar, file and folder": (tar(file(b"a"), file(b"a/b")), "below a file"),
    "tar, folder and file": (tar(file(b"a/b"), file(b"a")), "a file and a folder"),
    "tar, long name": (tar(pax(path=b"a/" * 2000 + b"b"), file(b"a")), "too long a name"),
    "zip, upwards": (zipped(("../x", b"1")), "leads upwards"),
    "zip, absolute": (zipped(("/x", b"1")), "absolute"),
    "zip, backslash": (zipped(("..\\x", b"1")), "backslash"),
    "zip, drive": (zipped(("c:x", b"1")), "drive"),
    "zip, NUL": (zipped(("cat.jpg!.exe", b"1"), change=replaced(b"!", b"\0")), "control character"),
    "zip, name twice": (zipped(("a", b"1"), ("a", b"2")), "there twice"),
    "zip, names that differ": (zipped(("aaa", b"1"), change=replaced(b"aaa", b"bbb", 1)), "list and the local header"),
    # What is neither file nor folder.
    "tar, symbolic link": (tar(header(b"a", kind=b"2", link=b"/etc/passwd")), "symbolic link"),
    "tar, link and a file through it": (
        tar(header(b"a", kind=b"2", link=b"/tmp"), file(b"a/x")),
        "symbolic link",
    ),
    "tar, hard link": (tar(file(b"a"), header(b"b", kind=b"1", link=b"a")), "hard link"),
    "tar, device": (tar(header(b"a", kind=b"3")), "device"),
    "tar, block device": (tar(header(b"a", kind=b"4")), "device"),
    "tar, pipe": (tar(header(b"a", kind=b"6")), "pipe"),
    "tar, sparse": (tar(file(b"a", kind=b"S")), "sparse"),
    "tar, sparse by pax": (tar(pax(GNU__sparse__major=b"1"), file(b"a")), "sparse"),
    "tar, unknown kind": (tar(file(b"a", kind=b"Z")), "unknown kind"),
    "tar, folder with content": (tar(file(b"a/", kind=b"5")), "folder with content"),
    "zip, symbolic link": (zipped(("a", b"/etc"), change=with_mode(0o120777)), "symbolic link"),
    "zip, file that has the mode of a folder": (zipped(("a", b"1"), change=with_mode(0o040755)), "neither a file nor"),
    "zip, device": (zipped(("a", b""), change=with_mode(0o020666)), "neither a file nor a folder"),
    # Sizes.
    "tar, size too large": (
        tar(header(b"a", b"\x80" + LARGE.to_bytes(11, "big"))),
        "large",
    ),
    "tar, negative size": (tar(header(b"a", b"\xff" * 12)), "number in a header"),
    "tar, size with an underscore": (tar(header(b"a", b"0000000_007\0")), "number in a header"),
    "tar, size beyond the end": (tar(header(b"a", 200 << 20), padded(b"content")), "too early"),
    "tar, size that swallows the next": (tar(header(b"a", 700) + padded(b"x"), file(b"b")), "check sum"),
    "tar, huge pax header": (tar(header(b"p", 200 << 20, b"x"), bytes(4096)), "huge pax header"),
    "tar, endless pax record": (tar(file(b"p", b"99999999 path=x\n", b"x"), file(b"a")), "damaged pax header"),
    "tar, pax record of no length": (tar(file(b"p", b"0 path=x\n", b"x"), file(b"a")), "damaged pax header"),
    "tar, pax size no number": (tar(pax(size=b"-1"), file(b"a")), "size in a pax header"),
    "tar, pax size too large": (tar(pax(size=b"9" * 20), file(b"a")), "large"),
    "tar, pax for all members": (tar(pax(b"g", path=b"same"), file(b"a")), "same name or size"),
    "tar, pax for none": (tar(file(b"a"), pax(path=b"b")), "belongs to a member"),
    "zip, more than it says": (
        zipped(("a", b"x" * 1000), change=patched(b"PK\x01\x02", 24, struct.pack("<L", 10))),
        "more, check sum",
    ),
    "zip, less than it says": (
        zipped(("a", b"x" * 1000), change=patched(b"PK\x01\x02", 24, struct.pack("<L", 2000))),
        "1,000 bytes, check sum",
    ),
    "zip, check sum": (zipped(("a", b"abc"), method=0, change=replaced(b"abc", b"abd", 1)), "check sum"),
    "zip, more members than there are": (
        zipped(("a", b"1"), change=patched(b"PK\x05\x06", 8, struct.pack("<HH", 9, 9))),
        "list of 9 members",
    ),
    "zip, fewer members than there are": (
        zipped(("a", b"1"), ("b", b"2"), change=patched(b"PK\x05\x06", 8, struct.pack("<HH", 1, 1))),
        "a list of",
    ),
    "zip, of several disks": (
        zipped(("a", b"1"), change=patched(b"PK\x05\x06", 4, struct.pack("<HH", 3, 0))),
        "zip of one file",
    ),
    "zip, files upon each other": (overlapping(200), "overlaps"),
    "zip, file upon the list": (
        zipped(("a", b"1"), change=patched(b"PK\x01\x02", 20, struct.pack("<L", 4000))),
        "overlaps",
    ),
    # Bombs.
    "tar.xz, 10 GB": (bomb(lambda: lzma.LZMACompressor(preset=0)), "too large"),
    "tar.bz2, many files": (
        packed(bz2.compress, b"".join(header(b"%d" % i, 1 << 20) + bytes(1 << 20) for i in range(100))),
        "suspiciously much",
    ),
    "zip, ratio": (zipped(*((f"{i}", bytes(1 << 20)) for i in range(120))), "suspiciously much"),
    # Streams.
    "empty file": (lambda path: path.write_bytes(b""), "no archive"),
    "text": (lambda path: path.write_text("<!DOCTYPE html>" * 100), "no archive"),
    "tar, no end": (tar(file(b"a"), end=b""), "too early"),
    "tar, half a header": (tar(file(b"a"), header(b"b")[:300], end=b""), "too early"),
    "tar, check sum": (tar(file(b"a"), file(b"b").replace(b"ustar", b"usTar")), "check sum"),
    "tar, first check sum": (tar(file(b"a").replace(b"0000644", b"0000645")), "is no tar"),
    "tar, hidden behind its end": (tar(file(b"a"), END, file(b"b")), "goes on behind its end"),
    "tar.gz, cut short": (lambda path: path.write_bytes(gzip.compress(GOOD_TAR)[:-20]), "within its gz stream"),
    "tar.gz, no tar": (packed(gzip.compress, b"hello" * 1000), "is no tar"),
    "tar.gz, garbage behind": (packed(gzip.compress, GOOD_TAR, b"garbage!"), "goes on behind its end"),
    "tar.gz, damaged": (
        lambda path: path.write_bytes(replaced(b"\x1f\x8b\x08", b"\x1f\x8b\x09")(gzip.compress(GOOD_TAR))),
        "damaged gz stream",
    ),
    "tar.xz, cut short": (lambda path: path.write_bytes(lzma.compress(GOOD_TAR)[:-20]), "within its xz stream"),
    "tar.bz2, damaged": (lambda path: path.write_bytes(bz2.compress(GOOD_TAR)[:90] + b"?" * 90), "damaged bz2 stream"),
    "tar.xz, more memory than allowed": (
        lambda path: path.write_bytes(with_dictionary(lzma.compress(GOOD_TAR))),
        "damaged xz",
    ),
    "zip, cut short": (zipped(*GOOD, change=lambda data: data[:-30]), "no zip archive"),
    "zip, garbage behind": (zipped(*GOOD, change=lambda data: data + b"garbage"), "no zip archive"),
    "zip, garbage before": (zipped(*GOOD, change=lambda data: b"PK\x03\x04" * 9 + data), "right before the end"),
    "zip, garbage in the list": (zipped(*GOOD, change=replaced(b"PK\x01\x02", b"PK\x01\x09", 1)), "list of 3 members"),
    "zip, no local header": (zipped(*GOOD, change=patched(b"PK\x03\x04", 3, b"\x09", last=True)), "local header"),
    "zip, encrypted": (
        zipped(("a", b"1"), change=lambda d: patched(b"PK\x03\x04", 6, b"\1")(patched(b"PK\x01\x02", 8, b"\1")(d))),
        "encrypted",
    ),
    "zip, unknown method": (
        zipped(
            ("a", b"1"), change=lambda d: patched(b"PK\x03\x04", 8, b"\x63")(patched(b"PK\x01\x02", 10, b"\x63")(d))
        ),
        "method 99",
    ),
    "zip, damaged content": (
        zipped(("a", bytes(range(256))), change=patched(b"PK\x03\x04", 33, b"\xff" * 20)),
        "is damaged",
    ),
    "zip, no LZMA": (
        zipped(("a", b"1" * 99), method=zipfile.ZIP_LZMA, change=patched(b"PK\x03\x04", 33, b"\xff" * 4)),
        "is damaged",
    ),
}

HARMLESS: dict[str, tuple[Write, dict[str, bytes]]] = {
    "tar, names that differ in case": (
        tar(file(b"Cat/1", b"a"), file(b"cat/1", b"b")),
        {"Cat/1": b"a", "cat/1": b"b"},
    ),
    "tar, dots and slashes": (tar(header(b"./", kind=b"5"), file(b"./a//b..", b"1")), {"a/b..": b"1"}),
    "tar, folders twice": (tar(*[header(b"a/", kind=b"5")] * 2, file(b"a/b", b"1")), {"a/b": b"1"}),
    "tar, version 7": (tar(file(b"a/", b"", b"\0"), file(b"a/b", b"1", b"\0")), {"a/b": b"1"}),
    "tar, nothing in it": (lambda path: path.write_bytes(bytes(10240)), {}),
    "tar, time for all members": (tar(pax(b"g", comment=b"0" * 40), file(b"a", b"1")), {"a": b"1"}),
    "tar, pax": (tar(pax(path="käse".encode(), mtime=b"1.5", size=b"3"), file(b"a", b"abc")), {"käse": b"abc"}),
    "tar, binary size": (tar(header(b"a", b"\x80" + (1).to_bytes(11, "big")) + padded(b"1")), {"a": b"1"}),
    "tar.gz, two streams and zeros": (
        lambda path: path.write_bytes(gzip.compress(GOOD_TAR[:700]) + gzip.compress(GOOD_TAR[700:]) + bytes(99)),
        dict(GOOD),
    ),
    "tar, archive in it": (tar(file(b"a.tar", tar_of(("../x", b"1")))), {"a.tar": tar_of(("../x", b"1"))}),
    "zip, nothing in it": (zipped(), {}),
    "zip, folder and comment": (
        zipped(("a/", b""), ("a/b", b"1"), change=lambda data: data[:-2] + b"\2\0hi"),
        {"a/b": b"1"},
    ),
    "zip, folder that has the mode of a file": (
        zipped(("a/", b""), ("a/b", b"1"), change=with_mode(0o100755)),
        {"a/b": b"1"},
    ),
    "zip, folder of an impossible mode": (
        zipped(("a/", b""), ("a/b", b"1"), change=with_mode(0xFFFF)),
        {"a/b": b"1"},
    ),
    "zip, name of the PC": (
        zipped(("x" * 30, b"1"), change=replaced(b"x" * 30, b"\x84" * 30)),
        {"ä" * 30: b"1"},
    ),
    "zip, quoted end in its comment": (
        zipped(("a", b"1"), change=lambda data: data[:-2] + b"\x1a\0PK\x05\x06" + bytes(20) + b"\1\0"),
        {"a": b"1"},
    ),
}

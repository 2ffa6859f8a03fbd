"""Zip archives, read from any byte: what their list says and what stands before each file must be the same.

Source: PKWARE, APPNOTE.TXT 6.3.10, sections 4.3 (structure), 4.4 (fields), 4.5.3 (zip64).
"""

from __future__ import annotations

import bz2
import lzma
import stat
import struct
import zlib
from typing import Any

from labkit.io.archives.members import FREE, Bytes, Member, Names, Wrong
from labkit.io.archives.streams import Gunzip, PlainSource

MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")
_ENTRY = struct.Struct("<4s4B4HL2L5H2L")
_LOCAL = struct.Struct("<4s2B4HL2L2H")
_MAX16, _MAX32 = 0xFFFF, 0xFFFFFFFF
_ENCRYPTED, _AFTERWARDS, _UTF8 = 1 << 0, 1 << 3, 1 << 11
_REFUSED = (stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK)
_USUAL = 256
"""As many bytes as name and extra field usually have at most: with them a file is read at once."""
_STORED, _DEFLATED, _BZIP2, _LZMA = 0, 8, 12, 14


def listed(file: Bytes, wrong: Wrong) -> list[Member]:
    """The files in the list at the end of a zip. Folders are left out.

    Raises:
        ArchiveError: there is no such list, it is damaged, files lie upon each other or outside, a limit is passed, or there is
            something that is neither file nor folder.
    """
    count, size, start = _find_list(file, wrong)
    limits = wrong.limits
    if count > limits.members:
        raise wrong.too_much("members", "holds too many members", f"{count:,}", position=start)
    source, names, found, ends = PlainSource(file), Names(wrong), list[Member](), list[int]()
    source.skip(start)
    for _ in range(count):
        at = source.position
        entry = source.take(_ENTRY.size)
        if len(entry) < _ENTRY.size or entry[:4] != b"PK\x01\x02" or source.position > start + size:
            raise _damaged(wrong, at, f"a list of {count:,} members", "something else after some of them")
        (_, _, system, _, _, flags, _, _, _, _, packed, unpacked, *lengths, disk, _, attributes, offset) = (
            _ENTRY.unpack(entry)
        )
        raw, extra, _ = (source.take(length) for length in lengths)
        unpacked, packed, offset = _wide(extra, (unpacked, packed, offset), at, wrong)
        name = _decoded(raw, flags, at, wrong)
        mode = stat.S_IFMT(attributes >> 16) if system == 3 else 0
        folder = name.endswith("/")
        if (
            mode in _REFUSED  # other modes, even impossible ones, say nothing: a name's end tells what a folder is
            or (mode == stat.S_IFDIR and not folder)
            or (folder and unpacked)
            or disk not in (0, _MAX16)
        ):
            what = "is a symbolic link" if mode == stat.S_IFLNK else "is neither a file nor a folder as it says"
            raise wrong(what, member=name, position=at, rule="Only files and folders are read, and only whole ones")
        plain = names.plain(name, at, folder)
        if folder:
            continue
        names.weigh(plain, unpacked, at)
        ends.append(offset + _LOCAL.size + len(raw) + packed)
        found.append(Member(plain, unpacked, at, offset, packed))
    _apart(found, ends, start, wrong)
    if (total := names.bytes) > FREE + limits.ratio * file.size:
        raise wrong.too_much(
            "ratio", "unpacks to suspiciously much", f"{total:,} of {file.size:,} bytes", position=start
        )
    if source.position != start + size:
        raise _damaged(wrong, source.position, f"a list of {size:,} bytes", f"{source.position - start:,}")
    return found


def content(file: Bytes, member: Member, wrong: Wrong) -> bytes:
    """A file's content, unpacked and checked.

    Raises:
        ArchiveError: it is encrypted, packed in an unknown way, damaged, or not what the list says of it.
    """

    def damaged(rule: str, received: str) -> Exception:
        return wrong("is damaged", member=member.name, position=member.start, rule=rule, received=received)

    local = file.at(member.start, _LOCAL.size + _USUAL + member.packed)
    if len(local) < _LOCAL.size or local[:4] != b"PK\x03\x04":
        raise damaged("A local header stands before each file", ascii(local[:4]))
    _, _, _, flags, method, _, _, told, _, _, named, extra = _LOCAL.unpack_from(local)
    start = _LOCAL.size + named + extra
    if len(local) < start + member.packed:
        local = file.at(member.start, start + member.packed)
    name, packed = local[_LOCAL.size : _LOCAL.size + named], local[start : start + member.packed]
    if len(packed) < member.packed:
        raise damaged(f"It takes {member.packed:,} bytes", f"{len(packed):,}")
    entry = file.at(member.position, _ENTRY.size + named)
    if len(entry) < _ENTRY.size:
        raise damaged("The list says what it is", "the end of the archive")
    _, _, _, _, _, flags2, method2, _, _, check, *_ = _ENTRY.unpack_from(entry)
    if (method, name) != (method2, entry[_ENTRY.size :]) or (flags ^ flags2) & (_ENCRYPTED | _UTF8):
        raise damaged("The list and the local header say the same", f"{ascii(name)[:60]}, method {method}")
    if not flags & _AFTERWARDS and told != check:
        raise damaged("The list and the local header have the same check sum", f"{told:08x} and {check:08x}")
    if flags & _ENCRYPTED:
        raise wrong("is encrypted", member=member.name, position=member.start, fix="Pack it again without a password")
    data = _unpacked(packed, method, member, wrong)
    if len(data) != member.size or zlib.crc32(data) != check:
        received = f"{'more' if len(data) > member.size else f'{len(data):,} bytes'}, check sum {zlib.crc32(data):08x}"
        raise damaged(f"It has {member.size:,} bytes with the check sum {check:08x}", received)
    return data


def _unpacked(packed: bytes, method: int, member: Member, wrong: Wrong) -> bytes:
    """At most one byte more than there should be."""
    if method == _STORED:
        return packed
    try:
        stream: Any
        if method == _DEFLATED:
            stream = Gunzip(-15)
        elif method == _BZIP2:
            stream = bz2.BZ2Decompressor()
        elif method == _LZMA:
            stream, packed = _lzma(packed, member.size), packed[4 + int.from_bytes(packed[2:4], "little") :]
        else:
            raise wrong(
                f"is packed by the method {method}",
                member=member.name,
                position=member.start,
                rule="Stored, deflated, bzip2 and LZMA are read",
                fix="Pack it again with one of these",
            )
        data = stream.decompress(packed, member.size + 1)
        while not stream.eof and not stream.needs_input and len(data) <= member.size:
            more = stream.decompress(b"", member.size + 1 - len(data))
            if not more:
                break
            data += more
    except (zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, ValueError, MemoryError, IndexError) as error:
        raise wrong("is damaged", member=member.name, position=member.start, received=str(error)) from error
    if len(data) <= member.size and method != _LZMA and (not stream.eof or stream.unused_data):
        raise wrong("is damaged", member=member.name, position=member.start, received="a stream that ends elsewhere")
    return data


def _lzma(packed: bytes, size: int) -> lzma.LZMADecompressor:
    """Of a raw stream behind two bytes of a version, two of a length and five of properties (APPNOTE 5.8.8)."""
    _, length, first, dictionary = struct.unpack_from("<HHBI", packed)
    if length != 5 or first >= 9 * 5 * 5:
        raise ValueError("no properties of LZMA that are allowed here")
    rest, lc = divmod(first, 9)
    pb, lp = divmod(rest, 5)
    filters = [{"id": lzma.FILTER_LZMA1, "lc": lc, "lp": lp, "pb": pb, "dict_size": max(4096, min(dictionary, size))}]
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)


def _find_list(file: Bytes, wrong: Wrong) -> tuple[int, int, int]:
    """Of how many members the list is, its bytes, and where it begins."""
    tail_at = max(0, file.size - _END.size - _MAX16)
    tail = file.at(tail_at, file.size - tail_at)
    place = tail.rfind(b"PK\x05\x06")
    while place >= 0:
        if place + _END.size <= len(tail):
            _, disk, list_disk, here, count, size, start, comment = _END.unpack_from(tail, place)
            if place + _END.size + comment == len(tail):
                break
        place = tail.rfind(b"PK\x05\x06", 0, place)
    else:
        raise wrong(
            "is no zip archive, or is cut short", rule="The list of its members stands at its end", fix="Fetch it again"
        )
    end = at = tail_at + place
    locator = file.at(max(0, at - _LOCATOR.size), _LOCATOR.size) if at >= _LOCATOR.size else b""
    if locator[:4] == b"PK\x06\x07":
        _, _, wide_at, disks = _LOCATOR.unpack(locator)
        record = file.at(wide_at, _END64.size) if wide_at < at else b""
        if len(record) < _END64.size or record[:4] != b"PK\x06\x06" or disks > 1:
            raise _damaged(wrong, at - _LOCATOR.size, "a zip64 record", ascii(record[:4]))
        _, length, _, _, disk, list_disk, here, count, size, start = _END64.unpack(record)
        end = wide_at
        if wide_at + 12 + length != at - _LOCATOR.size:
            raise _damaged(wrong, wide_at, "a zip64 record that reaches to its locator", f"{length:,} bytes")
    if disk or list_disk or here != count:
        raise _damaged(wrong, at, "a zip of one file", f"disk {disk}, {here:,} of {count:,} members")
    if start + size != end:
        received = f"a list at {start:,} of {size:,} bytes that should end at {end:,}"
        raise _damaged(wrong, at, "the list of members right before the end", received)
    return count, size, start


def _wide(extra: bytes, values: tuple[int, int, int], at: int, wrong: Wrong) -> list[int]:
    """Sizes and offset; those that are too large for their fields stand in the extra field 1."""
    found, place = list(values), 0
    while place + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, place)
        if place + 4 + length > len(extra):
            break
        if kind == 1:
            wide = iter(struct.unpack_from(f"<{length // 8}Q", extra, place + 4))
            found = [next(wide, -1) if value == _MAX32 else value for value in values]
            break
        place += 4 + length
    if -1 in found:
        raise _damaged(wrong, at, "sizes of zip64", "fewer of them")
    return found


def _decoded(name: bytes, flags: int, at: int, wrong: Wrong) -> str:
    try:
        return name.decode() if flags & _UTF8 else name.decode("cp437")
    except UnicodeDecodeError:
        raise wrong("has a name that is not in UTF-8, as it says", position=at, received=ascii(name[:60])) from None


def _apart(members: list[Member], ends: list[int], list_at: int, wrong: Wrong) -> None:
    """That no file lies upon another (a bomb can share one file's bytes among thousands), or upon the list."""
    order = sorted(range(len(members)), key=lambda i: members[i].start)
    limits = [members[i].start for i in order[1:]] + [list_at]
    for i, limit in zip(order, limits, strict=False):
        if ends[i] > limit:
            member = members[i]
            raise wrong(
                "overlaps with another member or the list",
                member=member.name,
                position=member.position,
                rule="Each file has bytes of its own",
                received=f"bytes {member.start:,} to {ends[i]:,} at least, where others begin at {limit:,}",
            )


def _damaged(wrong: Wrong, at: int, expected: str, received: str) -> Exception:
    return wrong("is damaged", position=at, rule=f"Here stands {expected}", received=received)

"""Unpack a landed file into a nameless temporary file, and say what it is by its content.

The temporary file has no name: raw ids and addresses vanish with the process, however
it ends. What is read from here on is what was hashed.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, Final, Literal

from foretaste.core.errors import Unavailable
from foretaste.intake.problems import BadFile
from foretaste.intake.sources import SourceFile

_BLOCK: Final = 1 << 20
_SAMPLE: Final = 1 << 16
#: Text rarely shrinks by more than 50; a bomb by 1,000 and more.
_MAX_RATIO: Final = 200
#: Below this no ratio hurts.
_FREE_BYTES: Final = 64 << 20
_PACKED: Final = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
#: Packed, encrypted or executable: formats that we know and do not read.
_FOREIGN: Final = (
    b"PK\x03\x04", b"PK\x05\x06", b"\xfd7zXZ", b"BZh", b"7z\xbc\xaf", b"Rar!", b"\x7fELF",
    b"MZ", b"%PDF", b"SQLite format 3", b"ARROW1", b"Obj\x01", b"ORC", b"\x80\x03", b"\x80\x04",
    b"\x80\x05", b"age-encryption", b"-----BEGIN PGP", b"Salted__", b"\x89PNG", b"\xff\xd8\xff",
    b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff",
)  # fmt: skip
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1e\x7f]")

Kind = Literal["parquet", "csv", "jsonl"]


@dataclass(frozen=True, slots=True)
class Spooled:
    r"""A landed file, unpacked.

    Parameters
    ----------
    file
        Its bytes; text is UTF-8 with ``\n`` or ``\r\n``.
    kind
        What the content is.
    restore
        Turns bytes of ``file`` back into bytes as they landed.
    """

    file: IO[bytes]
    kind: Kind
    restore: Callable[[bytes], bytes]


@contextmanager
def spool(source: SourceFile, max_bytes: int) -> Iterator[Spooled]:
    """Unpack, bounded in bytes and ratio, and sniff.

    Raises
    ------
    BadFile
        If the file is unreadable, empty, truncated, packed twice, a bomb, changed since it
        was hashed, or nothing that we read.
    Unavailable
        If the temporary folder is full.
    """
    with tempfile.TemporaryFile() as landed, tempfile.TemporaryFile() as unpacked:
        _copy(source, landed)
        packing = next((p for magic, p in _PACKED.items() if _starts(landed, magic)), None)
        plain = landed
        if packing is not None:
            _unpack(landed, unpacked, packing, min(max_bytes, _ratio_cap(source.size)))
            plain = unpacked
        elif source.size > max_bytes:
            raise BadFile(f"larger than {max_bytes >> 20} MB", code="too_large")
        with tempfile.TemporaryFile() as text:
            yield _sniff(plain, text)


def _copy(source: SourceFile, into: IO[bytes]) -> None:
    digest = hashlib.sha256()
    for block in _blocks(source):
        digest.update(block)
        try:
            into.write(block)
        except OSError as error:
            raise _no_space(error) from None
    if digest.hexdigest() != source.sha256:
        raise BadFile("changed while it was read", code="changed")


def _blocks(source: SourceFile) -> Iterator[bytes]:
    try:
        with source.opener() as file:
            while block := file.read(_BLOCK):
                yield block
    except OSError as error:
        raise BadFile(f"cannot be read ({type(error).__name__})", code="unreadable") from None


def _no_space(error: OSError) -> Unavailable:
    return Unavailable(
        f"a landed file could not be unpacked ({error.strerror or type(error).__name__})",
        hint="check the space in the temporary folder, then run again",
    )


def _ratio_cap(packed: int) -> int:
    return max(_FREE_BYTES, packed * _MAX_RATIO)


def _starts(file: IO[bytes], magic: bytes) -> bool:
    file.seek(0)
    return file.read(len(magic)) == magic


def _unpack(landed: IO[bytes], into: IO[bytes], packing: str, cap: int) -> None:
    import pyarrow as pa

    landed.seek(0)
    written = 0
    try:
        with pa.CompressedInputStream(pa.PythonFile(landed, mode="r"), packing) as stream:
            while block := stream.read(_BLOCK):
                written += len(block)
                if written > cap:
                    raise BadFile(f"unpacks to more than {cap >> 20} MB", code="bomb")
                into.write(block)
    except OSError as error:
        # The system's own errors (a full disk) carry a number; a damaged stream does not.
        if error.errno is not None:
            raise _no_space(error) from None
        raise BadFile(f"damaged or truncated {packing}", code="truncated") from None
    if any(_starts(into, magic) for magic in _PACKED):
        raise BadFile("packed more than once", code="nested_archive")


def _sniff(file: IO[bytes], spare: IO[bytes]) -> Spooled:
    file.seek(0)
    head = file.read(_SAMPLE)
    if not head.strip(b"\x00 \t\r\n"):
        raise BadFile("empty", code="empty")
    if head.startswith(b"PARE"):
        raise BadFile("encrypted Parquet", code="encrypted")
    if head.startswith(b"PAR1"):
        return Spooled(file, "parquet", bytes)
    if head.startswith(_FOREIGN):
        raise BadFile("not Parquet, CSV or JSON Lines", code="unknown_format")
    encoding = _encoding(head)
    if encoding != "utf-8":
        _transcode(file, spare, encoding)
        return _text(spare, lambda raw: _as_landed(raw, encoding))
    if b"\r" in head and b"\n" not in head:
        _translate(file, spare)
        return _text(spare, lambda raw: raw.replace(b"\n", b"\r"))
    return _text(file, bytes)


def _text(file: IO[bytes], restore: Callable[[bytes], bytes]) -> Spooled:
    file.seek(0)
    head = file.read(_SAMPLE).removeprefix(b"\xef\xbb\xbf").lstrip()
    first = head.split(b"\n", 1)[0]
    if head.startswith(b"{"):
        return Spooled(file, "jsonl", restore)
    if head.startswith(b"["):
        raise BadFile("a JSON array; give one object per line", code="unknown_format")
    if _CONTROL.search(first) or not _decodes(first):
        raise BadFile("not Parquet, CSV or JSON Lines", code="unknown_format")
    return Spooled(file, "csv", restore)


def _decodes(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        # A sample may end inside a character.
        return error.start > _SAMPLE - 8
    return True


def _encoding(head: bytes) -> str:
    """UTF-16 by its mark or, without one, by NULs in every other byte."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16-le" if head.startswith(b"\xff\xfe") else "utf-16-be"
    even, odd = head[::2][:512], head[1::2][:512]
    if odd and odd.count(0) > 0.8 * len(odd) and even.count(0) < 0.2 * len(even):
        return "utf-16-le"
    if odd and even.count(0) > 0.8 * len(even) and odd.count(0) < 0.2 * len(odd):
        return "utf-16-be"
    return "utf-8"


def _transcode(file: IO[bytes], into: IO[bytes], encoding: str) -> None:
    import codecs

    decoder: Any = codecs.getincrementaldecoder(encoding)("surrogatepass")
    file.seek(0)
    try:
        while block := file.read(_BLOCK):
            into.write(decoder.decode(block).encode("utf-8", "surrogatepass"))
        into.write(decoder.decode(b"", final=True).encode("utf-8", "surrogatepass"))
    except UnicodeDecodeError:
        raise BadFile("truncated UTF-16", code="truncated") from None


def _as_landed(raw: bytes, encoding: str) -> bytes:
    return raw.decode("utf-8", "surrogatepass").encode(encoding, "surrogatepass")


def _translate(file: IO[bytes], into: IO[bytes]) -> None:
    file.seek(0)
    while block := file.read(_BLOCK):
        into.write(block.replace(b"\r", b"\n"))

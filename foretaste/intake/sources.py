"""Where files land: a folder of the workspace or an fsspec URL."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from foretaste.core.errors import PolicyError, Unavailable

log = logging.getLogger(__name__)
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One landed file.

    Parameters
    ----------
    name
        Path below the source, with forward slashes.
    size
        Bytes as landed, packed or not.
    sha256
        Digest of those bytes, hexadecimal; "" where they cannot be read.
    opener
        Opens the file for reading bytes.
    """

    name: str
    size: int
    sha256: str
    opener: Callable[[], BinaryIO] = field(repr=False, compare=False)


def discover(source: str, root: Path, pattern: str = "*") -> tuple[SourceFile, ...]:
    """List what landed, sorted by name.

    Hidden files (drafts of ``foretaste land``) and whatever is no regular file are left
    alone; a link must stay inside the landing folder.

    Parameters
    ----------
    source
        Folder, relative to ``root``, or an fsspec URL such as ``s3://bucket/landing``.
    root
        The workspace.
    pattern
        Glob over names.

    Raises
    ------
    PolicyError
        If the folder is not there or the URL's protocol is unknown.
    Unavailable
        If the remote does not answer.
    """
    files = _remote(source) if "://" in source else _local(root / source)
    return tuple(sorted((f for f in files if fnmatch(f.name, pattern)), key=lambda file: file.name))


def _local(folder: Path) -> Iterator[SourceFile]:
    if not folder.is_dir():
        raise PolicyError(
            f"there is no landing folder {folder.name}",
            location="params.yaml: ingest.source",
            hint="make the folder, or name another one",
        )
    home = folder.resolve()
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() or _hidden(name):
            continue
        if not path.is_file() or not path.resolve().is_relative_to(home):
            log.warning("not a regular file inside landing, left alone: %s", ascii(name))
            continue
        opener = partial(_open, path)
        try:
            yield _described(name, opener)
        except OSError:
            # Without a digest nothing can be taken in from it: ingest sets it aside.
            yield SourceFile(name, 0, "", opener)


def _remote(url: str) -> Iterator[SourceFile]:
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(url)
    except (ValueError, ImportError):
        raise PolicyError(
            f"cannot read from {url.split('://', maxsplit=1)[0]}://",
            location="params.yaml: ingest.source",
            hint="install the fsspec backend of that protocol",
        ) from None
    try:
        found = list(system.find(path))
        for each in found:
            name = each.removeprefix(path).lstrip("/")
            if not _hidden(name):
                yield _described(name, partial(system.open, each, "rb"))
    except Exception as error:  # noqa: BLE001 -- every fsspec backend raises its own
        raise Unavailable(
            f"the landing source does not answer ({type(error).__name__})",
            hint="try again when the remote is back; nothing was changed",
        ) from None


def _open(path: Path) -> BinaryIO:
    return path.open("rb")


def _described(name: str, opener: Callable[[], Any]) -> SourceFile:
    digest, size = hashlib.sha256(), 0
    with opener() as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            size += len(block)
    return SourceFile(name, size, digest.hexdigest(), opener)


def _hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))

"""Files that are whole or not there: atomic writes, and digests."""

from __future__ import annotations

import errno
import glob
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from foretaste.core.errors import Unavailable

_CHUNK: Final = 1 << 20


def sha256_file(path: Path) -> str:
    """Give the SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def canonical_json(value: Mapping[str, Any]) -> bytes:
    """Encode a mapping so that equal values are equal bytes; NaN and infinity are errors."""
    return (json.dumps(value, sort_keys=True, indent=1, allow_nan=False) + "\n").encode()


def temp_of(path: Path) -> Path:
    """Name the temporary neighbour under which this process writes ``path``."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def temps_of(path: Path) -> list[Path]:
    """Find temporary neighbours of ``path`` that a dead process left."""
    return sorted(path.parent.glob(f".{glob.escape(path.name)}.*.tmp"))


def sync_folder(folder: Path) -> None:
    """Make renames in a folder survive power loss."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def atomic_write(path: Path, data: bytes) -> None:
    """Write a file so that a reader finds the old bytes or the new ones, nothing between."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temp = temp_of(path)
    try:
        with temp.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        move_into_place(temp, path)
    except BaseException:
        temp.unlink(missing_ok=True)
        raise


def move_into_place(temp: Path, path: Path) -> None:
    """Rename a finished temporary file to its name, and make that last."""
    temp.replace(path)
    sync_folder(path.parent)


def copy_to_temp(source: Path, path: Path) -> tuple[Path, str]:
    """Copy a file beside its later place; give the temporary file and its SHA-256."""
    make_folder(path.parent)
    temp = temp_of(path)
    digest = hashlib.sha256()
    with source.open("rb") as incoming, temp.open("wb") as outgoing:
        while chunk := incoming.read(_CHUNK):
            digest.update(chunk)
            outgoing.write(chunk)
        outgoing.flush()
        os.fsync(outgoing.fileno())
    return temp, digest.hexdigest()


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, and make them last."""
    missing = [p for p in (folder, *folder.parents) if not p.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        sync_folder(made.parent)


def require_space(folder: Path, needed: int) -> None:
    """Check that a folder's disk has room.

    Parameters
    ----------
    needed
        Bytes.

    Raises
    ------
    Unavailable
        If it has less; the message names needed and free megabytes.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise Unavailable(
            f"the disk of {folder} is full: {needed / 1e6:.1f} MB needed, {free / 1e6:.1f} MB free",
            hint="make room and run again; nothing was changed",
        )


def is_disk_full(error: BaseException | None) -> bool:
    """Tell whether an error, or what caused it, is a full disk or quota."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        error = error.__cause__ or error.__context__
    return False

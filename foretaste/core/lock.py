"""One run at a time per workspace: an operating-system lock that dies with its holder."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

from foretaste.core.errors import Locked
from foretaste.core.layout import Layout

_held: dict[Path, int] = {}


@contextmanager
def workspace_lock(layout: Layout, holder: str) -> Iterator[None]:
    """Hold the workspace, or say at once who does.

    Parameters
    ----------
    holder
        What a person who is refused should read, e.g. ``"run 2026-01-01-ab12"``.

    Raises
    ------
    Locked
        If another process, or this one already, holds it; names the holder and since when.
    """
    path = layout.lock.resolve()
    # Appending neither truncates what the present holder wrote nor needs the file to exist.
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise _refusal(path) from None
    try:
        _held[path] = handle
        _sign(handle, holder)
        yield
    finally:
        if _held.pop(path, None) is not None:
            os.ftruncate(handle, 0)
            fcntl.flock(handle, fcntl.LOCK_UN)
            os.close(handle)


def ensure_lock(layout: Layout, holder: str) -> AbstractContextManager[None]:
    """Hold the workspace for a block; nothing to do where this process holds it already."""
    return nullcontext() if is_held(layout) else workspace_lock(layout, holder)


def is_held(layout: Layout) -> bool:
    """Tell whether this process holds the workspace."""
    return layout.lock.resolve() in _held


def held_descriptors() -> tuple[int, ...]:
    """Descriptors of the locks held here, for children that change the workspace.

    A git that outlives its killed parent keeps the lock until it is done, so that no
    recovery starts beside it.
    """
    return tuple(_held.values())


def _sign(handle: int, holder: str) -> None:
    who = {"holder": holder, "pid": os.getpid(), "since": datetime.now(UTC).isoformat()}
    os.ftruncate(handle, 0)
    os.write(handle, json.dumps(who).encode())


def _refusal(path: Path) -> Locked:
    try:
        who = json.loads(path.read_text(encoding="utf-8"))
        story = f"{who['holder']} (process {who['pid']}) since {who['since'][:19]}Z"
    except (OSError, ValueError, KeyError, TypeError):
        story = "another process"
    return Locked(
        f"the workspace {path.parent} is held by {story}",
        hint="wait until it ends; the lock frees itself when its holder dies",
    )


def _forget_in_child() -> None:
    # A forked worker that outlives its parent must not keep the workspace locked.
    for handle in _held.values():
        os.close(handle)
    _held.clear()


os.register_at_fork(after_in_child=_forget_in_child)

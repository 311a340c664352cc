"""The journal of a publication: what a later start needs to finish or undo it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from foretaste.core import files
from foretaste.core.git import BRANCH
from foretaste.core.tags import ensure_tag
from foretaste.core.workspace import TRACKED, Workspace

JOURNAL: Final = ".foretaste.journal"
TRAILER: Final = "Foretaste-Id"
Checkpoint = Callable[[str], None]
_NIGHT: Final = "data/night/"
_STAGE: Final = "dvc.yaml:"


def unobserved(_: str) -> None:
    """Pass a checkpoint; tests put a killer here."""


def open_journal(
    workspace: Workspace,
    *,
    token: str,
    message: str,
    tag: str | None,
    writes: Collection[str],
    removes: Collection[str],
    pointers: Sequence[str],
) -> None:
    """Write down what is about to change, before anything does.

    Parameters
    ----------
    token
        Will stand in the commit's message: how a later start knows it was reached.
    writes, removes
        Paths that DVC keeps.
    pointers
        Paths that git keeps.
    """
    root = workspace.root
    created = [target for target in writes if not (root / target).exists()]
    changed = {*writes, *removes} - {*created}
    journal = {
        "id": token,
        "base": workspace.git.head(),
        "tag": tag,
        "message": message,
        "writes": list(writes),
        "created": created,
        "restore": sorted({_owner(path) for path in changed}),
        "pointers": list(pointers),
    }
    files.atomic_write(root / JOURNAL, files.canonical_json(journal))


def settle(workspace: Workspace, checkpoint: Checkpoint = unobserved) -> tuple[str, ...]:
    """Finish or undo what a dead publication left; say what was done."""
    path = workspace.root / JOURNAL
    for temp in files.temps_of(path):
        temp.unlink()
    try:
        journal = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()
    _break_stale_locks(workspace.root)
    commit = _commit_of(workspace, journal)
    if commit:
        ensure_tag(workspace, journal["tag"], commit, journal["message"])
        done = f"finished: {journal['message']}"
    else:
        _undo(workspace, journal, checkpoint)
        done = f"undid: {journal['message']}"
    checkpoint("settled")
    drop_journal(workspace)
    return (done,)


def drop_journal(workspace: Workspace) -> None:
    """Forget a publication that is done or undone."""
    (workspace.root / JOURNAL).unlink(missing_ok=True)
    files.sync_folder(workspace.root)


def _owner(path: str) -> str:
    """Name what DVC restores a file by: its folder's pointer, or the stage it is an out of."""
    if path.startswith(_NIGHT):
        return f"{_STAGE}{path.split('/')[2]}"
    return next(f"{folder}.dvc" for folder in TRACKED if path.startswith(f"{folder}/"))


def _commit_of(workspace: Workspace, journal: Mapping[str, Any]) -> str:
    found = workspace.git.lines(
        "log",
        "--format=%H",
        "--fixed-strings",
        f"--grep={TRAILER}: {journal['id']}",
        f"{journal['base']}..{BRANCH}",
    )
    return found[0] if found else ""


def _undo(workspace: Workspace, journal: Mapping[str, Any], checkpoint: Checkpoint) -> None:
    root = workspace.root
    _restore_pointers(workspace, journal["pointers"])
    checkpoint("pointers restored")
    for target in journal["created"]:
        (root / target).unlink(missing_ok=True)
    for target in (*journal["writes"], *journal["pointers"]):
        for temp in files.temps_of(root / target):
            temp.unlink()
        _remove_empty(root, (root / target).parent)
    checkpoint("files removed")
    stages = _recorded_stages(root)
    known = [t for t in journal["restore"] if t.endswith(".dvc") or t in stages]
    if known:
        workspace.store.restore(known)


def _restore_pointers(workspace: Workspace, pointers: Iterable[str]) -> None:
    git = workspace.git
    wanted = list(pointers)
    if not wanted:
        return
    kept = git.lines("ls-tree", "-r", "--name-only", "HEAD", "--", *wanted)
    git.run("reset", "--quiet", "HEAD", "--", *wanted)
    if kept:
        git.run("checkout", "--quiet", "HEAD", "--", *kept)
    for name in set(wanted) - set(kept):
        (workspace.root / name).unlink(missing_ok=True)


def _recorded_stages(root: Path) -> set[str]:
    lock = root / "dvc.lock"
    if not lock.exists():
        return set()
    stages = yaml.safe_load(lock.read_text(encoding="utf-8")).get("stages", {})
    return {f"{_STAGE}{name}" for name in stages}


def _remove_empty(root: Path, folder: Path) -> None:
    """Remove folders that a publication made and undoing emptied; the layout's stay."""
    fixed = {root, *(root / t for t in TRACKED), *(p for t in TRACKED for p in (root / t).parents)}
    while folder not in fixed and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _break_stale_locks(root: Path) -> None:
    # Only behind a crash, and with our lock held: a git of ours would hold that too.
    for lock in (*(root / ".git").glob("*.lock"), *(root / ".git" / "refs").rglob("*.lock")):
        lock.unlink(missing_ok=True)
    # DVC writes this file in place: a kill leaves it torn, and torn it is refused for ever.
    (root / ".dvc" / "tmp" / "rwlock").unlink(missing_ok=True)

"""What every run does first: find the workspace whole, or make it so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from foretaste.core.errors import Dirty, Tampered
from foretaste.core.files import atomic_write, sha256_file
from foretaste.core.journal import Checkpoint, settle, unobserved
from foretaste.core.ledger import Ledger, champion_bytes, read_champion
from foretaste.core.lock import ensure_lock
from foretaste.core.marks import ROLLBACK
from foretaste.core.publish import require_branch
from foretaste.core.release import CORPUS, STATE, FileEntry, Release, commit_of, releases, snapshot
from foretaste.core.tags import ensure_tag
from foretaste.core.workspace import Workspace

CHAMPION = "champion.json"
# What a user may edit, and what is only a cache of the ledger.
_FREE = ("params.yaml", CHAMPION)


def recover(workspace: Workspace, *, checkpoint: Checkpoint = unobserved) -> tuple[str, ...]:
    """Finish or undo what a dead run left; say what was done, nothing when all was well.

    Called under the workspace's lock, or taking it, and before the ledger hears of a new
    run: a run that still seems to be going is dead then. May be killed and called again.

    Raises
    ------
    Dirty
        If tracked files other than ``params.yaml`` changed: nobody's work is undone but
        our own.
    WorkspaceError
        If HEAD is not on the workspace's branch.
    """
    with ensure_lock(workspace.layout, "recovering"):
        done = settle(workspace, checkpoint)
        require_branch(workspace)
        known = releases(workspace)
        require_clean_tree(workspace, known)
        return (*done, *_tag_again(workspace, known), *_rebuild(workspace, known))


def require_clean_tree(workspace: Workspace, known: Sequence[Release]) -> None:
    """Check that tracked files are as the last release left them.

    Data is compared by name and size; its digests are checked whenever it is read.

    Raises
    ------
    Dirty
        If a file was changed, added or removed; the message names it.
    """
    changes = workspace.git.changes()
    ours = sorted(p for p, state in changes.items() if state != "??" and p not in _FREE)
    if ours:
        raise Dirty(
            f"{ours[0]} was changed outside foretaste",
            hint=f"keep it elsewhere, then: git checkout HEAD -- {ours[0]}",
        )
    for path, story in _differences(workspace, snapshot(known)):
        raise Dirty(
            f"{path} {story} since release {len(known)}",
            hint="`dvc checkout --force` in the workspace brings it back (after `dvc pull`, "
            "in a fresh clone)",
        )


def verify_tree(workspace: Workspace) -> None:
    """Check the newest release's files in the tree, every byte, before they are trained on.

    Raises
    ------
    Dirty
        As ``require_clean_tree``.
    Tampered
        If a file's bytes differ; the message names it.
    """
    known = releases(workspace)
    require_clean_tree(workspace, known)
    for path, entry in _watched(snapshot(known)):
        if sha256_file(workspace.root / path) != entry.sha256:
            raise Tampered(
                f"{path} is not what release {len(known)} holds",
                hint="`dvc checkout --force` in the workspace brings it back",
            )


def finish_rollback(workspace: Workspace, ledger: Ledger, one: Release, at: datetime) -> int:
    """Open the cases of what a rollback withdrew, and end its run; give how many are new.

    May be repeated: a start does it for a rollback that died behind its commit.
    """
    # Reading history builds on this module.
    from foretaste.core.withdrawn import withdrawn_cases

    drafts = withdrawn_cases(workspace, one)
    ledger.start_run(one.run_id, night=one.night, kind=ROLLBACK, at=at)
    opened = ledger.open_cases(drafts, run_id=one.run_id, night=one.night, at=at)
    ledger.finish_run(one.run_id, state="rolled-back", exit_code=0, at=at, release=one.number)
    return opened


def _watched(files: dict[str, FileEntry]) -> Iterator[tuple[str, FileEntry]]:
    # data/night is derived and may be made anew by `dvc repro`.
    folders = tuple(f"{folder}/" for folder in (*CORPUS, STATE))
    return ((path, entry) for path, entry in files.items() if path.startswith(folders))


def _differences(workspace: Workspace, files: dict[str, FileEntry]) -> Iterator[tuple[str, str]]:
    expected = dict(_watched(files))
    for path, entry in expected.items():
        here = workspace.root / path
        if not here.is_file():
            yield path, "is missing"
        elif here.stat().st_size != entry.size:
            yield path, "has changed"
    for folder in (*CORPUS, STATE):
        for here in (workspace.root / folder).rglob("*"):
            path = here.relative_to(workspace.root).as_posix()
            if here.is_file() and path not in expected:
                yield path, "has appeared"


def _tag_again(workspace: Workspace, known: Sequence[Release]) -> Iterator[str]:
    tags = set(workspace.git.lines("tag", "--list", "release/*"))
    for one in known:
        if one.tag not in tags:
            message = f"Release {one.number} for the night {one.night}"
            ensure_tag(workspace, one.tag, commit_of(workspace, one), message)
            yield f"tagged again: {one.tag}"


def _rebuild(workspace: Workspace, known: Sequence[Release]) -> Iterator[str]:
    """Bring the ledger up to what git holds, and the champion's cache to the ledger."""
    with workspace.ledger() as ledger:
        for run_id in ledger.interrupt_runs():
            yield f"interrupted: run {run_id}"
        there = ledger.released()
        for one in known:
            if one.number not in there:
                at = datetime.fromisoformat(_when(workspace, one))
                if ROLLBACK in one.extra:
                    finish_rollback(workspace, ledger, one, at)
                else:
                    ledger.adopt_release(one.run_id, night=one.night, release=one.number, at=at)
                yield f"ledger: {one.tag} belongs to run {one.run_id}"
        yield from _adopt_champions(workspace, ledger)
        champion = ledger.champion()
    cache = workspace.layout.champion
    if champion is not None and (
        not cache.exists() or cache.read_bytes() != champion_bytes(champion)
    ):
        atomic_write(cache, champion_bytes(champion))
        yield f"wrote {CHAMPION} again"


def _adopt_champions(workspace: Workspace, ledger: Ledger) -> list[str]:
    git = workspace.git
    newest = git.blobs([f"HEAD:{CHAMPION}"]).get(f"HEAD:{CHAMPION}")
    present = ledger.champion()
    if newest is None or (present and present.seq >= read_champion(newest).seq):
        return []
    commits = git.lines("log", "--format=%H", "--", CHAMPION)
    versions = git.blobs(f"{commit}:{CHAMPION}" for commit in commits)
    return ledger.adopt_champions(read_champion(data) for data in versions.values())


def _when(workspace: Workspace, one: Release) -> str:
    return workspace.git.lines("show", "--no-patch", "--format=%cI", commit_of(workspace, one))[0]

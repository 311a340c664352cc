"""How anything becomes visible: one protocol, one commit point, nothing half-done.

::

    journal -> files (temp, fsync, rename) -> dvc add -> dvc commit STAGE -> dvc push
            -> documents -> ONE GIT COMMIT -> tag -> journal gone

Whoever dies on the way leaves the journal. ``settle`` reads it: with the commit in
history the rest is done, without it everything before is undone. Both may be repeated.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from foretaste.core import files
from foretaste.core.errors import ForetasteError, Tampered, Unavailable, WorkspaceError
from foretaste.core.git import BRANCH
from foretaste.core.journal import (
    TRAILER,
    Checkpoint,
    drop_journal,
    open_journal,
    settle,
    unobserved,
)
from foretaste.core.tags import ensure_tag, tags_at
from foretaste.core.workspace import Workspace

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Staged:
    """A finished file on its way into the workspace."""

    source: Path
    sha256: str
    size: int

    @classmethod
    def of(cls, source: Path) -> Staged:
        """Describe a file as it is now."""
        return cls(source, files.sha256_file(source), source.stat().st_size)


@dataclass(frozen=True, slots=True)
class Publication:
    """What one commit makes visible.

    Parameters
    ----------
    message
        First line of the commit and text of the tag.
    tag
        Name of the tag, None for none.
    writes
        Staged files by target path, relative to the workspace.
    removes
        Target paths that go.
    add
        Folders to ``dvc add``.
    stages
        DVC stages to record.
    documents
        Small files that git itself keeps, by path.
    include
        Other paths that the commit takes along where they changed.
    remote
        Where data is pushed from now on; None: where it was.
    """

    message: str
    tag: str | None
    writes: Mapping[str, Staged] = field(default_factory=dict)
    removes: tuple[str, ...] = ()
    add: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    documents: Mapping[str, bytes] = field(default_factory=dict)
    include: tuple[str, ...] = ()
    remote: str | None = None

    @property
    def pointers(self) -> tuple[str, ...]:
        """Paths that git keeps and this publication changes."""
        lock = ("dvc.lock",) if self.stages else ()
        config = (".dvc/config",) if self.remote else ()
        return (*(f"{f}.dvc" for f in self.add), *lock, *config, *self.documents)


def publish(
    workspace: Workspace, publication: Publication, checkpoint: Checkpoint = unobserved
) -> str:
    """Make a publication visible, or leave everything as it was; give its commit.

    Raises
    ------
    Unavailable
        If the remote is away or a disk is full; HEAD is untouched.
    Tampered
        If a staged file is not what was planned.
    WorkspaceError
        If HEAD is not on the workspace's branch.
    """
    require_branch(workspace)
    size = sum(staged.size for staged in publication.writes.values())
    files.require_space(workspace.root, 2 * size)
    token = secrets.token_hex(8)
    open_journal(
        workspace,
        token=token,
        message=publication.message,
        tag=publication.tag,
        writes=publication.writes,
        removes=publication.removes,
        pointers=publication.pointers,
    )
    try:
        checkpoint("journal")
        return _perform(workspace, publication, token, checkpoint)
    except BaseException as error:
        _give_up(workspace)
        if files.is_disk_full(error) and not isinstance(error, ForetasteError):
            raise Unavailable(
                "the disk is full", hint="make room and run again; nothing was published"
            ) from error
        raise


def require_branch(workspace: Workspace) -> None:
    """Check that a commit would land where releases live."""
    branch = workspace.git.branch()
    if branch != BRANCH:
        raise WorkspaceError(
            f"the workspace is at {branch or 'an old version'}, not on its branch {BRANCH}",
            hint=f"git switch {BRANCH} && dvc checkout",
        )


def _perform(
    workspace: Workspace, publication: Publication, token: str, checkpoint: Checkpoint
) -> str:
    root, store = workspace.root, workspace.store
    for target, staged in publication.writes.items():
        _write(root / target, staged, target, checkpoint)
    for target in publication.removes:
        _remove(root / target)
        checkpoint(f"removed {target}")
    if publication.remote:
        store.set_remote(publication.remote)
    for folder in publication.add:
        store.add(folder)
        checkpoint(f"added {folder}")
    for stage in publication.stages:
        store.record(stage)
        checkpoint(f"recorded {stage}")
    store.push()
    checkpoint("pushed")
    for name, data in publication.documents.items():
        files.atomic_write(root / name, data)
        checkpoint(f"wrote {name}")
    commit = _commit(workspace, publication, token, checkpoint)
    checkpoint("committed")
    if publication.tag and not tags_at(workspace, commit, publication.tag):
        ensure_tag(workspace, publication.tag, commit, publication.message)
    checkpoint("tagged")
    drop_journal(workspace)
    checkpoint("done")
    return commit


def _write(path: Path, staged: Staged, target: str, checkpoint: Checkpoint) -> None:
    temp, digest = files.copy_to_temp(staged.source, path)
    if digest != staged.sha256:
        raise Tampered(f"{staged.source} changed after it was planned", hint="run again")
    checkpoint(f"temp {target}")
    files.move_into_place(temp, path)
    checkpoint(f"renamed {target}")


def _remove(path: Path) -> None:
    path.unlink()
    # An empty partition would still count as a night, here but in no clone.
    if path.parent.name.startswith("night=") and not any(path.parent.iterdir()):
        path.parent.rmdir()


def _commit(
    workspace: Workspace, publication: Publication, token: str, checkpoint: Checkpoint
) -> str:
    git = workspace.git
    there = [p for p in publication.include if (workspace.root / p).exists()]
    paths = sorted({*publication.pointers, *there})
    git.run("add", "--force", "--", *paths)
    checkpoint("indexed")
    if not git.ok("diff", "--cached", "--quiet", "HEAD", "--", *paths):
        message = f"{publication.message}\n\n{TRAILER}: {token}\n"
        git.run("commit", "--quiet", "--message", message, "--only", "--", *paths)
    return git.head()


def _give_up(workspace: Workspace) -> None:
    try:
        settle(workspace)
    except (ForetasteError, OSError) as error:
        _LOG.warning("could not undo at once (%s): the next start does", error)

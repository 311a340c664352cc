"""Releases that take something back: a corpus of before, or rows that go for good.

Both are releases like any other, numbered forward and signed: nothing published is ever
changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from foretaste import __version__
from foretaste.core.errors import Tampered, WorkspaceError
from foretaste.core.marks import ACCEPTED, ROLLBACK, below
from foretaste.core.publish import Staged
from foretaste.core.release import (
    CORPUS,
    SANITIZED,
    STATE,
    FileEntry,
    Release,
    commit_of,
    manifest_digest,
    releases,
    row_count,
    snapshot,
)
from foretaste.core.releasing import ReleasePlan
from foretaste.core.verdict import Account
from foretaste.core.workspace import Workspace

_RETURNED: Final = (ACCEPTED, STATE, SANITIZED)


def plan_return(
    workspace: Workspace,
    target: Release,
    *,
    run_id: str,
    work: Path,
    said: Mapping[str, Any],
    documents: Mapping[str, bytes],
) -> ReleasePlan:
    """Plan a release whose corpus, state and verdicts are those of an earlier one.

    Contributions stay: what was sent since remains known, so that nobody can send it
    again as new.

    Parameters
    ----------
    work
        Empty folder that receives the files of before.
    said
        What the manifest tells of the rollback.
    documents
        Files that the same commit changes.

    Raises
    ------
    Tampered
        If DVC's store no longer holds what the earlier release published.
    """
    known = releases(workspace)
    then = below(snapshot(known, target.number), *_RETURNED)
    now = below(snapshot(known), *_RETURNED)
    # Outs of stages may have been made anew in the tree: they are always written.
    wanted = {p: e for p, e in then.items() if now.get(p) != e or not p.startswith(ACCEPTED)}
    staged = _fetch(workspace, target, wanted, work)
    gone = tuple(path for path in now if path not in then)
    one = Release(
        number=len(known) + 1,
        night=target.night,
        run_id=run_id,
        previous=manifest_digest(known[-1]),
        policy=workspace.policy.digest(),
        code=__version__,
        counts=Account(0),
        ingested=(),
        files=wanted,
        removed=gone,
        extra={ROLLBACK: dict(said)},
    )
    here = (path for path in gone if (workspace.root / path).exists())
    return ReleasePlan(one, staged, tuple(here), documents)


def revise(
    workspace: Workspace, plan: ReleasePlan, rewritten: Mapping[str, Path], said: Mapping[str, Any]
) -> ReleasePlan:
    """Let a release that is planned also rewrite partitions of earlier nights.

    Parameters
    ----------
    rewritten
        Finished files by the path of the published file that each replaces.
    said
        What the manifest tells of it besides.

    Raises
    ------
    WorkspaceError
        If a path is no published partition.
    """
    present = below(snapshot(releases(workspace)), *CORPUS)
    if unknown := sorted(set(rewritten) - set(present)):
        raise WorkspaceError(f"{unknown[0]} was never published")
    ready = {path: Staged.of(source) for path, source in sorted(rewritten.items())}
    entries = {p: FileEntry(s.sha256, s.size, row_count(s.source)) for p, s in ready.items()}
    one = plan.release
    release = replace(
        one,
        files=dict(sorted({**one.files, **entries}.items())),
        extra={**one.extra, **said},
    )
    return replace(plan, release=release, staged={**plan.staged, **ready})


def _fetch(
    workspace: Workspace, target: Release, wanted: Mapping[str, FileEntry], work: Path
) -> dict[str, Staged]:
    store = workspace.store.reader(commit_of(workspace, target))
    staged = {}
    for path, entry in wanted.items():
        try:
            data: bytes = store.cat_file(path)
        except FileNotFoundError:
            raise Tampered(
                f"{path} of {target.tag} is neither in DVC's cache nor in its remote",
                hint="try `dvc fetch --all-tags`",
            ) from None
        if hashlib.sha256(data).hexdigest() != entry.sha256:
            raise Tampered(f"{path} in DVC's store is not what {target.tag} published")
        copy = work / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(data)
        staged[path] = Staged(copy, entry.sha256, entry.size)
    return staged

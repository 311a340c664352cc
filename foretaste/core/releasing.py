"""Publishing a release or a night's models: a plan is built, shown, then applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Any, Final

from foretaste import __version__
from foretaste.core.errors import Dirty, WorkspaceError
from foretaste.core.journal import Checkpoint, unobserved
from foretaste.core.lock import ensure_lock
from foretaste.core.policy import load_policy
from foretaste.core.publish import Publication, Staged, publish
from foretaste.core.recovery import require_clean_tree
from foretaste.core.release import (
    CORPUS,
    SANITIZED,
    STATE,
    FileEntry,
    Release,
    manifest_digest,
    releases,
    row_count,
    snapshot,
)
from foretaste.core.signatures import sign
from foretaste.core.tags import has_tag, tags_at
from foretaste.core.verdict import Account
from foretaste.core.workspace import TRACKED, Workspace, remote_url

_REPLACED: Final = (STATE, SANITIZED)
_ALWAYS: Final = ("params.yaml", "champion.json")


@dataclass(frozen=True, slots=True)
class ReleasePlan:
    """A release that is not there yet.

    Parameters
    ----------
    release
        What it will be.
    staged
        Where its files come from, by target path.
    removes
        Paths of the workspace that go.
    documents
        Small files that the same commit changes, by path; git itself keeps them.
    """

    release: Release
    staged: Mapping[str, Staged]
    removes: tuple[str, ...]
    documents: Mapping[str, bytes] = field(default_factory=dict)

    def describe(self) -> list[str]:
        """Tell what applying it would do, line by line."""
        one, counts = self.release, self.release.counts
        return [
            f"{one.tag} for the night {one.night} (run {one.run_id})",
            f"{counts.rows_in} rows in",
            f"{counts.accepted} accepted, {counts.downweighted} down-weighted",
            f"{counts.quarantined} quarantined, {counts.rejected} rejected",
            *(f"write {path} ({_told(entry)})" for path, entry in one.files.items()),
            *(f"remove {path}" for path in self.removes),
        ]


def plan_release(
    workspace: Workspace,
    *,
    night: str,
    run_id: str,
    staged: Mapping[str, Path],
    counts: Account,
    files: Sequence[str],
    policy_digest: str,
    extra: Mapping[str, Any] | None = None,
) -> ReleasePlan:
    """Build the next release from finished files; nothing is changed.

    Parameters
    ----------
    staged
        Finished files by target path in the workspace. ``data/state`` and
        ``data/night/sanitize`` are replaced as a whole; the night's partitions of
        ``data/contributions`` and ``data/accepted`` gain or replace files.
    files
        SHA-256 of the landed files that went in.
    policy_digest
        Digest of the policy that the run started with.

    Raises
    ------
    IntegrityError
        If the counts lose or invent rows.
    WorkspaceError
        If a target is outside what a release of this night may write.
    """
    counts.check()
    known = releases(workspace)
    allowed = _inside((*_REPLACED, *(f"{folder}/night={night}" for folder in CORPUS)))
    ready = {_within(t, allowed): Staged.of(path) for t, path in sorted(staged.items())}
    entries = {t: FileEntry(s.sha256, s.size, row_count(s.source)) for t, s in ready.items()}
    present = _present(workspace, _REPLACED)
    gone = [p for p in snapshot(known) if p.startswith(_inside(_REPLACED)) and p not in ready]
    one = Release(
        number=len(known) + 1,
        night=night,
        run_id=run_id,
        previous=manifest_digest(known[-1]) if known else "",
        policy=policy_digest,
        code=__version__,
        counts=counts,
        ingested=tuple(sorted(files)),
        files=entries,
        removed=tuple(gone),
        extra=dict(extra or {}),
    )
    return ReleasePlan(one, ready, tuple(p for p in present if p not in ready))


def apply_release(
    workspace: Workspace, plan: ReleasePlan, *, checkpoint: Checkpoint = unobserved
) -> Release:
    """Publish a plan, whole or not at all; a run that has published gets its release again.

    Parameters
    ----------
    checkpoint
        Called with the name of each point passed; for tests.

    Raises
    ------
    Unavailable
        If the remote is away or the disk full: HEAD is untouched, try again.
    Dirty
        If the policy, the data or another release came between plan and now.
    """
    with ensure_lock(workspace.layout, f"publishing {plan.release.tag}"):
        known = releases(workspace)
        for one in known:
            if one.run_id == plan.release.run_id:
                return one
        _require_current(workspace, plan, known)
        data = plan.release.to_bytes()
        publication = Publication(
            message=f"Release {plan.release.number} for the night {plan.release.night}",
            tag=plan.release.tag,
            writes=plan.staged,
            removes=plan.removes,
            add=tuple(folder for folder in TRACKED if folder != "models"),
            stages=("sanitize",),
            documents={
                plan.release.path: data,
                plan.release.signature_path: sign(workspace.key, data),
                **plan.documents,
            },
            include=_ALWAYS,
            remote=_moved_remote(workspace),
        )
        publish(workspace, publication, checkpoint)
    return plan.release


def commit_models(
    workspace: Workspace,
    *,
    message: str,
    tag: str | None,
    staged: Mapping[str, Path] | None = None,
    stages: Sequence[str] = ("train", "evaluate"),
    add: Sequence[str] = ("models",),
    files: Sequence[str] = ("champion.json",),
    checkpoint: Checkpoint = unobserved,
) -> str | None:
    """Version a night's models and stage outs; give the tag that names them.

    Parameters
    ----------
    tag
        E.g. ``model/0001`` for release 1. Where it is taken and something changed, a
        suffix counts up (``model/0001.2``); where nothing changed, it is given again.
    staged
        Finished files by target path, written as a release's are. Files that the caller
        wrote to their places itself are only recorded.
    files
        Paths that git itself keeps.

    Raises
    ------
    Unavailable
        As for a release; HEAD is untouched.
    """
    with ensure_lock(workspace.layout, message):
        allowed = _inside((*add, *(f"data/night/{stage}" for stage in stages)))
        ready = {_within(t, allowed): Staged.of(p) for t, p in sorted((staged or {}).items())}
        publication = Publication(
            message=message,
            tag=_free_tag(workspace, tag) if tag else None,
            writes=ready,
            removes=_leftovers(workspace, ready, stages),
            add=tuple(add),
            stages=tuple(stages),
            include=(*_ALWAYS, *files),
        )
        commit = publish(workspace, publication, checkpoint)
        return tag and tags_at(workspace, commit, tag)[-1]


def _free_tag(workspace: Workspace, tag: str) -> str:
    names = (tag if n == 1 else f"{tag}.{n}" for n in count(1))
    return next(name for name in names if not has_tag(workspace, name))


def _leftovers(
    workspace: Workspace, ready: Mapping[str, Staged], stages: Sequence[str]
) -> tuple[str, ...]:
    """Find outs of an earlier night in the stages that this one writes anew."""
    folders = [f"data/night/{stage}" for stage in stages]
    anew = [f for f in folders if any(t.startswith(f"{f}/") for t in ready)]
    return tuple(path for path in _present(workspace, anew) if path not in ready)


def _present(workspace: Workspace, folders: Sequence[str]) -> list[str]:
    found = (p for folder in folders for p in (workspace.root / folder).rglob("*"))
    return sorted(p.relative_to(workspace.root).as_posix() for p in found if p.is_file())


def _require_current(workspace: Workspace, plan: ReleasePlan, known: Sequence[Release]) -> None:
    last = manifest_digest(known[-1]) if known else ""
    if last != plan.release.previous:
        raise Dirty(
            f"{plan.release.tag} was planned before another release came", hint="plan it again"
        )
    if load_policy(workspace.layout.params).digest() != plan.release.policy:
        raise Dirty(
            "params.yaml changed while the run was going: nothing was published",
            hint="run again; the night is then judged by the new policy",
        )
    require_clean_tree(workspace, known)


def _moved_remote(workspace: Workspace) -> str | None:
    """Give the policy's remote where it is not the one that DVC knows."""
    wanted = load_policy(workspace.layout.params).release.remote
    if wanted is None:
        return None
    url = remote_url(workspace.root, wanted)
    return None if url == workspace.store.remote() else url


def _within(target: str, allowed: tuple[str, ...]) -> str:
    if ".." in PurePosixPath(target).parts or not target.startswith(allowed):
        raise WorkspaceError(f"{target!r} is outside of {', '.join(allowed)}")
    return target


def _inside(folders: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{folder}/" for folder in folders)


def _told(entry: FileEntry) -> str:
    return f"{entry.size} bytes" if entry.rows is None else f"{entry.rows} rows"

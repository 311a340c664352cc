"""Where a night's judgement lies: in its release, or in the folder of a run that was held."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml

from foretaste.core.errors import Tampered, WorkspaceError
from foretaste.core.history import read_release_table
from foretaste.core.layout import partition, partition_nights
from foretaste.core.policy import Policy
from foretaste.core.release import SANITIZED, Release, commit_of, releases, snapshot
from foretaste.core.workspace import Workspace

_STEPS: Final = {
    "actors.parquet": "resolve",
    "edges.parquet": "resolve",
    "evidence.parquet": "detect",
    "verdicts.parquet": "decide",
    "decision.json": "decide",
}
"""Which step of a run left what the release holds in one folder."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One night that was judged.

    Parameters
    ----------
    night
        ``YYYY-MM-DD``.
    arrived
        Folder with the night's ``contributions.parquet`` and ``rejects.parquet``.
    release
        The release that holds the judgement; None where nothing was published.
    is_newest
        True when the tree still holds that release's judgement.
    run
        Folder of the run; None for a published night.
    """

    workspace: Workspace
    night: str
    arrived: Path
    release: Release | None
    is_newest: bool = False
    run: Path | None = None

    @property
    def source(self) -> str:
        """Where the judgement was read, in words."""
        if self.release is not None:
            return self.release.tag
        return f"run {self.run.name if self.run else '?'}, not published"

    def arrivals(self, name: str, where: pc.Expression, columns: list[str] | None) -> pa.Table:
        """Read rows as they came in: ``contributions.parquet`` or ``rejects.parquet``."""
        path = self.arrived / name
        if not path.exists():
            return pa.table({column: pa.array([], pa.string()) for column in columns or []})
        return pq.read_table(path, columns=columns, filters=where, partitioning=None)

    def table(self, name: str, where: pc.Expression) -> pa.Table:
        """Read rows of ``evidence``, ``verdicts``, ``actors`` or ``edges``."""
        if (folder := self._folder(f"{name}.parquet")) is not None:
            return pq.read_table(folder / f"{name}.parquet", filters=where)
        if self.release is None:
            raise _gone(self.night)
        kept = read_release_table(self.workspace, self.release, f"night/sanitize/{name}.parquet")
        return kept.filter(where)

    def decision(self) -> dict[str, Any]:
        """Read the night's report on its verdicts; empty where there is none."""
        if (folder := self._folder("decision.json")) is not None:
            path = folder / "decision.json"
            raw = path.read_bytes() if path.exists() else b"{}"
        else:
            raw = self._published(f"{SANITIZED}/decision.json")
        content: dict[str, Any] = json.loads(raw)
        return content

    def policy(self) -> Policy:
        """Give the policy that judged: the one committed with the release."""
        if self.release is None:
            return self.workspace.policy
        name = f"{commit_of(self.workspace, self.release)}:params.yaml"
        raw = self.workspace.git.blobs([name]).get(name, b"")
        return Policy.model_validate(yaml.safe_load(raw) or {})

    def _folder(self, name: str) -> Path | None:
        if self.run is not None:
            return self.run / _STEPS[name]
        tree = self.workspace.root / SANITIZED
        return tree if self.is_newest and (tree / name).exists() else None

    def _published(self, path: str) -> bytes:
        known = releases(self.workspace)
        if self.release is None or path not in (files := snapshot(known, self.release.number)):
            return b"{}"
        store = self.workspace.store.reader(commit_of(self.workspace, self.release))
        data: bytes = store.cat_file(path)
        if hashlib.sha256(data).hexdigest() != files[path].sha256:
            raise Tampered(f"{path} in DVC's store is not what {self.release.tag} published")
        return data


def judged_nights(workspace: Workspace) -> Iterator[Judged]:
    """List the nights that were judged: published ones, newest first, then held runs."""
    known = releases(workspace)
    by_night = {one.night: one for one in known}
    layout = workspace.layout
    for night in reversed(partition_nights(layout.contributions)):
        if (one := by_night.get(night)) is not None:
            arrived = partition(layout.contributions, night)
            yield Judged(workspace, night, arrived, one, one.number == len(known))
    published = {one.run_id for one in known}
    for run in sorted(layout.runs.glob("*/decide"), reverse=True):
        if run.parent.name not in published:
            yield _held(workspace, run.parent)


def _held(workspace: Workspace, run: Path) -> Judged:
    state = run / "state" / "night.json"
    night = str(json.loads(state.read_bytes())["night"]) if state.exists() else "unknown"
    return Judged(workspace, night, run / "ingest", None, run=run)


def _gone(night: str) -> WorkspaceError:
    return WorkspaceError(f"the judgement of night {night} is not kept any more")

"""A copy of the last release: its last nights as they were accepted, and what came before."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from foretaste.core.contract import VISIT_SCHEMA
from foretaste.core.errors import WorkspaceError
from foretaste.core.history import read_release_table
from foretaste.core.keys import WorkspaceKey
from foretaste.core.layout import Layout, partition
from foretaste.core.policy import Policy
from foretaste.core.release import Release, release, releases, snapshot
from foretaste.core.workspace import Workspace

_STATE = (
    "validity.parquet",
    "actors.parquet",
    "decisions.parquet",
    "track_records.parquet",
    "accused.parquet",
    "seen_visits.parquet",
    "seen_graph.parquet",
)


@dataclass(frozen=True, slots=True)
class World:
    """What a drill works on.

    Parameters
    ----------
    folder
        ``state``, ``accepted``, ``golden`` and ``canaries`` as they were before the first
        of the nights; trials read them and write elsewhere.
    policy, key
        The workspace's.
    release
        Tag of the release that was copied.
    nights
        Nights that are played again, oldest first.
    rows
        Rows that the release holds of those nights, with the contract's columns and
        ``night``.
    visits
        Their visits, with ``night``.
    """

    folder: Path
    policy: Policy
    key: WorkspaceKey
    release: str
    nights: tuple[str, ...]
    rows: pd.DataFrame
    visits: pd.DataFrame


def copy_release(workspace: Workspace, days: int, folder: Path, ref: str = "latest") -> World:
    """Copy what a drill over the last ``days`` nights of a release needs into ``folder``.

    Rows and state are read from the release's tag, verified, the trusted sets as they lie
    in the workspace; no lock is needed.

    Raises
    ------
    WorkspaceError
        If there is no release, or it accepted nothing on those nights.
    Tampered
        If a byte differs from what was published.
    """
    last = release(workspace, ref)
    known = [one for one in releases(workspace) if one.number <= last.number]
    held = _accepted_nights(known)
    nights = tuple(held[-days:])
    first = next((one for one in known if nights and one.night == nights[0]), last)
    rows = _nights(workspace, last, "accepted", nights)
    if rows.empty:
        raise WorkspaceError(
            f"{last.tag} accepted no row that an attack could hide among",
            hint="run a night that accepts something first",
        )
    base = Layout(folder)
    _copy_state(workspace, first, base)
    _copy_history(workspace, last, held[: len(held) - len(nights)], base)
    for name in ("golden", "canaries"):
        shutil.copytree(getattr(workspace.layout, name), getattr(base, name), dirs_exist_ok=True)
    return World(
        folder,
        _on_accepted_rows(workspace.policy),
        workspace.key,
        last.tag,
        nights,
        rows,
        _nights(workspace, last, "contributions", nights, VISIT_SCHEMA.names),
    )


def _on_accepted_rows(policy: Policy) -> Policy:
    """Let a certified model learn accepted rows: a drill varies no others."""
    certified = policy.model.certified.model_copy(update={"filters": "all"})
    return policy.model_copy(
        update={"model": policy.model.model_copy(update={"certified": certified})}
    )


def _accepted_nights(known: list[Release]) -> list[str]:
    """Nights that the newest of the releases has accepted rows of, oldest first."""
    parts = (Path(path).parts for path in snapshot(known))
    return sorted({p[2].removeprefix("night=") for p in parts if p[:2] == ("data", "accepted")})


def _copy_state(workspace: Workspace, one: Release, base: Layout) -> None:
    base.state.mkdir(parents=True)
    there = {Path(path).name for path in one.files if path.startswith("data/state/")}
    for name in (n for n in _STATE if n in there):
        pq.write_table(read_release_table(workspace, one, f"state/{name}"), base.state / name)


def _copy_history(workspace: Workspace, one: Release, nights: list[str], base: Layout) -> None:
    """Copy the accepted nights before, as many as anything looks back at."""
    policy = workspace.policy
    for night in nights[-max(policy.window_nights, policy.release.train_nights) :]:
        folder = partition(base.accepted, night)
        folder.mkdir(parents=True)
        table = read_release_table(workspace, one, "accepted", nights=[night])
        pq.write_table(table, folder / "part-0.parquet")


def _nights(
    workspace: Workspace,
    one: Release,
    name: str,
    nights: tuple[str, ...],
    columns: list[str] | None = None,
) -> pd.DataFrame:
    """Read partitions, each row with its night; of visits, only the lines that are visits."""
    parts = []
    for night in nights:
        if columns is None:
            table = read_release_table(workspace, one, name, nights=[night])
        else:
            table = _visits(workspace, one, night)
        parts.append(table.to_pandas().assign(night=night))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _visits(workspace: Workspace, one: Release, night: str) -> pa.Table:
    try:
        name = f"contributions/night={night}/visits.parquet"
        return read_release_table(workspace, one, name).select(VISIT_SCHEMA.names)
    except WorkspaceError:
        return VISIT_SCHEMA.empty_table()

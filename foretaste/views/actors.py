"""Groups of accounts that were judged to belong together, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from foretaste.core.actor import ActorKind
from foretaste.core.contract import VISIT_SCHEMA
from foretaste.core.errors import WorkspaceError
from foretaste.core.layout import partition, partition_nights
from foretaste.core.workspace import Workspace
from foretaste.report import GroupPicture, picture_group
from foretaste.report.group_plots import kind_words
from foretaste.report.safe import visible
from foretaste.views.contributor import actor_line
from foretaste.views.nights import Judged, judged_nights

GROUP_COLUMNS: Final = ("id", "kind", "size", "posterior", "rows", "reason")
_SHOWN: Final = 20
_VISIT: Final = ["contributor_id", "item_id", "contributed_at"]


def list_groups(workspace: Workspace, night: str | None) -> list[dict[str, Any]]:
    """List a night's groups, campaigns first, then those with the most rows that night.

    Parameters
    ----------
    night
        ``YYYY-MM-DD``; None for the newest that was judged.

    Raises
    ------
    WorkspaceError
        If no such night was judged.
    """
    judged = find_night(workspace, night)
    grouped = judged.table("actors", pc.field("kind") != str(ActorKind.SINGLETON))
    actors = grouped.to_pandas().drop_duplicates("actor_id")
    of_groups = pc.field("actor_id").isin(pa.array(actors["actor_id"].astype(object), pa.string()))
    rows = judged.table("verdicts", of_groups)["actor_id"].to_pandas().value_counts()
    found = [
        {
            "id": str(one["actor_id"]),
            "kind": str(one["kind"]),
            "size": int(one["size"]),
            "posterior": float(one["posterior"]),
            "rows": int(rows.get(one["actor_id"], 0)),
            "reason": visible(str(one["reason"])),
        }
        for one in actors.to_dict("records")
    ]
    campaign = str(ActorKind.CAMPAIGN)
    return sorted(found, key=lambda g: (g["kind"] != campaign, -g["rows"], -g["size"], g["id"]))


def show_group(
    workspace: Workspace, night: str | None, actor_id: str
) -> tuple[dict[str, Any], list[str]]:
    """Tell who is in a group and what ties them.

    Raises
    ------
    WorkspaceError
        If no such night was judged, or it has no such actor.
    """
    judged = find_night(workspace, night)
    actors = _group(judged, actor_id)
    members = actors["contributor_id"]
    touching = pc.field("left").isin(members) | pc.field("right").isin(members)
    edges = judged.table("edges", touching).sort_by(
        [("surprise", "descending"), ("left", "ascending"), ("right", "ascending")]
    )
    first = actors.slice(0, 1).to_pylist()[0]
    content = {
        "night": judged.night,
        "source": judged.source,
        "actor": {k: v for k, v in first.items() if k != "contributor_id"},
        "members": sorted(members.to_pylist()),
        "edges": edges.to_pylist(),
    }
    return content, _told(content)


def picture(workspace: Workspace, night: str | None, actor_id: str) -> GroupPicture:
    """Picture a group, with its visits as far back as the policy's window reaches.

    Raises
    ------
    WorkspaceError
        If no such night was judged, or it has no such actor.
    """
    judged = find_night(workspace, night)
    actors = _group(judged, actor_id)
    members = actors["contributor_id"].combine_chunks()
    touching = pc.field("left").isin(members) | pc.field("right").isin(members)
    visits, accounts = _seen(judged, members)
    return picture_group(actor_id, actors, judged.table("edges", touching), visits, accounts)


def find_night(workspace: Workspace, night: str | None) -> Judged:
    """Find a night that was judged: the newest, or the one asked for.

    Raises
    ------
    WorkspaceError
        If there is none.
    """
    known = sorted(judged_nights(workspace), key=lambda one: one.night, reverse=True)
    wanted = [one for one in known if night in (None, one.night)]
    if not wanted:
        raise WorkspaceError(
            "no such night was judged" if night else "no night was judged yet",
            hint="`foretaste runs` lists nights",
        )
    return wanted[0]


def _group(judged: Judged, actor_id: str) -> pa.Table:
    found = judged.table("actors", pc.field("actor_id") == actor_id)
    if not found.num_rows:
        raise WorkspaceError(
            f"night {judged.night} has no such actor",
            hint=f"`foretaste actors {judged.night}` lists its groups",
        )
    return found


def _seen(judged: Judged, members: pa.Array) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Visits and registrations of members; contributions stand in where there are no visits."""
    mine = pc.field("contributor_id").isin(members)
    folder = judged.workspace.layout.contributions
    nights = [n for n in partition_nights(folder) if n < judged.night]
    folders = [partition(folder, n) for n in nights[-judged.policy().window_nights :]]
    folders.append(judged.arrived)
    visits = _read(folders, "visits.parquet", VISIT_SCHEMA.names, mine)
    # What ingest holds is not judged: its times may be anything.
    judged_rows = mine & pc.field("held").is_null()
    columns = [*_VISIT, "registered_at", "time_unknown"]
    rows = _read(folders, "contributions.parquet", columns, judged_rows)
    if visits.empty:
        timed = rows[rows["item_id"].notna() & ~rows["time_unknown"].astype(bool)]
        visits = timed[_VISIT].set_axis(VISIT_SCHEMA.names, axis="columns")
    return visits, rows


def _read(
    folders: Sequence[Any], name: str, columns: Sequence[str], where: pc.Expression
) -> pd.DataFrame:
    parts = [
        pq.read_table(folder / name, columns=list(columns), filters=where, partitioning=None)
        for folder in folders
        if (folder / name).exists()
    ]
    empty = pd.DataFrame(columns=list(columns))
    frame: pd.DataFrame = pa.concat_tables(parts).to_pandas() if parts else empty
    return frame


def _told(content: Mapping[str, Any]) -> list[str]:
    members, edges = content["members"], content["edges"]
    group = set(members)
    lines = [f"night {content['night']} ({content['source']})", actor_line(content["actor"])]
    lines.append(f"{len(members)} members:")
    lines += _some([f"  {who}" for who in members])
    lines.append(f"{len(edges)} edges, the most surprising first:")
    lines += _some([_edge(edge, group) for edge in edges])
    return lines


def _edge(edge: Mapping[str, Any], group: set[str]) -> str:
    outside = "" if {edge["left"], edge["right"]} <= group else ", to somebody outside"
    return (
        f"  {edge['left']} - {edge['right']}  {kind_words(edge['kind'])}: "
        f"{edge['shared']} shared, surprise {edge['surprise']:.1f}{outside}"
    )


def _some(lines: list[str]) -> list[str]:
    rest = len(lines) - _SHOWN
    return lines if rest <= 0 else [*lines[:_SHOWN], f"  … and {rest} more; --json lists all"]

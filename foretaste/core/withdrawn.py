"""Rows that a rollback took out of the corpus, as cases that a person may open again."""

from __future__ import annotations

import hashlib
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from foretaste.core.history import read_release_table
from foretaste.core.layout import partition
from foretaste.core.ledger import NewCase
from foretaste.core.marks import ROLLBACK
from foretaste.core.release import Release, releases
from foretaste.core.workspace import Workspace

KIND: Final = "withdrawn"
_COLUMNS: Final = ("row_id", "weight")


def withdrawn_cases(workspace: Workspace, one: Release) -> list[NewCase]:
    """Draft a case per night that a release withdrew; none where it withdrew nothing.

    Rows that a person let in are left out, whether on the withdrawn night or since: that
    decision stands, and to release them once more would count them twice.
    """
    said = one.extra.get(ROLLBACK, {})
    if not said.get("withdrawn"):
        return []
    known = releases(workspace)
    before = known[one.number - 2]
    inside = read_release_table(workspace, known[-1], "accepted", columns=("row_id",))
    present = inside["row_id"] if inside.num_columns else pa.array([], pa.string())
    drafts = []
    for night in said["withdrawn"]:
        rows = read_release_table(workspace, before, "accepted", columns=_COLUMNS, nights=[night])
        mine = pc.is_in(rows["row_id"], value_set=_arrived(workspace, str(night)))
        again = pc.is_in(rows["row_id"], value_set=present)
        rows = rows.filter(pc.and_not(mine, again))
        if rows.num_rows:
            drafts.append(_draft(one, str(night), rows, str(said["reason"])))
    return drafts


def _arrived(workspace: Workspace, night: str) -> pa.Array:
    """Row ids of what came in on a night; rows released by people came in earlier."""
    import pyarrow.parquet as pq

    folder = partition(workspace.layout.contributions, night)
    files = [pq.ParquetFile(path) for path in sorted(folder.glob("*.parquet"))]
    ids = [f.read(["row_id"])["row_id"] for f in files if "row_id" in f.schema_arrow.names]
    return pa.chunked_array(ids, pa.string()).combine_chunks()


def _draft(one: Release, night: str, rows: pa.Table, reason: str) -> NewCase:
    return NewCase(
        id=hashlib.sha256(f"{KIND}/{one.number}/{night}".encode()).hexdigest()[:12],
        kind=KIND,
        title=f"{rows.num_rows} rows of {night} withdrawn by the rollback {one.tag}",
        weight=1.0,
        posterior=0.5,
        reasons=(f"rolled back: {reason}",),
        rows=tuple(sorted(rows["row_id"].to_pylist())),
    )

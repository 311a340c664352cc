"""Everything that is known of some rows, gathered once from the nights that brought them.

A case may hold rows of tonight, of a night whose run died before it told of them, or of
the whole training window: each night's judgement is read from the folder of its run, and
from its release where the folder is gone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from foretaste.core.actor import EDGE_SCHEMA
from foretaste.core.contract import FEATURE_PREFIX
from foretaste.core.evidence import EVIDENCE_SCHEMA
from foretaste.core.history import read_release_table
from foretaste.core.layout import Layout, partition, partition_nights
from foretaste.core.release import Release, releases
from foretaste.core.verdict import VERDICT_SCHEMA, Outcome
from foretaste.core.workspace import Workspace

_STEPS: Final = {
    "actors.parquet": "resolve",
    "edges.parquet": "resolve",
    "evidence.parquet": "detect",
    "verdicts.parquet": "decide",
}
_CORPUS_ROWS: Final = 10_000
_TEXT_CHARS: Final = 600
"""Of an accepted text that is compared and shown: enough to see what it is."""
_OUT: Final = [str(Outcome.QUARANTINED), str(Outcome.REJECTED)]


@dataclass(frozen=True, slots=True)
class Dossier:
    """What is known of rows.

    Parameters
    ----------
    rows
        Contributions with their verdicts and ``night``, indexed by ``row_id``. Rows that
        a purge took away are missing.
    evidence
        ``EVIDENCE_SCHEMA``, the rows' own.
    edges
        ``EDGE_SCHEMA`` of the nights, ties between anybody.
    beside
        Columns ``night, contributor_id, row_id, contributed_at, label, held``: all that the rows'
        contributors sent on the rows' nights.
    earlier
        Columns ``night, contributor_id, label, rows, accepted``: what they sent before.
    volume
        Rows that came in per night.
    """

    rows: pd.DataFrame
    evidence: pd.DataFrame
    edges: pa.Table
    beside: pd.DataFrame
    earlier: pd.DataFrame
    volume: dict[str, int]


def gather(workspace: Workspace, row_ids: Collection[str], nights: Collection[str]) -> Dossier:
    """Read what is known of rows.

    Parameters
    ----------
    nights
        Where they are searched first; the other nights are read for what is missing there.
    """
    layout = workspace.layout
    rows = _contributions(layout, row_ids, nights)
    published = releases(workspace)
    judged = [_Judged(workspace, night, published) for night in sorted(set(rows["night"]))]
    ids = pa.array(rows["row_id"].astype(object), pa.string())
    verdicts = [one.table("verdicts.parquet", ids) for one in judged]
    evidence = [one.table("evidence.parquet", ids) for one in judged]
    told = _concat(verdicts, VERDICT_SCHEMA).to_pandas()
    whole = rows.merge(told.drop_duplicates("row_id"), on="row_id", how="left")
    people = pa.array(sorted(set(rows["contributor_id"])), pa.string())
    return Dossier(
        rows=whole.set_index("row_id").sort_index(),
        evidence=_concat(evidence, EVIDENCE_SCHEMA).to_pandas(),
        edges=pa.concat_tables([EDGE_SCHEMA.empty_table(), *(j.edges(people) for j in judged)]),
        beside=_beside(judged, people),
        earlier=_earlier(layout, people, workspace.policy.release.train_nights),
        volume={one.night: one.volume() for one in judged},
    )


def accepted_sample(layout: Layout, features: bool) -> pd.DataFrame:
    """Read the newest accepted rows, texts cut, to show some beside a held one.

    Columns ``row_id, label, text`` and, where asked, the features.
    """
    parts, rows = [], 0
    for night in reversed(partition_nights(layout.accepted)):
        for path in sorted(partition(layout.accepted, night).glob("*.parquet")):
            names = pq.read_schema(path).names
            wanted = [c for c in ("row_id", "label", "text") if c in names]
            wanted += [c for c in names if features and c.startswith(FEATURE_PREFIX)]
            table = pq.ParquetFile(path).read(wanted).slice(0, _CORPUS_ROWS - rows)
            if "text" in wanted:
                at = table.schema.get_field_index("text")
                cut = pc.utf8_slice_codeunits(table["text"].cast(pa.string()), 0, _TEXT_CHARS)
                table = table.set_column(at, "text", cut)
            parts.append(table.to_pandas())
            rows += len(parts[-1])
        if rows >= _CORPUS_ROWS:
            break
    empty = pd.DataFrame({"row_id": [], "label": [], "text": []}, dtype="str")
    return pd.concat(parts, ignore_index=True) if parts else empty


@dataclass(frozen=True, slots=True)
class _Judged:
    """A night's judgement, wherever it lies."""

    workspace: Workspace
    night: str
    known: list[Release]

    def table(self, name: str, ids: pa.Array) -> pa.Table | None:
        """Read the rows of a table that speak of some row ids; None where nothing is kept."""
        if (path := self._path(name)) is not None:
            return pq.read_table(path, filters=pc.field("row_id").isin(ids))
        if (one := self._release()) is None:
            return None
        kept = read_release_table(self.workspace, one, f"night/sanitize/{name}")
        return kept.filter(pc.is_in(kept["row_id"], value_set=ids))

    def edges(self, people: pa.Array) -> pa.Table:
        """Read the ties of some contributors, to anybody."""
        path = self._path("edges.parquet")
        if path is None:
            return EDGE_SCHEMA.empty_table()
        theirs = pc.field("left").isin(people) | pc.field("right").isin(people)
        return pq.read_table(path, filters=theirs)

    def volume(self) -> int:
        """Count what came in."""
        path = partition(self.workspace.layout.contributions, self.night) / "contributions.parquet"
        return int(pq.read_metadata(path).num_rows) if path.exists() else 0

    def held(self) -> set[str]:
        """Ids of the rows that the night kept out."""
        path = self._path("verdicts.parquet")
        if path is None:
            return set()
        out = pc.field("verdict").isin(_OUT)
        return set(pq.read_table(path, columns=["row_id"], filters=out)["row_id"].to_pylist())

    def _path(self, name: str) -> Path | None:
        if (one := self._release()) is None:
            return None
        path = self.workspace.layout.runs / one.run_id / _STEPS[name] / name
        return path if path.exists() else None

    def _release(self) -> Release | None:
        """The release that took the night in; later ones of its name changed it only."""
        return next((one for one in self.known if one.night == self.night), None)


def _contributions(
    layout: Layout, row_ids: Collection[str], nights: Collection[str]
) -> pd.DataFrame:
    """Find rows, in some nights first."""
    every = partition_nights(layout.contributions)
    first = [n for n in every if n in set(nights)]
    wanted, parts = set(row_ids), []
    for night in (*first, *(n for n in reversed(every) if n not in first)):
        path = partition(layout.contributions, night) / "contributions.parquet"
        if not wanted:
            break
        if not path.exists():
            continue
        ids = pa.array(sorted(wanted), pa.string())
        found = pq.read_table(path, filters=pc.field("row_id").isin(ids), partitioning=None)
        parts.append(found.to_pandas().assign(night=night))
        wanted -= set(parts[-1]["row_id"])
    empty = pd.DataFrame({"row_id": [], "contributor_id": [], "night": []}, dtype="str")
    return pd.concat(parts, ignore_index=True) if parts else empty


def _beside(judged: list[_Judged], people: pa.Array) -> pd.DataFrame:
    parts = []
    columns = ["row_id", "contributor_id", "contributed_at", "label"]
    for one in judged:
        path = partition(one.workspace.layout.contributions, one.night) / "contributions.parquet"
        theirs = pc.field("contributor_id").isin(people)
        found = pq.read_table(path, columns=columns, filters=theirs, partitioning=None).to_pandas()
        parts.append(found.assign(night=one.night, held=found["row_id"].isin(one.held())))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _earlier(layout: Layout, people: pa.Array, nights: int) -> pd.DataFrame:
    theirs = pc.field("contributor_id").isin(people)
    parts = []
    for night in partition_nights(layout.contributions)[-nights:]:
        sent = _counted(partition(layout.contributions, night) / "contributions.parquet", theirs)
        kept = [_counted(p, theirs) for p in _files(partition(layout.accepted, night))]
        taken = pd.concat(kept).groupby(level=[0, 1]).sum() if kept else sent * 0
        both = sent.to_frame("rows").join(taken.rename("accepted"), how="outer").fillna(0)
        parts.append(both.reset_index().assign(night=night))
    columns = ["contributor_id", "label", "rows", "accepted", "night"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _files(folder: Path) -> Iterator[Path]:
    yield from sorted(folder.glob("*.parquet"))


def _counted(path: Path, theirs: pc.Expression) -> pd.Series:
    """Count rows per contributor and label."""
    columns = ["contributor_id", "label"]
    if not path.exists() or not set(columns) <= set(pq.read_schema(path).names):
        index = pd.MultiIndex.from_arrays([[], []], names=columns)
        return pd.Series([], index=index, dtype="int64")
    rows = pq.read_table(path, columns=columns, filters=theirs, partitioning=None).to_pandas()
    counted: pd.Series = rows.groupby(columns).size()
    return counted


def _concat(parts: list[pa.Table | None], schema: pa.Schema) -> pa.Table:
    there = [part.select(schema.names) for part in parts if part is not None]
    return pa.concat_tables(there) if there else schema.empty_table()

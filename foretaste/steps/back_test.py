"""Try a rule on past nights: what it would have hit, and whom that would have cost."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from foretaste.core.contract import contribution_schema
from foretaste.core.engine import Engine
from foretaste.core.errors import WorkspaceError
from foretaste.core.history import read_release_table
from foretaste.core.policy import Columns
from foretaste.core.release import Release, releases, snapshot
from foretaste.core.rule_sql import columns_in
from foretaste.core.verdict import Outcome
from foretaste.core.workspace import Workspace
from foretaste.steps.state import read_decisions

SAMPLES: Final = 20
_CONTRIBUTIONS: Final = "contributions.parquet"
_JUDGED: Final = "night/sanitize"
_OUT: Final = (Outcome.QUARANTINED, Outcome.REJECTED)


@dataclass(frozen=True, slots=True)
class Tried:
    """What a rule would have done in one night, or in all of them.

    Parameters
    ----------
    night
        ``YYYY-MM-DD``; "" for all.
    rows, hits
        Contributions, and those that it hits.
    held
        Hits that were kept out anyway.
    honest
        Hits that people released or relabelled since, or that were accepted and nobody
        called poison: what it would have cost.
    poison
        Hits that people called poison.
    """

    night: str
    rows: int
    hits: int
    held: int
    honest: int
    poison: int


@dataclass(frozen=True, slots=True)
class Overlap:
    """How far a rule hits what a detector flagged: rows of both, and of either."""

    detector: str
    both: int
    either: int

    @property
    def jaccard(self) -> float:
        """Share in [0, 1] of the rows of either that are of both (Jaccard 1901)."""
        return self.both / self.either if self.either else 0.0


@dataclass(frozen=True, slots=True)
class BackTest:
    """What a rule did on past nights.

    Parameters
    ----------
    nights
        Oldest first.
    overlap
        With each detector that flagged anything, the largest first.
    samples
        Night and row id of some hits; which ones, no contributor can choose.
    cut
        True when further nights were left out for their size.
    """

    nights: tuple[Tried, ...]
    overlap: tuple[Overlap, ...]
    samples: tuple[tuple[str, str], ...]
    cut: bool

    @property
    def total(self) -> Tried:
        """All nights together."""
        counts = ("rows", "hits", "held", "honest", "poison")
        return Tried("", *(sum(getattr(one, name) for one in self.nights) for name in counts))

    def to_json(self) -> dict[str, Any]:
        """Give it as JSON values: counts and ids, never a text."""
        overlap = [{**asdict(one), "jaccard": round(one.jaccard, 4)} for one in self.overlap]
        return {
            "nights": [asdict(one) for one in self.nights],
            "total": asdict(self.total),
            "overlap": overlap,
            "samples": [list(one) for one in self.samples],
            "cut": self.cut,
        }


def back_test(workspace: Workspace, where: str, *, rule: str) -> BackTest:
    """Try a predicate on the newest published nights, as the releases hold them.

    Newest first, until the policy's number of nights, rows or seconds is reached.

    Raises
    ------
    PolicyError
        If the predicate cannot be used, or takes too long.
    WorkspaceError
        If no night was published yet: a trial on nothing would say nothing.
    Tampered
        If a release is not what was published.
    """
    limits = workspace.policy.review
    ends = time.monotonic() + limits.rule_seconds
    tally = _Tally(_last_words(workspace))
    known = releases(workspace)
    nights = [one for one in reversed(known) if _has_night(known, one)]
    for count, one in enumerate(nights[: limits.rule_nights]):
        left = ends - time.monotonic()
        if count and (left <= 0 or tally.rows >= limits.rule_rows):
            return tally.told(cut=True)
        contributions = _contributions(workspace, known[-1], one.night, where, rule)
        hit = _hits(workspace, contributions, where, rule, max(left, 0.1))
        ids = contributions["row_id"].to_numpy(zero_copy_only=False)
        tally.add(one.night, ids, hit, *_judged(workspace, one))
    if not nights:
        raise WorkspaceError("there is no published night to try a rule on", hint="run one first")
    return tally.told(cut=False)


def _has_night(known: list[Release], one: Release) -> bool:
    path = f"data/contributions/night={one.night}/{_CONTRIBUTIONS}"
    return path in snapshot(known, len(known))


def _contributions(
    workspace: Workspace, newest: Release, night: str, where: str, rule: str
) -> pa.Table:
    """A night's contributions: the columns that the predicate reads, absent ones as nulls."""
    schema = _schema(workspace.policy.columns)
    used = columns_in(where, rule=rule)
    wanted = [name for name in schema.names if name == "row_id" or name.lower() in used]
    name = f"contributions/night={night}/{_CONTRIBUTIONS}"
    table = read_release_table(workspace, newest, name, columns=wanted)
    for column in wanted:
        if column not in table.column_names:
            nothing = pa.nulls(table.num_rows, schema.field(column).type)
            table = table.append_column(column, nothing)
    return table.select(wanted)


def _schema(columns: Columns) -> pa.Schema:
    return contribution_schema(columns.features, columns.attributes)


def _hits(
    workspace: Workspace, table: pa.Table, where: str, rule: str, seconds: float
) -> np.ndarray:
    return Engine.of(workspace.policy.engine).filter_sql(table, where, rule=rule, seconds=seconds)


def _judged(workspace: Workspace, one: Release) -> tuple[frozenset[str], pd.DataFrame]:
    """Rows of a night that were kept out, and which detector flagged which row."""
    verdicts = read_release_table(
        workspace, one, f"{_JUDGED}/verdicts.parquet", columns=["row_id", "verdict"]
    ).to_pandas()
    evidence = read_release_table(
        workspace, one, f"{_JUDGED}/evidence.parquet", columns=["row_id", "detector", "flagged"]
    ).to_pandas()
    out = verdicts.loc[verdicts["verdict"].isin(_OUT), "row_id"]
    return frozenset(out), evidence.loc[evidence["flagged"], ["row_id", "detector"]]


def _last_words(workspace: Workspace) -> Mapping[str, str]:
    """What people said last of each row."""
    said = read_decisions(workspace.layout.state).drop_duplicates("row_id", keep="last")
    return dict(zip(said["row_id"], said["decision"], strict=True))


class _Tally:
    """Counts, night by night."""

    def __init__(self, said: Mapping[str, str]) -> None:
        self.said = said
        self.nights: list[Tried] = []
        self.samples: list[tuple[str, str]] = []
        self.both: Counter[str] = Counter()
        self.flagged: Counter[str] = Counter()

    @property
    def rows(self) -> int:
        return sum(one.rows for one in self.nights)

    def add(
        self, night: str, ids: np.ndarray, hit: np.ndarray, out: frozenset[str], flags: pd.DataFrame
    ) -> None:
        """Count a night: its rows, which are hit, which were kept out, which were flagged."""
        hits = frozenset(ids[hit])
        words = Counter(self._sort(row, row in out) for row in hits)
        held = len(hits & out)
        tried = Tried(night, len(ids), len(hits), held, words["honest"], words["poison"])
        self.nights.append(tried)
        # Row ids are keyed hashes: the smallest are a random sample that stays the same.
        fresh = [(night, row) for row in sorted(hits)[:SAMPLES]]
        self.samples = sorted([*self.samples, *fresh], key=lambda one: one[1])[:SAMPLES]
        self.flagged.update(flags["detector"])
        self.both.update(flags.loc[flags["row_id"].isin(hits), "detector"])

    def _sort(self, row: str, out: bool) -> str:
        said = self.said.get(row)
        if said == "poison":
            return "poison"
        return "honest" if said is not None or not out else "open"

    def told(self, *, cut: bool) -> BackTest:
        """Give all of it."""
        return BackTest(
            tuple(sorted(self.nights, key=lambda one: one.night)),
            tuple(sorted(self._overlaps(), key=lambda one: (-one.jaccard, one.detector))),
            tuple(sorted(self.samples)),
            cut,
        )

    def _overlaps(self) -> Iterator[Overlap]:
        hits = sum(one.hits for one in self.nights)
        for name, flagged in self.flagged.items():
            yield Overlap(name, self.both[name], hits + flagged - self.both[name])

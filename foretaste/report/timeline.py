"""A group's timeline: when its accounts were registered, when they came, and to what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

LANES: Final = 40
BINS: Final = 60
TARGETS: Final = 8

_BURST_SECONDS: Final = 86_400
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Lane:
    """One account.

    Parameters
    ----------
    registered
        Seconds since 1970, None where unknown.
    visits, at_shared
        All visits, and those to shared targets.
    shared, other
        Spans of bins ``(first, last + 1)`` with visits to shared targets, and to others
        alone.
    """

    contributor_id: str
    registered: int | None
    visits: int
    at_shared: int
    shared: tuple[Span, ...]
    other: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """An item that many of the group went to."""

    item_id: str
    members: int
    visits: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """What a group did when.

    Parameters
    ----------
    lanes
        In the order of registration, then of the first visit.
    lanes_left_out
        Members that are not drawn: those with the fewest visits to shared targets.
    span
        Seconds since 1970 of the group's first and last visit; None without visits.
    targets
        Items that at least a third of the members, and at least two, went to; the most
        members first.
    targets_left_out
        Shared targets that are not listed.
    registered
        Seconds since 1970 of the first and last registration; None where unknown.
    burst
        First and last registration of the densest day, if half of the members (and at
        least three) registered in it; else None.
    in_burst
        Members that registered then.
    """

    lanes: tuple[Lane, ...]
    lanes_left_out: int
    span: Span | None
    targets: tuple[Target, ...]
    targets_left_out: int
    registered: Span | None
    burst: Span | None
    in_burst: int


def timeline(members: Sequence[str], visits: pd.DataFrame, accounts: pd.DataFrame) -> Timeline:
    """Lay out a group's visits and registrations.

    Parameters
    ----------
    visits
        Columns ``contributor_id, item_id, visited_at``, of everybody or of members alone.
    accounts
        Columns ``contributor_id, registered_at``; the earliest counts.
    """
    since = _registrations(members, accounts)
    seen = _visits(members, visits)
    targets = _targets(seen, max(2, -(-len(members) // 3)))
    seen["shared"] = seen["item_id"].isin([one.item_id for one in targets])
    span = (int(seen["at"].min()), int(seen["at"].max())) if len(seen) else None
    first, last, count = _densest(sorted(since.values()))
    is_burst = count >= max(3, -(-len(members) // 2))
    lanes = _lanes(members, seen, since)
    return Timeline(
        lanes=lanes,
        lanes_left_out=len(members) - len(lanes),
        span=span,
        targets=targets[:TARGETS],
        targets_left_out=max(0, len(targets) - TARGETS),
        registered=(min(since.values()), max(since.values())) if since else None,
        burst=(first, last) if is_burst else None,
        in_burst=count if is_burst else 0,
    )


def _registrations(members: Sequence[str], accounts: pd.DataFrame) -> dict[str, int]:
    """Earliest known registration of each member, seconds since 1970."""
    known = accounts["contributor_id"].isin(members) & accounts["registered_at"].notna()
    first = accounts[known].groupby("contributor_id", sort=True)["registered_at"].min()
    seconds = first.to_numpy("datetime64[s]").astype(np.int64)
    return dict(zip(first.index.astype(str), seconds.tolist(), strict=True))


def _visits(members: Sequence[str], visits: pd.DataFrame) -> pd.DataFrame:
    """Visits of members with ``at`` in seconds and the ``bin`` of the drawing."""
    mine = visits[visits["contributor_id"].isin(members)]
    at = mine["visited_at"].to_numpy("datetime64[s]").astype(np.int64)
    start = at.min(initial=at[0]) if at.size else 0
    width = at.max(initial=start) - start + 1
    frame: pd.DataFrame = mine[["contributor_id", "item_id"]].assign(
        at=at, bin=(at - start) * BINS // width
    )
    return frame


def _targets(seen: pd.DataFrame, least: int) -> tuple[Target, ...]:
    """Items that at least ``least`` members went to, the most members first."""
    by_item = seen.groupby("item_id", sort=True)["contributor_id"].agg(["nunique", "size"])
    found = [
        Target(str(item), int(people), int(times))
        for item, people, times in by_item[by_item["nunique"] >= least].itertuples()
    ]
    return tuple(sorted(found, key=lambda one: (-one.members, -one.visits, one.item_id)))


def _densest(times: Sequence[int]) -> tuple[int, int, int]:
    """First, last and number of the times in the fullest day."""
    if not times:
        return 0, 0, 0
    at = np.asarray(times)
    counts = np.searchsorted(at, at + _BURST_SECONDS, side="right") - np.arange(at.size)
    begin = int(counts.argmax())
    count = int(counts[begin])
    return int(at[begin]), int(at[begin + count - 1]), count


def _lanes(members: Sequence[str], seen: pd.DataFrame, since: dict[str, int]) -> tuple[Lane, ...]:
    """Lanes of the members with the most visits to shared targets, by time."""
    by_member = seen.groupby("contributor_id", sort=True)
    sums = by_member.agg(shared=("shared", "sum"), visits=("at", "size"), first=("at", "min"))
    told = dict(zip(sums.index, sums.itertuples(index=False, name=None), strict=True))
    never = (0, 0, np.iinfo(np.int64).max)

    def prominence(who: str) -> tuple[int, int, str]:
        at_shared, visits, _ = told.get(who, never)
        return -at_shared, -visits, who

    def beginning(who: str) -> tuple[int, int, str]:
        return since.get(who, never[2]), told.get(who, never)[2], who

    chosen = sorted(sorted(members, key=prominence)[:LANES], key=beginning)
    drawn = dict(list(seen[seen["contributor_id"].isin(chosen)].groupby("contributor_id")))
    return tuple(_lane(who, since.get(who), drawn.get(who, seen.iloc[:0])) for who in chosen)


def _lane(who: str, registered: int | None, mine: pd.DataFrame) -> Lane:
    shared = set(mine.loc[mine["shared"], "bin"].tolist())
    other = set(mine["bin"].tolist()) - shared
    at_shared = int(mine["shared"].sum())
    return Lane(who, registered, len(mine), at_shared, _runs(shared), _runs(other))


def _runs(bins: Iterable[int]) -> tuple[Span, ...]:
    """Join neighbouring bins to spans."""
    spans: list[Span] = []
    for one in sorted(bins):
        if spans and spans[-1][1] == one:
            spans[-1] = (spans[-1][0], one + 1)
        else:
            spans.append((one, one + 1))
    return tuple(spans)

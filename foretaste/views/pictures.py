"""What a case's pictures are drawn from: rows over time, and who stands with whom."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final

from foretaste.views.loose import count, mapping, mappings, number, text

_BINS: Final = 200
_NODES: Final = 60


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows that came from ``at`` on, and how many of them were held."""

    at: str
    rows: int
    held: int


@dataclass(frozen=True, slots=True)
class Node:
    """An account in the neighbourhood, with its rows of the night and how many were held."""

    id: str
    rows: int
    held: int


@dataclass(frozen=True, slots=True)
class Edge:
    """What ties two accounts; a larger ``weight`` ties more strongly."""

    a: str
    b: str
    weight: float
    why: str


def bins(details: Mapping[str, Any]) -> tuple[Bin, ...]:
    """List the bins of the timeline, the empty ones between too; none where no row came."""
    told = mappings(mapping(details.get("timeline")).get("bins"))[:_BINS]
    found = [Bin(text(one, "at"), count(one, "rows"), count(one, "held")) for one in told]
    return tuple(_even(found)) if any(one.rows for one in found) else ()


def _even(found: Sequence[Bin]) -> Sequence[Bin]:
    """Fill gaps with empty bins as wide as the narrowest, where the times can be read."""
    times = [_moment(one.at) for one in found]
    gaps = [b - a for a, b in pairwise(times)]
    if not gaps or not all(math.isfinite(gap) and gap > 0 for gap in gaps):
        return found
    step = min(gaps)
    places = [round((time - times[0]) / step) for time in times]
    if places[-1] >= _BINS or len(set(places)) < len(places):
        return found
    there = dict(zip(places, found, strict=True))
    empty = (
        Bin(datetime.fromtimestamp(times[0] + i * step, UTC).isoformat(timespec="minutes"), 0, 0)
        for i in range(places[-1] + 1)
    )
    return [there.get(i, one) for i, one in enumerate(empty)]


def _moment(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError):
        return math.nan


def graph(details: Mapping[str, Any]) -> tuple[tuple[Node, ...], tuple[Edge, ...]]:
    """Give the neighbourhood: accounts, and ties between them with the strongest first."""
    told = mapping(details.get("graph"))
    drawn = [one for one in mappings(told.get("nodes")) if one.get("id")][:_NODES]
    nodes = {
        name: Node(name, count(one, "rows"), count(one, "held"))
        for name, one in ((text(one, "id"), one) for one in drawn)
    }
    ties = (
        Edge(text(one, "a"), text(one, "b"), number(one.get("weight")), text(one, "why"))
        for one in mappings(told.get("edges"))
    )
    edges = [one for one in ties if {one.a, one.b} <= nodes.keys()]
    return tuple(nodes.values()), tuple(sorted(edges, key=lambda e: (-e.weight, e.a, e.b)))

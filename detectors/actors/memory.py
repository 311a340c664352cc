"""What a night remembers of the nights before: bounded visits, and a decaying graph.

A night computes anew the edges of whoever is seen in it, against everybody remembered;
edges between two who stay away are carried over and fade. So a night costs what its own
events cost, and a sleeper meets its past when it acts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from detectors.actors.graph.covisits import Edges
from detectors.actors.graph.visits import keyed_hash
from foretaste.core.actor import GRAPH_SCHEMA
from foretaste.core.contract import VISIT_SCHEMA


@dataclass(frozen=True, slots=True)
class Keeping:
    """How much is remembered, and for how long.

    Parameters
    ----------
    days
        Days after which a visit is forgotten.
    per_item
        Contributors whose visits to an item are kept, chosen by a secret hash: a popular
        item is sampled, never dropped.
    per_contributor
        Newest visits of a contributor that are kept.
    fading
        What is left of an edge's surprise after a night in which neither end was seen.
    """

    days: float = 45.0
    per_item: int = 500
    per_contributor: int = 1000
    fading: float = 0.97


@dataclass(frozen=True, slots=True)
class Memory:
    """Earlier nights, as tables.

    Parameters
    ----------
    visits
        ``VISIT_SCHEMA``.
    graph
        ``GRAPH_SCHEMA``: every edge that is still telling.
    """

    visits: pa.Table
    graph: pa.Table

    @classmethod
    def none(cls) -> Memory:
        """Remember nothing."""
        return cls(VISIT_SCHEMA.empty_table(), GRAPH_SCHEMA.empty_table())

    def edges(self, names: np.ndarray) -> Edges:
        """Give the graph in codes into ``names`` (sorted), where both ends are known."""
        index = pd.Index(names)
        left, right = (
            index.get_indexer(pd.Index(self.graph[end].to_pandas().astype(object)))
            for end in ("left", "right")
        )
        rest = (self.graph[name].to_numpy() for name in ("surprise", "shared", "hours"))
        return Edges(left, right, *rest).where((left >= 0) & (right >= 0))


def faded(edges: Edges, seen: np.ndarray, fading: float, threshold: float) -> Edges:
    """Carry over the edges between contributors who were not seen, weaker by one night."""
    away = edges.where(~seen[edges.left] & ~seen[edges.right])
    weaker = Edges(away.left, away.right, away.surprise * fading, away.shared, away.hours)
    return weaker.where(weaker.surprise >= threshold)


def remember(
    visits: pd.DataFrame, names: np.ndarray, edges: Edges, keeping: Keeping, secret: int
) -> Memory:
    """Keep of ``visits`` and of the graph what tomorrow needs.

    The same visits in any order are kept alike.
    """
    graph = {
        "left": names[edges.left].astype(object),
        "right": names[edges.right].astype(object),
        "surprise": edges.surprise,
        "shared": edges.shared,
        "hours": edges.hours,
    }
    kept = _kept(visits, keeping, secret)
    return Memory(
        pa.Table.from_pandas(kept, schema=VISIT_SCHEMA, preserve_index=False),
        pa.table(graph, schema=GRAPH_SCHEMA),
    )


def _kept(visits: pd.DataFrame, keeping: Keeping, secret: int) -> pd.DataFrame:
    """Visits that are young enough, of few enough contributors, and few enough of each."""
    if visits.empty:
        return visits
    visits = visits.dropna()
    oldest = visits["visited_at"].max() - pd.Timedelta(days=keeping.days)
    young = visits[visits["visited_at"] > oldest]
    young = young.sort_values(list(VISIT_SCHEMA.names), ignore_index=True)
    item, who = (
        pd.factorize(young[name], sort=True)[0].astype(np.int64)
        for name in ("item_id", "contributor_id")
    )
    pair, first = np.unique(item * (who.max() + 1) + who, return_index=True)
    # Ids, not codes, decide who is kept of an item, so that the choice lasts over nights.
    ids = pd.util.hash_array(young["item_id"].to_numpy(object)[first])
    people = pd.util.hash_array(young["contributor_id"].to_numpy(object)[first])
    draw = keyed_hash(ids, people, secret)
    kept = pair[_rank(item[first], draw) < keeping.per_item]
    chosen = np.isin(item * (who.max() + 1) + who, kept)
    newest = -young["visited_at"].to_numpy("datetime64[us]").astype(np.int64)
    chosen &= _rank(who, newest) < keeping.per_contributor
    found: pd.DataFrame = young[chosen].reset_index(drop=True)
    return found


def _rank(group: np.ndarray, value: np.ndarray) -> np.ndarray:
    """(n,) place of each value within its group, from 0; ties in their order."""
    order = np.lexsort((np.arange(group.size), value, group))
    ordered = group[order]
    rank = np.empty(group.size, dtype=np.int64)
    rank[order] = np.arange(group.size) - np.searchsorted(ordered, ordered)
    return rank

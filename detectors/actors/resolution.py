"""What actor resolution found, as tables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from detectors.actors.accounts.facts import Burst
from detectors.actors.graph.covisits import Edges
from detectors.actors.groups.judgement import Group
from detectors.actors.memory import Memory
from foretaste.core.actor import ACTOR_SCHEMA, EDGE_SCHEMA, ActorKind
from foretaste.core.evidence import Opinion


@dataclass(frozen=True, slots=True)
class Resolution:
    """Who is really one.

    Parameters
    ----------
    actors
        ``ACTOR_SCHEMA``, one line per contributor, sorted. A singleton bears the name of
        its contributor and the posterior 0.
    edges
        ``EDGE_SCHEMA``, sorted; the strongest edges of each contributor.
    codes
        (n,) int32, row-aligned codes into ``actor_ids``.
    actor_ids
        Sorted names of the actors that have rows.
    opinion
        Evidence on every row of the batch.
    memory
        What tomorrow needs of tonight and of the nights before.
    """

    actors: pa.Table
    edges: pa.Table
    codes: np.ndarray
    actor_ids: np.ndarray
    opinion: Opinion
    memory: Memory


_BURST_KINDS = {"subnet_id": "registration", "network_id": "network", "device_id": "device"}


def actor_table(names: np.ndarray, groups: list[Group], actor_ids: list[str]) -> pa.Table:
    """One line per contributor of ``names``, in their order."""
    actor, reason = names.astype(object), np.full(len(names), "", dtype=object)
    kind = np.full(len(names), str(ActorKind.SINGLETON), dtype=object)
    size, posterior = np.ones(len(names), dtype=np.int64), np.zeros(len(names))
    for group, actor_id in zip(groups, actor_ids, strict=True):
        actor[group.members], kind[group.members] = actor_id, str(group.kind)
        size[group.members], reason[group.members] = group.members.size, group.reason
        posterior[group.members] = probability(group.log_odds)
    columns = [names.astype(object), actor, kind, size, posterior, reason]
    return pa.table(dict(zip(ACTOR_SCHEMA.names, columns, strict=True)), schema=ACTOR_SCHEMA)


def acting_as(actors: pa.Table) -> np.ndarray:
    """(n,) object: the actor that acts for each contributor of an actor table.

    A campaign acts as one. People of an honest group each act for themselves: being
    together takes nobody's say away.
    """
    honest = actors["kind"].to_numpy() == str(ActorKind.HONEST_GROUP)
    chosen = np.where(honest, actors["contributor_id"].to_numpy(), actors["actor_id"].to_numpy())
    return np.asarray(chosen, dtype=object)


def edge_table(names: np.ndarray, edges: Edges, bursts: list[Burst], most_each: int) -> pa.Table:
    """The edges that people look at: the ``most_each`` strongest of each contributor."""
    frames = [_frame(edges.left, edges.right, "co_visit", edges.surprise, edges.shared)]
    for burst in bursts:
        kind = _BURST_KINDS.get(burst.place, "place")
        a, b = burst.members[:-1], burst.members[1:]
        left, right = np.minimum(a, b), np.maximum(a, b)
        frames.append(_frame(left, right, kind, burst.surprise, burst.members.size))
    table = pd.concat(frames, ignore_index=True)
    table = table[_strongest(table, most_each)].sort_values(["left", "right", "kind"])
    return pa.table(
        {
            "left": names[table["left"].to_numpy()].astype(object),
            "right": names[table["right"].to_numpy()].astype(object),
            "kind": table["kind"].to_numpy(object),
            "surprise": table["surprise"].to_numpy(np.float64),
            "shared": table["shared"].to_numpy(np.int64),
        },
        schema=EDGE_SCHEMA,
    )


def probability(log_odds: float) -> float:
    """Turn log-odds into a probability."""
    return float(1.0 / (1.0 + np.exp(-log_odds)))


def _frame(
    left: np.ndarray,
    right: np.ndarray,
    kind: str,
    surprise: np.ndarray | float,
    shared: np.ndarray | int,
) -> pd.DataFrame:
    table = pd.DataFrame({"left": left, "right": right}, dtype=np.int64)
    return table.assign(kind=kind, surprise=surprise, shared=shared)


def _strongest(table: pd.DataFrame, most: int) -> np.ndarray:
    """(e,) bool: edges among the ``most`` strongest of one of their ends."""
    n = len(table)
    end = np.concatenate([table["left"], table["right"]]).astype(np.int64)
    other = np.concatenate([table["right"], table["left"]]).astype(np.int64)
    weight = np.tile(table["surprise"].to_numpy(np.float64), 2)
    kind = np.tile(pd.factorize(table["kind"], sort=True)[0], 2)
    order = np.lexsort((kind, other, -weight, end))
    ordered = end[order]
    rank = np.empty(2 * n, dtype=np.int64)
    rank[order] = np.arange(2 * n) - np.searchsorted(ordered, ordered)
    either: np.ndarray = (rank[:n] < most) | (rank[n:] < most)
    return either

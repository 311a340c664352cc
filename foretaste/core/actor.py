"""Actors: groups of accounts judged to act as one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import pyarrow as pa


class ActorKind(StrEnum):
    """What a group of accounts was judged to be."""

    SINGLETON = "singleton"
    CAMPAIGN = "campaign"
    HONEST_GROUP = "honest_group"


@dataclass(frozen=True, slots=True)
class Actor:
    """A group of accounts; a singleton is an actor too.

    Parameters
    ----------
    actor_id
        Stable name: derived from the members, kept across nights by overlap.
    members
        Pseudonyms, sorted.
    kind
        Campaign, harmless synchronous group, or one account.
    posterior
        Probability in [0, 1] that the group acts as one.
    reason
        Code and numbers behind the judgement, "" for singletons.
    """

    actor_id: str
    members: tuple[str, ...]
    kind: ActorKind
    posterior: float
    reason: str


ACTOR_SCHEMA: Final = pa.schema(
    [
        pa.field("contributor_id", pa.string(), nullable=False),
        pa.field("actor_id", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("size", pa.int64(), nullable=False),
        pa.field("posterior", pa.float64(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
    ]
)
"""One line per contributor: the actor it belongs to."""

EDGE_SCHEMA: Final = pa.schema(
    [
        pa.field("left", pa.string(), nullable=False),
        pa.field("right", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("surprise", pa.float64(), nullable=False),
        pa.field("shared", pa.int64(), nullable=False),
    ]
)
"""Why two contributors stand together: ``surprise`` is -log10 of the tail probability,
``kind`` is the evidence (co_visit, registration, network, device, place), ``shared`` the
count behind it."""

GRAPH_SCHEMA: Final = pa.schema(
    [
        pa.field("left", pa.string(), nullable=False),
        pa.field("right", pa.string(), nullable=False),
        pa.field("surprise", pa.float64(), nullable=False),
        pa.field("shared", pa.int64(), nullable=False),
        pa.field("hours", pa.float64(), nullable=False),
    ]
)
"""The co-visit graph that a night leaves to the next: each pair at its most telling time
scale in ``hours``; infinite for "ever"."""

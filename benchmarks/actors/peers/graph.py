"""The co-visit graph as its users build it: by count, bounded but not pruned."""

from __future__ import annotations

from typing import Any

from detectors.actors.graph.visits import Occasions, Visits, meetings, occasions

PAIRS_PER_VISIT = 10.0
"""Pairs of contributors that the graph may look at; larger occasions are sampled down."""


def co_visits(visits: Visits, hours: float, seed: int) -> Any:
    """Count at how many (item, slot) each pair met: (n, n) sparse int32, symmetric.

    Slots are twice ``hours`` long and overlap by half: who meets within ``hours`` shares
    one or two of them.
    """
    return shared_slots(occasions(visits, hours), visits, seed)


def shared_slots(seen: Occasions, visits: Visits, seed: int) -> Any:
    """Count the occasions that each pair shares; nobody is left out as too busy."""
    met = meetings(
        seen,
        visits.n_who,
        most_pairs=PAIRS_PER_VISIT * visits.who.size,
        max_columns=seen.who.size,
        seed=seed,
    )
    shared = (met.matrix @ met.matrix.T).tocsr()
    shared.setdiag(0)
    shared.eliminate_zeros()
    return shared

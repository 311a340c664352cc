"""Search visits and accounts for groups that act as one, without any known Sybil."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from detectors.actors.accounts.facts import Accounts, Burst, bursts
from detectors.actors.graph.covisits import Bounds, Edges, telling_edges, union
from detectors.actors.graph.propagation import Seeds, sybil_scar
from detectors.actors.graph.visits import Visits
from detectors.actors.groups.behaviour import behaviours
from detectors.actors.groups.communities import compact, groups_of, parted
from detectors.actors.groups.judgement import (
    CAMPAIGN,
    PRIOR,
    Group,
    Knowledge,
    apart,
    ring,
    weighed,
)
from detectors.actors.hours import group_hours
from detectors.actors.injection.items import covisit_injection
from detectors.actors.injection.suspects import SessionBounds

_SESSION = 0.5
_COMPANY = 6.0
_BESIDE = 0.5
"""Share of an injector's own nats that counts for its group: the graph saw part of it."""

_UNSEEN = PRIOR - 10.0
"""Suspicion of contributors that stand in no group."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the search may cost, and what counts.

    Parameters
    ----------
    bounds, sessions
        Of the co-visit graph, and of the search for injected pairs of items.
    min_size
        Accounts that a group has at least.
    burst_hours, throwaway_rows
        Windows in which registrations are counted; contributions up to which an account is
        a throw-away account.
    burst_surprise
        Least -log10 of the probability of a burst.
    unheard
        Kinds of group that the reference must not know, for benchmarks.
    """

    bounds: Bounds = field(default_factory=Bounds)
    sessions: SessionBounds = field(default_factory=SessionBounds)
    min_size: int = 4
    burst_hours: tuple[float, ...] = (1.0, 6.0, 24.0)
    throwaway_rows: int = 2
    burst_surprise: float = 6.0
    unheard: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Found:
    """What the search found.

    Parameters
    ----------
    nats
        (n,) float64 suspicion: log-odds that the contributor's group is a campaign, or
        that its own sessions are injected.
    groups
        Campaigns and honest groups, disjoint.
    edges
        The graph of telling pairs.
    bursts
        Registration bursts behind one place.
    injected
        (n,) float64 nats that a contributor's own sessions are injected; 0 for most.
    """

    nats: np.ndarray
    groups: list[Group]
    edges: Edges
    bursts: list[Burst]
    injected: np.ndarray


def search(
    visits: Visits,
    accounts: Accounts | None = None,
    *,
    trusted: np.ndarray | None = None,
    confirmed: np.ndarray | None = None,
    different: Iterable[np.ndarray] = (),
    past: Edges | None = None,
    seen: np.ndarray | None = None,
    seed: int = 0,
    settings: Settings = Settings(),
) -> Found:
    """Find campaigns and honest groups.

    Parameters
    ----------
    trusted, confirmed
        (n,) bool contributors that people vouch for, and that they found to poison.
    different
        Codes of contributors that a person said are not one with each other.
    past
        Edges of earlier nights between contributors that were not seen tonight.
    seen
        (n,) bool contributors that were seen tonight; None: all. Only their edges are
        computed, so that a night costs what its own events cost.
    seed
        Secret seed of the sampling.
    """
    n = visits.n_who
    seeds, different = Seeds(_flags(trusted, n), _flags(confirmed, n)), list(different)
    injection = covisit_injection(visits, settings.sessions, seed)
    parts = [telling_edges(visits, settings.bounds, seed, seen)]
    tied = np.full(injection.left.size, _SESSION)
    parts.append(
        Edges(injection.left, injection.right, injection.surprise, np.ones(tied.size, int), tied)
    )
    edges = without(union([*parts, past] if past is not None else parts), different, n)
    label = parted(groups_of(visits, edges, settings.min_size), different)
    label = compact(label, settings.min_size)
    known = Knowledge(
        seeds.trusted,
        seeds.confirmed,
        company(edges, seeds),
        _hours(visits, label),
        _BESIDE * injection.nats,
    )
    registered = _bursts(accounts, different, settings)
    groups = [ring(burst, known) for burst in registered]
    found = behaviours(visits, label, edges)
    groups += weighed(label, found, accounts, known, settings.unheard)
    nats = _suspicion(groups, injection.nats, n)
    return Found(nats, apart(groups, n, settings.min_size), edges, registered, injection.nats)


def company(edges: Edges, seeds: Seeds) -> np.ndarray:
    """(n,) float64 nats that the graph carries from known contributors; 0 without any."""
    if not (seeds.trusted.any() or seeds.confirmed.any()) or edges.size == 0:
        return np.zeros(seeds.trusted.size)
    nats: np.ndarray = _COMPANY * sybil_scar(graph(edges, seeds.trusted.size), seeds)
    return nats


def graph(edges: Edges, n: int) -> Any:
    """(n, n) sparse symmetric matrix of surprises."""
    from scipy.sparse import csr_matrix

    half = csr_matrix((edges.surprise, (edges.left, edges.right)), shape=(n, n))
    return half + half.T


def without(edges: Edges, different: Iterable[np.ndarray], n: int) -> Edges:
    """Drop the edges between contributors that a person said are not one."""
    for people in different:
        among = np.zeros(n, dtype=bool)
        among[people] = True
        edges = edges.where(~(among[edges.left] & among[edges.right]))
    return edges


def _bursts(
    accounts: Accounts | None, different: list[np.ndarray], settings: Settings
) -> list[Burst]:
    if accounts is None:
        return []
    found = bursts(
        accounts,
        windows=settings.burst_hours,
        most_rows=settings.throwaway_rows,
        min_size=settings.min_size,
        threshold=settings.burst_surprise,
    )
    return [b for b in found if not any(np.isin(p, b.members).sum() > 1 for p in different)]


def _hours(visits: Visits, label: np.ndarray) -> np.ndarray:
    """(n,) nats of each contributor's group; 0 for those in none."""
    nats: np.ndarray = np.concatenate([group_hours(visits, label), [0.0]])[label]
    return nats


def _suspicion(groups: list[Group], injected: np.ndarray, n: int) -> np.ndarray:
    nats = np.full(n, _UNSEEN)
    for group in groups:
        nats[group.members] = np.maximum(nats[group.members], group.log_odds)
    own = np.where(injected > 0, PRIOR + injected, _UNSEEN)
    return np.asarray(np.maximum(nats, own))


def _flags(given: np.ndarray | None, n: int) -> np.ndarray:
    return np.zeros(n, dtype=bool) if given is None else given


__all__ = ["CAMPAIGN", "Found", "Settings", "search"]

"""Trust and blame, carried along the edges of a graph of contributors.

All methods have one interface, ``(graph, seeds) -> (n,) suspicion``, and repeat one
step: everybody takes the weighted mean of the neighbours' values. They differ in what
starts, what is added at each step, and when they stop.

``graph`` is an (n, n) scipy sparse matrix, symmetric, with weights of 0 or more; its
diagonal is ignored. Suspicion is float64; higher is more suspicious, and 0 is what somebody
gets of whom nothing is known, contributors without an edge among them. Cost: a few dozen
sparse products, in a line with the edges.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log, log2
from typing import Any, Protocol, Self

import numpy as np

_PRECISION = 1e-9


@dataclass(frozen=True, slots=True)
class Seeds:
    """What people know of contributors.

    Parameters
    ----------
    trusted
        (n,) bool: reviewed, verified or old.
    confirmed
        (n,) bool: found by people to poison.
    """

    trusted: np.ndarray
    confirmed: np.ndarray

    @classmethod
    def none(cls, n: int) -> Self:
        """Know nothing of ``n`` contributors."""
        return cls(np.zeros(n, dtype=bool), np.zeros(n, dtype=bool))


class Propagation(Protocol):
    """Judges contributors by their neighbours."""

    def __call__(self, graph: Any, seeds: Seeds) -> np.ndarray:
        """Give (n,) float64 suspicion; 0 where nothing is known."""
        ...


def trust_ratio(graph: Any, seeds: Seeds, *, restart: float = 0.15) -> np.ndarray:
    """Give strength / (N · PageRank): company that is heavier than the rank it receives.

    Rank starts evenly, or half of it at trusted contributors when any has an edge. Whoever
    is part of a large graph receives rank as it has edges; a campaign is heavy inside and
    receives little from outside. Works without seeds; does not look at confirmed ones.
    PageRank: Page, Brin, Motwani, Winograd 1999; restart at the trusted: Gyöngyi,
    Garcia-Molina, Pedersen: TrustRank, VLDB 2004.

    Parameters
    ----------
    restart
        Share of the rank that starts anew at each step, in (0, 1).

    Returns
    -------
    (n,) float64 of 0 or more, in the unit of the weights. Without seeds the members of a
    component of equals get their own strength; contributors without an edge get 0.
    """
    mean, strength = _neighbours(graph)
    linked = strength > 0
    start = np.ones(strength.size)
    known = seeds.trusted & linked
    if known.any():
        start = 0.5 + 0.5 * known * (linked.sum() / known.sum())
    # Divided by strength, PageRank on an undirected graph is a mean over neighbours too.
    source = restart * _per_strength(start, strength)
    steps = ceil(log(_PRECISION) / log(1.0 - restart))
    rank = _repeat(mean, source, source, 1.0 - restart, steps)
    ratio: np.ndarray = np.divide(1.0, rank, out=np.zeros(rank.size), where=linked)
    return ratio


def trust_deficit(graph: Any, seeds: Seeds, *, restart: float = 0.15) -> np.ndarray:
    """Give ln of the trust ratio with seeds over the one without: trust that never arrives.

    What is heavy in itself cancels out, so it speaks of the seeds alone.

    Returns
    -------
    (n,) float64 of at most ln 2, which those get whom no trust reaches; below 0 near
    trusted contributors. All 0 when no trusted contributor has an edge.
    """
    seeded = trust_ratio(graph, seeds, restart=restart)
    even = trust_ratio(graph, Seeds.none(seeded.size), restart=restart)
    deficit: np.ndarray = np.log(np.divide(seeded, even, out=np.ones(even.size), where=even > 0))
    return deficit


def sybil_rank(graph: Any, seeds: Seeds, *, steps: int | None = None) -> np.ndarray:
    """Walk from trusted contributors, and stop before the walk has reached everybody alike.

    Cao, Sirivianos, Yang, Pregueiro: Aiding the Detection of Fake Accounts in Large Scale
    Social Online Services, NSDI 2012. Does not look at confirmed contributors.

    Parameters
    ----------
    steps
        Length of the walk; log2 of the contributors with an edge when None.

    Returns
    -------
    (n,) float64 in [-½, ½]: 1/(1 + t) - ½, where t is the trust per strength, 1 for what
    a walk without end would leave there; ½ where no trust arrives. All 0 when no trusted
    contributor has an edge.
    """
    mean, strength = _neighbours(graph)
    linked = strength > 0
    known = seeds.trusted & linked
    if not known.any():
        return np.zeros(strength.size)
    even = strength.sum() / known.sum()
    start = _per_strength(known * even, strength)
    walked = ceil(log2(linked.sum())) if steps is None else steps
    trust = _repeat(mean, start, np.zeros(strength.size), 1.0, walked)
    return np.where(linked, 1.0 / (1.0 + trust) - 0.5, 0.0)


def sybil_scar(
    graph: Any, seeds: Seeds, *, prior: float = 0.1, strength: float = 0.9, steps: int = 50
) -> np.ndarray:
    """Let each contributor's residual posterior follow its own prior and its neighbours.

    Wang, Zhang, Gong: SybilSCAR, INFOCOM 2017: loopy belief propagation, linearised, so
    that it converges. Works with trusted seeds, confirmed ones, both or none; a seed speaks
    for its own component only.

    Parameters
    ----------
    prior
        How far from ½ a seed's own probability lies, in (0, ½].
    strength
        Homophily in (0, 1): twice the paper's residual weight times the degree. Below 1
        the iteration converges, whatever the graph.
    steps
        Iterations at most.

    Returns
    -------
    (n,) float64 in [-½, ½]: probability of being a Sybil, less ½.
    """
    mean, _ = _neighbours(graph)
    known = prior * (seeds.confirmed.astype(np.float64) - seeds.trusted)
    residual: np.ndarray = np.clip(_repeat(mean, known, known, strength, steps), -0.5, 0.5)
    return residual


def _neighbours(graph: Any) -> tuple[Any, np.ndarray]:
    """Matrix that takes the weighted mean over neighbours, and (n,) sums of their weights."""
    from scipy.sparse import csr_matrix, diags

    plain = csr_matrix(graph, dtype=np.float64)
    plain = csr_matrix(plain - diags(plain.diagonal()))
    plain.eliminate_zeros()
    strength = np.asarray(plain.sum(axis=1)).ravel()
    return diags(_per_strength(np.ones(strength.size), strength)) @ plain, strength


def _per_strength(values: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """Divide by strength; 0 for those without an edge."""
    divided: np.ndarray = np.divide(
        values, strength, out=np.zeros(strength.size), where=strength > 0
    )
    return divided


def _repeat(
    mean: Any, start: np.ndarray, source: np.ndarray, damping: float, steps: int
) -> np.ndarray:
    """Repeat ``value = source + damping * mean of neighbours``."""
    value = start
    for _ in range(steps):
        value = source + damping * (mean @ value)
    return value

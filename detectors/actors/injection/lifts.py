"""How often two items would be tied anyway: what is popular, and what goes together.

Two explanations are granted to chance. Both items are popular; or they belong together,
which shows in the items between them: what is seen with the one is seen with the other.
An organic community is full of such triangles. Ties that somebody makes up have none:
nobody else goes from the anchor, or from anything near it, to the target.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from detectors.actors.injection.sessions import Ties

_TRIMMED = 0.03
_SAMPLE = 4000
_FEWEST = 200
_KINSHIPS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0)
_SIZES = (0.5, 1.0, 2.0, 4.0, 8.0)
_UNTOLD = (3.0, 2.0)
_COMPANIONS = 500


@dataclass(frozen=True, slots=True)
class Null:
    """What chance makes of candidate pairs.

    Parameters
    ----------
    expected
        (c,) float64 contributors expected behind each pair.
    kinship
        By how much the items between two items understate how well they go together.
    size
        Of the negative binomial; its variance is ``mean + mean**2 / size``. Small is wide.
    """

    expected: np.ndarray
    kinship: float
    size: float

    def chance(self, count: np.ndarray) -> np.ndarray:
        """(c,) P(X >= count); 1 for a count of 0."""
        return _tail(np.maximum(count, 1.0), self.expected, self.size) ** (count > 0)


def by_popularity(tied: Ties, count: np.ndarray, n_items: int) -> np.ndarray:
    """(p,) contributors behind each pair if both items were only popular."""
    weight = np.bincount(tied.low, count, n_items) + np.bincount(tied.high, count, n_items)
    expected: np.ndarray = weight[tied.low] * weight[tied.high] / max(weight.sum(), 1.0)
    return expected


def explain(
    tied: Ties,
    count: np.ndarray,
    n_items: int,
    candidate: np.ndarray,
    target: np.ndarray,
    popular: np.ndarray,
    least: np.ndarray,
) -> Null:
    """Learn from the candidates themselves what chance makes of such pairs.

    The two numbers of the null fit the candidates' counts best, given that these reach
    ``least``, by likelihood without the least likely 3 % of them: a minority of made-up
    pairs cannot set the standard. Under 200 candidates cautious values stand instead.

    Parameters
    ----------
    count
        (p,) distinct contributors behind each pair.
    candidate
        (c,) pairs to explain.
    target
        (c,) the item of each whose companions are asked; choose the less popular one.
    popular
        (c,) what popularity explains, positive.
    least
        (c,) counts below which a pair would not be a candidate.
    """
    anchor = tied.low[candidate] + tied.high[candidate] - target
    between = _between(_graph(tied, count, n_items), target, anchor)
    kin, x = np.maximum(between - popular, 0.0), count[candidate].astype(np.float64)
    chosen = slice(None, None, max(x.size // _SAMPLE, 1))
    kinship, size = _UNTOLD
    if x.size >= _FEWEST:
        kinship, size = _fit(popular[chosen], kin[chosen], x[chosen], least[chosen])
    return Null(popular + kinship * kin, kinship, size)


def _fit(
    popular: np.ndarray, kin: np.ndarray, x: np.ndarray, least: np.ndarray
) -> tuple[float, float]:
    def fits(pair: tuple[float, float]) -> float:
        likelihood = np.sort(_log_likelihood(x, least, popular + pair[0] * kin, pair[1]))
        return float(likelihood[round(_TRIMMED * x.size) :].sum())

    return max(((k, s) for k in _KINSHIPS for s in _SIZES), key=fits)


def _log_likelihood(x: np.ndarray, least: np.ndarray, mean: np.ndarray, size: float) -> np.ndarray:
    """Log probability of x under a negative binomial that is cut below ``least``."""
    from scipy.special import gammaln, xlogy

    share = mean / (size + mean)
    log: np.ndarray = gammaln(x + size) - gammaln(size) - gammaln(x + 1.0)
    log += size * np.log1p(-share) + xlogy(x, share)
    log -= np.log(np.maximum(_tail(least, mean, size), 1e-300))
    return log


def _tail(count: np.ndarray, mean: np.ndarray, size: float) -> np.ndarray:
    from scipy.special import betainc

    tail: np.ndarray = betainc(count, size, mean / (size + mean))
    return tail


def _graph(tied: Ties, count: np.ndarray, n_items: int) -> Any:
    """(n_items, n_items) sparse symmetric: contributors behind each pair, rows sorted."""
    from scipy.sparse import csr_matrix

    ends = np.concatenate([tied.low, tied.high]), np.concatenate([tied.high, tied.low])
    graph = csr_matrix((np.tile(count.astype(np.float64), 2), ends), shape=(n_items, n_items))
    graph.sort_indices()
    return graph


def _between(graph: Any, target: np.ndarray, anchor: np.ndarray) -> np.ndarray:
    """(c,) ties expected from walks target, companion, anchor; one anchor after the other."""
    weight = np.maximum(np.asarray(graph.sum(axis=1)).ravel(), 1.0)
    asked, code = np.unique(target, return_inverse=True)
    own = _strongest(graph[asked])
    own.data = own.data / weight[own.indices]
    order = np.argsort(anchor, kind="stable")
    edges = np.flatnonzero(np.diff(anchor[order], prepend=-1, append=-1))
    near, expected = np.zeros(graph.shape[0]), np.zeros(target.size)
    for start, stop in pairwise(edges):
        mine = order[start:stop]
        row = slice(*graph.indptr[anchor[mine[0]] :][:2])
        near[graph.indices[row]] = graph.data[row]
        expected[mine] = own[code[mine]] @ near
        near[graph.indices[row]] = 0.0
    return expected


def _strongest(rows: Any) -> Any:
    """Keep the strongest companions of each row, in the weight of all."""
    from scipy.sparse import csr_matrix

    length = np.diff(rows.indptr)
    if length.max(initial=0) <= _COMPANIONS:
        return rows
    kept = np.repeat(length <= _COMPANIONS, length)
    row = np.repeat(np.arange(length.size), length)
    long = np.flatnonzero(~kept)
    order = long[np.lexsort((rows.indices[long], -rows.data[long], row[long]))]
    first = np.searchsorted(row[long], row[long])
    kept[order[np.arange(long.size) - first < _COMPANIONS]] = True
    row, data, all_of = row[kept], rows.data[kept], np.asarray(rows.sum(axis=1)).ravel()
    data = data * (all_of / np.maximum(np.bincount(row, data, length.size), 1.0))[row]
    return csr_matrix((data, (row, rows.indices[kept])), shape=rows.shape)

"""What others make of the same ratings: plain signals, and published methods.

Each takes ratings and gives (n_who,) float64, larger for the more suspicious rater. None
looks at the ratings that a rater received.
"""

from __future__ import annotations

import numpy as np

from detectors.content.raters import Ratings


def deviation(ratings: Ratings) -> np.ndarray:
    """Mean distance of the ratings from the mean of the others' for the same item."""
    total = np.bincount(ratings.item, ratings.rating, ratings.n_items)[ratings.item]
    others = np.bincount(ratings.item, minlength=ratings.n_items)[ratings.item] - 1
    mean = np.where(others > 0, (total - ratings.rating) / np.maximum(others, 1), 0.0)
    return _mean_by_rater(ratings, np.abs(ratings.rating - mean))


def short_life(ratings: Ratings) -> np.ndarray:
    """Time from the first rating to the last, negative."""
    first = np.full(ratings.n_who, np.iinfo(np.int64).max)
    last = np.full(ratings.n_who, np.iinfo(np.int64).min)
    np.minimum.at(first, ratings.who, ratings.seconds)
    np.maximum.at(last, ratings.who, ratings.seconds)
    return np.where(last >= first, first.astype(np.float64) - last, 0.0)


def few_ratings(ratings: Ratings) -> np.ndarray:
    """Number of ratings, negative."""
    return -np.bincount(ratings.who, minlength=ratings.n_who).astype(np.float64)


def fairness_goodness(ratings: Ratings, rounds: int = 50) -> np.ndarray:
    """Unfairness (Kumar, Spezzano, Subrahmanian, Faloutsos: ICDM 2016)."""
    fairness = np.ones(ratings.n_who)
    for _ in range(rounds):
        weighted = fairness[ratings.who] * ratings.rating
        goodness = _mean_by_item(ratings, weighted)
        distance = np.abs(ratings.rating - goodness[ratings.item]) / 2
        fairness = 1 - _mean_by_rater(ratings, distance)
    return 1 - fairness


def rev2(ratings: Ratings, rounds: int = 50) -> np.ndarray:
    """Unfairness with smoothing and reliability (Kumar et al.: REV2, WSDM 2018).

    Without its behaviour term, unsupervised: as published the mean over the grid of
    smoothing parameters 0, 1 and 2 for raters and for items, both weights of reliability 1.
    """
    runs = [_rev2(ratings, own, other, rounds) for own in (0, 1, 2) for other in (0, 1, 2)]
    unfair: np.ndarray = np.mean(runs, axis=0)
    return unfair


def _rev2(ratings: Ratings, own: float, other: float, rounds: int) -> np.ndarray:
    who, item, rating = ratings.who, ratings.item, ratings.rating
    made = np.bincount(who, minlength=ratings.n_who)
    got = np.bincount(item, minlength=ratings.n_items)
    fairness, reliability = np.ones(ratings.n_who), np.ones(who.size)
    for _ in range(rounds):
        goodness = np.bincount(item, reliability * rating, ratings.n_items)
        goodness = (goodness + other * _mean(goodness, got)) / np.maximum(got + other, 1)
        fit = 1 - np.abs(rating - goodness[item]) / 2
        reliability = (fairness[who] + fit) / 2
        total = np.bincount(who, reliability, ratings.n_who)
        fairness = (total + own * _mean(total, made)) / np.maximum(made + own, 1)
    return 1 - fairness


def _mean(total: np.ndarray, count: np.ndarray) -> float:
    seen = count > 0
    return float((total[seen] / count[seen]).mean())


def birdnest(ratings: Ratings) -> np.ndarray:
    """Oddness of ratings and gaps, less when there are few (after Hooi et al., SDM 2016).

    BIRDNEST with one cluster of users: the divergence of each rater's posterior mean
    distribution of ratings, and of gaps, from everybody's, each scaled by its spread.
    """
    level = np.rint((ratings.rating + 1) * 10).astype(np.int64)
    order = np.lexsort((ratings.seconds, ratings.who))
    who, seconds = ratings.who[order], ratings.seconds[order]
    inner = who[1:] == who[:-1]
    gap = np.log2(1 + np.diff(seconds)[inner]).astype(np.int64)
    parts = [
        _oddness(ratings.who, level, ratings.n_who),
        _oddness(who[1:][inner], gap, ratings.n_who),
    ]
    odd: np.ndarray = np.sum([part / part.std() for part in parts], axis=0)
    return odd


def _oddness(who: np.ndarray, level: np.ndarray, n_who: int) -> np.ndarray:
    n_levels = int(level.max()) + 1
    counts = np.bincount(who * n_levels + level, minlength=n_who * n_levels)
    counts = counts.reshape(n_who, n_levels)
    usual = (counts.sum(axis=0) + 1) / (counts.sum() + n_levels)
    posterior = (counts + 10 * usual) / (counts.sum(axis=1, keepdims=True) + 10)
    odd: np.ndarray = (posterior * np.log(posterior / usual)).sum(axis=1)
    return odd


def _mean_by_rater(ratings: Ratings, value: np.ndarray) -> np.ndarray:
    count = np.bincount(ratings.who, minlength=ratings.n_who)
    mean: np.ndarray = np.bincount(ratings.who, value, ratings.n_who) / np.maximum(count, 1)
    return mean


def _mean_by_item(ratings: Ratings, value: np.ndarray) -> np.ndarray:
    count = np.bincount(ratings.item, minlength=ratings.n_items)
    mean: np.ndarray = np.bincount(ratings.item, value, ratings.n_items) / np.maximum(count, 1)
    return mean

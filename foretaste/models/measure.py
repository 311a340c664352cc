"""Measured values with intervals, and the gates made of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from foretaste.core.gate import Gate, GateState

LEAST_GROUPS: Final = 20
"""Fewer contributors than this cannot be resampled; rows are resampled instead."""
_BLOCK: Final = 50
_NOTHING: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its confidence interval; NaN where nothing could be measured."""

    value: float
    low: float
    high: float

    @property
    def finite(self) -> bool:
        """Whether there is anything to compare with a threshold."""
        return all(math.isfinite(x) for x in (self.value, self.low, self.high))


def gate(
    name: str, seen: Interval, state: GateState, *, threshold: str, meaning: str, action: str
) -> Gate:
    """Build a gate; whatever ``state`` says, a value that is not finite is undecided."""
    if not seen.finite:
        return undecided(name, threshold=threshold, meaning=meaning, action=action)
    action = "" if state is GateState.PASS else action
    return Gate(name, state, seen.value, seen.low, seen.high, threshold, meaning, action)


def undecided(name: str, *, threshold: str, meaning: str, action: str) -> Gate:
    """Build a gate that could not measure anything; it holds like a failed one."""
    return Gate(name, GateState.UNDECIDED, None, None, None, threshold, meaning, action)


def wilson(hits: int, n: int, alpha: float) -> Interval:
    """Interval of a rate after Wilson (1927); NaN for n = 0."""
    if n == 0:
        return Interval(math.nan, math.nan, math.nan)
    from scipy.stats import binomtest

    bounds = binomtest(hits, n).proportion_ci(confidence_level=1 - alpha, method="wilson")
    return Interval(hits / n, float(bounds.low), float(bounds.high))


def accuracy(hit: np.ndarray, support: np.ndarray, named: np.ndarray) -> np.ndarray:
    """Share of rows whose label was predicted; arrays are (…, k) counts per class."""
    del named
    return _ratio(hit.sum(axis=-1), support.sum(axis=-1))


def balanced_accuracy(hit: np.ndarray, support: np.ndarray, named: np.ndarray) -> np.ndarray:
    """Mean recall over the classes that occur; arrays are (…, k) counts per class."""
    del named
    recall = np.divide(hit, support, out=np.zeros_like(hit), where=support > 0)
    return _ratio(recall.sum(axis=-1), (support > 0).sum(axis=-1))


def f1_macro(hit: np.ndarray, support: np.ndarray, named: np.ndarray) -> np.ndarray:
    """Mean F1 over the classes that occur or are named; arrays are (…, k) counts per class."""
    both = support + named
    f1 = np.divide(2 * hit, both, out=np.zeros_like(hit), where=both > 0)
    return _ratio(f1.sum(axis=-1), (both > 0).sum(axis=-1))


Metric = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
METRICS: Final[dict[str, Metric]] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "f1_macro": f1_macro,
}


def measure(metric: Metric, truth: np.ndarray, said: np.ndarray) -> float:
    """Value of a metric for labels ``said`` against ``truth``; NaN without rows."""
    if not len(truth):
        return math.nan
    tally, k = _tally(np.arange(len(truth)), truth, (said,))
    whole = np.asarray(tally.sum(axis=0), dtype=np.float64).reshape(3, k)
    return float(metric(*whole))


def bootstrap(
    metric: Metric,
    truth: np.ndarray,
    said: Sequence[np.ndarray],
    groups: np.ndarray | None,
    *,
    resamples: int,
    alpha: float,
    seed: int,
) -> Interval:
    """Percentile interval of a metric, or of the difference between two models' metrics.

    Every resample draws whole groups, and the same ones for both models, so that what the
    models share cancels out (the paired, clustered bootstrap; Efron and Tibshirani 1993,
    chapters 8 and 13).

    Parameters
    ----------
    truth
        (n,) labels.
    said
        One or two arrays of (n,) predicted labels; of two, the value is first - second.
    groups
        (n,) which rows come together, e.g. by contributor; None, or fewer than
        ``LEAST_GROUPS`` of them: every row by itself.
    resamples, alpha, seed
        How many, the level (0.05 gives a 95 % interval), and the generator's seed.
    """
    if not len(truth):
        return Interval(math.nan, math.nan, math.nan)
    tally, k = _tally(_codes(groups, len(truth)), truth, said)
    drawn = Drawn.of(tally, lambda sums: _compared(metric, sums, k), resamples, seed)
    return drawn.interval(alpha)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A value and what it was in every bootstrap resample."""

    value: float
    resampled: np.ndarray

    @classmethod
    def of(
        cls, tally: Any, told: Callable[[np.ndarray], np.ndarray], resamples: int, seed: int
    ) -> Drawn:
        """Resample rows of ``tally`` (a group each); ``told`` turns (b, c) sums into values."""
        whole = np.asarray(tally.sum(axis=0), dtype=np.float64).reshape(1, -1)
        sums = _resampled(tally, resamples, np.random.default_rng(seed))
        return cls(float(told(whole)[0]), told(sums))

    def interval(self, alpha: float) -> Interval:
        """Percentile interval at level ``alpha``."""
        low, high = np.quantile(self.resampled, [alpha / 2, 1 - alpha / 2])
        return Interval(self.value, float(low), float(high))

    def below(self, bound: float, noise: float = 0.0, twins: int = 0) -> float:
        """One-sided p-value of "the true value is at least ``bound``".

        The bootstrap's normal approximation: its tail is not cut off at 1 / resamples, as
        a correction for many tests needs. 0 or 1 where nothing varies.

        Parameters
        ----------
        noise
            A standard deviation that the resamples do not know of.
        twins
            From how many values ``noise`` was estimated; 0: it is known. Few of them
            give a Student's t its heavy tails, by the degrees of freedom of Welch (1947)
            and Satterthwaite (1946).
        """
        from scipy.stats import t

        spread = math.hypot(float(self.resampled.std()), noise)
        if spread < _NOTHING:
            return float(self.value >= bound - _NOTHING)
        estimated = (noise / spread) ** 4
        freedom = twins / estimated if twins and estimated > _NOTHING else math.inf
        return float(t.cdf((self.value - bound) / spread, freedom))


def difference(
    metric: Metric,
    truth: np.ndarray,
    said: tuple[np.ndarray, np.ndarray],
    groups: np.ndarray | None,
    *,
    resamples: int,
    seed: int,
) -> Drawn:
    """Resample the difference of two models' metrics, as ``bootstrap`` does."""
    tally, k = _tally(_codes(groups, len(truth)), truth, said)
    return Drawn.of(tally, lambda sums: _compared(metric, sums, k), resamples, seed)


def mean(values: np.ndarray, groups: np.ndarray | None, *, resamples: int, seed: int) -> Drawn:
    """Resample the mean of (n,) numbers, whole groups at a time."""
    codes = _codes(groups, len(values))
    tally = np.column_stack([np.bincount(codes, weights=values), np.bincount(codes)])
    return Drawn.of(tally, lambda sums: _ratio(sums[:, 0], sums[:, 1]), resamples, seed)


@dataclass(frozen=True, slots=True)
class Change:
    """Rows that got worse and better, and the exact one-sided sign test of "worse".

    Parameters
    ----------
    worse, better
        Rows that only the second, and only the first model does badly on.
    p_value
        Probability of so many worse ones among those that differ, were both as likely.
    share
        Net share of all rows that got worse.
    """

    worse: int
    better: int
    p_value: float
    share: Interval


def change(
    bad: np.ndarray, before: np.ndarray, alpha: float, groups: np.ndarray | None = None
) -> Change:
    """Compare (n,) flags of what a candidate and, before it, the champion do badly.

    Where ``groups`` says which rows come together, the test counts groups that got worse
    or better on balance: many rows of one contributor are no more certain than one.
    """
    worse, better = int((bad & ~before).sum()), int((before & ~bad).sum())
    differ = worse + better
    if not differ:
        return Change(0, 0, 1.0, Interval(0.0, 0.0, 0.0))
    p = _sign_test(bad.astype(int) - before.astype(int), groups)
    given, scale = wilson(worse, differ, alpha), differ / len(bad)
    value, low, high = ((2 * x - 1) * scale for x in (given.value, given.low, given.high))
    return Change(worse, better, p, Interval(value, low, high))


def _sign_test(moved: np.ndarray, groups: np.ndarray | None) -> float:
    """Exact one-sided p-value of "as many rows, or groups on balance, above 0 as below"."""
    from scipy.stats import binomtest

    if groups is not None:
        moved = np.bincount(np.unique(groups, return_inverse=True)[1], weights=moved)
    up, down = int((moved > 0).sum()), int((moved < 0).sum())
    return float(binomtest(up, up + down, alternative="greater").pvalue) if up + down else 1.0


def _compared(metric: Metric, sums: np.ndarray, k: int) -> np.ndarray:
    values = [
        metric(*np.moveaxis(sums[:, at : at + 3 * k].reshape(-1, 3, k), 1, 0))
        for at in range(0, sums.shape[1], 3 * k)
    ]
    return values[0] if len(values) == 1 else values[0] - values[1]


def _codes(groups: np.ndarray | None, n: int) -> np.ndarray:
    if groups is None:
        return np.arange(n)
    codes = np.unique(groups.astype(str), return_inverse=True)[1]
    return codes if codes.max() + 1 >= LEAST_GROUPS else np.arange(n)


def _tally(codes: np.ndarray, truth: np.ndarray, said: Sequence[np.ndarray]) -> tuple[Any, int]:
    """Count hit, support and named per group and class; one block of 3k columns a model."""
    from scipy.sparse import csr_array

    names, all_codes = np.unique(np.concatenate([truth, *said]).astype(str), return_inverse=True)
    n, k = len(truth), len(names)
    real, *told = all_codes.reshape(1 + len(said), n)
    rows, columns = [], []
    for i, guess in enumerate(told):
        right = np.flatnonzero(real == guess)
        at = 3 * k * i
        rows += [codes[right], codes, codes]
        columns += [at + real[right], at + k + real, at + 2 * k + guess]
    where = (np.concatenate(rows), np.concatenate(columns))
    shape = (int(codes.max()) + 1, 3 * k * len(said))
    return csr_array((np.ones(where[0].size), where), shape=shape), k


def _resampled(tally: Any, resamples: int, rng: np.random.Generator) -> np.ndarray:
    n = tally.shape[0]
    parts = []
    for start in range(0, resamples, _BLOCK):
        drawn = [
            np.bincount(rng.integers(0, n, n), minlength=n)
            for _ in range(min(_BLOCK, resamples - start))
        ]
        parts.append(np.asarray(np.stack(drawn).astype(np.float64) @ tally))
    return np.vstack(parts)


def _ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    ratio: np.ndarray = np.full(np.shape(top), np.nan)
    np.divide(top, bottom, out=ratio, where=np.asarray(bottom) > 0)
    return ratio

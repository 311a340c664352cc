"""From raw scores to log-likelihood ratios, with no attack in sight.

The null is self-supervised: a row under its own label against the same kind of rows
under a label that they do not carry, half of it drawn at random, half where that label
is the most plausible wrong one. Every given label has its own curve (a Mondrian
calibration), so that a hard or rare class is compared with itself, never with 0.5.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Score = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(rows, labels) to the suspicion of those rows under those labels, larger is worse."""

MAX_ROWS_PER_CURVE = 20_000
"""Rows of either kind behind one label's curve."""

CONTRIBUTOR_CAP = 20
"""Rows of a label at which a contributor stops setting that label's norm."""

LEAST_TRUSTED = 50.0
"""Trusted rows of a label, capped per contributor, below which they are no null."""

_FLOOR = 1e-6
_TAIL_SLOPE = 0.1


def margin(probability: np.ndarray) -> Score:
    """Suspicion by how much more probable the best other label is, in nats.

    Parameters
    ----------
    probability
        (n, k) class probabilities.
    """
    best = probability.argmax(axis=1)
    rest = probability.copy()
    rest[np.arange(len(rest)), best] = -1.0
    second = rest.max(axis=1)

    def score(rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
        top = probability[rows, best[rows]]
        other = np.where(best[rows] == labels, second[rows], top)
        given = probability[rows, labels]
        out: np.ndarray = np.log(np.maximum(other, _FLOOR)) - np.log(np.maximum(given, _FLOOR))
        return out.astype(np.float64)

    return score


def bayes_ratio(probability: np.ndarray, labels: np.ndarray, k: int | None = None) -> np.ndarray:
    """(n,) nats that a label is wrong rather than right, if the probabilities are true.

    The odds against the given label over the odds before looking, all labels being
    equally likely then, as the voters were trained. No row ties with another. ``k`` is how
    many labels there are to choose from; by default all columns.
    """
    k = probability.shape[1] if k is None else k
    given = np.clip(
        probability[np.arange(len(labels)), labels].astype(np.float64), _FLOOR, 1 - _FLOOR
    )
    out: np.ndarray = np.log1p(-given) - np.log(given) - np.log(max(k - 1, 1))
    return out


def label_llr(
    probability: np.ndarray,
    labels: np.ndarray,
    contributors: np.ndarray,
    *,
    seed: int,
    low: float,
    high: float,
    score: Score | None = None,
    null: np.ndarray | None = None,
) -> np.ndarray:
    """Log-likelihood ratio that each row's label is wrong rather than right.

    Parameters
    ----------
    probability
        (n, k) out-of-actor class probabilities; rows of NaN get 0.
    labels, contributors
        (n,) codes.
    seed
        Of the samples behind the curves.
    low, high
        Nats at which the ratio is clipped.
    score
        How suspicious a row is under a label; the probability margin by default.
    null
        (n,) weights of rows that are trusted: they alone are the honest side of the curve
        of a label of which they are 50 at least. Otherwise all rows are, poison and all.

    Returns
    -------
    numpy.ndarray
        (n,) float64 nats, positive for a wrong label; exactly 0 where unknown.
    """
    known = np.isfinite(probability).all(axis=1)
    out = np.zeros(len(labels))
    suspicion = score or margin(np.nan_to_num(probability))
    weight = capped_weights(contributors, labels)
    trust = np.zeros(len(labels)) if null is None else null
    rng = np.random.default_rng([seed, 1])
    pool = _sample(np.flatnonzero(known), 5 * MAX_ROWS_PER_CURVE, rng)
    plausible = most_plausible_wrong(probability[pool], labels[pool])
    for label in np.unique(labels[known]):
        mine = np.flatnonzero(known & (labels == label))
        sure = mine[trust[mine] > 0]
        released = trust[sure].sum() >= LEAST_TRUSTED
        honest = _sample(sure if released else mine, MAX_ROWS_PER_CURVE, rng)
        others = pool[labels[pool] != label]
        likely = pool[(labels[pool] != label) & (plausible == label)]
        if others.size == 0:
            continue
        wrong = [_sample(part, honest.size, rng) for part in (others, likely) if part.size]
        curve = fit_curve(
            suspicion(honest, np.full(honest.size, label)),
            (trust if released else weight)[honest],
            np.concatenate([suspicion(part, np.full(part.size, label)) for part in wrong]),
            np.concatenate([np.full(part.size, 1.0 / part.size) for part in wrong]),
        )
        out[mine] = np.clip(curve(suspicion(mine, labels[mine])), low, high)
    return out


def fit_curve(
    honest: np.ndarray,
    honest_weight: np.ndarray,
    wrong: np.ndarray,
    wrong_weight: np.ndarray,
) -> Callable[[np.ndarray], np.ndarray]:
    """Fit the rising curve from suspicion to log-likelihood ratio.

    Isotonic regression of wrong against honest at even weight (Zadrozny and Elkan 2002).
    A pseudo-row of either kind stands at either end, so that a handful of rows cannot
    claim certainty.
    """
    from sklearn.isotonic import IsotonicRegression

    rows = max(float(min(honest.size, wrong.size)), 1.0)
    both = np.concatenate([honest, wrong])
    ends = np.array([both.min(), both.max()])
    x = np.concatenate([both, ends, ends])
    y = np.concatenate([np.zeros(honest.size), np.ones(wrong.size), [0, 0], [1, 1]])
    w = np.concatenate(
        [
            rows * honest_weight / honest_weight.sum(),
            rows * wrong_weight / wrong_weight.sum(),
            np.ones(4),
        ]
    )
    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(
        x, y, sample_weight=w
    )

    centres, ratios = _centred(fitted.predict(x), x, w)

    def curve(suspicion: np.ndarray) -> np.ndarray:
        inside = np.interp(suspicion, centres, ratios)
        beyond = suspicion - np.clip(suspicion, centres[0], centres[-1])
        out: np.ndarray = inside + _TAIL_SLOPE * beyond
        return out

    return curve


def _centred(p: np.ndarray, x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Move each plateau to its centre of weight, so that order survives inside it.

    Centred isotonic regression (Oron and Flournoy 2017), with straight lines between
    the centres on the scale of the ratio.
    """
    levels, block = np.unique(p, return_inverse=True)
    centres = np.bincount(block, w * x) / np.bincount(block, w)
    bounded = np.clip(levels, _FLOOR, 1 - _FLOOR)
    return centres, np.log(bounded) - np.log1p(-bounded)


def voiced(labels: np.ndarray, groups: np.ndarray, k: int, least: int = 5) -> np.ndarray:
    """(k,) bool: labels that at least so many groups give; anybody can invent others."""
    people = int(groups.max(initial=0)) + 1
    pairs = np.unique(labels.astype(np.int64) * people + groups) // people
    return np.bincount(pairs, minlength=k) >= least


def capped_weights(contributors: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(n,) weights at which no contributor counts for more than a few rows of a label."""
    k = int(labels.max(initial=0)) + 1
    cell = contributors.astype(np.int64) * k + labels
    _, inverse, count = np.unique(cell, return_inverse=True, return_counts=True)
    weights: np.ndarray = np.minimum(1.0, CONTRIBUTOR_CAP / count)[inverse]
    return weights


def _sample(rows: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """At most ``size`` of the rows, in order."""
    return rows if rows.size <= size else np.sort(rng.choice(rows, size, replace=False))


def most_plausible_wrong(probability: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(n,) the likeliest label other than the given one."""
    rest = probability.copy()
    rest[np.arange(len(rest)), labels] = -1.0
    best: np.ndarray = rest.argmax(axis=1)
    return best

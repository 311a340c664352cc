"""Intervals and tests that hold however often one looks.

References
----------
Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024), Time-uniform central limit theory
and asymptotic confidence sequences, Annals of Statistics 52(6), theorem 2.2. Lindon and
Malek (2022), Anytime-valid inference for multinomial count data, NeurIPS.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

Numbers = Any
"""A number or an array of them."""
_CONCENTRATION: Final = 100.0
"""Of the Dirichlet prior around the planned shares: looks for mismatches of some points."""


def sequential_difference(
    hits: tuple[Numbers, Numbers],
    units: tuple[Numbers, Numbers],
    *,
    alpha: float,
    tuned_at: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Difference of two rates with an interval that is valid at every look at once.

    The asymptotic confidence sequence: the truth leaves it at any time with probability of
    about ``alpha``, if looks start once the arms hold some hundred units. An arm's variance
    is its own or that of both arms together, whichever is larger, with one pseudo-unit of
    each kind: a small arm without a miss is lucky, not sure.

    Parameters
    ----------
    hits, units
        Of the candidate and of the champion: units that count, and all of them; numbers
        or arrays of one shape.
    alpha
        Probability of ever being wrong, both sides together.
    tuned_at
        Units of both arms at which the interval is tightest.

    Returns
    -------
    Value (candidate - champion), low and high; NaN, -1 and 1 where an arm is empty.
    """
    h, n = (np.asarray(np.broadcast_arrays(*pair), dtype=np.float64) for pair in (hits, units))
    seen = (n > 0).all(axis=0)
    least = np.maximum(n, 1.0)
    value = np.where(seen, h[0] / least[0] - h[1] / least[1], np.nan)
    total = least.sum(axis=0)
    own, pooled = (h + 1.0) / (n + 2.0), (h.sum(axis=0) + 1.0) / (n.sum(axis=0) + 2.0)
    variance = np.maximum(own * (1.0 - own), pooled * (1.0 - pooled))
    spread = total * (variance / least).sum(axis=0)
    margin = np.sqrt(spread) * _margin(total, alpha, tuned_at)
    low = np.where(seen, np.maximum(value - margin, -1.0), -1.0)
    high = np.where(seen, np.minimum(value + margin, 1.0), 1.0)
    return value, low, high


def _margin(t: np.ndarray, alpha: float, tuned_at: float) -> np.ndarray:
    """Half width for unit variance after ``t`` units."""
    doubled = -2.0 * np.log(alpha)
    rho2 = (doubled + np.log(doubled + 1.0)) / tuned_at
    mixed = t * rho2 + 1.0
    margin: np.ndarray = np.sqrt(2.0 * mixed / (t**2 * rho2) * np.log(np.sqrt(mixed) / alpha))
    return margin


def sequential_mismatch(units: tuple[Numbers, Numbers], share: float) -> np.ndarray:
    """Anytime-valid p-value of "the arms hold the planned shares of units".

    The inverse Bayes factor of a Dirichlet prior around the planned shares against the
    shares themselves: the probability that it ever falls to ``alpha`` is at most ``alpha``.

    Parameters
    ----------
    units
        Of the candidate and of the champion.
    share
        Planned share of the candidate, between 0 and 1.
    """
    from scipy.special import betaln

    ours, theirs = (np.asarray(n, dtype=np.float64) for n in units)
    a, b = _CONCENTRATION * share, _CONCENTRATION * (1.0 - share)
    mixture = betaln(a + ours, b + theirs) - betaln(a, b)
    planned = ours * np.log(share) + theirs * np.log1p(-share)
    p: np.ndarray = np.exp(np.minimum(planned - mixture, 0.0))
    return p

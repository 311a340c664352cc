"""How surprising a count is, given how much of it chance explains."""

from __future__ import annotations

import numpy as np

MOST = 60.0
"""Surprise beyond which no difference is made: probabilities below 1e-60 mean nothing."""


def surprise(count: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Give -log10 P(X >= count) for X ~ Poisson(expected), within [0, 60].

    Rises with ``count``, falls with ``expected``.

    Parameters
    ----------
    count
        Integers; a count of 0 or less surprises nobody.
    expected
        Positive means, broadcast against ``count``.
    """
    from scipy.special import gammainc

    count = np.asarray(count, dtype=np.float64)
    # P(X >= n) is the regularised lower incomplete gamma function at n.
    tail = np.where(count > 0, gammainc(np.maximum(count, 1.0), expected), 1.0)
    bounded: np.ndarray = np.clip(-np.log10(np.maximum(tail, 10.0**-MOST)), 0.0, MOST)
    return bounded


def explained(max_count: int, threshold: float) -> np.ndarray:
    """(max_count + 1,) float64: the largest mean at which each count still surprises.

    ``surprise(n, mean) >= threshold`` holds exactly for ``mean <= explained[n]``.
    """
    from scipy.special import gammaincinv

    counts = np.arange(1, max_count + 1, dtype=np.float64)
    return np.concatenate([[-1.0], gammaincinv(counts, 10.0**-threshold)])

"""From a chance to evidence: how likely honest people are to have this much in common."""

from __future__ import annotations

import numpy as np


def evidence(chance: np.ndarray | float, cap: float) -> np.ndarray:
    """Give the most nats that a chance among honest people can be worth, within [0, cap].

    A p-value overstates evidence; no alternative makes p worth more than
    ``-ln(-e p ln p)`` (Sellke, Bayarri and Berger 2001). From p = 1/e up it is worth 0.
    """
    surprise = -np.log(np.clip(chance, 1e-300, 1.0))
    telling = np.maximum(surprise, 1.0)
    nats: np.ndarray = np.minimum(telling - 1.0 - np.log(telling), cap)
    return nats


def at_least(count: np.ndarray, others: np.ndarray, ratio: np.ndarray | float) -> np.ndarray:
    """Give P(X >= count) where ``others`` were counted before, at 1/``ratio`` of the exposure.

    The predictive distribution of a Poisson count whose rate is known only by ``others``
    (negative binomial): little known about the rate makes the tail fat.

    Parameters
    ----------
    count
        Integers; the chance of 0 or less is 1.
    others
        Non-negative; one more is added, so that nothing seen is not a rate of 0.
    ratio
        Expected count per one of the others.
    """
    from scipy.special import betainc

    count = np.asarray(count, dtype=np.float64)
    share = np.asarray(ratio / (1.0 + np.asarray(ratio, dtype=np.float64)))
    tail = betainc(np.maximum(count, 1.0), np.asarray(others) + 1.0, share)
    chance: np.ndarray = np.where(count > 0, tail, 1.0)
    return chance


def share_at_least(count: np.ndarray, draws: int, share: np.ndarray) -> np.ndarray:
    """Give P(X >= count) for X ~ Binomial(``draws``, ``share``)."""
    from scipy.special import betainc

    count = np.asarray(count, dtype=np.float64)
    tail = betainc(np.maximum(count, 1.0), np.maximum(draws - count + 1.0, 1.0), share)
    chance: np.ndarray = np.where(count > 0, tail, 1.0)
    return chance


def surge_at_least(
    count: np.ndarray, mean: np.ndarray, spread: np.ndarray, compared: np.ndarray
) -> np.ndarray:
    """Give P(X >= count) where comparable counts had this mean and variance.

    Negative binomial by moments, at least as wide as a Poisson count; what ``compared``
    counts leave uncertain about the mean widens it.
    """
    from scipy.special import betainc

    count = np.asarray(count, dtype=np.float64)
    variance = np.maximum(spread, mean) + mean / compared
    size, share = mean**2 / (variance - mean), 1.0 - mean / variance
    chance: np.ndarray = np.where(count > 0, betainc(np.maximum(count, 1.0), size, share), 1.0)
    return chance

"""Looking often must cost nothing: type-I errors under peeking, by simulation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from foretaste.models.ab.interval import sequential_difference, sequential_mismatch

PATHS, UNITS, LOOKS, LEAST, ALPHA = 1000, 20_000, 200, 200, 0.05


def _paths(right: tuple[float, float], share: float, seed: int) -> tuple[Any, Any]:
    """Counts (hits, units) of both arms at every look, one row per path."""
    rng = np.random.default_rng(seed)
    at = np.unique(np.geomspace(100, UNITS, LOOKS).astype(int))
    step = np.diff(np.r_[0, at])
    ours = rng.binomial(step, share, (PATHS, len(step)))
    units = (ours, step - ours)
    hits = tuple(rng.binomial(n, p) for n, p in zip(units, right, strict=True))
    return tuple(h.cumsum(1) for h in hits), tuple(n.cumsum(1) for n in units)


def _ever(outside: Any, units: Any) -> float:
    """Share of paths on which an interval is ever wrong, once both arms are large enough."""
    return float((outside & (np.minimum(*units) >= LEAST)).any(axis=1).mean())


@pytest.mark.parametrize(
    ("right", "share"),
    [((0.5, 0.5), 0.5), ((0.9, 0.9), 0.2), ((0.99, 0.99), 0.1), ((0.7, 0.8), 0.5)],
)
def test_two_hundred_looks_are_wrong_no_more_often_than_promised(
    right: tuple[float, float], share: float
) -> None:
    hits, units = _paths(right, share, seed=5)
    truth = right[0] - right[1]
    _, low, high = sequential_difference(hits, units, alpha=ALPHA, tuned_at=5000)
    assert _ever((low > truth) | (high < truth), units) <= ALPHA


def test_the_same_looks_ruin_an_ordinary_interval() -> None:
    """So the simulation can tell: a fixed 95 % interval is wrong on more than a quarter."""
    hits, units = _paths((0.5, 0.5), 0.5, seed=5)
    rates = [h / n for h, n in zip(hits, units, strict=True)]
    error = np.sqrt(sum(r * (1 - r) / n for r, n in zip(rates, units, strict=True)))
    assert _ever(np.abs(rates[0] - rates[1]) > 1.96 * error, units) > 0.25


def test_a_real_difference_is_found() -> None:
    hits, units = _paths((0.85, 0.9), 0.5, seed=6)
    _, _, high = sequential_difference(hits, units, alpha=ALPHA, tuned_at=5000)
    assert _ever(high < 0, units) > 0.99


def test_an_arm_without_a_miss_is_not_taken_for_sure() -> None:
    value, low, high = sequential_difference((300, 297), (300, 300), alpha=0.05, tuned_at=5000)
    assert value == pytest.approx(0.01)
    assert low < 0 < high


def test_an_empty_arm_says_nothing() -> None:
    value, low, high = sequential_difference((0, 9), (0, 10), alpha=0.05, tuned_at=5000)
    assert np.isnan(value)
    assert (low, high) == (-1, 1)


def test_the_margin_is_the_papers() -> None:
    """Theorem 2.2 by hand: t = 1000, variance 1/4 an arm of 500 each, smoothed alike."""
    _, low, high = sequential_difference((250, 250), (500, 500), alpha=0.05, tuned_at=1000)
    doubled = -2 * np.log(0.05)
    rho2 = (doubled + np.log(doubled + 1)) / 1000
    inner = 1000 * rho2 + 1
    deviation = np.sqrt(1000 * (0.25 / 500 + 0.25 / 500))
    margin = deviation * np.sqrt(2 * inner / (1000**2 * rho2) * np.log(np.sqrt(inner) / 0.05))
    assert high == pytest.approx(margin)
    assert low == pytest.approx(-margin)


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_planned_shares_are_seldom_called_broken(share: float) -> None:
    _, units = _paths((0.5, 0.5), share, seed=7)
    broken = sequential_mismatch(units, share) < ALPHA
    assert broken.any(axis=1).mean() <= ALPHA


def test_a_lost_tenth_of_an_arm_is_found() -> None:
    assert sequential_mismatch((4500, 5000), 0.5) < 0.001
    assert sequential_mismatch((5000, 5000), 0.5) == 1.0
    assert sequential_mismatch((0, 0), 0.5) == 1.0

"""What the clock says of a contributor's pace: timers, bursts of clicks, one short window.

Every number compares with the people of the same batch, by medians and quartiles, so
that a minority cannot set the standard it is held to. Where times are missing, or all
equal, nothing is said: every number is 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.actors.graph.visits import HOUR, Visits
from detectors.peers import unlike_peers

_QUARTILE = 0.67
"""From median to upper quartile of a normal deviate: people never differ less than chance."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """How unlike the others each contributor's pace is, (n_who,) float64 in [0, 60].

    Each is a -log10 tail probability among contributors of about the same activity: an
    honest one reaches s with probability 10**-s or less, as long as fewer than a tenth of
    its peers are machines and honest tails are no heavier than exponential. 0 for those
    with fewer than ``min_gaps`` gaps, and where there are fewer than 20 to compare with.

    Parameters
    ----------
    regular
        Gaps between visits are too alike (a script with a timer, jitter included): more
        than the peers', and more than those of somebody who comes at random.
    fast
        Too many visits follow the one before within seconds.
    burst
        Too large a share of all visits falls into one short window of a long life.
    judged
        (n_who,) bool: who has enough visits for any of this.
    """

    regular: np.ndarray
    fast: np.ndarray
    burst: np.ndarray
    judged: np.ndarray


def cadence(
    visits: Visits, *, fast_seconds: float = 2.0, burst_hours: float = 1.0, min_gaps: int = 5
) -> Cadence:
    """Judge the pace of every contributor; a sort of the visits, then linear.

    Parameters
    ----------
    fast_seconds
        A gap of at most so much is fast.
    burst_hours
        Length of the window of ``burst``.
    min_gaps
        Visits less one that a contributor needs to be judged.
    """
    none = np.zeros(visits.n_who)
    if not timed(visits):
        return Cadence(none, none, none, none > 0)
    order = np.lexsort((visits.seconds, visits.who))
    who, seconds = visits.who[order], visits.seconds[order]
    inner = who[1:] == who[:-1]
    gaps, owner = np.diff(seconds)[inner].astype(np.float64), who[1:][inner]
    n = np.bincount(owner, minlength=visits.n_who)
    judged = n >= max(min_gaps, 1)
    spread = _spread(gaps, owner, n)
    regular = unlike_peers(-spread, n, judged, least=0.1)
    return Cadence(
        np.where(spread < _memoryless(n), regular, 0.0),
        _fast(gaps <= fast_seconds, owner, n, judged),
        _burst(who, seconds, judged, burst_hours),
        judged,
    )


def timed(visits: Visits) -> bool:
    """Tell whether there are times that differ."""
    return visits.seconds.size > 1 and bool(visits.seconds.min() < visits.seconds.max())


def _spread(gaps: np.ndarray, owner: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Log of the standard deviation of log gaps: a timer's is small at every pace."""
    few = np.maximum(n, 1)
    log = np.log1p(gaps)
    mean = np.bincount(owner, log, n.size) / few
    square = np.bincount(owner, (log - mean[owner]) ** 2, n.size) / few
    # Below a twentieth, clocks and networks make the difference.
    logged: np.ndarray = np.log(np.sqrt(square) + 0.05)
    return logged


def _memoryless(n: np.ndarray) -> np.ndarray:
    """Least log spread, within two standard errors, of gaps that follow no clock at all.

    Whoever comes as mail does is not a machine, however unlike the people in sittings: the
    logarithm of an exponential gap has the deviation pi / sqrt(6), and a kurtosis of 5.4.
    """
    error = np.sqrt(1.1 / np.maximum(n, 1))
    least: np.ndarray = np.log(np.pi / np.sqrt(6.0)) - 2.0 * error
    return least


def _fast(quick: np.ndarray, owner: np.ndarray, n: np.ndarray, judged: np.ndarray) -> np.ndarray:
    count = np.bincount(owner, quick, n.size)
    rate = count[judged] / n[judged]
    # One vote each: a machine with a million visits has no more say than a person.
    usual = max(float(rate.mean()) if rate.size else 0.0, 1.0 / (n[judged].sum() + 1.0))
    return unlike_peers(_deviate(count, n * usual), n, judged, least=_QUARTILE)


def _burst(who: np.ndarray, seconds: np.ndarray, judged: np.ndarray, hours: float) -> np.ndarray:
    """Scan for the busiest window; longer gaps than it are cut, so that one axis serves all."""
    width = max(round(hours * HOUR), 1)
    new = np.diff(who, prepend=-1) != 0
    axis = np.cumsum(np.where(new, width + 1, np.minimum(np.diff(seconds, prepend=0), width + 1)))
    inside = np.searchsorted(axis, axis + width, side="right") - np.arange(axis.size)
    n = np.bincount(who, minlength=judged.size)
    most = np.zeros(judged.size, dtype=np.int64)
    np.maximum.at(most, who, inside)
    life = np.full(judged.size, width, dtype=np.float64)
    life[who[new]] = seconds[np.append(np.flatnonzero(new)[1:], who.size) - 1] - seconds[new]
    part = width / np.maximum(life, width)
    few = np.maximum(n, 1)
    # The window starts at a visit: that one is given, and there were n to start from.
    scan = _deviate(most - 1, few * part, np.log(few))
    return unlike_peers(scan, few, judged, least=_QUARTILE)


def _deviate(count: np.ndarray, mean: np.ndarray, searched: np.ndarray | float = 0.0) -> np.ndarray:
    """Root of the Poisson deviance, less ``searched`` nats: about normal, and without a bound."""
    count, mean = np.maximum(count, mean), np.maximum(mean, 1e-12)
    nats = np.where(count > mean, count * np.log(np.maximum(count, mean) / mean) - count + mean, 0)
    root: np.ndarray = np.sqrt(2.0 * np.maximum(nats - searched, 0.0))
    return root

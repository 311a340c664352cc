"""How unlike those of about the same activity somebody is, when a few of them are attackers."""

from __future__ import annotations

import numpy as np

_MOST = 60.0
_PEERS = 20
_STRATUM = 100


def unlike_peers(
    statistic: np.ndarray, activity: np.ndarray, judged: np.ndarray, *, least: float
) -> np.ndarray:
    """Give -log10 of the tail probability of a statistic among peers, in [0, 60].

    Peers are the judged contributors of the same activity within a factor of two (more
    where they are fewer than 100). Beyond their median the tail falls as fast as it does
    to the upper quartile, or to the upper tenth where that is slower: exact for
    exponential tails, cautious for lighter ones, and not moved by a tenth of the peers.

    Parameters
    ----------
    statistic
        (n,) float64; larger is more suspicious.
    activity
        (n,) positive numbers that make contributors comparable.
    judged
        (n,) bool; the others are no peers and get 0.
    least
        Smallest distance from median to quartile that means something, in the units of
        the statistic.
    """
    result = np.zeros(statistic.size)
    mine = np.flatnonzero(judged)
    if mine.size < _PEERS:
        return result
    stratum = _strata(activity[mine])
    value = statistic[mine]
    order = np.lexsort((value, stratum))
    size = np.bincount(stratum)
    start = np.cumsum(size) - size
    ranked = value[order]
    middle, upper, top = (ranked[start + (size * k) // 20] for k in (10, 15, 18))
    half = np.maximum(upper - middle, (top - middle) / np.log2(5.0))
    steps = (value - middle[stratum]) / np.maximum(half, least)[stratum]
    tail = (1.0 + np.maximum(steps, 0.0)) * np.log10(2.0)
    result[mine] = np.where(steps > 0, np.minimum(tail, _MOST), 0.0)
    return result


def _strata(activity: np.ndarray) -> np.ndarray:
    """Codes of octaves of activity; small ones join the next lower, the lowest the next."""
    octave = np.floor(np.log2(np.maximum(activity, 1))).astype(np.int64)
    size = np.bincount(octave)
    code, filled, last = np.zeros(size.size, dtype=np.int64), 0, -1
    for level in np.flatnonzero(size):
        if last < 0 or (filled >= _STRATUM and size[level:].sum() >= _STRATUM):
            last, filled = last + 1, 0
        code[level] = last
        filled += size[level]
    stratum: np.ndarray = code[octave]
    return stratum

"""What the clock says of a contributor and of a group: pace, bursts, and hours of the day.

Every number compares with the people of the same batch, by medians and quartiles, so
that a minority cannot set the standard it is held to. Where times are missing, or all
equal, nothing is said: every number is 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np

from detectors.actors.graph.significance import MOST
from detectors.actors.graph.visits import HOUR, Visits, distinct

_PEERS = 20
_STRATUM = 100
_QUARTILE = 0.67
"""From median to upper quartile of a normal deviate: people never differ less than chance."""
_DAY_HOURS = 24
_STRENGTHS = 2.0 ** np.arange(0, 6)
"""How closely people may be found to keep to the usual hours; never closer than the last."""
_AWAKE = 256.0
_SAMPLE = 1000


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
        Gaps between visits are too alike (a script with a timer, jitter included).
    fast
        Too many visits follow the one before within seconds.
    burst
        Too large a share of all visits falls into one short window of a long life.
    """

    regular: np.ndarray
    fast: np.ndarray
    burst: np.ndarray


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
    if not _timed(visits):
        return Cadence(none, none, none)
    order = np.lexsort((visits.seconds, visits.who))
    who, seconds = visits.who[order], visits.seconds[order]
    inner = who[1:] == who[:-1]
    gaps, owner = np.diff(seconds)[inner].astype(np.float64), who[1:][inner]
    n = np.bincount(owner, minlength=visits.n_who)
    judged = n >= max(min_gaps, 1)
    regular = unlike_peers(-_spread(gaps, owner, n), n, judged, least=0.1)
    return Cadence(
        regular,
        _fast(gaps <= fast_seconds, owner, n, judged),
        _burst(who, seconds, judged, burst_hours),
    )


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
    result[mine] = np.where(steps > 0, np.minimum(tail, MOST), 0.0)
    return result


def circadian_profile(visits: Visits, *, strength: float = 12.0) -> np.ndarray:
    """(n_who, 24) float64: share of each contributor's active hours by hour of the day.

    Shrunk towards the mean profile of all, by ``strength`` hours; rows sum to 1. Hour 0 is
    the hour of the first visit: only differences matter. Uniform where there are no times.
    """
    uniform = np.full((visits.n_who, _DAY_HOURS), 1.0 / _DAY_HOURS)
    if not _timed(visits):
        return uniform
    hours = _active_hours(visits)
    everyone = _mean_profile(hours)
    n = hours.sum(axis=1, keepdims=True)
    profile: np.ndarray = (hours + strength * everyone) / (n + strength)
    return profile


def circadian_odds(visits: Visits, group: np.ndarray, *, cap: float = 10.0) -> np.ndarray:
    """Say of each group whether one schedule, or no night, explains its hours, in nats.

    Two kinds of machines are compared with people. One schedule for all members, against
    members with hours of their own around the group's or anybody's usual ones; it takes a
    population whose habits differ, else people agree as much. And members who are awake
    round the clock, against a human day in the best time zone of each. How much people
    differ is learnt from everybody; they get the best of their explanations and machines
    the average, so that people reach x with probability e**-x or less.

    Parameters
    ----------
    group
        (n_who,) int64 code of each contributor's group, negative for none.
    cap
        Largest log-likelihood ratio that is given; the least is 0.

    Returns
    -------
    np.ndarray
        (number of groups,) float64 in [0, cap].
    """
    n_groups = int(group.max(initial=-1)) + 1
    if n_groups == 0 or not _timed(visits):
        return np.zeros(max(n_groups, 0))
    people = _People.of(_active_hours(visits))
    member = np.flatnonzero((group >= 0) & (people.hours.sum(axis=1) > 0))
    hours, of = people.hours[member], group[member]

    def add(values: np.ndarray) -> np.ndarray:
        return np.bincount(of, values, n_groups)

    total = np.zeros((n_groups, _DAY_HOURS))
    np.add.at(total, of, hours)
    own = (total + people.mean) / (total.sum(axis=1, keepdims=True) + 1.0)
    day = add(people.best_day(hours))
    one = _polya(total, people.strength * people.mean)
    one -= np.maximum(day, add(_polya(hours, people.strength * own[of])))
    awake = add(_polya(hours, np.full(_DAY_HOURS, _AWAKE / _DAY_HOURS))) - day
    several = np.bincount(of, minlength=n_groups) > 1
    odds = np.logaddexp(np.where(several, one, -np.inf), awake) - np.log(2.0)
    bounded: np.ndarray = np.clip(odds, 0.0, cap)
    return bounded


def _timed(visits: Visits) -> bool:
    return visits.seconds.size > 1 and bool(visits.seconds.min() < visits.seconds.max())


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


def _spread(gaps: np.ndarray, owner: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Log of the standard deviation of log gaps: a timer's is small at every pace."""
    few = np.maximum(n, 1)
    log = np.log1p(gaps)
    mean = np.bincount(owner, log, n.size) / few
    square = np.bincount(owner, (log - mean[owner]) ** 2, n.size) / few
    # Below a twentieth, clocks and networks make the difference.
    logged: np.ndarray = np.log(np.sqrt(square) + 0.05)
    return logged


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


def _active_hours(visits: Visits) -> np.ndarray:
    """(n_who, 24) int64: on how many days a contributor came in each hour.

    Visits of one hour count once: a sitting says once when somebody is awake.
    """
    slot = (visits.seconds - visits.seconds.min()) // HOUR
    n_slots = np.int64(slot.max(initial=0)) + 1
    who, slot = np.divmod(distinct(visits.who * n_slots + slot), n_slots)
    cell = who * _DAY_HOURS + slot % _DAY_HOURS
    counts = np.bincount(cell, minlength=visits.n_who * _DAY_HOURS)
    table: np.ndarray = counts.reshape(visits.n_who, _DAY_HOURS)
    return table


def _mean_profile(hours: np.ndarray) -> np.ndarray:
    """(24,) mean of the contributors' own shares, each one vote, never 0."""
    seen = hours[hours.sum(axis=1) > 0]
    share = (seen / seen.sum(axis=1, keepdims=True)).mean(axis=0)
    mean: np.ndarray = 0.99 * share + 0.01 / _DAY_HOURS
    return mean


def _polya(counts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Log probability of a sequence with these counts under a Dirichlet of these weights."""
    from scipy.special import gammaln

    each = gammaln(counts + weights) - gammaln(weights)
    total = weights.sum(axis=-1)
    value: np.ndarray = each.sum(axis=-1) + gammaln(total) - gammaln(total + counts.sum(axis=-1))
    return value


@dataclass(frozen=True, slots=True)
class _People:
    """What hours people keep: active hours, their mean, the human day, how far people differ."""

    hours: np.ndarray
    mean: np.ndarray
    day: np.ndarray
    strength: float

    @classmethod
    def of(cls, hours: np.ndarray) -> _People:
        known = np.flatnonzero(hours.sum(axis=1) >= 5)
        if known.size == 0:
            known = np.flatnonzero(hours.sum(axis=1))
        sample = hours[known[:: max(known.size // _SAMPLE, 1)]]
        angle = np.exp(2j * np.pi * np.arange(_DAY_HOURS) / _DAY_HOURS)
        phase = np.angle(sample @ angle) * _DAY_HOURS / (2 * np.pi)
        column = (np.arange(_DAY_HOURS) + np.rint(phase)[:, None].astype(np.int64)) % _DAY_HOURS
        day = _mean_profile(np.take_along_axis(sample, column, axis=1))
        fits = [_best_shift(sample, day * s).sum() for s in _STRENGTHS]
        return cls(hours, _mean_profile(hours), day, float(_STRENGTHS[int(np.argmax(fits))]))

    def best_day(self, hours: np.ndarray) -> np.ndarray:
        """Log probability of each row of hours under the human day of its best time zone."""
        usual = _polya(hours, self.strength * self.mean)
        best: np.ndarray = np.maximum(usual, _best_shift(hours, self.strength * self.day))
        return best


def _best_shift(hours: np.ndarray, weights: np.ndarray) -> np.ndarray:
    shifted = (_polya(hours, np.roll(weights, shift)) for shift in range(_DAY_HOURS))
    best: np.ndarray = reduce(np.maximum, shifted)
    return best

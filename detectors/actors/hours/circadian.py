"""What hours of the day say of a group: one schedule for all, or no night.

Hour 0 is the hour of the first visit: only differences matter. Where times are missing,
or all equal, nothing is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np

from detectors.actors.graph.visits import HOUR, Visits, distinct
from detectors.actors.hours.cadence import timed

_DAY_HOURS = 24
_STRENGTHS = 2.0 ** np.arange(0, 6)
"""How closely people may be found to keep to the usual hours; never closer than the last."""
_AWAKE = 256.0
_SAMPLE = 1000


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
    if n_groups == 0 or not timed(visits):
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

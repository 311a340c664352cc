"""Hours: pace and time of day, of accounts and of the groups that they stand in."""

from __future__ import annotations

import numpy as np

from detectors.actors.graph.visits import Visits
from detectors.actors.hours.cadence import cadence
from detectors.actors.hours.circadian import circadian_odds

MOST_HOURS = 2.0
"""Most nats that hours say of a group: a script may be anybody's, a timetable a school's."""

_MOST_CIRCADIAN = 0.5
_INHUMAN = 2.0
"""-log10 of the tail probability from which a pace counts as inhuman."""
_CHANCE = 0.03
"""Three paces are tried, each exceeded by a hundredth of people."""


def group_hours(visits: Visits, label: np.ndarray) -> np.ndarray:
    """Say of each group whether people keep its hours and its pace.

    Two things are added: its hours of the day (``circadian_odds``, bounded low, for
    people of all time zones, and records without a clock's hour, have no night either),
    and how many more of its members than of all contributors have an inhuman pace.

    Parameters
    ----------
    label
        (n_who,) int64 code of each contributor's group, negative for none.

    Returns
    -------
    np.ndarray
        (number of groups,) float64 nats in [0, 2] for machines.
    """
    hours = circadian_odds(visits, label, cap=_MOST_CIRCADIAN)
    nats: np.ndarray = np.minimum(hours + _paced(visits, label, hours.size), MOST_HOURS)
    return nats


def _paced(visits: Visits, label: np.ndarray, n_groups: int) -> np.ndarray:
    """(n_groups,) nats of the share of inhuman members against the usual share.

    The log-likelihood ratio of any larger share, spread evenly, against the usual one is at
    least the best share's less the logarithm of the number of shares.
    """
    pace = cadence(visits)
    inhuman = np.maximum.reduce([pace.regular, pace.fast, pace.burst]) >= _INHUMAN
    usual = float(inhuman[pace.judged].mean()) if pace.judged.any() else 0.0
    usual = min(max(usual, _CHANCE), 0.5)
    inside = pace.judged & (label >= 0)
    n = np.bincount(label[inside], minlength=n_groups)
    k = np.bincount(label[inside], inhuman[inside], n_groups)
    share = np.clip(k / np.maximum(n, 1), usual, 1.0 - 1e-9)
    odds = k * np.log(share / usual) + (n - k) * np.log((1.0 - share) / (1.0 - usual))
    nats: np.ndarray = np.maximum(odds - np.log1p(n), 0.0)
    return nats

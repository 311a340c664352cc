"""Moments at which groups meet, and how many choices stand behind them.

A class and a flash crowd are as synchronous as any campaign, but they have one cause: a
timetable or an event. What tells a campaign is how often its members had to agree.
"""

from __future__ import annotations

import numpy as np

from detectors.actors.graph.visits import HOUR, Visits, distinct
from detectors.actors.groups.shared import Shared, many

_DAY = 24 * HOUR
_WEEK = 7 * _DAY
_SCALES = ((0.25, 2.0), (2.0, 4.0), (12.0, 12.0))
"""Hours within which members meet, and within which two meetings are one choice."""


def choices(visits: Visits, found: Shared) -> np.ndarray:
    """(G,) int64: on how much the members of a group must have agreed.

    A moment counts when enough members meet at one item. Moments at one hour of the week
    are one choice, since a timetable makes them all, and moments at one hour of the day
    are two; so is everything that happens within hours, since one event does. A target
    that the members visit at no common moment is a choice of its own.
    """
    n_items, n_groups = np.int64(max(visits.n_items, 1)), found.size.size
    seen = _where_many_meet(visits, found)
    chosen, known = np.zeros(n_groups, dtype=np.int64), np.zeros(0, dtype=np.int64)
    for hours, free in _SCALES:
        width = round(2 * hours * HOUR)
        counts, met = [], []
        for offset in (0, width // 2):
            group, item, second = _moments(seen, found, width, offset)
            new = ~np.isin(group * n_items + item, known)
            met.append((group * n_items + item)[new])
            counts.append(_hours(group[new], second[new], free, n_groups))
        chosen += np.maximum(*counts)
        known = np.union1d(known, np.concatenate(met))
    target = found.group[found.target] * n_items + found.item[found.target]
    alone = target[~np.isin(target, known)] // n_items
    return chosen + np.bincount(alone, minlength=n_groups)


def _where_many_meet(visits: Visits, found: Shared) -> Visits:
    """Keep the visits to items that enough of the visitor's group visit at any time."""
    n_items = np.int64(max(visits.n_items, 1))
    enough = found.members >= many(found.size[found.group])
    places = (found.group * n_items + found.item)[enough]
    group = found.label[visits.who]
    inside = np.flatnonzero(group >= 0)
    kept = inside[np.isin(group[inside] * n_items + visits.item[inside], places)]
    return Visits(
        visits.who[kept], visits.item[kept], visits.seconds[kept], visits.n_who, visits.n_items
    )


def _moments(visits: Visits, found: Shared, width: int, offset: int) -> tuple[np.ndarray, ...]:
    """Group, item and mean second of each (item, slot) at which enough members meet."""
    slot = (visits.seconds + offset) // width
    slots = np.int64(slot.max(initial=0)) + 1
    place, group = visits.item * slots + slot, found.label[visits.who]
    order = np.lexsort((visits.who, place, group))
    group, place, who = group[order], place[order], visits.who[order]
    if who.size == 0:
        return group, place, who
    same = np.zeros(who.size, dtype=bool)
    same[1:] = (group[1:] == group[:-1]) & (place[1:] == place[:-1])
    again = same & (np.concatenate([[-1], who[:-1]]) == who)
    begin = np.flatnonzero(~same)
    people = np.add.reduceat((~again).astype(np.int64), begin)
    mean = np.add.reduceat(visits.seconds[order], begin) // np.diff(begin, append=who.size)
    enough = people >= many(found.size[group[begin]])
    met = place[begin][enough] // slots
    return group[begin][enough], met, np.asarray(mean[enough])


def _hours(group: np.ndarray, second: np.ndarray, free: float, n_groups: int) -> np.ndarray:
    """(G,) int64 choices behind moments: hours of the week, or twice those of the day."""
    weekly = _phases(group, second, free, _WEEK, n_groups)
    if 2 * free * HOUR >= _DAY:  # half a day is no hour that a habit could keep
        return weekly
    daily = _phases(group, second, free, _DAY, n_groups)
    return np.asarray(np.minimum(weekly, 2 * daily))


def _phases(
    group: np.ndarray, second: np.ndarray, hours: float, period: int, n_groups: int
) -> np.ndarray:
    """(G,) int64 distinct phases of a period; of two ways to cut it the one that joins more."""
    width = hours * HOUR
    n_bins = int(np.ceil(period / width)) + 1
    counts = []
    for offset in (0.0, width / 2):
        phase = ((second + offset) % period // width).astype(np.int64)
        counts.append(np.bincount(distinct(group * n_bins + phase) // n_bins, minlength=n_groups))
    fewest: np.ndarray = np.minimum(*counts)
    return fewest

"""When accounts were made, wherever they come from: a group's own burst, and surges of all.

IP rotation hides the place of a ring, not the hours in which it was made. But people who
do honest things together sign up together too (a course, a campaign in the press), so
this is weak evidence, unless the accounts are thrown away after a row or two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.actors.accounts.chances import evidence, share_at_least, surge_at_least
from detectors.actors.accounts.facts import NEVER, Accounts, Burst
from detectors.actors.graph.visits import HOUR, distinct

WEAK, STRONG = 1.0, 4.0
"""Most nats of a group's burst: of accounts in use, and of throw-away accounts."""

_DAYS = np.array([-3, -2, -1, 1, 2, 3]) * 24 * HOUR
_WEEKS = np.array([-4, -3, -2, -1, 1, 2, 3, 4]) * 7 * 24 * HOUR


@dataclass(frozen=True, slots=True)
class Registered:
    """How surprising it is that so many of a group registered within hours.

    Parameters
    ----------
    nats
        At least 0; at most between ``WEAK`` and ``STRONG``, by how many of them are
        throw-away accounts.
    hours
        Time from the first of those registrations to the last.
    count, size
        Members who registered within that time, and members in all.
    base
        Share of the other contributors who registered then.
    """

    nats: float = 0.0
    hours: float = 0.0
    count: int = 0
    size: int = 0
    base: float = 0.0

    @property
    def reason(self) -> str:
        """Put it in words: ``30 of 31 registered in 1.5 h, base 0.002``."""
        if not self.nats:
            return ""
        hours = f"{self.hours:.1f} h"
        return f"{self.count} of {self.size} registered in {hours}, base {self.base:.2g}"


@dataclass(frozen=True, slots=True)
class Calendar:
    """Registrations of all, of throw-away accounts and of those in use apart.

    Parameters
    ----------
    registered
        (n,) int64 seconds since 1970, ``NEVER`` where unknown.
    thin
        (n,) bool: throw-away accounts.
    times
        Sorted known registrations of accounts in use, and of throw-away accounts.
    windows
        Lengths in hours that are tried.
    """

    registered: np.ndarray
    thin: np.ndarray
    times: tuple[np.ndarray, np.ndarray]
    windows: tuple[float, ...]

    @classmethod
    def of(
        cls,
        accounts: Accounts,
        *,
        windows: tuple[float, ...] = (1.0, 6.0, 24.0),
        most_rows: int = 2,
    ) -> Calendar:
        """Sort the registrations once, for all groups.

        Parameters
        ----------
        most_rows
            Contributions up to which an account is a throw-away account.
        """
        thin, known = accounts.thin(most_rows), accounts.registered != NEVER
        used, thrown = accounts.registered[~thin & known], accounts.registered[thin & known]
        return cls(accounts.registered, thin, (np.sort(used), np.sort(thrown)), windows)

    def together(self, members: np.ndarray) -> Registered:
        """Weigh a group's most telling burst against the registrations of all others then.

        Throw-away accounts are compared with throw-away accounts, and those in use with
        those in use: newcomers registered in the same weeks anyhow. A rush in which all
        register (an import that gives everybody one time, a campaign in the press)
        excuses the group, and so does the rhythm of day and week. Exactly 0 where fewer
        than two members' times are known.

        Parameters
        ----------
        members
            Distinct codes of contributors, found by other means.
        """
        known = members[self.registered[members] != NEVER]
        if known.size < 2:
            return Registered()
        who = known[np.lexsort((known, self.registered[known]))]
        time = self.registered[who]
        first = np.tile(np.arange(who.size), len(self.windows))
        end = np.concatenate([time + round(hours * HOUR) for hours in self.windows])
        stop = np.searchsorted(time, end, side="right")
        base = self._base(who, time[first], end)
        chance = share_at_least(stop - first - 1, who.size - 1, base)
        best = int(np.argmin(chance))
        # Honest people who came with one rush came as one: that alone is as likely as base.
        excused = np.clip(chance[best] * chance.size, base[best], 1.0)
        part = slice(int(first[best]), int(stop[best]))
        cap = WEAK + (STRONG - WEAK) * float(self.thin[who[part]].mean())
        return Registered(
            nats=float(evidence(excused, cap)),
            hours=float(time[part][-1] - time[part][0]) / HOUR,
            count=part.stop - part.start,
            size=int(members.size),
            base=float(base[best]),
        )

    def _base(self, who: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Share of others like those of ``who`` that registered in each window."""
        base = np.zeros(begin.size)
        for times, mine in zip(self.times, (~self.thin[who], self.thin[who]), strict=True):
            own = self.registered[who[mine]]
            others = _between(times, begin, end) - _between(own, begin, end)
            base += mine.mean() * (others + 1) / (times.size - own.size + 2)
        return base


def surges(
    accounts: Accounts,
    *,
    windows: tuple[float, ...] = (1.0, 6.0, 24.0),
    most_rows: int = 2,
    min_size: int = 4,
    threshold: float = 6.0,
) -> list[Burst]:
    """Find hours in which far more throw-away accounts registered than the rhythm explains.

    What is usual is counted on the days around and at the same hour of the weeks around,
    whichever excuses more, with the spread that it has there. Honest newcomers of those
    hours are members too (``base`` is the share that was to be expected), so a surge is
    weak: it is no group, its members need not have anything in common. The place is "".
    Nothing is found where registrations span less than two such comparisons, and where
    all have one time (an import).

    Parameters
    ----------
    windows, most_rows, min_size, threshold
        As in ``bursts``.
    """
    who = np.flatnonzero(accounts.thin(most_rows) & (accounts.registered != NEVER))
    if who.size < min_size:
        return []
    who = who[np.argsort(accounts.registered[who], kind="stable")]
    time = accounts.registered[who]
    begin, width = _slots(time, windows)
    start = np.searchsorted(time, begin)
    stop = np.searchsorted(time, begin + width, side="right")
    usual, chance = _usual(time, begin, width, stop - start)
    level = -np.log10(np.clip(chance * begin.size, 1e-60, 1.0))
    telling = np.flatnonzero((level >= threshold) & (stop - start >= min_size))
    found: list[Burst] = []
    taken = np.zeros(who.size, dtype=bool)
    for i in telling[np.lexsort((start[telling], start[telling] - stop[telling], -level[telling]))]:
        part = slice(int(start[i]), int(stop[i]))
        if not taken[part].any():
            taken[part] = True
            hours = float(time[part][-1] - time[part][0]) / HOUR
            base = min(float(usual[i] / (stop[i] - start[i])), 1.0)
            found.append(Burst(who[part], "", hours, float(level[i]), who.size, base))
    return found


def _between(times: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """How many of the sorted ``times`` lie in each window, both ends included."""
    count: np.ndarray = np.searchsorted(times, end, side="right") - np.searchsorted(times, begin)
    return count


def _slots(time: np.ndarray, windows: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Begin and width of the windows that overlap by half and hold anybody."""
    begins, widths = [], []
    for hours in windows:
        half = max(round(hours * HOUR / 2), 1)
        begins.append(distinct(time // half) * half)
        widths.append(np.full(begins[-1].size, 2 * half))
    return np.concatenate(begins), np.concatenate(widths)


def _usual(
    time: np.ndarray, begin: np.ndarray, width: np.ndarray, count: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Count that was usual at each window, and the chance of as many as there were."""
    usual, chance = np.zeros(begin.size), np.zeros(begin.size)
    for shifts in (_DAYS, _WEEKS):
        mean, excused = _shifted(time, begin, width, count, shifts)
        usual, chance = np.maximum(usual, mean), np.maximum(chance, excused)
    return usual, chance


def _shifted(
    time: np.ndarray, begin: np.ndarray, width: np.ndarray, count: np.ndarray, shifts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean count of the shifted windows, and the chance that theirs gives to ``count``."""
    n, total, squares = (np.zeros(count.size) for _ in range(3))
    for shift in shifts:
        low = begin + shift
        # Hours outside the known past say nothing; nor do those that overlap.
        inside = (low >= time[0]) & (low + width <= time[-1]) & (abs(shift) >= width)
        seen = _between(time, low, low + width)
        n += inside
        total += seen * inside
        squares += seen**2 * inside
    compared = np.maximum(n, 1)
    mean = total / compared
    spread = np.maximum(squares - total * mean, 0.0) / np.maximum(n - 1, 1)
    excused = surge_at_least(count - 1, mean + 1 / compared, spread, compared)
    return mean, np.where(n >= 2, excused, 1.0)

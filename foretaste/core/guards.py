"""Bounds on what a night may hold without a person.

Each guard keeps the most suspicious of the held rows and releases the others, so that
a wrong detector, or an attacker who plays one against honest rows, can only hold so
much. Costs are integers: the same rows stay held on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from foretaste.core.policy import Decision

NANO: Final = 1_000_000_000
"""Parts in which the probability of an honest row is counted."""

_MOST_OF_NIGHT: Final = 0.25
_MOST_OF_CLASS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Docket:
    """Rows that evidence alone decides, in canonical order.

    Parameters
    ----------
    held
        (n,) bool: quarantined or rejected so far.
    rank
        (n,) int64 positions, the most suspicious row first; ties by row id.
    honest
        (n,) int64 probability that the row is honest, in billionths.
    labels
        (n,) int codes into ``classes``.
    classes
        Distinct labels, sorted.
    actors
        (n,) int codes of who sent each row.
    said
        What the guards did so far, in words.
    """

    held: np.ndarray
    rank: np.ndarray
    honest: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    actors: np.ndarray
    said: tuple[str, ...] = ()

    @property
    def expected_honest(self) -> float:
        """Expected number of honest rows among the held ones."""
        return int(self.honest[self.held].sum()) / NANO

    def release(self, among: np.ndarray, cost: np.ndarray, limit: int, why: str) -> Docket:
        """Keep the most suspicious held rows of ``among`` whose costs sum to ``limit`` or less."""
        ranked = self.rank[(self.held & among)[self.rank]]
        freed = ranked[np.cumsum(cost[ranked]) > limit]
        if not freed.size:
            return self
        held = self.held.copy()
        held[freed] = False
        return replace(self, held=held).saying(f"{why}: {freed.size} rows released")

    def saying(self, what: str) -> Docket:
        """Add what a guard did."""
        return replace(self, said=(*self.said, what))


def within_budget(docket: Docket, policy: Decision) -> Docket:
    """Release rows until the expected number of honest rows held fits the budget."""
    limit = int(policy.honest_loss_budget * docket.held.size * NANO)
    everything = np.ones(docket.held.size, dtype=bool)
    why = f"budget of {policy.honest_loss_budget:.2%} honest rows held"
    return docket.release(everything, docket.honest, limit, why)


def within_shares(docket: Docket, policy: Decision) -> Docket:
    """Release what exceeds the shares of the night, of each class and of the rarest class."""
    night = _Bound(policy.max_held_share, policy.max_held_actors, _MOST_OF_NIGHT)
    everything = np.ones(docket.held.size, dtype=bool)
    docket = night.keep(docket, everything, "a night held without a person")
    class_bound = _Bound(policy.max_held_class_share, policy.max_held_class_actors, _MOST_OF_CLASS)
    for code, name in enumerate(docket.classes):
        mine = docket.labels == code
        # A class that one actor sent is nobody else's: no honest row stands to be lost.
        if np.unique(docket.actors[mine]).size > 1:
            docket = class_bound.keep(docket, mine, f"class {name!r:.40} held")
    return _spare_rarest(docket, policy)


@dataclass(frozen=True, slots=True)
class _Bound:
    """A share of some rows, or what few of their actors sent, whichever is more.

    A wrong detector and an attacker who makes honest rows look bad hit many actors; a
    campaign that floods is few, and its rows would use up a share of rows: what is hidden
    beside flagrant junk would go free. Each held row costs its part of what its actor
    sent, and never is more than ``most`` of the rows held that way.
    """

    rows: float
    actors: float
    most: float

    def keep(self, docket: Docket, among: np.ndarray, what: str) -> Docket:
        """Release the least suspicious of these rows that go beyond both shares."""
        ones, size = np.ones(among.size, dtype=np.int64), int(among.sum())
        by_rows = docket.release(
            among, ones, _whole_rows(self.rows, size), f"at most {self.rows:.0%} of {what}"
        )
        sent = np.bincount(docket.actors, among)
        part = (NANO / np.maximum(sent, 1)).astype(np.int64)[docket.actors]
        few = int(self.actors * np.count_nonzero(sent) * NANO)
        by_actors = docket.release(
            among, part, few, f"at most {self.actors:.0%} of the actors of {what}"
        ).release(among, ones, int(self.most * size), f"at most {self.most:.0%} of {what}")
        return by_actors if by_actors.held.sum() > by_rows.held.sum() else by_rows


def _whole_rows(share: float, size: int) -> int:
    """A share in rows; one row may always be held, or no share of a tiny class could be."""
    return max(1, int(share * size + 1e-9))


def _spare_rarest(docket: Docket, policy: Decision) -> Docket:
    """Let the rarest class lose a bounded multiple of what the night loses.

    The bound counts the class itself as part of the night, so it is solved for the
    class: lost <= f (others + lost) m / n. It never falls below half of the budget's
    share of the class (or one row): else an attack on the rarest class alone, which loses
    the other classes nothing, would be released by its own guard.
    """
    sizes = np.bincount(docket.labels, minlength=len(docket.classes))
    if sizes.size < 2:
        return docket
    code = int(np.argmin(sizes))
    n, m, f = int(sizes.sum()), int(sizes[code]), policy.rare_class_factor
    if n <= f * m:
        return docket
    rarest = docket.labels == code
    others = int(docket.honest[docket.held & ~rarest].sum())
    floor = max(NANO, int(policy.honest_loss_budget * m * NANO / 2))
    limit = max(floor, int(f * others * m / (n - f * m)))
    why = f"rarest class {docket.classes[code]!r:.40} loses at most {f:g} x the overall share"
    return docket.release(rarest, docket.honest, limit, why)

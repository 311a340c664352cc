"""How well accounts are ranked, called, and put together; nothing here knows a method."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Protocol

import numpy as np

from benchmarks.actors.worlds import KINDS, World
from foretaste.core.actor import ActorKind

LOST: Final = 0.01
HONEST: Final = ("class", "crowd", "clan", "team", "reader", "honest")
BINS: Final = (0.0, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0)
"""Edges of the posterior's bins; from 0.9 a group is called."""


def _bin(low: float, high: float) -> str:
    return f"{low:g} to {high:g}"


CALLED: Final = tuple(_bin(low, high) for low, high in pairwise(BINS) if low >= 0.9)
"""Names of the bins of called groups."""


class Group(Protocol):
    """Accounts that a method takes for one actor."""

    @property
    def members(self) -> np.ndarray:
        """Codes of contributors."""
        ...

    @property
    def log_odds(self) -> float:
        """Nats for a campaign."""
        ...

    @property
    def kind(self) -> ActorKind:
        """``CAMPAIGN`` for a group that is called one."""
        ...


@dataclass(frozen=True, slots=True)
class Line:
    """One number, measured once.

    Parameters
    ----------
    part
        ``table`` or the name of a curve.
    setting
        Place on the curve.
    method
        Who was measured.
    about
        Kind of accounts; ``all`` are all campaigns.
    measure
        What was measured.
    """

    part: str
    setting: str
    method: str
    about: str
    measure: str
    seed: int
    value: float


Measured = Iterator[tuple[str, str, float]]
"""(about, measure, value)."""


def threshold(score: np.ndarray, honest: np.ndarray, lost: float = LOST) -> float:
    """Give the least score above which at most a share of the honest accounts lies."""
    return float(np.quantile(score[honest], 1.0 - lost, method="higher"))


def ranking(score: np.ndarray, world: World) -> Measured:
    """Tell how well a suspicion ranks, on the accounts that were not given away.

    ROC-AUC of each kind of campaign against all honest accounts, the share of its accounts
    above the threshold that 1 % of the honest accounts exceed (classes and crowds among
    them), and the share of each kind of honest accounts above it.
    """
    from sklearn.metrics import roc_auc_score

    kind, sybil, scored = world.town.kind, world.sybil, ~world.known
    honest = scored & ~sybil
    least = threshold(score, honest)
    for about in (*KINDS, "all"):
        mine = scored & (sybil if about == "all" else kind == about)
        if mine.any():
            both = honest | mine
            yield about, "ROC-AUC", float(roc_auc_score(mine[both], score[both]))
            yield about, "recall at 1 %", float((score[mine] > least).mean())
    for about in HONEST:
        mine = honest & (kind == about)
        if mine.any():
            yield about, "above 1 %", float((score[mine] > least).mean())


def calling(groups: Sequence[Group], world: World) -> Measured:
    """Tell the share of the accounts of each kind that are in a group called a campaign."""
    called = called_accounts(groups, world)
    for about in (*KINDS, "all", *HONEST):
        mine = ~world.known & (world.sybil if about == "all" else world.town.kind == about)
        if mine.any():
            yield about, "called", float(called[mine].mean())


def actors(groups: Sequence[Group], world: World) -> Measured:
    """Tell how far campaigns and actors are the same, as means over campaigns.

    The best actor of a campaign is the group with most of its accounts. Completeness is
    the share of the campaign's accounts in it; purity is the share of its accounts that are
    of the campaign. Somebody outside every group is an actor of one account: a campaign
    that no group touches has the completeness of one account and no purity. ``actors``
    counts the groups that hold two or more of the campaign's accounts.
    """
    group = np.full(world.visits.n_who, -1)
    for number, one in enumerate(groups):
        group[one.members] = number
    found: list[tuple[str, float, float, float]] = []
    for kind, members in world.campaigns():
        inside = group[members][group[members] >= 0]
        which, held = np.unique(inside, return_counts=True)
        best = int(held.max(initial=1))
        purity = best / groups[which[held.argmax()]].members.size if held.size else np.nan
        found.append((kind, best / members.size, purity, float((held >= 2).sum())))
    for about in (*KINDS, "all"):
        mine = np.array([rest for kind, *rest in found if about in {kind, "all"}])
        if mine.size:
            yield about, "completeness", float(mine[:, 0].mean())
            if not np.isnan(mine[:, 1]).all():
                yield about, "purity", float(np.nanmean(mine[:, 1]))
            yield about, "actors", float(mine[:, 2].mean())


def gain(groups: Sequence[Group], world: World) -> Measured:
    """Tell visits to targets per campaign account: pushed, and left by accounts not called."""
    pushed, free = world.pushed(), ~called_accounts(groups, world)
    for about in (*KINDS, "all"):
        mine = world.sybil if about == "all" else world.town.kind == about
        if mine.any():
            yield about, "pushed", float(pushed[mine].mean())
            yield about, "gained", float((pushed * free)[mine].mean())


def reliability(groups: Sequence[Group], world: World) -> Measured:
    """Tell by bins of the posterior how many groups are what it says.

    A group is a campaign when most of its accounts are of campaigns.
    """
    odds = np.array([one.log_odds for one in groups], dtype=np.float64)
    posterior = 1.0 / (1.0 + np.exp(-np.clip(odds, -500.0, 500.0)))
    bad = np.array([world.sybil[one.members].mean() > 0.5 for one in groups], dtype=bool)
    bin_of = np.searchsorted(BINS[1:-1], posterior, side="right")
    for number, (low, high) in enumerate(pairwise(BINS)):
        mine = bin_of == number
        if mine.any():
            about = _bin(low, high)
            yield about, "groups", float(mine.sum())
            yield about, "said", float(posterior[mine].sum())
            yield about, "campaigns", float(bad[mine].sum())


def called_accounts(groups: Sequence[Group], world: World) -> np.ndarray:
    """(n,) bool: accounts in a group that is called a campaign."""
    called = np.zeros(world.visits.n_who, dtype=bool)
    for one in groups:
        if one.kind is ActorKind.CAMPAIGN:
            called[one.members] = True
    return called

"""Shilling: profiles that look like somebody's taste, and push one item.

A profile is a few selected items, filler items, and the target (Mobasher, Burke,
Bhaumik, Williams: ACM TOIT 7(4), 2007). Only who rated what and when is made: without
the ratings themselves their random and average attack are one and the same, here
``random``. Average over popular items is Hurley, Cheng, Zhang (RecSys 2009).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import pandas as pd

from foretaste.attacks.campaigns import Joined, Setting

_POPULAR: Final = 0.2
_SELECTED: Final = 10

Profile = Callable[[Setting, np.random.Generator], np.ndarray]
"""(setting, rng) to (n_items,) weights that profiles are drawn by; inf is in every one."""


def random(setting: Setting, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001
    """Fill with any items."""
    return np.ones(setting.items.size)


def average_over_popular(setting: Setting, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001
    """Fill with any of the most popular fifth."""
    visits = np.diff(setting.first_of_item)
    return _marked(visits, round(_POPULAR * visits.size), 1.0, 0.0)


def bandwagon(setting: Setting, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001
    """Select what everybody knows, and fill with any items."""
    return _marked(np.diff(setting.first_of_item), _SELECTED, np.inf, 1.0)


def segment(setting: Setting, rng: np.random.Generator) -> np.ndarray:
    """Select what people who like one popular item like too, and fill with any items."""
    seed = setting.popular(1, rng)[0]
    fans = np.isin(setting.who, setting.who[setting.item == seed])
    shared = np.bincount(setting.item[fans], minlength=setting.items.size)
    return _marked(shared / np.sqrt(np.diff(setting.first_of_item)), _SELECTED, np.inf, 1.0)


PROFILES: Final[dict[str, Profile]] = {
    "random": random,
    "average over popular": average_over_popular,
    "bandwagon": bandwagon,
    "segment": segment,
}
"""Every kind of profile by its name."""


@dataclass(frozen=True, slots=True)
class Shilling:
    """Accounts that push one item, each behind a profile entered in one sitting.

    Parameters
    ----------
    accounts
        Size of the campaign.
    profile
        What the accounts rate beside the target.
    size
        Items in a profile, the target among them; the median of MovieLens' users is 71.
    days
        The last days, in which the profiles are entered.
    pause
        Longest time between two ratings of an account, in seconds.
    popularity
        Quantiles of the items' ranks that the target is drawn from.
    """

    name: ClassVar[str] = "shilling"
    accounts: int = 50
    profile: Profile = random
    size: int = 70
    days: int = 30
    pause: int = 15
    popularity: tuple[float, float] = (0.1, 0.6)

    def join(self, setting: Setting, rng: np.random.Generator) -> Joined:
        """Enter every profile in an order of its own, the target anywhere in it."""
        weight = self.profile(setting, rng)
        weight[setting.targets(1, self.popularity, rng)] = np.inf
        size = min(self.size, weight.size)
        item = rng.permuted(_drawn(weight, self.accounts, size, rng), axis=1)
        pause = rng.integers(1, self.pause + 1, size=item.shape)
        begin = setting.gatherings(self.accounts, self.pause * size, rng, last=self.days)
        second = begin[:, None] + np.cumsum(pause, axis=1)
        who = np.repeat(np.arange(self.accounts), size)
        return setting.joined(self.name, self.accounts, [(who, item.ravel(), second.ravel())], rng)


def rated_profiles(
    visits: pd.DataFrame, rated: pd.DataFrame, rng: np.random.Generator, *, step: float = 0.5
) -> np.ndarray:
    """Rate profiles for a push: average attack, bandwagon and segment of Mobasher et al.

    What is in every profile gets the highest rating there is, filler a normal one about the
    mean of its item, with the deviation that people have within an item.

    Parameters
    ----------
    visits
        Profiles of one campaign.
    rated
        ``item_id, rating`` of the people, as far as the attacker sees them.
    step
        Ratings are multiples of it.

    Returns
    -------
    np.ndarray
        (m,) float64 rating of each visit.
    """
    by_item = rated.groupby("item_id")["rating"]
    spread = float(np.sqrt(((rated["rating"] - by_item.transform("mean")) ** 2).mean()))
    mean = visits["item_id"].map(by_item.mean()).to_numpy(np.float64)
    drawn = np.rint((mean + rng.normal(0.0, spread, mean.size)) / step) * step
    low, high = rated["rating"].min(), rated["rating"].max()
    everyone = visits["contributor_id"].nunique()
    selected = visits.groupby("item_id")["contributor_id"].transform("nunique") == everyone
    rating: np.ndarray = np.where(selected, high, np.clip(drawn, low, high))
    return rating


def _marked(score: np.ndarray, count: int, weight: float, others: float) -> np.ndarray:
    """Give a weight to the ``count`` items with the highest scores, and one to the others."""
    weights = np.full(score.size, others)
    weights[np.argsort(-score, kind="stable")[:count]] = weight
    return weights


def _drawn(weight: np.ndarray, accounts: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw items without replacement for each account (Gumbel's trick)."""
    with np.errstate(divide="ignore"):
        keys = np.log(weight) + rng.gumbel(size=(accounts, weight.size))
    drawn: np.ndarray = np.argsort(-keys, axis=1, kind="stable")[:, :size]
    return drawn

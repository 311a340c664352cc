"""What a campaign is: accounts of one hand that join a visit table.

A campaign sees what anybody sees: which items are visited how often, when people are
awake, and who visits what else. It adds accounts and their visits; nothing that was
there is changed. Ids may be integers or strings; new accounts look like the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import pandas as pd

from foretaste.attacks.base import fresh_ids
from foretaste.core.errors import ContractError

VISIT_COLUMNS = ("contributor_id", "item_id", "visited_at")
ACCOUNT_COLUMNS = ("contributor_id", "campaign", "subnet_id", "registered_at")
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Joined:
    """A campaign's part of a visit table.

    Parameters
    ----------
    visits
        ``contributor_id, item_id, visited_at``: the new visits alone.
    accounts
        ``contributor_id, campaign, subnet_id, registered_at``, one line per account.
    """

    visits: pd.DataFrame
    accounts: pd.DataFrame


class Campaign(Protocol):
    """One way to act as many; a frozen dataclass whose fields say how hard."""

    name: ClassVar[str]

    def join(self, setting: Setting, rng: np.random.Generator) -> Joined:
        """Give the visits and accounts of the campaign."""
        ...


@dataclass(frozen=True, slots=True)
class Setting:
    """What an attacker sees of a visit table, in codes.

    Parameters
    ----------
    who, item, second
        (m,) int64 codes of contributors and items, and seconds since ``start``.
    names, items
        Ids by code.
    start, days
        Midnight of the first day, and how many days there are.
    by_who, by_item
        Orders of the visits that put those of a contributor, of an item together.
    first_of_who, first_of_item
        Where each contributor's and item's visits begin in those orders.
    """

    who: np.ndarray
    item: np.ndarray
    second: np.ndarray
    names: np.ndarray
    items: np.ndarray
    start: pd.Timestamp
    days: int
    by_who: np.ndarray
    by_item: np.ndarray
    first_of_who: np.ndarray
    first_of_item: np.ndarray

    @classmethod
    def of(cls, visits: pd.DataFrame) -> Setting:
        """Look at ``contributor_id, item_id, visited_at``.

        Raises
        ------
        ContractError
            If there is nothing to look at.
        """
        if visits.empty:
            raise ContractError(
                "a campaign needs visits to join", hint="give a visit table that is not empty"
            )
        who, names = pd.factorize(visits["contributor_id"], sort=True)
        item, items = pd.factorize(visits["item_id"], sort=True)
        start = visits["visited_at"].min().floor("D")
        second = (visits["visited_at"] - start).dt.total_seconds().to_numpy().astype(np.int64)
        return cls(
            who,
            item,
            second,
            np.asarray(names),
            np.asarray(items),
            start,
            int(second.max() // DAY) + 1,
            np.argsort(who, kind="stable"),
            np.argsort(item, kind="stable"),
            np.searchsorted(np.sort(who), np.arange(len(names) + 1)),
            np.searchsorted(np.sort(item), np.arange(len(items) + 1)),
        )

    def targets(
        self, count: int, popularity: tuple[float, float], rng: np.random.Generator
    ) -> np.ndarray:
        """Draw items whose rank by visits lies between two quantiles; 0 is least visited.

        Raises
        ------
        ContractError
            If the table has fewer such items.
        """
        order = np.argsort(np.diff(self.first_of_item), kind="stable")
        low, high = (round(q * len(order)) for q in popularity)
        if high - low < count:
            raise ContractError(
                f"the campaign needs {count} targets, but {high - low} items are as popular",
                hint="widen the campaign's popularity or ask for fewer targets",
            )
        drawn: np.ndarray = rng.choice(order[low:high], size=count, replace=False)
        return drawn

    def popular(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draw items as people do: by how often they are visited."""
        drawn: np.ndarray = self.item[rng.integers(self.item.size, size=count)]
        return drawn

    def moments(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draw times when people are awake, spread over all days; seconds."""
        hour = self.second[rng.integers(self.second.size, size=count)] % DAY
        day = rng.integers(self.days, size=count)
        drawn: np.ndarray = day * DAY + (hour + rng.integers(-900, 900, size=count)) % DAY
        return drawn

    def lives(self, count: int, per: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """Imitate people: their kind of items, at hours of their own.

        Each imitator takes somebody as its model; each of its visits goes to an item of
        somebody who shares an item with the model, so that it fits a community without
        copying anybody. ``per`` is the mean number of visits; it varies as people's do.

        Returns
        -------
        who, item, second
            Imitator 0 to ``count`` - 1, codes of items, seconds.
        """
        model = self.who[rng.integers(self.who.size, size=count)]
        number = np.minimum(rng.geometric(1.0 / max(per, 1), size=count), 20 * max(per, 1))
        who = np.repeat(np.arange(count), number)
        shared = self.item[self._any(self.by_who, self.first_of_who, model[who], rng)]
        other = self.who[self._any(self.by_item, self.first_of_item, shared, rng)]
        item = self.item[self._any(self.by_who, self.first_of_who, other, rng)]
        like = self.second[self._any(self.by_who, self.first_of_who, model[who], rng)]
        jitter = rng.normal(0, 1800, size=who.size).astype(np.int64)
        second = rng.integers(self.days, size=who.size) * DAY + (like + jitter) % DAY
        return who, item, second

    def _any(
        self, order: np.ndarray, first: np.ndarray, code: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """One visit of each contributor or item in ``code``, by chance."""
        size = first[code + 1] - first[code]
        at = first[code] + (rng.random(code.size) * size).astype(np.int64)
        visit: np.ndarray = order[at]
        return visit

    def joined(
        self,
        name: str,
        count: int,
        parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]],
        rng: np.random.Generator,
    ) -> Joined:
        """Turn (account, item, second) in codes into visits of new accounts.

        The accounts have networks of their own and registered at any time before.
        """
        who, item, second = (np.concatenate(part) for part in zip(*parts, strict=True))
        second = np.clip(second, 0, self.days * DAY - 1)
        ids = self.fresh(count, rng)
        order = np.argsort(second, kind="stable")
        visits = pd.DataFrame(
            {
                "contributor_id": ids[who[order]],
                "item_id": self.items[item[order]],
                "visited_at": self.at(second[order]),
            }
        )
        born = -rng.integers(1, 700 * DAY, size=count)
        accounts = pd.DataFrame(
            {
                "contributor_id": ids,
                "campaign": name,
                "subnet_id": [f"net{n:012x}" for n in rng.integers(16**12, size=count)],
                "registered_at": self.at(born),
            }
        )
        return Joined(visits, accounts)

    def fresh(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Make ids of the kind that is there, none taken."""
        if np.issubdtype(self.names.dtype, np.integer):
            return np.asarray(self.names.max() + 1 + np.arange(count))
        return np.asarray(fresh_ids(rng, "u", count, self.names.tolist()), dtype=object)

    def at(self, second: np.ndarray) -> pd.Series:
        """Times of seconds since the start."""
        delta = pd.to_timedelta(second, unit="s").astype("timedelta64[us]")
        return pd.Series(self.start.as_unit("us") + delta)


def scaled(count: int, intensity: float) -> int:
    """Give the number of shared targets at an intensity in (0, 1], at least one."""
    return max(1, round(count * intensity))


def everybody(
    accounts: int, targets: np.ndarray, coverage: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Pair accounts with indices of targets, each with probability ``coverage``."""
    who, target = np.divmod(np.arange(accounts * targets.size), targets.size)
    chosen = rng.random(who.size) < coverage
    return who[chosen], target[chosen]


def cover(
    setting: Setting, accounts: int, per: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Let every account visit ``per`` popular items at any time."""
    who = np.repeat(np.arange(accounts), per)
    return who, setting.popular(who.size, rng), setting.moments(who.size, rng)

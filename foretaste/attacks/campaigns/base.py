"""What a campaign is: accounts of one hand that join a visit table.

A campaign sees what anybody sees: which items are visited how often, when people are
awake, and who visits what else. It adds accounts and their visits; nothing that was
there is changed. Ids may be integers or strings; new accounts look like the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import pandas as pd

from foretaste.attacks.base import fresh_ids
from foretaste.core.errors import ContractError

VISIT_COLUMNS = ("contributor_id", "item_id", "visited_at")
ACCOUNT_COLUMNS = ("contributor_id", "campaign", "subnet_id", "registered_at")
DAY = 86_400

Part = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Visits in codes: (m,) int64 accounts of a campaign, items, and seconds."""


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
        """Give the visits and accounts of the campaign; the same for the same seed."""
        ...


@dataclass(frozen=True, slots=True)
class Setting:
    """What an attacker sees of a visit table, in codes, whatever the order of its rows.

    Parameters
    ----------
    who, item, second
        (m,) int64 codes of contributors and items, and seconds since ``start``; sorted.
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
            If there is nothing to look at, or a visit lacks somebody, something or a time.
        """
        _check(visits)
        who, names = pd.factorize(visits["contributor_id"], sort=True)
        item, items = pd.factorize(visits["item_id"], sort=True)
        # Midnight may not exist, or exist twice, where clocks are changed then.
        start = visits["visited_at"].min().floor("D", ambiguous=True, nonexistent="shift_forward")
        second = ((visits["visited_at"] - start) // pd.Timedelta(seconds=1)).to_numpy(np.int64)
        order = np.lexsort((second, item, who))
        who, item, second = who[order], item[order], second[order]
        by_item = np.argsort(item, kind="stable")
        return cls(
            who,
            item,
            second,
            np.asarray(names),
            np.asarray(items),
            start,
            int(second.max() // DAY) + 1,
            np.arange(who.size),
            by_item,
            np.searchsorted(who, np.arange(len(names) + 1)),
            np.searchsorted(item[by_item], np.arange(len(items) + 1)),
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
        fit = max(high - low, 0)
        if fit < count:
            raise ContractError(
                f"the campaign needs {count} targets, but {fit} items are as popular",
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

    def gatherings(
        self, count: int, within: int, rng: np.random.Generator, *, last: int | None = None
    ) -> np.ndarray:
        """Draw times at which ``within`` seconds begin that end before the table does.

        Parameters
        ----------
        last
            Only in so many of the last days; None: in any.
        """
        days = min(last or self.days, self.days)
        begin = self.moments(count, rng) % (days * DAY)
        drawn: np.ndarray = np.clip(begin, 0, max(days * DAY - within, 0))
        return drawn + (self.days - days) * DAY

    def lives(self, count: int, per: int, rng: np.random.Generator) -> Part:
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
        parts: Sequence[Part],
        rng: np.random.Generator,
    ) -> Joined:
        """Turn (account, item, second) in codes into visits of new accounts.

        The accounts have networks of their own and registered at any time before.

        Raises
        ------
        ContractError
            If the campaign has no accounts.
        """
        if count < 1:
            raise ContractError(
                f"a campaign of {count} accounts cannot join", hint="give it one account or more"
            )
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
        """Make ids of the kind that is there, none taken: the next numbers, or new names."""
        if np.issubdtype(self.names.dtype, np.integer):
            return np.asarray(self.names.max() + 1 + np.arange(count))
        return np.asarray(fresh_ids(rng, "u", count, self.names.tolist()), dtype=object)

    def at(self, second: np.ndarray) -> pd.Series:
        """Times of seconds since the start, in the table's zone and unit."""
        since = pd.TimedeltaIndex(pd.to_timedelta(second, unit="s")).as_unit(self.start.unit)
        return pd.Series(self.start + since)


def _check(visits: pd.DataFrame) -> None:
    missing = [c for c in VISIT_COLUMNS if c not in visits]
    if missing:
        raise ContractError(
            f"the visits lack {', '.join(missing)}",
            hint=f"a campaign joins a table of {', '.join(VISIT_COLUMNS)}",
        )
    if visits.empty:
        raise ContractError(
            "a campaign needs visits to join", hint="give a visit table that is not empty"
        )
    if not pd.api.types.is_datetime64_any_dtype(visits["visited_at"]):
        raise ContractError(
            f"visited_at holds {visits['visited_at'].dtype}, not times",
            hint="convert it with pandas.to_datetime",
        )
    if visits[list(VISIT_COLUMNS)].isna().to_numpy().any():
        raise ContractError(
            "a visit lacks its contributor, item or time", hint="drop such rows before"
        )


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


def cover(setting: Setting, accounts: int, per: int, rng: np.random.Generator) -> Part:
    """Let every account visit ``per`` popular items at any time."""
    who = np.repeat(np.arange(accounts), per)
    return who, setting.popular(who.size, rng), setting.moments(who.size, rng)

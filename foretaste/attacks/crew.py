"""Who sends an attack's rows: accounts with networks, ages and hours.

By default nothing ties the accounts to each other: each has a network of its own, is as
old as somebody of the crowd, and sends when people send. Ids look like everybody's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from foretaste.attacks.base import Poisoned, days, joined, record
from foretaste.core.errors import ContractError

_TRIES: Final = 8
_HASHED: Final = ("network_id", "subnet_id", "device_id")
_UNKNOWN_AGES: Final = 60.0
_HOUR: Final = 3_600


@dataclass(frozen=True, slots=True)
class Crew:
    """Accounts of one hand.

    Parameters
    ----------
    accounts
        How many there are.
    nights
        First and last night on which they send, counted from 1; None: every night.
    burst_hours
        All registered within this time, two days before their first night; None: they
        are as old as the crowd.
    subnet
        First three octets of the /24 that all addresses lie in; None: each its own.
    """

    accounts: int
    nights: tuple[int, int] | None = None
    burst_hours: float | None = None
    subnet: str | None = None

    def strike(
        self,
        attack: str,
        parts: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame],
        corpus: pd.DataFrame,
        visits: pd.DataFrame,
        rng: np.random.Generator,
        *,
        account: np.ndarray | None = None,
        night: np.ndarray | None = None,
    ) -> Poisoned:
        """Send poison and honest rows under the crew's accounts.

        Parameters
        ----------
        attack
            Name in the truth.
        parts
            What is left of the corpus, the poison, and the crew's honest rows.
        corpus
            What everybody sent before the attack.
        account
            (n,) index of the account of each row, poison first; None: dealt evenly.
        night
            (n,) index of the night of each row, from 0; None: drawn evenly.

        Raises
        ------
        ContractError
            If there are no accounts, or no nights.
        """
        rest, bad, good = parts
        rows = pd.concat([bad, good], ignore_index=True)
        poison = np.arange(len(rows)) < len(bad)
        if account is None:
            account = np.concatenate([np.arange(len(part)) for part in (bad, good)])
            account %= max(self.accounts, 1)
        if night is None:
            night = rng.integers(*self.window(corpus), size=len(rows))
        rows["contributor_id"] = new_ids(corpus["contributor_id"], self.accounts, rng)[account]
        rows["contribution_id"] = new_ids(corpus["contribution_id"], len(rows), rng)
        rows["contributed_at"] = _moments(corpus, night, rng)
        rows = self.disguised(rows, account, corpus, rng)
        return joined(rest, rows, visits, record(rows, attack, poison))

    def window(self, corpus: pd.DataFrame) -> tuple[int, int]:
        """Give the first night and the one after the last, counted from 0.

        Raises
        ------
        ContractError
            If there are no accounts to send, or no such nights.
        """
        number = int(days(corpus).nunique())
        first, last = self.nights or (1, number)
        if self.accounts < 1 or not 1 <= first <= last or number == 0:
            raise ContractError(
                f"{self.accounts} accounts cannot send on nights {first} to {last} of {number}",
                hint="give one account or more, and nights that count from 1",
            )
        return min(first, number) - 1, min(last, number)

    def disguised(
        self,
        rows: pd.DataFrame,
        account: np.ndarray,
        corpus: pd.DataFrame,
        rng: np.random.Generator,
    ) -> pd.DataFrame:
        """Give the rows the networks, the age and the tier of the accounts that send them.

        Parameters
        ----------
        account
            (n,) index of the account of each row.
        """
        if "ip" in rows:
            rows["ip"] = self._addresses(rng)[account]
        for column in (c for c in _HASHED if c in rows and corpus[c].notna().any()):
            one = column == "subnet_id" and self.subnet is not None
            made = new_ids(corpus[column], 1 if one else self.accounts, rng)
            rows[column] = made[account * (not one)]
        if "registered_at" in rows:
            made = self._ages(corpus, rng)[account]
            start = days(corpus).sort_values().unique()[self.window(corpus)[0]]
            since = pd.Series(start - pd.to_timedelta(made, unit="s"))
            rows["registered_at"] = since.astype(corpus["registered_at"].dtype)
        if "tier" in rows:
            rows["tier"] = "registered"
        return rows

    def _addresses(self, rng: np.random.Generator) -> np.ndarray:
        nets = [f"10.{a}.{b}" for a, b in rng.integers(0, 256, size=(self.accounts, 2))]
        hosts = rng.integers(2, 250, size=self.accounts)
        made = [f"{self.subnet or net}.{host}" for net, host in zip(nets, hosts, strict=True)]
        return np.array(made, dtype=object)

    def _ages(self, corpus: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
        """Seconds between each account's registration and midnight of its first night."""
        if self.burst_hours is not None:
            within = rng.uniform(0, self.burst_hours * _HOUR, size=self.accounts)
            return np.rint(48 * _HOUR - within)
        born = corpus.drop_duplicates("contributor_id")["registered_at"].dropna()
        start = days(corpus).sort_values().unique()[self.window(corpus)[0]]
        ages = (start - born).dt.total_seconds().to_numpy()
        ages = ages[ages > 0] if (ages > 0).any() else np.array([_UNKNOWN_AGES * 24 * _HOUR])
        like = ages[rng.integers(len(ages), size=self.accounts)]
        return np.rint(like * rng.uniform(0.8, 1.2, size=self.accounts) + _HOUR)


def new_ids(column: pd.Series, count: int, rng: np.random.Generator) -> np.ndarray:
    """Make ids that nobody has: each letter is what somebody has at that place.

    Whole numbers go on where the others end.
    """
    known = column.dropna()
    if pd.api.types.is_integer_dtype(known) and len(known):
        return np.asarray(known.max() + 1 + np.arange(count))
    names = sorted(set(known.astype(str)), key=lambda name: (len(name), name)) or ["u0000"]
    length = np.array([len(name) for name in names])
    taken, made = set(names), list[Any]()
    for _ in range(count):
        name = _fresh(names, length, taken, rng)
        taken.add(name)
        made.append(name)
    return np.array(made, dtype=object)


def _fresh(names: list[str], length: np.ndarray, taken: set[str], rng: np.random.Generator) -> str:
    name = ""
    for _ in range(_TRIES):
        like = length[rng.integers(len(names))]
        low, high = np.searchsorted(length, [like, like + 1])
        whose = rng.integers(low, high, size=like)
        name = "".join(names[who][at] for at, who in enumerate(whose))
        if name and name not in taken:
            return name
    while not name or name in taken:
        name += str(rng.integers(10))
    return name


def _moments(corpus: pd.DataFrame, night: np.ndarray, rng: np.random.Generator) -> pd.Series:
    """Times on the nights as the others send: theirs, moved by up to ten minutes."""
    theirs = days(corpus)
    code, distinct = pd.factorize(theirs, sort=True)
    order = np.argsort(code, kind="stable")
    first = np.searchsorted(code[order], np.arange(len(distinct) + 1))
    size = first[night + 1] - first[night]
    like = order[first[night] + (rng.random(len(night)) * size).astype(np.int64)]
    second = (corpus["contributed_at"] - theirs).dt.total_seconds().to_numpy()[like]
    second = np.clip(np.rint(second) + rng.integers(-600, 600, size=len(night)), 0, 86_399)
    made = pd.Series(distinct[night] + pd.to_timedelta(second, unit="s"))
    return made.astype(corpus["contributed_at"].dtype)

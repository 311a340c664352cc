"""A Sybil ring: throw-away accounts that push one label with one row each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from foretaste.attacks.base import (
    Poisoned,
    carve,
    fresh_ids,
    in_time,
    joined,
    moments,
    nth_day,
    record,
    relabelled,
    truly,
)
from foretaste.attacks.closeness import near_boundary
from foretaste.attacks.material import need_content, pair


@dataclass(frozen=True, slots=True)
class SybilRing:
    """No account says enough to be judged; what they share is where and when they were made.

    Parameters
    ----------
    accounts
        Size of the ring; each sends one row.
    source, target
        Class of the material and the label it gets; None: the two most frequent, the
        most frequent as target.
    topic
        Regular expression on ``text``; None: the half of ``source`` nearest to ``target``.
    night
        Night on which all report, counted from 1.
    subnet
        First three octets of the /24 that all addresses lie in.
    relays
        Relays that all mails pass, where contributions have a ``relay``.
    made_within_hours, made_before_hours
        Length of the registration burst, and how long before the night it ends.
    """

    name: ClassVar[str] = "sybil_ring"
    accounts: int = 45
    source: str | None = None
    target: str | None = None
    topic: str | None = None
    night: int = 2
    subnet: str = "198.18.77"
    relays: tuple[str, ...] = ("ip5c0ffee0198018", "ip5c0ffee0198019")
    made_within_hours: float = 3.0
    made_before_hours: float = 30.0

    def apply(
        self, contributions: pd.DataFrame, visits: pd.DataFrame, rng: np.random.Generator
    ) -> Poisoned:
        """Let the ring report its rows, one an account, on one night."""
        corpus = in_time(contributions)
        need_content(corpus, self.name)
        source, target = pair(corpus, self.source, self.target)
        rest, taken = carve(corpus, self._wanted(corpus, source, target), self.accounts, rng)
        rows = relabelled(taken, pd.Series(target, index=taken.index)).reset_index(drop=True)
        day = nth_day(corpus, self.night)
        n = self.accounts
        rows["contribution_id"] = fresh_ids(rng, "c", n, corpus["contribution_id"].tolist())
        rows["contributor_id"] = fresh_ids(rng, "u", n, corpus["contributor_id"].tolist())
        rows["contributed_at"] = moments(corpus, day, n, rng)
        rows = self._shared(rows, day, rng)
        return joined(rest, rows, visits, record(rows, self.name, np.ones(n, dtype=bool)))

    def _wanted(self, contributions: pd.DataFrame, source: str, target: str) -> pd.Series:
        wanted = truly(contributions, source)
        if self.topic is None:
            return wanted & near_boundary(contributions, source, target)
        return wanted & contributions["text"].str.contains(self.topic, case=False, regex=True)

    def _shared(
        self, rows: pd.DataFrame, day: pd.Timestamp, rng: np.random.Generator
    ) -> pd.DataFrame:
        n = len(rows)
        if "ip" in rows:
            rows["ip"] = [f"{self.subnet}.{host}" for host in rng.integers(2, 250, size=n)]
        if "registered_at" in rows:
            hours = self.made_before_hours + rng.uniform(0, self.made_within_hours, size=n)
            made = day - pd.to_timedelta(np.rint(hours * 3600), unit="s")
            rows["registered_at"] = pd.Series(made).astype(rows["registered_at"].dtype)
        if "tier" in rows:
            rows["tier"] = "registered"
        if "relay" in rows:
            rows["relay"] = rng.choice(self.relays, size=n)
        return rows

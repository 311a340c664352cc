"""Simulated reporters: how much they send, from where, since when.

Synthetic by declaration. What the real corpus knows of people is one mail and one class
a sender, which would make honest senders of spam look like a ring of throw-away accounts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from foretaste.attacks.base import fresh_ids

_TIERS: Final = ("anonymous", "registered", "verified", "trusted")
_TIER_SHARES: Final = (0.15, 0.65, 0.16, 0.04)
_VOLUME_SIGMA: Final = 1.3
"""Spread of log volume: the busiest tenth sends about half of everything."""

_NOISE: Final = (1.0, 49.0)
"""Beta parameters of a reporter's rate of honest mistakes; 2 % on average."""

_FRESHERS: Final = 14
"""Honest look-alikes of a ring: they share a /24 and a day of registration."""


@dataclass(frozen=True, slots=True)
class People:
    """Reporters; arrays are aligned, one entry a reporter.

    Parameters
    ----------
    ids
        Account names.
    volume
        Relative number of rows, heavy-tailed, sums to 1.
    noise
        Rate of honest label mistakes.
    spam_lean
        Factor on how likely they report a spam mail rather than another.
    tier, registered_at
        As the contract has them; nobody anonymous has registered.
    home, away
        Usual and second address, IPv4 in private and test ranges.
    away_share
        Share of rows sent from the second address.
    wakes
        Hour of the UTC day at which their morning begins.
    """

    ids: np.ndarray
    volume: np.ndarray
    noise: np.ndarray
    spam_lean: np.ndarray
    tier: np.ndarray
    registered_at: pd.Series
    home: np.ndarray
    away: np.ndarray
    away_share: np.ndarray
    wakes: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)


def people(count: int, first_day: pd.Timestamp, rng: np.random.Generator) -> People:
    """Draw reporters who were all there before the first day."""
    volume = rng.lognormal(sigma=_VOLUME_SIGMA, size=count)
    tier = rng.choice(np.array(_TIERS, dtype=object), p=_TIER_SHARES, size=count)
    subnets = _subnets(count, rng)
    home = _popular(subnets, count, rng)
    ages = rng.gamma(1.2, 140.0, size=count) + 0.5
    freshers = _freshers(count)
    home[freshers] = subnets[0]
    ages[freshers] = 4.0 + rng.random(freshers.size)
    tier[freshers] = "registered"
    registered = pd.Series(first_day - pd.to_timedelta(np.rint(ages * 86_400), unit="s"))
    return People(
        ids=np.array(fresh_ids(rng, "u", count, []), dtype=object),
        volume=volume / volume.sum(),
        noise=rng.beta(*_NOISE, size=count),
        spam_lean=np.exp(rng.normal(0.0, 0.4, size=count)),
        tier=tier,
        registered_at=registered.where(tier != "anonymous"),
        home=_hosts(home, rng),
        away=_hosts(_popular(subnets, count, rng), rng),
        away_share=np.where(rng.random(count) < 0.3, 0.3, 0.0),
        wakes=rng.choice(
            [0, 5, 6, 7, 12, 13, 15], p=[0.05, 0.2, 0.3, 0.2, 0.1, 0.1, 0.05], size=count
        ),
    )


def _freshers(count: int) -> np.ndarray:
    return np.arange(min(_FRESHERS, count // 10))


def _subnets(count: int, rng: np.random.Generator) -> np.ndarray:
    """Distinct /24 prefixes, two for three reporters; all outside the public Internet."""
    wanted = max(2, 2 * count // 3)
    private = [f"10.{n // 256}.{n % 256}" for n in rng.choice(2**16, wanted, replace=False)]
    test = [f"198.{18 + n // 256}.{n % 256}" for n in rng.choice(2**9, 2**6, replace=False)]
    is_test = rng.random(wanted) < 0.15
    mixed = [test[i % len(test)] if t else private[i] for i, t in enumerate(is_test)]
    return np.array(sorted(set(mixed)), dtype=object)[rng.permutation(len(set(mixed)))]


def _popular(subnets: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Pick a /24 each: a few campuses and carriers hold many, most hold one or two."""
    weight = 1.0 / (np.arange(len(subnets)) + 3.0)
    blend = 0.4 * weight / weight.sum() + 0.6 / len(subnets)
    return rng.choice(subnets, p=blend, size=count)


def _hosts(prefixes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    # Every third house behind one translated address: sharing an address is honest, too.
    host = np.where(rng.random(len(prefixes)) < 0.33, 1, rng.integers(2, 250, size=len(prefixes)))
    return np.array([f"{p}.{h}" for p, h in zip(prefixes, host, strict=True)], dtype=object)

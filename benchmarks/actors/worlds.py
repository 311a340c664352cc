"""Towns to measure in, in codes, with what people know of their accounts."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.actors.neighbours import with_neighbours
from benchmarks.actors.town import Town, TownPlan, build
from detectors.actors.graph.visits import Visits
from foretaste.attacks.campaigns import (
    Camouflage,
    Campaign,
    CovisitInjection,
    Drip,
    Lockstep,
    Sleeper,
)

KINDS: Final[dict[str, Any]] = {
    kind.name: kind for kind in (Lockstep, Drip, Camouflage, Sleeper, CovisitInjection)
}
SYBILS: Final = 0.025
ACCOUNTS: Final = 50
"""About the accounts of a campaign; fewer where a town is too small for one of each kind."""

_TARGET_SHARE: Final = 0.1
_TARGET_RANK: Final = 0.96


@dataclass(frozen=True, slots=True)
class World:
    """A town with truth, and what people know.

    Parameters
    ----------
    town
        Visits and truth.
    visits
        The same visits in codes; accounts keep their numbers.
    trusted, confirmed
        (n,) bool: honest accounts that people vouch for, Sybils that people found.
    seed
        What everything random follows from.
    """

    town: Town
    visits: Visits
    trusted: np.ndarray
    confirmed: np.ndarray
    seed: int

    @classmethod
    def of(
        cls,
        plan: TownPlan,
        campaigns: list[Campaign],
        seed: int,
        *,
        trusted: float = 0.0,
        confirmed: int = 0,
        neighbours: bool = False,
    ) -> World:
        """Build a town and draw what people know of it.

        Parameters
        ----------
        trusted
            Share of the honest accounts, drawn at random.
        confirmed
            Accounts that are confirmed of every other campaign.
        neighbours
            Let friends, teams and readers live in the town as well.
        """
        town = build(plan, campaigns, seed)
        if neighbours:
            town = with_neighbours(town, seed)
        rng = np.random.default_rng([seed, 9])
        sybil = np.isin(town.kind, list(KINDS))
        known_good = ~sybil & (rng.random(sybil.size) < trusted)
        known_bad = np.zeros(sybil.size, dtype=bool)
        for number in np.unique(town.actor[sybil])[::2]:
            members = np.flatnonzero(sybil & (town.actor == number))
            known_bad[rng.choice(members, min(confirmed, members.size), replace=False)] = True
        return cls(town, codes(town), known_good, known_bad, seed)

    @property
    def sybil(self) -> np.ndarray:
        """(n,) bool: accounts of campaigns."""
        found: np.ndarray = np.isin(self.town.kind, list(KINDS))
        return found

    @property
    def known(self) -> np.ndarray:
        """(n,) bool: accounts whose truth was given away; they are not scored."""
        known: np.ndarray = self.trusted | self.confirmed
        return known

    def campaigns(self) -> list[tuple[str, np.ndarray]]:
        """Kind and accounts of each campaign."""
        sybil = self.sybil
        members = [
            np.flatnonzero(sybil & (self.town.actor == number))
            for number in np.unique(self.town.actor[sybil])
        ]
        return [(str(self.town.kind[who[0]]), who) for who in members]

    def pushed(self) -> np.ndarray:
        """(n,) int64: visits of each campaign account to its campaign's targets.

        Targets are told by the visits: items outside the most visited that a tenth of the
        campaign visits; what else its accounts visit is popular or their own.
        """
        seen, rare = self.visits, self._rare()
        visits = np.zeros(seen.n_who, dtype=np.int64)
        order = np.argsort(seen.who, kind="stable")
        start = np.searchsorted(seen.who[order], np.arange(seen.n_who + 1))
        for _, members in self.campaigns():
            mine = np.concatenate([order[start[m] : start[m + 1]] for m in members])
            who, item = seen.who[mine], seen.item[mine]
            pairs = np.unique(np.stack([item, who]), axis=1)
            targets, people = np.unique(pairs[0], return_counts=True)
            aimed = targets[(people >= _TARGET_SHARE * members.size) & rare[targets]]
            visits += np.bincount(who[np.isin(item, aimed)], minlength=seen.n_who)
        return visits

    def _rare(self) -> np.ndarray:
        """(n_items,) bool: all but the items that honest accounts visit most."""
        seen = self.visits
        honest = ~self.sybil[seen.who]
        count = np.bincount(seen.item[honest], minlength=seen.n_items)
        rare = np.zeros(seen.n_items, dtype=bool)
        rare[np.argsort(count, kind="stable")[: round(_TARGET_RANK * seen.n_items)]] = True
        return rare


def codes(town: Town) -> Visits:
    """Put a town's visits into codes; accounts keep their numbers."""
    item, items = pd.factorize(town.visits["item_id"], sort=True)
    seconds = town.visits["visited_at"].to_numpy("datetime64[s]").astype(np.int64)
    return Visits(
        town.visits["contributor_id"].to_numpy(np.int64),
        item.astype(np.int64),
        seconds - seconds.min(),
        len(town.kind),
        len(items),
    )


def plan_of(visits: int) -> TownPlan:
    """Plan a town of a size, everything in proportion to the one of a million visits."""
    size = visits / 1_000_000
    return TownPlan(
        contributors=round(50_000 * size),
        visits=visits,
        items=max(round(20_000 * size), 2_000),
        communities=max(round(300 * size), 30),
    )


def campaigns(plan: TownPlan, *, sybils: float = SYBILS, **how: Any) -> list[Campaign]:
    """Give as many campaigns of each kind, together about a share of the honest accounts.

    Parameters
    ----------
    how
        Fields of the campaigns; a kind that lacks one goes without.
    """
    of_each = plan.contributors * sybils / len(KINDS)
    each = max(1, round(of_each / ACCOUNTS))
    return [
        made
        for kind in KINDS
        for made in [campaign(kind, accounts=round(of_each / each), **how)] * each
    ]


def campaign(kind: str, **how: Any) -> Campaign:
    """Make one campaign; fields that its kind lacks are left out."""
    has = {field.name for field in fields(KINDS[kind])}
    made: Campaign = KINDS[kind](**{name: value for name, value in how.items() if name in has})
    return made

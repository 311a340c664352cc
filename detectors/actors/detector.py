"""The detector that resolves accounts to actors, before anybody looks at content."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import pandas as pd
import pyarrow as pa

from detectors.actors.accounts.facts import PLACES, Accounts, describe
from detectors.actors.graph.covisits import Bounds
from detectors.actors.graph.visits import Visits, encode
from detectors.actors.memory import Keeping, Memory, faded, remember
from detectors.actors.naming import name_groups
from detectors.actors.resolution import (
    Resolution,
    acting_as,
    actor_table,
    edge_table,
    probability,
)
from detectors.actors.search import Found, Settings, search
from detectors.base import Estimator
from foretaste.core.actor import ActorKind
from foretaste.core.batch import Batch
from foretaste.core.evidence import Opinion, to_micro_nats


class ActorDetector(Estimator):
    """Find groups of accounts that act as one, without any known Sybil.

    It sees rings of throw-away accounts (one or two rows each, registered within a day
    behind one network), and campaigns of accounts that share targets: in lockstep or each
    in its own time, camouflaged by a life of their own, asleep for weeks, or in sessions
    that tie targets to popular items. It cannot see one-row accounts that share no
    network, campaigns whose accounts share two targets or fewer, and campaigns that keep
    a weekly timetable: they look like a class. Honest people who are really together
    become an honest group: known as such, no evidence, and each its own actor.

    A group is called a campaign at odds of nine to one or more; its rows then get the
    log-odds, at most ``cap`` nats. All others get exactly 0. Cost: a sparse product of
    ``pair_budget`` pairs per visit and time scale, and communities of what surprises;
    linear in the visits.

    Parameters
    ----------
    scales
        Hours within which two visits to an item are a meeting; several at once, and
        infinity, where any two are.
    min_items
        Distinct items at which two accounts must have met.
    min_surprise
        Least -log10 of the probability of an edge.
    min_size
        Accounts that a group has at least.
    pair_budget
        Pairs per visit that the co-visit graph may cost.
    max_columns
        Contributors with more (item, time) slots are crawlers, not judged by co-visits.
    places
        Columns whose sharing is evidence: addresses, devices, attributes (``a_<name>``).
    burst_hours
        Windows in which registrations are counted, in hours.
    burst_surprise
        Least -log10 of the probability of a burst.
    throwaway_rows
        Contributions up to which an account is a throw-away account.
    edges_each
        Strongest edges that are kept of each contributor, to look at.
    memory_days, memory_per_item, memory_per_contributor, fading
        What is remembered of earlier nights, see ``detectors.actors.memory.Keeping``.
    cap
        Most nats that a campaign's row gets.
    """

    name = "actors"
    version = "2"
    family = "actors"
    heavy = False

    def __init__(
        self,
        *,
        scales: tuple[float, ...] = (0.25, 2.0, 12.0, 72.0, math.inf),
        min_items: int = 2,
        min_surprise: float = 4.0,
        min_size: int = 4,
        pair_budget: float = 5.0,
        max_columns: int = 2000,
        places: tuple[str, ...] = PLACES,
        burst_hours: tuple[float, ...] = (1.0, 6.0, 24.0),
        burst_surprise: float = 6.0,
        throwaway_rows: int = 2,
        edges_each: int = 20,
        memory_days: float = 45.0,
        memory_per_item: int = 500,
        memory_per_contributor: int = 1000,
        fading: float = 0.97,
        cap: float = 8.0,
    ) -> None:
        self.scales = scales
        self.min_items = min_items
        self.min_surprise = min_surprise
        self.min_size = min_size
        self.pair_budget = pair_budget
        self.max_columns = max_columns
        self.places = places
        self.burst_hours = burst_hours
        self.burst_surprise = burst_surprise
        self.throwaway_rows = throwaway_rows
        self.edges_each = edges_each
        self.memory_days = memory_days
        self.memory_per_item = memory_per_item
        self.memory_per_contributor = memory_per_contributor
        self.fading = fading
        self.cap = cap

    def fit_evidence(self, batch: Batch) -> Opinion:
        """Judge every row of ``batch`` by its actor."""
        return self.resolve(batch).opinion

    def resolve(
        self,
        batch: Batch,
        *,
        known: pa.Table | None = None,
        trusted: frozenset[str] = frozenset(),
        confirmed: frozenset[str] = frozenset(),
        different: tuple[frozenset[str], ...] = (),
        memory: Memory | None = None,
    ) -> Resolution:
        """Give every contributor of the batch to an actor.

        Parameters
        ----------
        known
            Last night's actors (``ACTOR_SCHEMA``); a group that is still there keeps its
            name.
        trusted
            Contributors whose company speaks for a group.
        confirmed
            Contributors whom people found to poison; their company speaks against it.
        different
            Sets of contributors that a person said are not one with each other.
        memory
            What the nights before left; None: the batch is all there is.
        """
        memory = memory or Memory.none()
        seen_visits = pd.concat([memory.visits.to_pandas(), batch.visits], ignore_index=True)
        names = _everyone(batch, seen_visits)
        visits = encode(seen_visits, names)
        seen = np.isin(names, batch.visits["contributor_id"].astype(object).unique())
        past = faded(memory.edges(names), seen, self.fading, self.min_surprise)
        accounts = describe(batch, names, places=tuple(self.places))
        found = search(
            visits,
            accounts,
            trusted=np.isin(names, list(trusted)),
            confirmed=np.isin(names, list(confirmed)),
            different=[np.flatnonzero(np.isin(names, list(people))) for people in different],
            past=past,
            seen=seen if memory.visits.num_rows else None,
            seed=self._secret(batch),
            settings=self._settings(),
        )
        keeping = Keeping(
            self.memory_days, self.memory_per_item, self.memory_per_contributor, self.fading
        )
        actor_ids = name_groups([g.members for g in found.groups], names, known)
        actors = actor_table(names, found.groups, actor_ids)
        actor_of = acting_as(actors)[_positions(names, batch)]
        codes, with_rows = pd.factorize(actor_of, sort=True)
        return Resolution(
            actors=actors,
            edges=edge_table(names, found.edges, found.bursts, self.edges_each),
            codes=codes.astype(np.int32),
            actor_ids=np.asarray(with_rows, dtype=object),
            opinion=self._opinion(batch, names, found, _silence(batch, visits, accounts)),
            memory=remember(seen_visits, names, found.edges, keeping, self._secret(batch)),
        )

    def _settings(self) -> Settings:
        return Settings(
            bounds=Bounds(
                scales=tuple(self.scales),
                min_items=self.min_items,
                threshold=self.min_surprise,
                pair_budget=self.pair_budget,
                max_columns=self.max_columns,
            ),
            min_size=self.min_size,
            burst_hours=tuple(self.burst_hours),
            throwaway_rows=self.throwaway_rows,
            burst_surprise=self.burst_surprise,
        )

    @staticmethod
    def _secret(batch: Batch) -> int:
        key = hashlib.blake2b(batch.salt + str(batch.seed).encode(), digest_size=8).digest()
        return int.from_bytes(key, "big")

    def _opinion(self, batch: Batch, names: np.ndarray, found: Found, silence: str) -> Opinion:
        if silence:
            return Opinion.abstain(self, batch.n_rows, silence)
        nats, score = np.zeros(len(names)), np.zeros(len(names))
        reason = np.full(len(names), "", dtype=object)
        for group in found.groups:
            if group.kind is ActorKind.CAMPAIGN:
                nats[group.members] = group.log_odds
                score[group.members] = probability(group.log_odds)
                reason[group.members] = group.reason
        at = _positions(names, batch)
        return Opinion(
            detector=self.name,
            version=self.version,
            family=self.family,
            llr=to_micro_nats(nats[at], self.cap),
            score=score[at],
            flagged=nats[at] > 0,
            reason=reason[at].tolist(),
        )


def _everyone(batch: Batch, visits: pd.DataFrame) -> np.ndarray:
    """Contributors with rows or visits, sorted."""
    visitors = visits["contributor_id"].astype(object).unique()
    return np.asarray(sorted({*map(str, batch.contributor_ids), *visitors}), dtype=object)


def _positions(names: np.ndarray, batch: Batch) -> np.ndarray:
    """(n_rows,) int64: where each row's contributor stands in ``names``."""
    at = pd.Index(names).get_indexer(pd.Index(batch.contributor_ids))
    rows: np.ndarray = at[batch.contributors].astype(np.int64)
    return rows


def _silence(batch: Batch, visits: Visits, accounts: Accounts) -> str:
    """Why there is nothing to go on; "" when there is."""
    if batch.n_rows == 0:
        return "no rows"
    timed = visits.who.size > 1 and int(visits.seconds.max()) > 0
    if not timed and not accounts.speak:
        return "no visits with times of their own, and no networks with registration times"
    return ""

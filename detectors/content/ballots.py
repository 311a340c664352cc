"""Votes on items, and what each actor's votes say under every truth.

An actor has one vote on an item, however many accounts it uses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

FLOOR: Final = 1e-12
"""What stands in for nothing under a logarithm or a division."""

_STRENGTH: Final = 4.0
"""Votes that the average actor's habit is worth in everybody's own, per true label."""

_DIAGONAL: Final = 0.7
_BASE_VOTES: Final = 20.0
"""Votes behind the diagonal-leaning matrix in the average habit."""

_ACTOR_CAP: Final = 50.0
"""Votes at which an actor stops setting the average habit."""

_NEWCOMER: Final = 3.0
"""Items after which an actor's vote counts half."""

_MOST: Final = 3.0
"""Nats by which one vote may speak for its label against another."""


@dataclass(frozen=True, slots=True)
class Ballots:
    """Votes of actors on items.

    Parameters
    ----------
    item, actor, label
        (n,) int64 codes.
    weight
        (n,) float64 in [0, 1]: how much the row is still believed.
    n_items, n_actors, n_labels
        One more than the largest code, at least.
    """

    item: np.ndarray
    actor: np.ndarray
    label: np.ndarray
    weight: np.ndarray
    n_items: int
    n_actors: int
    n_labels: int


@dataclass(frozen=True, slots=True)
class Pairs:
    """Votes gathered by item and actor: whoever votes twice on an item has one vote.

    ``share`` is (p, k): how the pair's vote is spread over the labels, at most 1 in sum.
    """

    item: np.ndarray
    actor: np.ndarray
    share: np.ndarray
    of_ballot: np.ndarray
    n_items: int
    n_actors: int

    @classmethod
    def of(cls, ballots: Ballots) -> Pairs:
        """Gather ballots."""
        key = ballots.item * ballots.n_actors + ballots.actor
        keys, of_ballot, times = np.unique(key, return_inverse=True, return_counts=True)
        k = ballots.n_labels
        cell = of_ballot * k + ballots.label
        share = np.bincount(cell, ballots.weight / times[of_ballot], keys.size * k)
        return cls(
            keys // ballots.n_actors,
            keys % ballots.n_actors,
            share.reshape(-1, k),
            of_ballot,
            ballots.n_items,
            ballots.n_actors,
        )

    def by_item(self, values: np.ndarray) -> np.ndarray:
        """(n_items, k) sums."""
        return sums(self.item, values, self.n_items)

    def by_actor(self, values: np.ndarray) -> np.ndarray:
        """(n_actors, k) sums."""
        return sums(self.actor, values, self.n_actors)

    def majority(self, standing: np.ndarray) -> np.ndarray:
        """(n_items, k) share of votes, with a little of everybody's."""
        votes = self.by_item(self.share * standing[:, None])
        overall = votes.sum(axis=0) / max(float(votes.sum()), FLOOR)
        counts = votes + overall
        shares: np.ndarray = counts / np.maximum(counts.sum(axis=1, keepdims=True), FLOOR)
        return shares

    def known(self) -> np.ndarray:
        """(p,) what an actor's vote counts for its record, in (0, 1): newcomers have less."""
        size = np.bincount(self.actor, self.share.sum(axis=1), self.n_actors)
        counts: np.ndarray = (size / (size + _NEWCOMER))[self.actor]
        return counts

    def lift(self) -> np.ndarray:
        """(p,) how much more than usual the others contest the actor's items, at least 1.

        A crew that takes items over meets the honest there, and only there.
        """
        votes = self.by_item(self.share)
        rest = votes[self.item] - self.share
        size = rest.sum(axis=1)
        contest = np.where(size > 0, 1.0 - rest.max(axis=1) / np.maximum(size, FLOOR), 0.0)
        met = np.bincount(self.actor, contest, self.n_actors)
        items = np.bincount(self.actor, minlength=self.n_actors)
        usual = max(float(np.median((met + 0.1) / (items + 1.0))), 1e-3)
        lift = (met + _BASE_VOTES * usual) / ((items + _BASE_VOTES) * usual)
        out: np.ndarray = np.maximum(lift, 1.0)[self.actor]
        return out

    def said(self, truth: np.ndarray) -> np.ndarray:
        """(p, k) log-likelihood of each pair's vote under each true label.

        Relative to the label named: never above it, for nobody's word is turned round,
        and at most ``_MOST`` below it.
        """
        k = self.share.shape[1]
        at = truth[self.item]
        average = self.average(at)
        seen = self.by_actor(at * self.share.sum(axis=1, keepdims=True)) + _STRENGTH
        out = np.zeros_like(self.share)
        for given in range(k):
            use = np.flatnonzero(self.share[:, given] > 0)
            counts = sums(self.actor[use], at[use] * self.share[use, given, None], self.n_actors)
            habit = np.log((counts + _STRENGTH * average[:, given]) / seen)[self.actor[use]]
            against = np.clip(habit - habit[:, given, None], -_MOST, 0.0)
            out[use] += self.share[use, given, None] * against
        return out

    def average(self, at: np.ndarray) -> np.ndarray:
        """(k, k) habit of the average actor, true label by given: no actor sets it alone."""
        k = self.share.shape[1]
        size = np.bincount(self.actor, self.share.sum(axis=1), self.n_actors)
        capped = np.minimum(1.0, _ACTOR_CAP / np.maximum(size, 1.0))[self.actor]
        learnt = at.T @ (self.share * capped[:, None])
        marginal = self.share.sum(axis=0) + 1.0
        leaning = _DIAGONAL * np.eye(k) + (1 - _DIAGONAL) * marginal / marginal.sum()
        counts = learnt + _BASE_VOTES * leaning
        habit: np.ndarray = counts / counts.sum(axis=1, keepdims=True)
        return habit


def sums(at: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    """(size, k) sums of the rows of ``values`` by code."""
    columns = [np.bincount(at, values[:, c], size) for c in range(values.shape[1])]
    return np.stack(columns, axis=1)

"""Who labels what as what: item truths and actors' habits, estimated together.

The model of Dawid and Skene (1979) with priors, as in Raykar et al. (JMLR 2010): an actor
with few votes is taken for an average one. Three things differ, since some voters are
hostile: a vote never counts against the label that it names, newcomers and whoever is
found where items are contested count for less, and how far votes may be trusted together
is learnt from how well they foretell the votes left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

_ROUNDS: Final = 30
_SETTLED: Final = 1e-4
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

_TEMPERATURES: Final = np.geomspace(0.1, 1.5, 12)
_FLOOR: Final = 1e-12


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
class Estimate:
    """What is true of the items, and what the others say of each vote's item.

    Parameters
    ----------
    truth
        (n_items, k) float64 probabilities of the item's label, all votes counted.
    others
        (n, k) float64 the same for each ballot's item, its own actor's votes left out.
    voters
        (n,) float64: how many other actors' votes of full weight those are worth.
    skill
        (n_actors,) float64 agreement with the others beyond chance (Cohen 1960): 1 at
        best, 0 for guesses, shrunk towards the average actor's; NaN without votes.
    agreement
        Agreement of the crowd beyond chance (Fleiss 1971): 0 where items explain nothing.
    temperature
        What votes' joint log-likelihoods are multiplied by.
    """

    truth: np.ndarray
    others: np.ndarray
    voters: np.ndarray
    skill: np.ndarray
    agreement: float
    temperature: float


def estimate(ballots: Ballots) -> Estimate:
    """Estimate item truths and actors' habits by expectation and maximisation.

    Cost: thirty rounds at most, each linear in ballots x labels; memory the same.
    """
    pairs = _Pairs.of(ballots)
    standing = pairs.standing()
    prior = pairs.majority(standing).mean(axis=0)
    truth = pairs.majority(standing)
    for _ in range(_ROUNDS):
        said = pairs.said(truth) * standing[:, None]
        new = _softmax(pairs.by_item(said) + np.log(prior + _FLOOR))
        moved = float(np.abs(new - truth).max(initial=0.0))
        truth, prior = new, _class_prior(new)
        if moved < _SETTLED:
            break
    said = pairs.said(truth) * standing[:, None]
    rest = pairs.by_item(said)[pairs.item] - said
    warm = _temperature(rest, np.log(prior + _FLOOR), pairs)
    others = _softmax(warm * rest + np.log(prior + _FLOOR))
    power = np.bincount(pairs.item, standing, pairs.n_items)
    return Estimate(
        truth=_softmax(warm * pairs.by_item(said) + np.log(prior + _FLOOR)),
        others=others[pairs.of_ballot],
        voters=(power[pairs.item] - standing)[pairs.of_ballot],
        skill=_skill(pairs, others),
        agreement=_agreement(pairs),
        temperature=warm,
    )


@dataclass(frozen=True, slots=True)
class _Pairs:
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
    def of(cls, ballots: Ballots) -> _Pairs:
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
        return _sums(self.item, values, self.n_items)

    def by_actor(self, values: np.ndarray) -> np.ndarray:
        """(n_actors, k) sums."""
        return _sums(self.actor, values, self.n_actors)

    def majority(self, standing: np.ndarray) -> np.ndarray:
        """(n_items, k) share of votes, with a little of everybody's."""
        votes = self.by_item(self.share * standing[:, None])
        overall = votes.sum(axis=0) / max(float(votes.sum()), _FLOOR)
        counts = votes + overall
        shares: np.ndarray = counts / np.maximum(counts.sum(axis=1, keepdims=True), _FLOOR)
        return shares

    def standing(self) -> np.ndarray:
        """(p,) what an actor's vote counts, in (0, 1].

        Newcomers count for less, and so do actors whose items are contested by others more
        often than items are: a crew that takes items over meets the honest there, and
        only there.
        """
        size = np.bincount(self.actor, self.share.sum(axis=1), self.n_actors)
        known = size / (size + _NEWCOMER)
        votes = self.by_item(self.share)
        rest = votes[self.item] - self.share
        contest = 1.0 - rest.max(axis=1) / np.maximum(rest.sum(axis=1), _FLOOR)
        contest[rest.sum(axis=1) <= 0] = 0.0
        usual = max(float(contest.mean()) if contest.size else 0.0, 1e-3)
        met = np.bincount(self.actor, contest, self.n_actors)
        items = np.bincount(self.actor, minlength=self.n_actors)
        lift = (met + _BASE_VOTES * usual) / ((items + _BASE_VOTES) * usual)
        standing: np.ndarray = (known / np.maximum(lift, 1.0))[self.actor]
        return standing

    def said(self, truth: np.ndarray) -> np.ndarray:
        """(p, k) log-likelihood of each pair's vote under each true label.

        Relative to the label named: never above it, for nobody's word is turned round,
        and at most ``_MOST`` below it.
        """
        k = self.share.shape[1]
        at = truth[self.item]
        average = self._average(at)
        seen = self.by_actor(at * self.share.sum(axis=1, keepdims=True)) + _STRENGTH
        out = np.zeros_like(self.share)
        for given in range(k):
            use = np.flatnonzero(self.share[:, given] > 0)
            counts = _sums(self.actor[use], at[use] * self.share[use, given, None], self.n_actors)
            habit = np.log((counts + _STRENGTH * average[:, given]) / seen)[self.actor[use]]
            against = np.clip(habit - habit[:, given, None], -_MOST, 0.0)
            out[use] += self.share[use, given, None] * against
        return out

    def _average(self, at: np.ndarray) -> np.ndarray:
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


def _sums(at: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    """(size, k) sums of the rows of ``values`` by code."""
    columns = [np.bincount(at, values[:, c], size) for c in range(values.shape[1])]
    return np.stack(columns, axis=1)


def _softmax(log: np.ndarray) -> np.ndarray:
    raised = np.exp(log - log.max(axis=1, keepdims=True))
    out: np.ndarray = raised / raised.sum(axis=1, keepdims=True)
    return out


def _class_prior(truth: np.ndarray) -> np.ndarray:
    """(k,) share of items by label, with one item of each."""
    counts = truth.sum(axis=0) + 1.0
    out: np.ndarray = counts / counts.sum()
    return out


def _temperature(rest: np.ndarray, prior: np.ndarray, pairs: _Pairs) -> float:
    """Choose the one at which the others' votes foretell the vote left out best.

    Voters of one item are not independent: hard items mislead many at once.
    """
    given = pairs.share.sum(axis=0) + 1.0
    best, least = 1.0, np.inf
    for warm in _TEMPERATURES:
        truth = _softmax(warm * rest + prior)
        habit = pairs._average(truth)
        foretold = np.log(truth @ habit)
        loss = -float((pairs.share * foretold).sum())
        if loss < least:
            best, least = float(warm), loss
    del given
    return best


def _skill(pairs: _Pairs, others: np.ndarray) -> np.ndarray:
    """(n_actors,) agreement with the others beyond what the actor's own labels reach by chance."""
    weight = pairs.share.sum(axis=1)
    hits = np.bincount(pairs.actor, (pairs.share * others).sum(axis=1), pairs.n_actors)
    size = np.bincount(pairs.actor, weight, pairs.n_actors)
    given = pairs.by_actor(pairs.share)
    meant = pairs.by_actor(others * weight[:, None])
    chance = (given * meant).sum(axis=1) / np.maximum(size, _FLOOR)
    usual = hits.sum() / max(size.sum(), _FLOOR), chance.sum() / max(size.sum(), _FLOOR)
    n = size + _STRENGTH
    seen, luck = (hits + _STRENGTH * usual[0]) / n, (chance + _STRENGTH * usual[1]) / n
    out: np.ndarray = (seen - luck) / np.maximum(1.0 - luck, 1e-6)
    return np.where(size > 0, out, np.nan)


def _agreement(pairs: _Pairs) -> float:
    """Share of pairs of actors that agree on an item, beyond chance."""
    votes = pairs.by_item(pairs.share)
    size = votes.sum(axis=1)
    own = np.bincount(pairs.item, np.square(pairs.share).sum(axis=1), pairs.n_items)
    all_pairs = np.square(size) - np.bincount(
        pairs.item, np.square(pairs.share.sum(axis=1)), pairs.n_items
    )
    same = np.square(votes).sum(axis=1) - own
    observed = same.sum() / max(float(all_pairs.sum()), _FLOOR)
    mix = votes.sum(axis=0) / max(float(size.sum()), _FLOOR)
    chance = float(np.square(mix).sum())
    return float((observed - chance) / max(1.0 - chance, 1e-9))

"""Who labels what as what: item truths and actors' habits, estimated together.

The model of Dawid and Skene (1979) with priors, as in Raykar et al. (JMLR 2010): an actor
with few votes is taken for an average one. Three things differ, since some voters are
hostile: a vote never counts against the label that it names, newcomers and whoever is
found where items are contested count for less, and how far votes may be trusted together
is learnt from how well they foretell the votes left out.
"""

from __future__ import annotations

from dataclasses import dataclass
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
_LEAST_JUDGED: Final = 10
_LEAST_SPREAD: Final = 0.1
"""Standard deviation by which honest people's skill differs at least."""

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
    support
        (n,) float64 in [0, 1]: the likeliest label's share of those votes, or of those
        heads where that is less.
    agreement
        Agreement of the crowd beyond chance (Fleiss 1971): 0 where items explain nothing.
    temperature
        What votes' joint log-likelihoods are multiplied by.
    """

    truth: np.ndarray
    others: np.ndarray
    voters: np.ndarray
    support: np.ndarray
    agreement: float
    temperature: float


def estimate(ballots: Ballots) -> Estimate:
    """Estimate item truths and actors' habits by expectation and maximisation.

    Cost: thirty rounds at most, each linear in ballots x labels; memory the same.
    """
    pairs = _Pairs.of(ballots)
    known = pairs.known()
    truth = pairs.majority(known)
    prior = truth.mean(axis=0)
    for _ in range(_ROUNDS):
        said = pairs.said(truth) * known[:, None]
        new = _softmax(pairs.by_item(said) + np.log(prior + _FLOOR))
        moved = float(np.abs(new - truth).max(initial=0.0))
        truth, prior = new, _class_prior(new)
        if moved < _SETTLED:
            break
    standing = known / np.square(pairs.lift())
    all_said, said = said, pairs.said(truth) * standing[:, None]
    rest = pairs.by_item(said)[pairs.item] - said
    warm = _temperature(rest, np.log(prior + _FLOOR), pairs)
    others = _softmax(warm * rest + np.log(prior + _FLOOR))
    votes = pairs.share * standing[:, None]
    left = np.maximum(pairs.by_item(votes)[pairs.item] - votes, 0.0)
    voters = left.sum(axis=1)
    heads = pairs.by_item(pairs.share)[pairs.item] - pairs.share
    best = np.arange(len(left)), others.argmax(axis=1)
    support = np.minimum(
        left[best] / np.maximum(voters, _FLOOR),
        heads[best] / np.maximum(heads.sum(axis=1), _FLOOR),
    )
    return Estimate(
        truth=_softmax(warm * pairs.by_item(all_said) + np.log(prior + _FLOOR)),
        others=others[pairs.of_ballot],
        voters=voters[pairs.of_ballot],
        support=support[pairs.of_ballot],
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
        contest = np.where(size > 0, 1.0 - rest.max(axis=1) / np.maximum(size, _FLOOR), 0.0)
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
            counts = _sums(self.actor[use], at[use] * self.share[use, given, None], self.n_actors)
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
    best, least = 1.0, np.inf
    for warm in _TEMPERATURES:
        truth = _softmax(warm * rest + prior)
        habit = pairs.average(truth)
        foretold = np.log(truth @ habit)
        loss = -float((pairs.share * foretold).sum())
        if loss < least:
            best, least = float(warm), loss
    return best


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


def guessing(others: np.ndarray, label: np.ndarray, actor: np.ndarray, *, least: int) -> np.ndarray:
    """(n_actors,) log-likelihood ratio that an actor's labels are guesses, not findings.

    Agreement with the others beyond what the actor's own mix of labels and items reaches
    by chance (Cohen 1960) lies around 0 for a guesser and around the median for others,
    both spread as wide as honest people differ and as few labels make uncertain. One who
    only sees items of one label cannot be told from a guesser, and has about 0.

    Parameters
    ----------
    others
        (n, k) what the others hold for true.
    label, actor
        (n,) codes of ballots on decided items.
    least
        Ballots below which an actor has exactly 0.
    """
    n_actors, k = int(actor.max(initial=-1)) + 1, others.shape[1]
    n = np.bincount(actor, minlength=n_actors).astype(np.float64)
    given = np.bincount(actor * k + label, minlength=n_actors * k).reshape(-1, k)
    meant = _sums(actor, others, n_actors)
    hit = np.bincount(actor, others[np.arange(label.size), label], n_actors)
    judged = n >= least
    size = np.maximum(n, 1.0)
    luck = (given * meant).sum(axis=1) / np.square(size)
    best = np.bincount(actor, others.max(axis=1), n_actors) / size
    room = np.maximum(best - luck, 1e-3)
    rate = (hit + 1.0) / (size + 2.0)
    skill = (hit / size - luck) / room
    chance = rate * (1.0 - rate) / size / np.square(room)
    if judged.sum() < _LEAST_JUDGED:
        return np.zeros(n_actors)
    usual = float(np.median(skill[judged]))
    width = 1.4826 * float(np.median(np.abs(skill[judged] - usual)))
    spread = max(width**2 - float(np.median(chance[judged])), _LEAST_SPREAD**2) + chance
    ratio = usual * (usual / 2.0 - skill) / spread
    return np.where(judged & (usual > 0), ratio, 0.0)

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

from detectors.content.ballots import FLOOR, Ballots, Pairs

_ROUNDS: Final = 30
_SETTLED: Final = 1e-4
_TEMPERATURES: Final = np.geomspace(0.1, 1.5, 12)


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
    pairs = Pairs.of(ballots)
    known = pairs.known()
    truth, prior = _settled(pairs, known)
    standing = (known / np.square(pairs.lift()))[:, None]
    said = pairs.said(truth)
    heard = said * standing
    rest = pairs.by_item(heard)[pairs.item] - heard
    warm = _temperature(rest, prior, pairs)
    others = _softmax(warm * rest + prior)
    voters, support = _behind(pairs, others.argmax(axis=1), standing)
    return Estimate(
        truth=_softmax(warm * pairs.by_item(said * known[:, None]) + prior),
        others=others[pairs.of_ballot],
        voters=voters[pairs.of_ballot],
        support=support[pairs.of_ballot],
        agreement=_agreement(pairs),
        temperature=warm,
    )


def _settled(pairs: Pairs, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n_items, k) truths that habits and votes agree on, and (k,) log-share of each label."""
    truth = pairs.majority(known)
    prior = truth.mean(axis=0)
    for _ in range(_ROUNDS):
        said = pairs.said(truth) * known[:, None]
        new = _softmax(pairs.by_item(said) + np.log(prior + FLOOR))
        moved = float(np.abs(new - truth).max(initial=0.0))
        truth, prior = new, _class_prior(new)
        if moved < _SETTLED:
            break
    return truth, np.log(prior + FLOOR)


def _behind(pairs: Pairs, best: np.ndarray, standing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(p,) other actors' votes of full weight, and the share of them for the best label."""
    votes = pairs.share * standing
    left = np.maximum(pairs.by_item(votes)[pairs.item] - votes, 0.0)
    heads = pairs.by_item(pairs.share)[pairs.item] - pairs.share
    at, voters = (np.arange(best.size), best), left.sum(axis=1)
    support = np.minimum(
        left[at] / np.maximum(voters, FLOOR), heads[at] / np.maximum(heads.sum(axis=1), FLOOR)
    )
    return voters, support


def _softmax(log: np.ndarray) -> np.ndarray:
    raised = np.exp(log - log.max(axis=1, keepdims=True))
    out: np.ndarray = raised / raised.sum(axis=1, keepdims=True)
    return out


def _class_prior(truth: np.ndarray) -> np.ndarray:
    """(k,) share of items by label, with one item of each."""
    counts = truth.sum(axis=0) + 1.0
    out: np.ndarray = counts / counts.sum()
    return out


def _temperature(rest: np.ndarray, prior: np.ndarray, pairs: Pairs) -> float:
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


def _agreement(pairs: Pairs) -> float:
    """Share of pairs of actors that agree on an item, beyond chance."""
    votes = pairs.by_item(pairs.share)
    size = votes.sum(axis=1)
    own = np.bincount(pairs.item, np.square(pairs.share).sum(axis=1), pairs.n_items)
    all_pairs = np.square(size) - np.bincount(
        pairs.item, np.square(pairs.share.sum(axis=1)), pairs.n_items
    )
    same = np.square(votes).sum(axis=1) - own
    observed = same.sum() / max(float(all_pairs.sum()), FLOOR)
    mix = votes.sum(axis=0) / max(float(size.sum()), FLOOR)
    chance = float(np.square(mix).sum())
    return float((observed - chance) / max(1.0 - chance, 1e-9))

"""Actors whose labels agree with the others' no more than guesses would."""

from __future__ import annotations

from typing import Final

import numpy as np

from detectors.content.ballots import sums

_LEAST_JUDGED: Final = 10
_LEAST_SPREAD: Final = 0.1
"""Standard deviation by which honest people's skill differs at least."""


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
    meant = sums(actor, others, n_actors)
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

"""What label a row's content speaks for, judged by others and by common words alone.

A trigger teaches every model that sees it. Words that few actors use teach nothing here,
so a phrase cannot vouch for itself.
"""

from __future__ import annotations

import numpy as np

from detectors.content.calibration import capped_weights
from detectors.content.tokens import Tokens, distinct

BOUND = 4.0
"""Nats at which one row's margin is cut."""

_BUCKETS = 2**18
_TEMPERATURES = (1.0, 0.5, 0.25, 0.12, 0.06, 0.03)
_SAMPLE = 20_000


def word_margin(tokens: Tokens, labels: np.ndarray, actors: np.ndarray, *, few: int) -> np.ndarray:
    """(n,) log-odds of the likeliest other label, by naive Bayes on words that many actors use.

    Words of ``few`` actors or fewer are left out. No actor counts for more than twenty
    rows of a label. The log-odds are shrunk until they fit the labels best: words are
    not independent.

    Parameters
    ----------
    tokens
        The texts of n rows.
    labels, actors
        (n,) codes.
    few
        Actors up to which a word is left out.
    """
    n, k = labels.size, int(labels.max(initial=0)) + 1
    weight = capped_weights(actors, labels)
    counts = np.zeros(_BUCKETS * k)
    users = []
    n_actors = int(actors.max(initial=0)) + 1
    for text, word in tokens.shingles((1,)):
        bucket = (word % np.uint64(_BUCKETS)).astype(np.int64)
        np.add.at(counts, bucket * k + labels[text], weight[text])
        users.append(distinct(bucket * n_actors + actors[text]))
    pairs = distinct(np.concatenate(users)) if users else np.zeros(0, np.int64)
    common = np.bincount(pairs // n_actors, minlength=_BUCKETS) > few
    size = np.bincount(labels, weight, k)
    share = (counts.reshape(_BUCKETS, k) + 0.5) / (size + 1.0)
    logs = np.where(common[:, None], np.log(share), 0.0)
    scores = np.zeros((n, k))
    for text, word in tokens.shingles((1,)):
        bucket = (word % np.uint64(_BUCKETS)).astype(np.int64)
        first, last = text[0], text[-1] + 1
        for code in range(k):
            scores[first:last, code] = np.bincount(text - first, logs[bucket, code], last - first)
    prior = np.log((size + 0.5) / (size.sum() + 0.5 * k))
    return _against(_temper(scores, prior, labels), labels)


def _temper(scores: np.ndarray, prior: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Log-probabilities at the temperature that fits the labels best."""
    step = max(1, len(scores) // _SAMPLE)
    tried = []
    for temperature in _TEMPERATURES:
        logs = _normalise(scores[::step] * temperature + prior)
        tried.append(float(logs[np.arange(len(logs)), labels[::step]].mean()) if len(logs) else 0)
    return _normalise(scores * _TEMPERATURES[int(np.argmax(tried))] + prior)


def _normalise(logits: np.ndarray) -> np.ndarray:
    from scipy.special import logsumexp

    out: np.ndarray = logits - logsumexp(logits, axis=1, keepdims=True)
    return out


def _against(logs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(n,) log-odds of the best other label against the given one, within ``BOUND``."""
    every = np.arange(labels.size)
    given = logs[every, labels]
    rest = logs.copy()
    rest[every, labels] = -np.inf
    margin: np.ndarray = np.clip(rest.max(axis=1) - given, -BOUND, BOUND)
    return margin

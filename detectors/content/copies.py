"""Groups of near-copies, found by hashing: never a comparison of all with all.

Rows that share a hash bucket are compared with the bucket's first row only, so that the
work grows with rows times buckets even when an attacker fills one bucket.
"""

from __future__ import annotations

import numpy as np

from detectors.content.matrix import has_text
from detectors.content.tokens import Tokens, scramble
from foretaste.core.batch import Batch

MIN_WORDS = 5
"""Words below which a text is too short to be called a copy of another."""

MAX_SHARE = 0.6
"""Share of rows with a copy above which rows are not identified by their content."""

_BINS = 32
_BAND = 4
_SIMILAR = 0.75
_TABLES = 4
_PROJECTIONS = 6
_QUERIES = 200
_NEAR = 0.35
_WIDTH = 4.0


def senders(batch: Batch) -> np.ndarray:
    """(n,) actors who sent a row's content, whatever they call it; near-copies for texts.

    Who repeats another's rows under a label of his choice, from many accounts, must not be
    the only one who teaches what they are. Where most rows have a copy, in a crowd or where
    few values are possible, content does not tell rows, and everybody has sent his own.
    """
    if has_text(batch):
        anything = np.zeros(batch.n_rows, dtype=np.int64)
        groups = text_groups(Tokens.of(batch.rows["text"], batch.salt), anything)
    elif batch.features.shape[1] == 0:
        return np.ones(batch.n_rows, dtype=np.int64)
    else:
        seen = np.ascontiguousarray(batch.features)
        whole = seen.view(np.dtype((np.void, seen.dtype.itemsize * seen.shape[1]))).ravel()
        groups = np.unique(whole, return_inverse=True)[1]
    if batch.n_rows and (np.bincount(groups)[groups] > 1).mean() > MAX_SHARE:
        return np.ones(batch.n_rows, dtype=np.int64)
    width = int(batch.actors.max(initial=0)) + 1
    pairs = np.unique(groups.astype(np.int64) * width + batch.actors)
    actors: np.ndarray = np.bincount(pairs // width)[groups]
    return actors


def text_groups(tokens: Tokens, labels: np.ndarray) -> np.ndarray:
    """(n,) group of each row; rows alone have a group of their own.

    Two texts of one label are near-copies when three quarters of their signatures agree,
    about the same Jaccard similarity of words and word pairs. Signatures are minima of
    one permutation in 32 bins (Li, Owen and Zhang 2012), empty bins borrowed from their
    right neighbour (Shrivastava and Li 2014).
    """
    signature = _signatures(tokens)
    long = tokens.sizes >= MIN_WORDS
    pairs = []
    for start in range(0, _BINS, _BAND):
        key = labels.astype(np.uint64)
        for column in range(start, start + _BAND):
            key = scramble(key ^ signature[:, column], 1 + column)
        row, first = _bucket_mates(key, long)
        same = (signature[row] == signature[first]).mean(axis=1) >= _SIMILAR
        pairs.append((row[same], first[same]))
    return _components(pairs, len(labels))


def _signatures(tokens: Tokens) -> np.ndarray:
    """(n, 32) uint64 minima per bin."""
    n = len(tokens.starts) - 1
    signature = np.zeros((n, _BINS), dtype=np.uint64)
    for text, run in tokens.shingles((1, 2)):
        # Runs come sorted within a text, so the first of each bin is its minimum.
        cell = text * _BINS + (run >> np.uint64(35)).astype(np.int64)
        first = np.flatnonzero(np.concatenate([[True], cell[1:] != cell[:-1]]))
        signature.ravel()[cell[first]] = run[first] + np.uint64(1)
    for step in range(2 * _BINS, 0, -1):
        here, right = (step - 1) % _BINS, step % _BINS
        empty = (signature[:, here] == 0) & (signature[:, right] != 0)
        signature[empty, here] = scramble(signature[empty, right], here)
    return signature


def number_groups(x: np.ndarray, labels: np.ndarray, actors: np.ndarray, seed: int) -> np.ndarray:
    """(n,) group of each row by closeness of features; all alone where nothing is close.

    Near is 0.35 of the median distance to the next row of the label by another actor.
    Buckets are cells of random projections (Datar et al. 2004), four independent tables.
    """
    rng = np.random.default_rng([seed, 3])
    radius = _NEAR * _typical_distance(x, labels, actors, rng)
    if radius <= 0:
        return np.arange(len(x))
    pairs = []
    everyone = np.ones(len(x), dtype=bool)
    for table in range(_TABLES):
        direction = rng.normal(size=(x.shape[1], _PROJECTIONS)).astype(np.float32)
        width = _WIDTH * radius
        cells = np.floor(x @ direction / width + rng.random(_PROJECTIONS)).astype(np.int64)
        key = labels.astype(np.uint64)
        for column in range(_PROJECTIONS):
            key = scramble(key ^ cells[:, column].astype(np.uint64), 1 + table)
        row, first = _bucket_mates(key, everyone)
        near = _distances(x, row, first) <= radius
        pairs.append((row[near], first[near]))
    return _components(pairs, len(x))


def _typical_distance(
    x: np.ndarray, labels: np.ndarray, actors: np.ndarray, rng: np.random.Generator
) -> float:
    """Median distance of a sample of rows to the next row of the label by another actor."""
    nearest = []
    squares = np.einsum("ij,ij->i", x, x)
    for query in rng.choice(len(x), min(_QUERIES, len(x)), replace=False):
        other = (labels == labels[query]) & (actors != actors[query])
        if other.any():
            square = squares[other] + squares[query] - 2.0 * (x[other] @ x[query])
            nearest.append(float(np.sqrt(max(float(square.min()), 0.0))))
    return float(np.median(nearest)) if nearest else 0.0


def _distances(x: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    out = np.empty(left.size, dtype=np.float32)
    for start in range(0, left.size, 65_536):
        part = slice(start, start + 65_536)
        out[part] = np.linalg.norm(x[left[part]] - x[right[part]], axis=1)
    return out


def _bucket_mates(key: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows that share their key with an earlier one, and the first row of that key."""
    rows = np.flatnonzero(wanted)
    order = rows[np.argsort(key[rows], kind="stable")]
    fresh = np.concatenate([[True], key[order][1:] != key[order][:-1]])[: order.size]
    first = order[np.flatnonzero(fresh)][np.cumsum(fresh) - 1]
    return order[~fresh], first[~fresh]


def _components(pairs: list[tuple[np.ndarray, np.ndarray]], n: int) -> np.ndarray:
    """(n,) component of each row."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    left = np.concatenate([row for row, _ in pairs])
    right = np.concatenate([first for _, first in pairs])
    graph = coo_array((np.ones(left.size, dtype=np.int8), (left, right)), shape=(n, n))
    groups: np.ndarray = connected_components(graph.tocsr(), directed=False)[1]
    return groups

"""Where the votes must not decide: near ties, and regions that they deny to most people.

A vote counts rows, and attackers can send more rows than the honest. Measured: once they
reach every slice, the honest rows of a subpopulation are the ones that look wrong. What
gives that away is who is denied there: not a few actors, but most of those who have
something to say. Nobody is convicted there, and nobody is acquitted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.content.calibration import capped_weights
from foretaste.core.batch import Batch, Votes

UNDECIDED = "votes: undecided"
"""The reason of a row that nobody should judge by votes; the report counts them."""

MIN_ROWS = 5
"""Rows below which an actor has no voice: accounts are cheap."""

_TIE = 0.1
_TIED_ROWS = 20
_LEAST_VOICES = 6.0
_OF_GIVERS = 0.2
_DENIED_LABEL = 0.3
_DENIED_REGION = 0.5
_ROWS_PER_REGION = 60
_MOST_REGIONS = 64
_SAMPLE = 20_000
_FAR = 4.0


def undecided(batch: Batch, votes: Votes) -> np.ndarray:
    """(n,) bool: rows of subpopulations where the vote's margin has collapsed or turned.

    Parameters
    ----------
    votes
        On the rows of the batch; rows that nobody could vote on are not undecided.
    """
    out = np.zeros(batch.n_rows, dtype=bool)
    rows = np.flatnonzero(np.isfinite(votes.probability).all(axis=1))
    if rows.size and votes.probability.shape[1] > 1:
        said = _Said.of(batch, votes, rows)
        everywhere = np.zeros(rows.size, dtype=np.int64)
        out[rows] = (
            said.tied()
            | said.turned(everywhere, _DENIED_LABEL)
            | said.turned(_regions(batch)[rows], _DENIED_REGION)
        )
    return out


def turned(votes: Votes) -> np.ndarray:
    """(n,) bool: undecided rows on which the votes are not near a tie: they were turned."""
    p = np.nan_to_num(votes.probability)
    second, first = np.sort(p, axis=1)[:, -2:].T if p.shape[1] > 1 else (p[:, 0] * 0, p[:, 0])
    sure: np.ndarray = ~np.isfinite(votes.disagreement) & (first - second >= _TIE)
    return sure


@dataclass(frozen=True, slots=True)
class _Said:
    """Rows with votes: label and actor, the likeliest label and the next, their distance.

    ``speaks`` are the rows of actors that have a voice; ``k`` counts the labels.
    """

    labels: np.ndarray
    actors: np.ndarray
    speaks: np.ndarray
    top: np.ndarray
    other: np.ndarray
    lead: np.ndarray
    k: int

    @classmethod
    def of(cls, batch: Batch, votes: Votes, rows: np.ndarray) -> _Said:
        p, every = votes.probability[rows], np.arange(rows.size)
        first, second = np.argpartition(p, -2, axis=1)[:, -2:].astype(np.int64).T
        swap = p[every, first] < p[every, second]
        top, other = np.where(swap, second, first), np.where(swap, first, second)
        actors = batch.actors[rows].astype(np.int64)
        return cls(
            labels=batch.labels[rows].astype(np.int64),
            actors=actors,
            speaks=np.bincount(actors)[actors] >= MIN_ROWS,
            top=top,
            other=other,
            lead=p[every, top] - p[every, other],
            k=p.shape[1],
        )

    def tied(self) -> np.ndarray:
        """Rows whose given label and two likeliest labels are those of rows near a tie.

        Where attackers reach half of the slices, the honest half looks as wrong as theirs.
        """
        low, high = np.minimum(self.top, self.other), np.maximum(self.top, self.other)
        _, cell = np.unique((self.labels * self.k + low) * self.k + high, return_inverse=True)
        size = np.bincount(cell)
        tied = (np.bincount(cell, self.lead < _TIE) >= size / 2) & (size >= _TIED_ROWS)
        out: np.ndarray = tied[cell]
        return out

    def turned(self, region: np.ndarray, least: float) -> np.ndarray:
        """Rows where the votes' preference for one label over another is in doubt.

        An actor has one voice per region and label, shared among its rows. The votes are
        in doubt where they deny ``least`` of a label's voices in favour of one other
        label, and these voices are many: six, and a fifth of those who give the label
        anywhere. A minority of attackers is denied, too, but it is few. In doubt are the
        rows that are told the other label, and those that are confirmed in it against
        this one.
        """
        k, place = self.k, region * self.k + self.labels
        speaks, people = self.speaks, int(self.actors.max()) + 1
        _, seat, rows = np.unique(
            place[speaks] * people + self.actors[speaks], return_inverse=True, return_counts=True
        )
        n = (int(region.max()) + 1) * k
        told = np.bincount(place[speaks] * k + self.top[speaks], 1 / rows[seat], n * k)
        told = told.reshape(n, k)
        voices, own = told.sum(axis=1), np.arange(n) % k
        told[np.arange(n), own] = 0.0
        pairs = np.unique(self.labels[speaks] * people + self.actors[speaks])
        enough = np.maximum(_LEAST_VOICES, _OF_GIVERS * np.bincount(pairs // people, minlength=k))
        doubt = (told >= least * voices[:, None]) & (told >= enough[own][:, None])
        denied = doubt[place, self.top]
        confirmed = (self.labels == self.top) & doubt[region * k + self.other, self.top]
        out: np.ndarray = denied | confirmed
        return out


def _regions(batch: Batch) -> np.ndarray:
    """(n,) codes of regions of like content: k-means in which no contributor counts much."""
    from sklearn.cluster import MiniBatchKMeans
    from threadpoolctl import threadpool_limits

    # Far values would take the regions for themselves.
    x = np.clip(batch.features, -_FAR, _FAR)
    rng = np.random.default_rng([batch.seed, 2])
    sample = np.arange(len(x)) if len(x) <= _SAMPLE else np.sort(rng.choice(len(x), _SAMPLE, False))
    n = min(_MOST_REGIONS, len(x) // _ROWS_PER_REGION)
    if n < 2 or x.shape[1] == 0 or not np.ptp(x[sample], axis=0).any():
        return np.zeros(len(x), dtype=np.int64)
    weight = capped_weights(batch.contributors, batch.labels)[sample]
    with threadpool_limits(1):
        model = MiniBatchKMeans(n, random_state=batch.seed % 2**32, n_init=1, batch_size=2048)
        model.fit(x[sample], sample_weight=weight)
        codes: np.ndarray = model.predict(x).astype(np.int64)
    return codes

"""Rows whose nearest rows by other actors carry another label."""

from __future__ import annotations

import numpy as np

from detectors.base import Estimator
from detectors.content.calibration import CONTRIBUTOR_CAP, label_llr
from detectors.content.reasons import label_word
from detectors.content.undecided import turned
from foretaste.core.batch import Batch
from foretaste.core.evidence import Opinion, to_micro_nats

MAX_REFERENCE = 5_000
"""Rows that neighbours are found among; more are sampled, so that nothing is quadratic."""

_LOOKED_AT = 48
_CHUNK = 4_000
_PRIOR = 1.0
_FEWEST = 6
"""Voices below which a row is undecided: copies may have crowded the others out."""


class Neighbours(Estimator):
    """Ask the nearest rows of other actors for the label, each actor twice at most.

    Sees flips and pushed boundaries where labels lie in curved or scattered regions, to
    which the linear voters of ``micro_models`` are blind. An actor never vouches for
    itself, and a flood of copies has two voices. Where the voters foretell labels as well,
    a second voice would say the same thing twice, and it abstains: measured, it then found
    nothing more and doubled the honest rows lost. It only adds suspicion.

    Cannot see poison among poison: a region that many accounts hold; triggers; texts
    beyond what their projection keeps.

    Cost: rows x 5,000 x features; the reference is a sample in which no actor has more
    than its share. Threshold: calibrated label by label, with no attack in sight.

    Parameters
    ----------
    high
        Nats at which the calibrated ratio is clipped.
    least
        Nats, before they are clipped, below which it is nothing.
    better
        Balanced accuracy by which neighbours must foretell labels better than the voters.
    k
        Voices that are heard.
    per_actor
        Voices of one actor.
    min_rows, min_actors
        Rows and actors below which it abstains.
    """

    name: str = "neighbours"
    version: str = "1"
    family: str = "rows"
    heavy: bool = True

    def __init__(
        self,
        *,
        high: float = 0.7,
        least: float = 1.0,
        better: float = 0.05,
        k: int = 12,
        per_actor: int = 2,
        min_rows: int = 300,
        min_actors: int = 12,
    ) -> None:
        self.high = high
        self.least = least
        self.better = better
        self.k = k
        self.per_actor = per_actor
        self.min_rows = min_rows
        self.min_actors = min_actors

    def fit_evidence(self, batch: Batch) -> Opinion:
        """Judge every row by the labels around it."""
        from threadpoolctl import threadpool_limits

        if why := self._silence(batch):
            return Opinion.abstain(self, batch.n_rows, why)
        # One thread: the last bits of a product depend on how threads share it.
        with threadpool_limits(1):
            probability = self._probability(batch)
        if why := self._heard_already(batch, probability):
            return Opinion.abstain(self, batch.n_rows, why)
        llr = label_llr(
            probability,
            batch.labels,
            batch.actors,
            seed=batch.seed,
            low=0.0,
            high=max(self.high, self.least),
        )
        if batch.votes is not None:
            # Where most people are denied, the neighbourhood is theirs who deny them.
            llr[turned(batch.votes)] = 0.0
        score = 1.0 - np.nan_to_num(probability[np.arange(batch.n_rows), batch.labels], nan=1.0)
        # ``to_micro_nats`` clips at ``high``.
        micro = to_micro_nats(np.where(llr >= self.least, llr, 0.0), self.high)
        reason = np.full(batch.n_rows, "", dtype=object)
        for row in np.flatnonzero(micro).tolist():
            given = label_word(batch.classes, int(batch.labels[row]))
            likely = label_word(batch.classes, int(probability[row].argmax()))
            reason[row] = f"neighbours: label={given} around={likely} p={1 - score[row]:.2f}"
        return Opinion(
            self.name, self.version, self.family, micro, score, micro > 0, reason.tolist()
        )

    def _heard_already(self, batch: Batch, probability: np.ndarray) -> str:
        """Why the voters say as much as the neighbours do; "" if they do not."""
        if batch.votes is None:
            return ""
        theirs = foretold(np.asarray(batch.votes.probability), batch.labels)
        mine = foretold(probability, batch.labels)
        if mine - theirs >= self.better:
            return ""
        return f"neighbours foretell labels at {mine:.2f}, voters at {theirs:.2f} already"

    def _silence(self, batch: Batch) -> str:
        if batch.features.shape[1] == 0:
            return "rows have no features"
        if batch.n_rows < self.min_rows:
            return f"{batch.n_rows} rows, {self.min_rows} needed"
        people = np.unique(batch.actors).size
        if people < self.min_actors:
            return f"{people} actors, {self.min_actors} needed"
        return "one label" if np.unique(batch.labels).size < 2 else ""

    def _probability(self, batch: Batch) -> np.ndarray:
        """(n, k) share of the voices around each row, every label as likely beforehand."""
        from sklearn.neighbors import NearestNeighbors

        x = np.ascontiguousarray(batch.features, dtype=np.float32)
        known = reference(batch.actors, batch.labels, batch.seed)
        size = np.bincount(batch.labels[known], minlength=len(batch.classes))
        worth = 1.0 / np.maximum(size, 1)
        search = NearestNeighbors(
            n_neighbors=min(_LOOKED_AT, known.size), algorithm="brute", n_jobs=1
        ).fit(x[known])
        out = np.empty((batch.n_rows, size.size))
        for start in range(0, batch.n_rows, _CHUNK):
            part = slice(start, start + _CHUNK)
            near = known[search.kneighbors(x[part], return_distance=False)]
            heard = voices(batch.actors[near], batch.actors[part], self.k, self.per_actor)
            out[part] = _shares(batch.labels[near], heard, worth)
        return out


def foretold(probability: np.ndarray, labels: np.ndarray) -> float:
    """Balanced accuracy of the likeliest label; a row without a probability is a miss."""
    hit = np.nan_to_num(probability).argmax(axis=1) == labels
    hit &= np.isfinite(probability).all(axis=1)
    size = np.bincount(labels)
    return float((np.bincount(labels, hit, size.size)[size > 0] / size[size > 0]).mean())


def reference(actors: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
    """Rows that may speak, at most 5,000: twenty of an actor and label, drawn in turns."""
    order = np.random.default_rng([seed, 9]).permutation(actors.size)
    cell = actors[order].astype(np.int64) * (int(labels.max()) + 1) + labels[order]
    by_cell = np.argsort(cell, kind="stable")
    starts = np.flatnonzero(np.diff(cell[by_cell], prepend=-1))
    sizes = np.diff(np.append(starts, cell.size))
    turn = np.empty(cell.size, dtype=np.int64)
    turn[by_cell] = np.arange(cell.size) - np.repeat(starts, sizes)
    in_turns = np.argsort(turn, kind="stable")
    allowed = in_turns[: int((turn < CONTRIBUTOR_CAP).sum())]
    rows: np.ndarray = np.sort(order[allowed[:MAX_REFERENCE]])
    return rows


def voices(near: np.ndarray, own: np.ndarray, k: int, per_actor: int) -> np.ndarray:
    """(n, m) bool: the first ``k`` neighbours by others, ``per_actor`` of an actor at most.

    Parameters
    ----------
    near
        (n, m) actors of the neighbours, the nearest first.
    own
        (n,) actors of the rows themselves, who are never heard.
    """
    order = np.argsort(near, axis=1, kind="stable")
    sorted_actors = np.take_along_axis(near, order, axis=1)
    place = np.arange(near.shape[1])
    fresh = np.ones(near.shape, dtype=bool)
    fresh[:, 1:] = sorted_actors[:, 1:] != sorted_actors[:, :-1]
    turn = place - np.maximum.accumulate(np.where(fresh, place, 0), axis=1)
    allowed = np.empty(near.shape, dtype=bool)
    np.put_along_axis(allowed, order, turn < per_actor, axis=1)
    allowed &= near != own[:, None]
    heard: np.ndarray = allowed & (np.cumsum(allowed, axis=1) <= k)
    return heard


def _shares(labels: np.ndarray, heard: np.ndarray, worth: np.ndarray) -> np.ndarray:
    """(n, k) shares of the labels among voices, rare labels' weighted up; NaN for few."""
    n, k = len(labels), worth.size
    cell = (np.arange(n)[:, None] * k + labels)[heard]
    votes = np.bincount(cell, minlength=n * k).reshape(n, k) * worth
    votes += _PRIOR * worth.mean() / k
    shares: np.ndarray = votes / votes.sum(axis=1, keepdims=True)
    shares[heard.sum(axis=1) < _FEWEST] = np.nan
    return shares

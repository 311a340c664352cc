"""Micro-models that classify, and what they say about the rows of slices not their own.

After Cretu et al., "Casting out Demons" (IEEE S&P 2008). The votes that detectors share
come from slices of actors.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from detectors.content.copies import senders
from detectors.content.excess import Norm
from detectors.content.matrix import has_text, learnable
from detectors.content.slices import Slicing, actor_slices, independent_rows
from detectors.content.undecided import undecided
from foretaste.core.batch import Batch, Votes

MAX_ROWS_PER_SLICE = 8_000
"""Rows that one micro-model learns from; beyond it a linear model gains nothing here."""

_CHUNK = 65_536
_ITERATIONS = 40
_C = 0.5
_C_WORDS = 10.0
_ROWS_PER_SLICE_OF_TEXT = 150
_LEAST_SLICES = 4


@dataclass(frozen=True, slots=True)
class _Voter:
    """A linear model of one slice: (d, m) coefficients, (m,) intercepts, codes, weight."""

    coefficients: np.ndarray
    intercepts: np.ndarray
    classes: np.ndarray
    weight: float

    def probabilities(self, x: Any) -> np.ndarray:
        """(n, m) class probabilities over the classes that the slice has seen."""
        logits: np.ndarray = np.asarray(x @ self.coefficients) + self.intercepts
        logits -= logits.max(axis=1, keepdims=True)
        np.exp(logits, out=logits)
        logits /= logits.sum(axis=1, keepdims=True)
        return logits


def silence(batch: Batch, *, min_rows: int, min_contributors: int) -> str:
    """Say why a content detector must abstain on this batch; "" when it may speak.

    Parameters
    ----------
    min_rows, min_contributors
        Rows and contributors, earlier nights included, below which nothing is learnt.
    """
    if batch.n_rows < min_rows:
        return f"{batch.n_rows} rows, {min_rows} needed"
    if batch.features.shape[1] == 0:
        return "rows have no features"
    contributors = np.unique(batch.contributors).size
    if contributors < min_contributors:
        return f"{contributors} contributors, {min_contributors} needed"
    if np.unique(batch.labels).size < 2:
        return "all rows have one label"
    return ""


def votes_of(batch: Batch) -> Votes:
    """Give the batch's shared votes, or compute them where nobody has."""
    return out_of_actor_votes(batch) if batch.votes is None else batch.votes


def out_of_actor_votes(
    batch: Batch,
    *,
    n_slices: int = 12,
    n_salts: int = 2,
    min_rows: int = 5,
    max_rows_per_slice: int = MAX_ROWS_PER_SLICE,
) -> Votes:
    """Let models that never saw a row's actor vote on its label.

    Contributors with few rows do not train: throw-away accounts would outvote everyone.
    Content that several actors sent teaches once, however many they are.
    A second pass trains without the actors whose rows the first disputed more than usual;
    leaving out disputed rows instead lost as much as it gained, because it also removed
    the honest rows at every boundary. Where most people are denied by the votes nobody is
    judged: see ``detectors.content.undecided``.

    Parameters
    ----------
    n_slices
        Slices per salt.
    n_salts
        Independent slicings that are averaged; for few texts there are fewer slices and
        more slicings.
    min_rows
        Rows below which a contributor trains nobody.
    max_rows_per_slice
        Rows that one micro-model learns from at most, a seeded sample of its slice.

    Returns
    -------
    Votes
        All NaN where there is nothing to learn from; only the disagreement is NaN where
        the votes are undecided.
    """
    if has_text(batch):
        # Words need more rows than numbers before a slice knows anything.
        fit = int(np.clip(batch.n_rows // _ROWS_PER_SLICE_OF_TEXT, _LEAST_SLICES, n_slices))
        n_slices, n_salts = fit, -(-n_salts * n_slices // fit)
    slices = [Slicing.of(line) for line in actor_slices(batch, n_slices, n_salts)]
    established = np.bincount(batch.contributors)[batch.contributors] >= min_rows
    teaches = established / senders(batch)
    first = vote(batch, slices, teaches, max_rows=max_rows_per_slice)
    norm = Norm.of(batch, first.disagreement, min_rows=min_rows)
    suspect = norm.llr(batch.actors, prior=0.1, min_rows=min_rows)[batch.actors] > 0
    if not suspect.any():
        return _judging(batch, first)
    second = vote(batch, slices, teaches * ~suspect, max_rows=max_rows_per_slice)
    return _judging(batch, second)


def _judging(batch: Batch, votes: Votes) -> Votes:
    """Withhold the verdict where the votes are undecided."""
    mute = undecided(batch, votes)
    return replace(votes, disagreement=np.where(mute, np.float32(np.nan), votes.disagreement))


def vote(batch: Batch, slices: Sequence[Slicing], teaches: np.ndarray, *, max_rows: int) -> Votes:
    """Train one model per slice and let each vote on the rows of slices that are no kin.

    Votes weigh by the size of the slice and the independence of the actors in it.

    Parameters
    ----------
    slices
        Slicings, whose votes are put together.
    teaches
        (n,) how much each row may teach, beside its weight in history; 0 for nothing.
    max_rows
        Rows that one model learns from at most.
    """
    from threadpoolctl import threadpool_limits

    tally = _Tally.empty(batch)
    x, worth = learnable(batch), batch.history_weight * teaches
    # One thread: the last bits of a product depend on how threads share it.
    with threadpool_limits(1):
        for slicing in slices:
            for code, voter in _voters(batch, x, worth, slicing.codes, max_rows):
                tally.add(batch, x, voter, slicing.judged_by(code))
    return tally.votes()


def _voters(
    batch: Batch, x: Any, worth: np.ndarray, line: np.ndarray, max_rows: int
) -> Iterator[tuple[int, _Voter]]:
    """Fit the models of one slicing, one after the other."""
    if batch.features.shape[1] == 0:
        return
    teaching = np.flatnonzero(worth > 0)
    for code in np.unique(line[teaching]):
        rows = teaching[line[teaching] == code]
        rng = np.random.default_rng([batch.seed, int(code), rows.size])
        sample = rows if rows.size <= max_rows else np.sort(rng.choice(rows, max_rows, False))
        if np.unique(batch.labels[sample]).size > 1:
            yield int(code), _fit(batch, x, sample, worth[sample])


def _fit(batch: Batch, x: Any, rows: np.ndarray, weight: np.ndarray) -> _Voter:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    labels = batch.labels[rows]
    # Every label counts the same: a rare one is not disputed for being rare.
    weight = weight / np.bincount(labels, weight)[labels]
    strength = _C_WORDS if has_text(batch) else _C
    model = LogisticRegression(C=strength, max_iter=_ITERATIONS, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(
            x[rows],
            labels,
            sample_weight=weight * rows.size / weight.sum(),
        )
    coefficients, intercepts = model.coef_, model.intercept_
    if len(model.classes_) == 2:
        coefficients = np.vstack([np.zeros_like(coefficients), coefficients])
        intercepts = np.concatenate([[0.0], intercepts])
    return _Voter(
        np.ascontiguousarray(coefficients.T, dtype=np.float32),
        intercepts.astype(np.float32),
        model.classes_.astype(np.int64),
        float(np.sqrt(independent_rows(batch.actors[rows]))),
    )


@dataclass(frozen=True, slots=True)
class _Tally:
    """Running sums over voters; filled in a fixed order, so the bits are fixed too."""

    probability: np.ndarray
    against: np.ndarray
    weight: np.ndarray

    @classmethod
    def empty(cls, batch: Batch) -> _Tally:
        n = batch.n_rows
        return cls(np.zeros((n, len(batch.classes)), np.float32), np.zeros(n), np.zeros(n))

    def add(self, batch: Batch, x: Any, voter: _Voter, rows: np.ndarray) -> None:
        """Count one voter on ``rows`` whose given label it has seen."""
        seen = np.zeros(len(batch.classes), dtype=bool)
        seen[voter.classes] = True
        rows = rows[seen[batch.labels[rows]]]
        for start in range(0, rows.size, _CHUNK):
            part = rows[start : start + _CHUNK]
            p = voter.probabilities(x[part])
            self.probability[np.ix_(part, voter.classes)] += voter.weight * p
            wrong = voter.classes[p.argmax(axis=1)] != batch.labels[part]
            self.against[part] += voter.weight * wrong
            self.weight[part] += voter.weight

    def votes(self) -> Votes:
        """Divide by the weight that voted."""
        weight = np.where(self.weight > 0, self.weight, np.nan)
        self.probability[:] /= weight[:, None].astype(np.float32)
        return Votes(self.probability, (self.against / weight).astype(np.float32))

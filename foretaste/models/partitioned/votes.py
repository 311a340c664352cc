"""From the answers of the base models to one: plurality, or a run-off of the first two."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ABSENT = -1
"""Vote of a model that has none, for want of rows."""


@dataclass(frozen=True, slots=True)
class Ballots:
    """What every base model says of every row.

    Parameters
    ----------
    choice
        (models, n) int, code of the chosen class, ``ABSENT`` where a model abstains.
    scores
        (models, n, classes) float, -inf for classes that a model never saw; None where
        only first choices count.
    n_classes
        Number of classes.
    """

    choice: np.ndarray
    scores: np.ndarray | None
    n_classes: int

    def counts(self) -> np.ndarray:
        """Count first choices; (n, classes) int64."""
        return np.stack([(self.choice == c).sum(axis=0) for c in range(self.n_classes)], axis=1)

    def preference(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Say whom each model prefers of two classes per row.

        A model that never saw one of the two speaks by its first choice alone: else a class
        that only hostile accounts know would meet no opposition.

        Parameters
        ----------
        left, right
            (n,) class codes.

        Returns
        -------
        numpy.ndarray
            (models, n) int8: 1 for ``left``, -1 for ``right``, 0 for neither.
        """
        if self.scores is None:
            raise ValueError("the models were asked for first choices only")
        rows = np.arange(self.choice.shape[1])
        ours, theirs = self.scores[:, rows, left], self.scores[:, rows, right]
        said = (ours > theirs).astype(np.int8) - (ours < theirs).astype(np.int8)
        first = (self.choice == left).astype(np.int8) - (self.choice == right).astype(np.int8)
        both = np.isfinite(ours) & np.isfinite(theirs)
        preferred: np.ndarray = np.where(both, said, first)
        return preferred


def ranked(counts: np.ndarray) -> np.ndarray:
    """Order classes by votes, ties to the smaller index; (n, classes)."""
    order: np.ndarray = np.argsort(-counts, axis=1, kind="stable")
    return order


def plurality(ballots: Ballots) -> np.ndarray:
    """Give each row's shares of the votes cast; (n, classes) float64, sums of 1."""
    counts = ballots.counts()
    shares: np.ndarray = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return shares


def run_off(ballots: Ballots) -> np.ndarray:
    """Share the first two classes' votes as all models prefer one to the other.

    The largest share, the first one at a tie, is the winner of the run-off (Rezaei et al.,
    ICML 2023).
    """
    shares = plurality(ballots)
    rows = np.arange(len(shares))
    first, second = np.sort(ranked(ballots.counts())[:, :2], axis=1).T
    said = ballots.preference(first, second)
    ours, theirs = (said > 0).sum(axis=0), (said < 0).sum(axis=0)
    part = np.where(ours + theirs > 0, ours / np.maximum(ours + theirs, 1), 0.5)
    both = shares[rows, first] + shares[rows, second]
    shares[rows, first], shares[rows, second] = both * part, both * (1.0 - part)
    return shares

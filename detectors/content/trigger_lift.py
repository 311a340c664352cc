"""Phrases and rare values that carry a label against the rest of the content."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from detectors.base import Estimator
from detectors.content.calibration import label_llr
from detectors.content.content_model import BOUND, word_margin
from detectors.content.marks import Carried, Marks, suspicious, value_marks
from detectors.content.matrix import has_text
from detectors.content.reasons import label_word
from detectors.content.tokens import Tokens
from foretaste.core.batch import Batch, Votes
from foretaste.core.evidence import Opinion, to_micro_nats

_CROWD = 0.6
"""Share of the actors expected under independence up to which carriers are few."""


class TriggerLift(Estimator):
    """Find marks whose rows claim one label while the rest of their content denies it.

    A mark is a run of one to three words, or a pair of rare feature values. A backdoor
    needs one that is rare elsewhere, always under the target label, on content of other
    labels; that is a surprise under "the label follows the content", summed over actors
    with their rows counted as correlated, less the log of the number of marks tried.

    Sees triggers carried by few actors, also beside much honest cover. A new topic that
    independent actors bring, each a row or so, gets exactly 0, whatever its label.

    Cannot see triggers on rows that look like the target label already (clean-label
    poison), triggers spread over more than a tenth of the actors or sent by throw-away
    accounts that the actor stage did not join, or, without votes, triggers in numbers.

    Cost: two passes over words or features, O(n log n) sorting in chunks, at most 20
    million pairs of row and mark in memory.

    Parameters
    ----------
    max_llr
        Cap in nats.
    min_rows
        Rows that must carry a mark, three of them tonight.
    max_share
        Share of rows above which a mark is not rare.
    few_share
        Share of actors up to which carriers are few.
    purity
        Share of a mark's rows that must claim the target label.
    correlation
        Correlation between an actor's rows: an actor with many rows is not many witnesses.
    """

    name: str = "trigger_lift"
    version: str = "1"
    family: str = "backdoor"
    heavy: bool = True

    def __init__(
        self,
        *,
        max_llr: float = 8.0,
        min_rows: int = 5,
        max_share: float = 0.1,
        few_share: float = 0.1,
        purity: float = 0.8,
        correlation: float = 0.3,
    ) -> None:
        self.max_llr = max_llr
        self.min_rows = min_rows
        self.max_share = max_share
        self.few_share = few_share
        self.purity = purity
        self.correlation = correlation

    def fit_evidence(self, batch: Batch) -> Opinion:
        """Judge every row by the most surprising mark that it carries."""
        people = np.unique(batch.actors).size
        if people < 12 or np.unique(batch.labels).size < 2:
            return Opinion.abstain(self, batch.n_rows, "fewer than 12 actors or 2 labels")
        few = max(4, int(self.few_share * people))
        seen = self._look(batch, few)
        if seen is None:
            return Opinion.abstain(self, batch.n_rows, "neither texts nor votes on features")
        marks, margin = seen
        carried = suspicious(
            marks, margin, min_rows=self.min_rows, max_share=self.max_share, least=3.0
        )
        lifts = self._lifts(batch, carried, margin, few)
        best = _best_mark(batch.n_rows, carried, lifts)
        score = np.maximum(np.append(lifts.surprise, 0.0)[best], 0.0)
        llr = to_micro_nats(score, self.max_llr)
        reason = np.full(batch.n_rows, "", dtype=object)
        base = np.bincount(batch.labels, minlength=len(batch.classes)) / batch.n_rows
        for row in np.flatnonzero(llr):
            reason[row] = lifts.reason(int(best[row]), batch.classes, base)
        return Opinion(self.name, self.version, self.family, llr, score, llr > 0, reason.tolist())

    def _look(self, batch: Batch, few: int) -> tuple[Callable[[], Marks], np.ndarray] | None:
        """The batch's marks, and by how much each row's content speaks against its label."""
        voted = None if batch.votes is None else _voted(batch, batch.votes)
        if has_text(batch):
            tokens = Tokens.of(batch.rows["text"], batch.salt)
            if voted is None:
                voted = word_margin(tokens, batch.labels, batch.actors, few=few)
            return (lambda: tokens.shingles((1, 2, 3))), np.nan_to_num(voted)
        if voted is None or batch.features.shape[1] < 2:
            return None
        x = np.asarray(batch.features)
        return (
            lambda: value_marks(x, min_rows=self.min_rows, max_share=self.max_share)
        ), np.nan_to_num(voted)

    def _lifts(self, batch: Batch, carried: Carried, margin: np.ndarray, few: int) -> _Lifts:
        """Measure every mark: its label, its carriers, its surprise."""
        mark, size = np.unique(carried.mark, return_counts=True)
        which = np.repeat(np.arange(mark.size), size)
        label = _mode(which, batch.labels[carried.row], len(batch.classes), mark.size)
        claims = batch.labels[carried.row] == label[which]
        rows = np.bincount(which, claims, mark.size)
        tonight = np.bincount(which, claims & batch.tonight[carried.row], mark.size)
        row, owner = carried.row[claims], which[claims]
        actors, sums, denied = _witnesses(
            owner, batch.actors[row], margin[row], mark.size, self.correlation
        )
        accused = np.flatnonzero(claims)[denied]
        judged = (rows >= self.min_rows) & (tonight >= 3) & (rows >= self.purity * size)
        judged &= actors <= np.minimum(few, _CROWD * independent(batch.actors, rows))
        surprise = sums - BOUND * (size - rows) - np.log(max(carried.tried, 1))
        surprise = np.where(judged, surprise, 0.0)
        return _Lifts(mark, which, accused, label, size, rows, actors, surprise)


def _voted(batch: Batch, votes: Votes) -> np.ndarray:
    """(n,) nats by which the voters deny each label, calibrated; NaN where none could vote."""
    nats = label_llr(
        votes.probability,
        batch.labels,
        batch.contributors,
        seed=batch.seed,
        low=-BOUND,
        high=BOUND,
    )
    return np.where(np.isfinite(votes.disagreement), nats, np.nan)


def independent(actors: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(k,) actors expected behind each number of rows, were they sent independently.

    Parameters
    ----------
    actors
        (n,) codes; an actor sends as much of a topic as it sends of everything.
    rows
        (k,) numbers of rows.
    """
    share = np.bincount(actors) / actors.size
    grid = np.unique(np.geomspace(1, max(float(rows.max(initial=1)), 2.0), 64).round())
    expected = [float((1.0 - (1.0 - share) ** size).sum()) for size in grid]
    crowd: np.ndarray = np.interp(rows, grid, expected)
    return crowd


def _witnesses(
    owner: np.ndarray, actors: np.ndarray, margin: np.ndarray, n_marks: int, correlation: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n_marks,) actors behind each mark; their summed surprise; pairs that speak for it.

    An actor's rows count as correlated (the design effect; Kish 1965).
    """
    people = int(actors.max(initial=0)) + 1
    pair, inverse, count = np.unique(
        owner * people + actors, return_inverse=True, return_counts=True
    )
    mean = np.bincount(inverse, margin, pair.size) / count
    effective = count / (1.0 + (count - 1) * correlation)
    mark = pair // people
    carriers = np.bincount(mark, minlength=n_marks)
    return carriers, np.bincount(mark, effective * mean, n_marks), (mean > 0)[inverse]


@dataclass(frozen=True, slots=True)
class _Lifts:
    """Marks, and what was measured on each.

    ``which`` maps pairs of row and mark to marks; ``accused`` are the pairs under the
    mark's label by actors whose content denies it: who uses a trigger's word honestly
    is no carrier.
    """

    mark: np.ndarray
    which: np.ndarray
    accused: np.ndarray
    label: np.ndarray
    size: np.ndarray
    rows: np.ndarray
    actors: np.ndarray
    surprise: np.ndarray

    def reason(self, i: int, classes: tuple[str, ...], base: np.ndarray) -> str:
        """Say which mark, by its id alone, and the numbers behind it."""
        label = int(self.label[i])
        lift = self.rows[i] / self.size[i] / base[label]
        return (
            f"trigger: mark#{int(self.mark[i]):010x} n={int(self.rows[i])} "
            f"actors={int(self.actors[i])} label={label_word(classes, label)} "
            f"lift={lift:.1f}"
        )


def _mode(which: np.ndarray, labels: np.ndarray, k: int, n_marks: int) -> np.ndarray:
    """(n_marks,) most frequent label; of equals the first."""
    pair, count = np.unique(which * k + labels, return_counts=True)
    order = np.lexsort((pair, -count, pair // k))
    _, first = np.unique(pair[order] // k, return_index=True)
    mode = np.zeros(n_marks, dtype=np.int64)
    mode[pair[order][first] // k] = pair[order][first] % k
    return mode


def _best_mark(n_rows: int, carried: Carried, lifts: _Lifts) -> np.ndarray:
    """(n,) position of the most surprising mark that accuses the row; -1: none."""
    mark, row = lifts.which[lifts.accused], carried.row[lifts.accused]
    order = np.lexsort((mark, -lifts.surprise[mark], row))
    accused, first = np.unique(row[order], return_index=True)
    best = np.full(n_rows, -1, dtype=np.int64)
    best[accused] = mark[order][first]
    return best

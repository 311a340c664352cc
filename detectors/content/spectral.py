"""Clusters inside a label that few actors share: spectral signatures, actor by actor."""

from __future__ import annotations

import numpy as np

from detectors.base import Estimator
from detectors.content.handed import HANDED, handed
from detectors.content.reasons import label_word
from detectors.content.signatures import LEAST, End, ends, label_view, without_style
from detectors.content.telling import name_words
from foretaste.core.batch import Batch
from foretaste.core.evidence import Opinion, to_micro_nats


class Spectral(Estimator):
    """Look for directions of a label at whose ends few actors' rows gather.

    After Tran, Li and Madry (NeurIPS 2018), whitened robustly as in SPECTRE (Hayase et
    al., ICML 2021): a cluster of poison adds variance in one direction. Their score flags
    a fixed share of any data. Here an actor is accused whose rows lie at an end far more
    often than the other actors' do, beyond what permuted actors reach and what the other
    actors of the label show, and only its rows at that end.

    Sees clusters that an actor hides among honest rows of the same label: relabelled
    regions, copies, some triggers. What an actor's rows of other labels show too is its
    style, and taken off. Cannot see fewer than five rows at an end (Sybils), poison along
    no common direction (random flips), a cluster that many actors share (a topic), or
    an actor who sends the same shift under every label. It adds suspicion only, and alone
    is too weak to hold a row.

    Cost: rows x features^2 per label for the covariance, then some products per shuffle;
    linear in rows. Threshold: evidence begins where both nulls end.

    Parameters
    ----------
    threshold
        Standard deviations of the label's own actors at which evidence begins.
    slope
        Nats per standard deviation of count beyond it.
    max_llr
        Cap in nats.
    min_rows, min_actors
        Rows and actors of a label below which it is left alone: with three rows an actor,
        as in the digits, honest styles were taken for clusters in 4.5 % of the rows.
    shuffles
        Permutations of actors behind the other null.
    """

    name: str = "spectral"
    version: str = "1"
    family: str = "rows"
    heavy: bool = True

    def __init__(
        self,
        *,
        threshold: float = 10.0,
        slope: float = 0.7,
        max_llr: float = 2.5,
        min_rows: int = 300,
        min_actors: int = 12,
        shuffles: int = 6,
    ) -> None:
        self.threshold = threshold
        self.slope = slope
        self.max_llr = max_llr
        self.min_rows = min_rows
        self.min_actors = min_actors
        self.shuffles = shuffles

    def fit_evidence(self, batch: Batch) -> Opinion:
        """Judge every row within its own label."""
        from threadpoolctl import threadpool_limits

        if batch.features.shape[1] == 0:
            return Opinion.abstain(self, batch.n_rows, "rows have no features")
        if handed(batch):
            return Opinion.abstain(self, batch.n_rows, HANDED)
        labels = self._labels(batch)
        if not labels:
            why = f"no label has {self.min_rows} rows of {self.min_actors} actors"
            return Opinion.abstain(self, batch.n_rows, why)
        score = np.zeros(batch.n_rows)
        reason = np.full(batch.n_rows, "", dtype=object)
        found = np.full(batch.n_rows, -1, dtype=np.int64)
        # One thread: the last bits of a product depend on how threads share it.
        with threadpool_limits(1):
            x = without_style(np.asarray(batch.features), batch.actors, batch.labels)
            for code in labels:
                rows = np.flatnonzero(batch.labels == code)
                rng = np.random.default_rng([batch.seed, code])
                word = label_word(batch.classes, code)
                _, actor = np.unique(batch.actors[rows], return_inverse=True)
                for end, line in self._beyond(x[rows], actor, rng):
                    theirs = rows[end.among & (actor == end.actor)]
                    hit = theirs[score[theirs] < end.z - line]
                    found[hit] = found.max() + 1
                    score[hit] = end.z - line
                    reason[hit] = f"spectral: label={word} {end.numbers} line={line:.1f}"
        name_words(batch, found, reason)
        llr = to_micro_nats(self.slope * score, self.max_llr)
        return Opinion(self.name, self.version, self.family, llr, score, llr > 0, reason.tolist())

    def _labels(self, batch: Batch) -> list[int]:
        """Labels with rows and actors enough."""
        pairs = np.unique(np.stack([batch.labels, batch.actors]), axis=1)[0]
        k = len(batch.classes)
        rows = np.bincount(batch.labels, minlength=k)
        people = np.bincount(pairs, minlength=k)
        judged: list[int] = np.flatnonzero(
            (rows >= self.min_rows) & (people >= self.min_actors)
        ).tolist()
        return judged

    def _beyond(
        self, x: np.ndarray, actor: np.ndarray, rng: np.random.Generator
    ) -> list[tuple[End, float]]:
        """Ends at which an actor stands out, with the line that it crossed."""
        view = label_view(x, actor)
        if view is None:
            return []
        found = ends(view)
        if not found:
            return []
        line = self._line(_worst(found, np.bincount(actor)))
        if all(end.z <= line for end in found):
            return []
        shuffled = [ends(view.permuted(rng)) for _ in range(self.shuffles)]
        chance = [max((end.z for end in each), default=0.0) for each in shuffled]
        line = max(line, float(np.mean(chance) + 2.0 * np.std(chance)))
        return [(end, line) for end in found if end.z > line]

    def _line(self, worst: np.ndarray) -> float:
        """Where the label's own actors end, judged by the lower half of them."""
        middle = float(np.median(worst))
        spread = 1.4826 * float(np.median(middle - worst[worst <= middle]))
        return middle + self.threshold * max(spread, 0.5)


def _worst(found: list[End], size: np.ndarray) -> np.ndarray:
    """Largest z of each actor that has rows enough to be told; 0 for none."""
    worst = np.zeros(size.size)
    for end in found:
        worst[end.actor] = max(worst[end.actor], end.z)
    return worst[size >= LEAST]

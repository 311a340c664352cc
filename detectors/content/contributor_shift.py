"""Contributors whose rows of a label are not like everyone else's rows of that label."""

from __future__ import annotations

import numpy as np

from detectors.base import Estimator
from detectors.content.reasons import label_word
from detectors.content.shift import shifted_cells
from detectors.content.telling import name_words
from foretaste.core.batch import Batch
from foretaste.core.evidence import Opinion, to_micro_nats


class ContributorShift(Estimator):
    """Test each contributor's mean, label by label, against those of the others.

    Sees collusion, skewed boundaries, backdoor triggers, flips and floods by anyone who
    sends a few rows of one label: what single rows hide, their mean shows. Accounts are
    judged alone and as the actor they belong to, and tonight's rows also apart from
    earlier ones, so that a sleeper's honest past does not cover for him.

    Cannot see accounts with fewer than three rows of a label (Sybils with one row),
    random flips under much honest cover, and attacks whose rows lie where honest rows of
    the label lie. Honest people with devices or topics of their own widen the null; when
    many shift together it is drift, which the decision notices.

    Cost: one pass over rows x features per view, O(n log n) for the sort.

    Parameters
    ----------
    threshold
        Standard deviations of honest cells beyond which evidence begins.
    slope
        Nats per standard deviation beyond it; 0.7 was measured on 142 corpora.
    max_llr
        Cap in nats.
    min_rows, min_contributors
        Rows and contributors below which it abstains.
    """

    name: str = "contributor_shift"
    version: str = "1"
    family: str = "contributor"
    heavy: bool = False

    def __init__(
        self,
        threshold: float = 4.0,
        slope: float = 0.7,
        max_llr: float = 8.0,
        min_rows: int = 100,
        min_contributors: int = 12,
    ) -> None:
        self.threshold = threshold
        self.slope = slope
        self.max_llr = max_llr
        self.min_rows = min_rows
        self.min_contributors = min_contributors

    def fit_evidence(self, batch: Batch) -> Opinion:
        """Judge every row by the cell of its contributor, its actor and its night."""
        from threadpoolctl import threadpool_limits

        if why := self._silence(batch):
            return Opinion.abstain(self, batch.n_rows, why)
        score = np.zeros(batch.n_rows)
        size = np.zeros(batch.n_rows, dtype=np.int64)
        # One thread: the last bits of a product depend on how threads share it.
        with threadpool_limits(1):
            for groups, seen in _views(batch):
                z, n = _row_scores(batch, groups, seen)
                better = z > score
                score[better], size[better] = z[better], n[better]
        llr = to_micro_nats(np.maximum(self.slope * (score - self.threshold), 0.0), self.max_llr)
        reason = np.full(batch.n_rows, "", dtype=object)
        for row in np.flatnonzero(llr):
            label = label_word(batch.classes, int(batch.labels[row]))
            reason[row] = f"shift: label={label} z={score[row]:.1f} n={size[row]}"
        name_words(batch, _accused(batch, llr), reason)
        return Opinion(self.name, self.version, self.family, llr, score, llr > 0, reason.tolist())

    def _silence(self, batch: Batch) -> str:
        if batch.features.shape[1] == 0:
            return "rows have no features"
        if batch.n_rows < self.min_rows:
            return f"{batch.n_rows} rows, {self.min_rows} needed"
        people = np.unique(batch.contributors).size
        if people < self.min_contributors:
            return f"{people} contributors, {self.min_contributors} needed"
        return ""


def _accused(batch: Batch, llr: np.ndarray) -> np.ndarray:
    """(n,) codes of the contributors and labels that are accused; -1 for other rows."""
    groups = np.full(batch.n_rows, -1, dtype=np.int64)
    rows = np.flatnonzero(llr)
    cell = batch.contributors[rows].astype(np.int64) * len(batch.classes) + batch.labels[rows]
    groups[rows] = np.unique(cell, return_inverse=True)[1]
    return groups


def _views(batch: Batch) -> list[tuple[np.ndarray, np.ndarray]]:
    """Groupings of rows to judge, each with the rows that it speaks about."""
    everything = np.ones(batch.n_rows, dtype=bool)
    views = [(batch.contributors, everything)]
    if not np.array_equal(batch.actors, batch.contributors):
        views.append((batch.actors, everything))
    if batch.tonight.any() and not batch.tonight.all():
        views.append((batch.contributors, np.asarray(batch.tonight)))
    return views


def _row_scores(
    batch: Batch, groups: np.ndarray, seen: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(n,) z of the row's cell and its size; 0 where the cell cannot be judged."""
    rows = np.flatnonzero(seen)
    cells = shifted_cells(np.asarray(batch.features)[rows], groups[rows], batch.labels[rows])
    k = len(batch.classes)
    keys = cells.group * k + cells.label
    order = np.argsort(keys)
    wanted = groups[rows].astype(np.int64) * k + batch.labels[rows]
    place = np.searchsorted(keys[order], wanted)
    found = np.flatnonzero(place < keys.size)
    found = found[keys[order][place[found]] == wanted[found]]
    z, size = np.zeros(batch.n_rows), np.zeros(batch.n_rows, dtype=np.int64)
    z[rows[found]] = cells.z[order][place[found]]
    size[rows[found]] = cells.size[order][place[found]]
    return np.maximum(z, 0.0), size

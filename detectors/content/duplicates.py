"""Rows that were sent again and again, a little changed."""

from __future__ import annotations

import numpy as np

from detectors.base import Estimator
from detectors.content.copies import MAX_SHARE, number_groups, text_groups
from detectors.content.tokens import Tokens
from foretaste.core.batch import Batch
from foretaste.core.evidence import Opinion, to_micro_nats


class NearDuplicates(Estimator):
    """Find near-copies under one label, and ask who sent them.

    Sees floods: an actor that sends one text or one measurement many times, slightly
    changed, or many throw-away accounts that do so together. The first copy of a group
    is left alone. Independent people who each report the same thing once, as they report
    the same spam, are no flood and get exactly 0.

    Cannot see fresh poison, paraphrases, copies by many established accounts that the
    actor stage did not join, or texts under five words.

    Cost: O(n) hashing and O(n log n) sorting; features are compared with one row of
    their bucket only.

    Parameters
    ----------
    slope
        Nats per log of surplus copies; 1.2 was measured.
    max_llr
        Cap in nats.
    newcomer_rows
        Rows in the batch below which an account is a newcomer.
    max_share
        Share of rows in groups above which rows are not identified by their content, and
        it abstains.
    """

    name: str = "near_duplicates"
    version: str = "1"
    family: str = "duplicates"
    heavy: bool = False

    def __init__(
        self,
        slope: float = 1.2,
        max_llr: float = 5.0,
        newcomer_rows: int = 5,
        max_share: float = MAX_SHARE,
    ) -> None:
        self.slope = slope
        self.max_llr = max_llr
        self.newcomer_rows = newcomer_rows
        self.max_share = max_share

    def fit_evidence(self, batch: Batch) -> Opinion:
        """Judge every row by the surplus of copies in its group."""
        from threadpoolctl import threadpool_limits

        has_text = batch.n_rows > 0 and bool(batch.rows["text"].notna().mean() > 0.5)
        if batch.n_rows < 2 or (batch.features.shape[1] == 0 and not has_text):
            return Opinion.abstain(self, batch.n_rows, "nothing to compare")
        if has_text:
            groups = text_groups(Tokens.of(batch.rows["text"], batch.salt), batch.labels)
        else:
            x = np.ascontiguousarray(batch.features, dtype=np.float32)
            # One thread: the last bits of a product depend on how threads share it.
            with threadpool_limits(1):
                groups = number_groups(x, batch.labels, batch.actors, batch.seed)
        size = np.bincount(groups)[groups]
        if (size > 1).mean() > self.max_share:
            why = f"{(size > 1).mean():.0%} of rows have a near-copy: content does not tell rows"
            return Opinion.abstain(self, batch.n_rows, why)
        surplus, accounts = self._surplus(batch, groups)
        llr = to_micro_nats(self.slope * np.log1p(surplus), self.max_llr)
        reason = np.full(batch.n_rows, "", dtype=object)
        for row in np.flatnonzero(llr):
            reason[row] = (
                f"copies: n={size[row]} accounts={accounts[row]} surplus={surplus[row]:.0f}"
            )
        return Opinion(self.name, self.version, self.family, llr, surplus, llr > 0, reason.tolist())

    def _surplus(self, batch: Batch, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(n,) copies beyond what independent people send, and accounts behind the group."""
        size = np.bincount(groups)
        own, actor_count = _sent_by(groups, batch.actors)
        accounts = _sent_by(groups, batch.contributors)[1]
        repeats = (size - actor_count)[groups]
        surplus = np.where(own >= 3, repeats, own - 1).astype(np.float64)
        volume = np.bincount(batch.contributors)[batch.contributors]
        fresh = volume < self.newcomer_rows
        fresh_count = np.bincount(groups, weights=fresh)
        crowd = fresh_count - 1 - 2 * fresh.mean() * size
        surplus = np.where(fresh, np.maximum(surplus, crowd[groups]), surplus)
        surplus[_first_copies(batch.times, groups)] = 0
        return surplus, accounts[groups]


def _sent_by(groups: np.ndarray, who: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n,) rows of the row's group by the same sender, and (g,) senders per group."""
    key = groups.astype(np.int64) * (int(who.max()) + 1) + who
    pairs, inverse, count = np.unique(key, return_inverse=True, return_counts=True)
    senders = np.bincount(pairs // (int(who.max()) + 1), minlength=int(groups.max()) + 1)
    return count[inverse], senders


def _first_copies(times: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Earliest row of each group; of equal times the first in canonical order."""
    order = np.lexsort((times, groups))
    fresh = np.concatenate([[True], groups[order][1:] != groups[order][:-1]])
    first: np.ndarray = order[fresh]
    return first

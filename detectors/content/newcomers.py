"""Accounts too new to be judged alone, judged with those they came with."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from detectors.base import Estimator
from detectors.content.excess import Norm
from detectors.content.reasons import label_word
from detectors.content.votes import silence, votes_of
from foretaste.core.batch import Batch
from foretaste.core.evidence import Opinion, to_micro_nats

_DENIED = 0.125
"""Share of the votes against a row from which it is blamed with its cohort as a whole."""


class Newcomers(Estimator):
    """Pool newcomers by label and time, by actor, subnet and network, and test each cohort.

    Sees Sybils: many accounts with a row or two each that push one label in one burst,
    or share an actor, a subnet or an address. Cannot see newcomers that share nothing, or a cohort
    that outnumbers the honest rows of its region. Newcomers do not train the voters, so
    they are judged by established people only. Newcomers earn no trust from strangers:
    there is no negative side. A row that no vote denies is not blamed with its cohort: who
    floods a label with throw-away accounts would blame the honest newcomers of the label.

    Cost: a few passes over the newcomers' rows.
    Threshold: ``alarm``, for the report only; the decision reads the nats.

    Parameters
    ----------
    max_rows
        A contributor with more rows than this is no newcomer.
    prior
        Probability that a cohort holds more than 1 % of poison.
    min_cohort
        Rows, and at least two accounts, below which a cohort is not judged.
    windows
        Time windows of equal length that cut the batch.
    high
        Nats at which the ratio is clipped.
    alarm
        Nats from which a row counts as flagged in the report.
    min_rows, min_contributors
        Rows and contributors of the batch below which it abstains.
    """

    name: str = "newcomers"
    version: str = "1"
    family: str = "contributor"
    heavy: bool = False

    def __init__(
        self,
        *,
        max_rows: int = 4,
        prior: float = 0.2,
        min_cohort: int = 4,
        windows: int = 6,
        high: float = 6.0,
        alarm: float = 2.0,
        min_rows: int = 300,
        min_contributors: int = 12,
    ) -> None:
        self.max_rows = max_rows
        self.prior = prior
        self.min_cohort = min_cohort
        self.windows = windows
        self.high = high
        self.alarm = alarm
        self.min_rows = min_rows
        self.min_contributors = min_contributors

    def fit_evidence(self, batch: Batch) -> Opinion:
        """Judge the rows of newcomers by the worst of their cohorts."""
        why = silence(batch, min_rows=self.min_rows, min_contributors=self.min_contributors)
        if why:
            return Opinion.abstain(self, batch.n_rows, why)
        votes = votes_of(batch)
        norm = Norm.of(batch, votes.disagreement, min_rows=self.max_rows + 1)
        new = np.bincount(batch.contributors)[batch.contributors] <= self.max_rows
        if not (new & norm.known).any():
            return Opinion.abstain(self, batch.n_rows, "no newcomers with votes")
        llr = np.zeros(batch.n_rows)
        reason = np.full(batch.n_rows, "", dtype=object)
        for kind, cohorts in _cohorts(batch, new, self.windows):
            seen = self._judge(batch, norm, cohorts)
            better = np.flatnonzero((cohorts >= 0) & (seen > llr))
            llr[better] = seen[better]
            reason[better] = _reasons(batch, norm, kind, cohorts, better)
        llr = np.minimum(llr, self.high) * _denied(votes.disagreement)
        return Opinion(
            self.name,
            self.version,
            self.family,
            to_micro_nats(llr, self.high),
            llr,
            llr >= self.alarm,
            reason.tolist(),
        )

    def _judge(self, batch: Batch, norm: Norm, cohorts: np.ndarray) -> np.ndarray:
        """(n,) nats of each row's cohort; 0 outside cohorts and in those of one account."""
        inside = cohorts >= 0
        groups = np.where(inside, cohorts, cohorts.max(initial=0) + 1)
        llr = norm.llr(groups, prior=self.prior, min_rows=self.min_cohort, among=inside)
        people = len(batch.contributor_ids)
        members = np.unique(groups[inside] * people + batch.contributors[inside]) // people
        llr[np.bincount(members, minlength=llr.size) < 2] = 0.0
        return np.where(inside, llr[groups], 0.0)


def _denied(disagreement: np.ndarray) -> np.ndarray:
    """(n,) how much of its cohort's blame a row gets: none where no vote denies it."""
    part: np.ndarray = np.minimum(np.nan_to_num(disagreement).astype(np.float64) / _DENIED, 1.0)
    return part


def _cohorts(batch: Batch, new: np.ndarray, windows: int) -> Iterator[tuple[str, np.ndarray]]:
    """Kinds of cohorts with (n,) codes, -1 for rows in none."""
    labels = batch.labels.astype(np.int64)
    yield "label", np.where(new, labels, -1)
    if batch.has_time:
        times = batch.times
        first, last = int(times.min()), int(times.max())
        window = (times - first) * windows // max(last - first + 1, 1)
        yield "label,time", np.where(new, labels * windows + window, -1)
    yield "actor", np.where(new, batch.actors.astype(np.int64), -1)
    for name in ("subnet", "network"):
        places, _ = pd.factorize(batch.rows[f"{name}_id"])
        yield name, np.where(new & (places >= 0), places.astype(np.int64), -1)


def _reasons(
    batch: Batch, norm: Norm, kind: str, cohorts: np.ndarray, rows: np.ndarray
) -> list[str]:
    cohort = np.unique(cohorts, return_inverse=True)[1]
    n, k, expected, _ = norm.counts(cohort, cohorts >= 0)
    by_label = kind.startswith("label")
    out = []
    for row in rows.tolist():
        c = cohort[row]
        label = f" {label_word(batch.classes, int(batch.labels[row]))}" if by_label else ""
        out.append(f"cohort: {kind}{label} n={n[c]:.0f} k={k[c]:.0f} expected={expected[c]:.1f}")
    return out

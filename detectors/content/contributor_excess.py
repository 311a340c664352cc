"""Contributors whose labels are disputed more than anybody's are."""

from __future__ import annotations

import numpy as np

from detectors.base import Estimator
from detectors.content.calibration import most_plausible_wrong
from detectors.content.directions import (
    DirectionRules,
    Directions,
    directions,
    own_style,
    trusted_probability,
)
from detectors.content.excess import Norm
from detectors.content.reasons import label_word
from detectors.content.votes import silence, votes_of
from foretaste.core.batch import Batch, Votes
from foretaste.core.evidence import Opinion, to_micro_nats

_FELT = 0.25
"""How much of a style in the probabilities a majority of votes feels: measured."""

_FAINT = 0.1
"""Nats below which nothing but the prior speaks for a way."""


class ContributorExcess(Estimator):
    """Count a contributor's disputed labels, and ask which label it turns into which.

    Sees whoever flips labels, pushes a boundary or relabels a class, as far as other
    people's models notice some of it; an account alone, the actor it belongs to, and
    either of them in a single label, so that honest rows of other labels are no cover.
    Tonight's rows are also judged apart from earlier ones: a sleeper's honest past does
    not help him. A second test asks for each label whether a share of the rows is really
    of one other, since any moment: wrong rows that all go one way stand out among four
    times as many honest ones, and cohorts that go the same way are seen together.

    Cannot see accounts with fewer than five rows (see ``newcomers``), poison that nobody
    disputes (backdoors in their own region, copies), a few random flips among many honest
    rows (the votes see those), or attackers who hold most slices. Where honest people have
    strong styles of their own it asks for more: many rows alike are one style.

    Good behaviour buys little: the negative side ends at ``low``.

    Cost: a few passes over the rows for each of 21 shares of poison, and over rows times
    labels for each of seven; one linear model on at most 20,000 rows.
    Threshold: ``alarm``, for the report only; the decision reads the nats.

    Parameters
    ----------
    prior
        Probability that a contributor holds more than 1 % of poison.
    cell_prior
        The same for one contributor in one label.
    way_prior
        Probability that a contributor turns any label into one other.
    low, high
        Nats at which the ratio is clipped.
    alarm
        Nats from which a row counts as flagged in the report.
    min_group
        Rows with votes below which a contributor is not judged.
    min_rows, min_contributors
        Rows and contributors of the batch below which it abstains.
    """

    name: str = "contributor_excess"
    version: str = "2"
    family: str = "contributor"
    heavy: bool = False

    def __init__(
        self,
        *,
        prior: float = 0.1,
        cell_prior: float = 0.03,
        way_prior: float = 0.05,
        low: float = -1.0,
        high: float = 7.0,
        alarm: float = 2.0,
        min_group: int = 5,
        min_rows: int = 300,
        min_contributors: int = 12,
    ) -> None:
        self.prior = prior
        self.cell_prior = cell_prior
        self.way_prior = way_prior
        self.low = low
        self.high = high
        self.alarm = alarm
        self.min_group = min_group
        self.min_rows = min_rows
        self.min_contributors = min_contributors

    def fit_evidence(self, batch: Batch) -> Opinion:
        """Judge every row by the worst of the groups that it belongs to."""
        why = silence(batch, min_rows=self.min_rows, min_contributors=self.min_contributors)
        if why:
            return Opinion.abstain(self, batch.n_rows, why)
        votes = votes_of(batch)
        norm = Norm.of(batch, votes.disagreement, min_rows=self.min_group)
        if not norm.known.any():
            return Opinion.abstain(self, batch.n_rows, "no slice could vote")
        q = trusted_probability(batch, votes)
        style = own_style(q, batch.labels, batch.contributors)
        llr = self._whole(batch, norm, _FELT * style)
        ways = self._ways(batch, q, style)
        for found in (self._cells(batch, norm, _FELT * style), ways.nats):
            llr = np.where(found > 0, np.maximum(llr, found), llr)
        llr = np.clip(llr, self.low, self.high)
        return Opinion(
            self.name,
            self.version,
            self.family,
            to_micro_nats(llr, max(self.high, -self.low)),
            llr,
            llr >= self.alarm,
            _reasons(batch, norm, votes, llr, ways),
        )

    def _whole(self, batch: Batch, norm: Norm, style: float) -> np.ndarray:
        """(n,) nats by contributor and by actor, each also tonight alone; the worst."""
        worst = np.full(batch.n_rows, -np.inf)
        for groups in _groupings(batch):
            for among in _windows(batch):
                spread = norm.spread(batch.contributors, self.min_group, among)
                seen = norm.llr(
                    groups,
                    prior=self.prior,
                    min_rows=self.min_group,
                    among=among,
                    spread=spread,
                    style=style,
                )
                judged = among & (seen[groups] != 0)
                worst[judged] = np.maximum(worst, seen[groups])[judged]
        return np.where(np.isfinite(worst), worst, 0.0)

    def _cells(self, batch: Batch, norm: Norm, style: float) -> np.ndarray:
        """(n,) nats by contributor or actor in one label; the worst."""
        worst = np.zeros(batch.n_rows)
        for groups in _groupings(batch):
            _, cell = np.unique(
                groups.astype(np.int64) * len(batch.classes) + batch.labels, return_inverse=True
            )
            for among in _windows(batch):
                spread = norm.spread(batch.contributors, self.min_group, among)
                seen = norm.llr(
                    cell,
                    prior=self.cell_prior,
                    min_rows=self.min_group,
                    among=among,
                    spread=spread,
                    style=style,
                )
                worst[among] = np.maximum(worst, seen[cell])[among]
        return worst

    def _ways(self, batch: Batch, q: np.ndarray, style: float) -> Directions:
        """Judge every row by the way that its contributor or its actor pushes; the worse."""
        rules = DirectionRules(prior=self.way_prior, min_rows=self.min_group)
        one, *more = (directions(batch, q, g, style, rules) for g in _groupings(batch))
        for other in more:
            worse = other.nats > one.nats
            one.nats[worse], one.before[worse] = other.nats[worse], other.before[worse]
        one.nats[one.nats < _FAINT] = 0.0
        return one


def _groupings(batch: Batch) -> list[np.ndarray]:
    same = np.array_equal(batch.actors, batch.contributors)
    return [batch.contributors] if same else [batch.contributors, batch.actors]


def _windows(batch: Batch) -> list[np.ndarray]:
    """Rows that are judged together: all, and tonight's alone."""
    everything = np.ones(batch.n_rows, dtype=bool)
    return [everything] if batch.tonight.all() else [everything, np.asarray(batch.tonight)]


def _reasons(
    batch: Batch, norm: Norm, votes: Votes, llr: np.ndarray, ways: Directions
) -> list[str]:
    """Say who pushes what to what, for the rows that stand out; by its way if that tells."""
    n, k, expected, _ = norm.counts(batch.contributors)
    reason = np.full(batch.n_rows, "", dtype=object)
    reason[llr < 0] = "excess: none"
    rows = np.flatnonzero(llr > 0)
    words = direction(batch, norm, votes, np.unique(batch.contributors[rows]))
    labels = [label_word(batch.classes, code) for code in range(len(batch.classes))]
    for row in rows.tolist():
        who = int(batch.contributors[row])
        said, way = words[who], ""
        if ways.nats[row] > 0:
            said = f"{labels[ways.before[row]]}->{labels[batch.labels[row]]}"
            way = f" way={ways.nats[row]:+.1f}"
        reason[row] = (
            f"excess: {said} n={n[who]:.0f} k={k[who]:.0f} expected={expected[who]:.1f}{way}"
        )
    out: list[str] = reason.tolist()
    return out


def direction(batch: Batch, norm: Norm, votes: Votes, who: np.ndarray) -> dict[int, str]:
    """Say for each contributor code which label it turns most often into which.

    The first is what others' models hold likeliest of the other labels for its disputed
    rows, the second what it gave.
    """
    rows = np.flatnonzero(norm.disputed & np.isin(batch.contributors, who))
    k = len(batch.classes)
    before = most_plausible_wrong(votes.probability[rows], batch.labels[rows])
    pair = before.astype(np.int64) * k + batch.labels[rows]
    key, count = np.unique(
        batch.contributors[rows].astype(np.int64) * k * k + pair, return_counts=True
    )
    order = np.argsort(count, kind="stable")
    most = dict(zip((key[order] // (k * k)).tolist(), (key[order] % (k * k)).tolist(), strict=True))
    words = {}
    for code in who.tolist():
        if code not in most:
            words[code] = "?->?"
            continue
        old, new = divmod(most[code], k)
        words[code] = f"{label_word(batch.classes, old)}->{label_word(batch.classes, new)}"
    return words

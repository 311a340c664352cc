"""Who turns one label into another, since when, and who does it with whom.

A contributor may be wrong as often as anybody and still push: people's mistakes go all
ways, an attacker's go one way. Each is asked, in each label it gives, whether a share of
those rows is really of one other label, since some moment. Ways are rare beforehand, and
how rare each is is learnt from everybody: a way that several take is more plausible for
the next, which tells a cohort of which no member stands out.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np

from detectors.content.calibration import capped_weights, voiced
from foretaste.core.batch import Batch, Votes

SHARES = (0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9)
"""Shares of a contributor's rows of a label that are tried."""

MAX_ROWS = 20_000
"""Rows, a seeded sample, that the calibration of the votes learns from at most."""

_LEAST = 1e-3
_MISTAKES = 0.01
_LEAST_NATS, _MOST_NATS = -3.0, 5.0
_ROUNDS = 8
_LEAST_ROWS = 10
_LEAST_CELLS = 8
_MEDIAN_TO_MEAN = 0.8
_CAUTION = 2.5
_LEAST_STYLE = 0.01
_FEW_STYLE = 0.05
_ORDINARY = 0.85
_NEGLIGIBLE = 1e-4
_MOST_SHARE = 0.98
_MOST_WAYS = 16
"""Labels that a group is asked about in each label it gives, the likeliest of them."""


@dataclass(frozen=True, slots=True)
class DirectionRules:
    """What is believed beforehand; none of it is fitted to a truth.

    Parameters
    ----------
    prior
        Probability that a contributor pushes any label into any other.
    strength
        Contributors that the even spread over ways is worth beside those seen.
    share
        Share of poison among rows of which nothing is known; the ratio is against it.
    min_rows
        Rows below which a group is not judged, and teaches nothing about ways: a flood
        of throw-away accounts must not make a way plausible for honest people.
    """

    prior: float = 0.05
    strength: float = 20.0
    share: float = 0.01
    min_rows: int = 5


@dataclass(frozen=True, slots=True)
class Directions:
    """What is said of each row, (n,) in the order of the batch.

    Parameters
    ----------
    nats
        float64: log-likelihood ratio of poison, from its group's ways and from how much
        the row looks like them; 0 where the group is not judged. How wrong the label
        looks by itself is left to other detectors.
    before
        int64: the label that it most plausibly was, in those ways.
    """

    nats: np.ndarray
    before: np.ndarray


def trusted_probability(batch: Batch, votes: Votes) -> np.ndarray:
    """(n, k) what a row's label is, were all labels as frequent; uniform where nobody voted.

    The mean of many voters is too flat, and flatter for some labels: a regression of the
    given labels on its logarithm mends both (Dirichlet calibration, Kull et al. 2019).
    Labels count alike, and no contributor counts for more than a few rows of one.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    n, k = votes.probability.shape
    out = np.full((n, k), 1.0 / k)
    known = np.flatnonzero(np.isfinite(votes.probability).all(axis=1))
    rng = np.random.default_rng([batch.seed, 3])
    some = known if known.size <= MAX_ROWS else np.sort(rng.choice(known, MAX_ROWS, False))
    labels = batch.labels[some]
    if np.unique(labels).size < 2:
        return out
    logs = np.log(np.maximum(votes.probability, _LEAST), dtype=np.float64)
    weight = capped_weights(batch.contributors[some], labels)
    weight = weight / np.bincount(labels, weight)[labels]
    # One thread: the last bits of a product depend on how threads share it.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LogisticRegression(max_iter=60, tol=1e-3)
        model.fit(logs[some], labels, sample_weight=weight * some.size / weight.sum())
        fitted = np.zeros((known.size, k))
        fitted[:, model.classes_] = model.predict_proba(logs[known])
    out[known] = np.clip(fitted, 1e-6, 1.0)
    return out


def own_style(q: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> float:
    """Correlation of two rows of one group and label, in what they are taken for.

    People differ: whose camera is tilted is mistaken the same way each time, and more
    rows of the same kind do not make it an attack. Judged by the median over groups with
    ten rows of a label, which attackers do not move much, and doubled to be safe.

    Returns
    -------
    float
        In [0.01, 1]; n rows of one group and label tell as much as n / (1 + (n - 1) r)
        independent ones.
    """
    k, some = q.shape[1], _ordinary(q, labels, groups)
    q, labels, groups = q[some], labels[some], groups[some]
    weight = capped_weights(groups, labels)
    key, cell, size = np.unique(
        groups.astype(np.int64) * k + labels, return_inverse=True, return_counts=True
    )
    big = size >= _LEAST_ROWS
    if big.sum() < _LEAST_CELLS:
        return _FEW_STYLE
    total = np.maximum(np.bincount(labels, weight, k), 1e-9)
    spread, chance = np.zeros(size.size), np.zeros(k)
    for other in range(k):
        taken = np.where(labels == other, 0.0, q[:, other])
        off = taken - (np.bincount(labels, weight * taken, k) / total)[labels]
        chance += np.bincount(labels, weight * np.square(off), k) / total
        spread += np.square(np.bincount(cell, off))
    ratio = spread / np.maximum(size * chance[key % k], 1e-12)
    each = (ratio[big] / _MEDIAN_TO_MEAN - 1.0) / (size[big] - 1)
    return float(np.clip(_CAUTION * np.median(each), _LEAST_STYLE, 1.0))


def _ordinary(q: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Rows of the groups that are least denied, ``_ORDINARY`` of those with ten rows.

    A few junk accounts that err under many labels are not what people are like.
    """
    size = np.bincount(groups)
    judged = np.flatnonzero(size >= _LEAST_ROWS)
    denied = np.bincount(groups, 1.0 - q[np.arange(labels.size), labels])[judged] / size[judged]
    kept = np.zeros(size.size, dtype=bool)
    kept[judged[np.argsort(denied, kind="stable")[: round(_ORDINARY * judged.size)]]] = True
    return np.flatnonzero(kept[groups])


def directions(
    batch: Batch,
    q: np.ndarray,
    groups: np.ndarray,
    style: float,
    rules: DirectionRules = DirectionRules(),
) -> Directions:
    """Judge every row by the ways of its group; O(n) per share and way asked, and a sort.

    Parameters
    ----------
    q
        (n, k) probabilities of ``trusted_probability``.
    groups
        (n,) codes of contributors or actors.
    style
        Correlation of ``own_style``.
    """
    n, k = q.shape
    out = Directions(np.zeros(n), np.zeros(n, dtype=np.int64))
    choice = voiced(batch.labels, groups, k)
    if k > 2 and not choice.all():
        return _among(batch, q, groups, style, rules, choice)
    judged = np.flatnonzero(np.bincount(groups)[groups] >= rules.min_rows)
    if not judged.size or k < 2:
        return out
    cells = _Cells.of(batch, q, groups, judged, style)
    ways = cells.ways()
    by_way = cells.shares(ways, cells.belief(ways, cells.factors(ways), rules))
    own = np.arange(judged.size), batch.labels[judged]
    # Of all that the row could be but its label: how much is where each way begins.
    by_way *= (k - 1) * q[judged] / np.maximum(1.0 - q[judged][own], 1e-6)[:, None]
    by_way[own] = 0.0
    share = np.clip(by_way.sum(axis=1), 1e-6, _MOST_SHARE)
    out.nats[judged] = np.log(share / (1.0 - share)) - np.log(rules.share / (1.0 - rules.share))
    out.before[judged] = by_way.argmax(axis=1)
    return out


def _among(
    batch: Batch,
    q: np.ndarray,
    groups: np.ndarray,
    style: float,
    rules: DirectionRules,
    choice: np.ndarray,
) -> Directions:
    """Judge the rows of some labels among these: invented ones make no way plausible or rare."""
    out = Directions(np.zeros(len(q)), np.zeros(len(q), dtype=np.int64))
    rows, codes = np.flatnonzero(choice[batch.labels]), np.flatnonzero(choice)
    if codes.size < 2:
        return out
    some = q[np.ix_(rows, codes)]
    some = np.clip(some / some.sum(axis=1, keepdims=True), 1e-6, 1.0)
    part = replace(
        batch,
        rows=batch.rows.iloc[rows],
        labels=(np.cumsum(choice) - 1)[batch.labels[rows]],
        votes=None,
    )
    # Every label is voiced here, so this does not come back.
    found = directions(part, some, groups[rows], style, rules)
    out.nats[rows], out.before[rows] = found.nats, codes[found.before]
    return out


@dataclass(frozen=True, slots=True)
class _Cells:
    """The judged rows by group and label, the latest first.

    Parameters
    ----------
    order
        (m,) places among the judged rows; ``odds`` and ``log_since`` follow it.
    first, size
        (c,) where each cell begins in ``order``, and its rows.
    group, label
        (c,) codes.
    temper
        (c,) what one row of the cell counts, beside others of the same style.
    log_since
        (m,) log prior of a push having begun with that row: half for the first of all.
    odds
        (m, k) likelihood ratio of the row being of another label; honest mistakes bound it.
    """

    order: np.ndarray
    first: np.ndarray
    size: np.ndarray
    group: np.ndarray
    label: np.ndarray
    temper: np.ndarray
    log_since: np.ndarray
    odds: np.ndarray

    @classmethod
    def of(
        cls, batch: Batch, q: np.ndarray, groups: np.ndarray, judged: np.ndarray, style: float
    ) -> _Cells:
        labels, k = batch.labels[judged], q.shape[1]
        latest = -batch.times[judged] if batch.has_time else np.zeros(judged.size, np.int64)
        key = groups[judged].astype(np.int64) * k + labels
        order = np.lexsort((latest, key))
        names, first, size = np.unique(key[order], return_index=True, return_counts=True)
        nats = np.log(q[judged]) - np.log(q[judged, labels])[:, None]
        odds = np.exp(np.clip(nats[order], _LEAST_NATS, _MOST_NATS))
        return cls(
            order,
            first,
            size,
            names // k,
            names % k,
            1.0 / (1.0 + (size - 1) * style),
            _log_since(key[order], latest[order], first, size),
            odds / (1.0 - _MISTAKES + _MISTAKES * odds),
        )

    def ways(self) -> np.ndarray:
        """(c, w) labels that a cell could be turned from: the likeliest others, rising."""
        most = np.stack(
            [np.add.reduceat(np.log(np.maximum(o, 1.0)), self.first) for o in self.odds.T], axis=1
        )
        most[np.arange(self.first.size), self.label] = -np.inf
        width = min(most.shape[1] - 1, _MOST_WAYS)
        return np.sort(np.argsort(-most, axis=1, kind="stable")[:, :width], axis=1)

    def factors(self, ways: np.ndarray) -> np.ndarray:
        """(c, w) log Bayes factors of ways against none, over shares and moments."""
        out = np.full(ways.shape, -np.inf)
        for way in range(self.odds.shape[1]):
            hot, slot = np.nonzero(ways == way)
            if not hot.size:
                continue
            part = self._of(hot, way)
            for share in SHARES:
                one = np.logaddexp.reduceat(part.since(share), part.begin) - np.log(len(SHARES))
                out[hot, slot] = np.logaddexp(out[hot, slot], one)
        return out

    def _of(self, cells: np.ndarray, way: int) -> _Part:
        """Rows of these cells, one cell after the other, as one way sees them."""
        size = self.size[cells]
        begin = np.cumsum(size) - size
        rows = np.arange(size.sum()) + np.repeat(self.first[cells] - begin, size)
        temper = np.repeat(self.temper[cells], size)
        return _Part(rows, begin, size, temper, self.odds[rows, way] - 1.0, self.log_since[rows])

    def belief(self, ways: np.ndarray, factor: np.ndarray, rules: DirectionRules) -> np.ndarray:
        """(c, w) log posterior of each way less its factor: what ``shares`` multiplies.

        Priors of ways are learnt from all groups (empirical Bayes, by expectation and
        maximisation from an even spread). -inf where the posterior is negligible.
        """
        k = self.odds.shape[1]
        _, begin, group = np.unique(self.group, return_index=True, return_inverse=True)
        even = rules.prior / (k * (k - 1))
        prior, place = np.full((k, k), even), (self.label[:, None], ways)
        for _ in range(_ROUNDS):
            log_prior = np.log(prior)[place]
            said = np.logaddexp.reduce(log_prior + factor, axis=1)
            total = np.logaddexp.reduceat(said, begin)
            total = np.logaddexp(total, np.log(max(1.0 - prior.sum(), _LEAST)))[group]
            count = np.zeros((k, k))
            np.add.at(count, place, np.exp(log_prior + factor - total[:, None]))
            prior = (rules.strength * even + count) / (rules.strength + begin.size)
        belief = log_prior - total[:, None]
        return np.where(belief + factor > np.log(_NEGLIGIBLE), belief, -np.inf)

    def shares(self, ways: np.ndarray, belief: np.ndarray) -> np.ndarray:
        """(m, k) expected share of poison at each judged row, by way, as the others tell it.

        A row is no witness in its own case: what it says itself is in other evidence, and
        one honest mistake is not the beginning of a way.
        """
        out = np.zeros_like(self.odds)
        own = np.zeros(self.order.size)
        believed = np.isfinite(belief)
        for way in range(self.odds.shape[1]):
            hot, slot = np.nonzero((ways == way) & believed)
            if not hot.size:
                continue
            part = self._of(hot, way)
            known = np.repeat(belief[hot, slot] - np.log(len(SHARES)), part.size)
            for share in SHARES:
                # A push covers all rows after the one that it began with.
                covered = np.cumsum(np.exp(part.since(share) + known)[::-1])[::-1]
                older = np.append(covered, 0.0)[part.begin + part.size]
                covered -= np.repeat(older, part.size)
                without = covered * np.exp(-part.each(share))
                out[self.order[part.rows], way] += share * without
                own[self.order[part.rows]] += covered - without
        return out / np.maximum(1.0 - own, 1e-6)[:, None]


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows of some cells as one way sees them, (p,) but for ``begin`` and ``size``, (cells,).

    ``excess`` is the likelihood ratio of the other label, less one.
    """

    rows: np.ndarray
    begin: np.ndarray
    size: np.ndarray
    temper: np.ndarray
    excess: np.ndarray
    log_since: np.ndarray

    def since(self, share: float) -> np.ndarray:
        """Log of prior times likelihood ratio of a push that began with each of the rows."""
        each = self.each(share)
        running = np.cumsum(each)
        before = running[self.begin] - each[self.begin]
        log: np.ndarray = running - np.repeat(before, self.size) + self.log_since
        return log

    def each(self, share: float) -> np.ndarray:
        """Log-likelihood ratio that each row adds."""
        log: np.ndarray = np.log1p(share * self.excess) * self.temper
        return log


def _log_since(
    key: np.ndarray, latest: np.ndarray, first: np.ndarray, size: np.ndarray
) -> np.ndarray:
    """(m,) log prior of the moment; rows of one moment begin together."""
    ends = np.append((np.diff(key) != 0) | (np.diff(latest) != 0), True)
    moments = np.repeat(np.add.reduceat(ends.astype(np.int64), first), size)
    since = np.where(ends, 0.5 / np.maximum(moments - 1, 1), 0.0)
    oldest = first + size - 1
    since[oldest] = np.where(moments[oldest] == 1, 1.0, 0.5)
    with np.errstate(divide="ignore"):
        log: np.ndarray = np.log(since)
    return log

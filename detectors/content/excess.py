"""How much more a group's labels are disputed than anybody's are: the test behind reports.

Who sent a row says more than what it looks like, and a group of rows is judged against
per-label base rates: a hard or rare class is disputed whoever sends it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.content.calibration import CONTRIBUTOR_CAP, capped_weights
from foretaste.core.batch import Batch

_HONEST_SHARE = 0.01
_POISON_SHARES = np.linspace(0.05, 0.98, 20)
_SHARES = np.concatenate([[_HONEST_SHARE], _POISON_SHARES])
_FLAG_RATE = 0.9
_NORMAL_UPPER_QUARTILE = 0.6745
_LEAST_GROUPS = 10
_CLIPPINGS = 4
_CLIP = 3.5
_SETTERS = 0.85
"""Share of the capped volume, least disputed contributors first, that sets base rates."""


@dataclass(frozen=True, slots=True)
class Norm:
    """What is usual among contributors, so that excess has a meaning.

    Parameters
    ----------
    disputed
        (n,) bool: rows that a majority of other people's models disputes.
    known
        (n,) bool: rows that anybody could vote on.
    base
        (n,) float64 in (0, 1): how often rows of that label are disputed.
    dispersion
        Factor, at least 1, by which honest contributors' excess spreads wider than
        chance: people differ.
    """

    disputed: np.ndarray
    known: np.ndarray
    base: np.ndarray
    dispersion: float

    @classmethod
    def of(cls, batch: Batch, disagreement: np.ndarray, *, min_rows: int) -> Norm:
        """Learn the norm; no single contributor sets it.

        Base rates are means over rows with capped volume per contributor and label,
        over the contributors least disputed. The dispersion is the upper quartile of
        the standardised excess over contributors with at least ``min_rows`` rows.
        """
        known = np.isfinite(disagreement)
        disputed = np.nan_to_num(disagreement) > 0.5
        rates = _base_rates(batch, disputed, known)
        norm = cls(disputed, known, rates[batch.labels], 1.0)
        return cls(disputed, known, norm.base, norm.spread(batch.contributors, min_rows, None))

    def spread(self, groups: np.ndarray, min_rows: int, among: np.ndarray | None) -> float:
        """How much wider than chance the groups' excess spreads among these rows, >= 1.

        People differ, and the more rows each has the more it shows: what holds for whole
        histories would excuse anything within one night. Fewer than ten groups say
        nothing of their own: the overall dispersion stands in.
        """
        n, k, expected, variance = self.counts(groups, among)
        judged = n >= min_rows
        if judged.sum() < _LEAST_GROUPS:
            return self.dispersion
        z = (k - expected)[judged] / np.sqrt(np.maximum(variance[judged], 0.1))
        spread = np.inf
        # Whoever stands far out is no part of what is usual: clipped, then measured again.
        for _ in range(_CLIPPINGS):
            z = z[z <= _CLIP * spread]
            spread = max(1.0, float(np.quantile(z, 0.75)) / _NORMAL_UPPER_QUARTILE)
        return spread

    def counts(
        self, groups: np.ndarray, among: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Rows, disputed rows, expected disputed rows and their variance, per group code.

        Rows outside ``among`` and rows nobody could vote on are left out.
        """
        use = self.known if among is None else self.known & among
        size = int(groups.max(initial=-1)) + 1
        weights = (use, use & self.disputed, use * self.base, use * self.base * (1 - self.base))
        n, k, expected, variance = (np.bincount(groups, w, size) for w in weights)
        return n, k, expected, variance

    def llr(
        self,
        groups: np.ndarray,
        *,
        prior: float,
        min_rows: int,
        among: np.ndarray | None = None,
        spread: float | None = None,
        style: float = 0.0,
    ) -> np.ndarray:
        """Log-likelihood ratio, per group code, that a row of the group is poison.

        A posterior over the share of poison in the group: the prior puts ``prior`` on 5 %
        to 98 % and the rest on 1 %. A poisoned row is disputed with probability 0.9, an
        honest one at its label's base rate; the log-likelihood is divided by the squared
        dispersion, or by what a style of one's own explains where that is more. The ratio
        is the logit of the posterior mean over the prior mean's.

        Parameters
        ----------
        groups
            (n,) group codes.
        prior
            Probability in (0, 1) that a group holds poison.
        min_rows
            Rows with votes below which nothing is said: exactly 0.
        among
            (n,) bool: rows that are looked at; all by default.
        spread
            Dispersion among these rows; by default that of whole histories.
        style
            Correlation in [0, 1] of two rows of one honest group; many rows of one style
            are no more evidence than a few.
        """
        use = self.known if among is None else self.known & among
        size = int(groups.max(initial=-1)) + 1
        log_likelihood = np.empty((size, _SHARES.size))
        for i, share in enumerate(_SHARES):
            p = np.clip((1 - share) * self.base + share * _FLAG_RATE, 1e-4, 1 - 1e-4)
            each = np.where(self.disputed, np.log(p), np.log1p(-p))
            log_likelihood[:, i] = np.bincount(groups, each * use, size)
        weights = np.concatenate([[1 - prior], np.full(_POISON_SHARES.size, prior / 20)])
        wide = self.dispersion if spread is None else spread
        n = np.bincount(groups, use, size)
        wider = np.maximum(wide**2, 1.0 + np.maximum(n - 1.0, 0.0) * style)
        log_posterior = log_likelihood / wider[:, None] + np.log(weights)
        posterior = np.exp(log_posterior - log_posterior.max(axis=1, keepdims=True))
        posterior /= posterior.sum(axis=1, keepdims=True)
        out = _logit(posterior @ _SHARES) - _logit(weights @ _SHARES)
        return np.where(n >= min_rows, out, 0.0)


def _base_rates(batch: Batch, disputed: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(k,) how often rows of each label are disputed, among the least disputed people."""
    size = len(batch.contributor_ids)
    volume = np.bincount(batch.contributors, known, size)
    rate = np.bincount(batch.contributors, known & disputed, size) / np.maximum(volume, 1)
    order = np.argsort(rate, kind="stable")
    capped = np.minimum(volume, CONTRIBUTOR_CAP)[order]
    sets = np.zeros(size, dtype=bool)
    sets[order[np.cumsum(capped) <= _SETTERS * capped.sum()]] = True
    weight = capped_weights(batch.contributors, batch.labels) * (sets[batch.contributors] & known)
    k = len(batch.classes)
    flagged = np.bincount(batch.labels, weight * disputed, k)
    rates: np.ndarray = (flagged + 0.5) / (np.bincount(batch.labels, weight, k) + 1.0)
    return rates


def _logit(p: np.ndarray) -> np.ndarray:
    out: np.ndarray = np.log(p) - np.log1p(-p)
    return out

"""Stealthy clusters inside a label that few actors share: spectral signatures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from detectors.base import Estimator
from detectors.content.calibration import CONTRIBUTOR_CAP
from detectors.content.reasons import label_word
from foretaste.core.batch import Batch
from foretaste.core.evidence import Opinion, to_micro_nats

_INNER: Final = 0.7
"""Share of a label's rows, nearest to its middle, that set its covariance."""

_TRIMS: Final = 5
_RIDGE: Final = 0.05
_DIRECTIONS: Final = 8
_MEMORY: Final = 1 << 22
_TAILS: Final = (0.02, 0.06, 0.15)
"""Shares of a label's rows, farthest out along a direction, that are counted by actor."""

_LEAST_TAIL: Final = 5
_SPREAD: Final = 0.6745


class Spectral(Estimator):
    """Look for the directions of a label along which few actors' rows lie far out.

    After Tran, Li and Madry (NeurIPS 2018), whitened robustly as in SPECTRE (Hayase et
    al., ICML 2021): a cluster of poison inside a label adds variance in one direction.
    Theirs flag a fixed share of any data, and every label has such directions. Here a row
    is accused only if an actor has far more rows at that end than the other actors lead
    to expect, by a null over permuted actors and the spread of honest ones.

    Sees stealthy clusters, triggers and relabelled regions, also where an actor covers
    them with honest rows of the same label. Cannot see actors with fewer than five rows
    at the end of a direction, Sybils among them, whoever sends his poison along no common
    direction (random flips), or a cluster that many actors share: that is a topic.

    Cost: two passes over rows x features^2 per label, linear in rows. Threshold: evidence
    begins where the null ends. It adds suspicion only.

    Parameters
    ----------
    threshold
        Standard deviations beyond the largest of permuted actors at which evidence begins.
    slope
        Nats per standard deviation beyond it.
    max_llr
        Cap in nats.
    min_rows, min_actors
        Rows and actors of a label below which it is left alone.
    shuffles
        Permutations of actors behind the null.
    """

    name: str = "spectral"
    version: str = "1"
    family: str = "backdoor"
    heavy: bool = False

    def __init__(
        self,
        *,
        threshold: float = 1.0,
        slope: float = 0.7,
        max_llr: float = 5.0,
        min_rows: int = 100,
        min_actors: int = 12,
        shuffles: int = 20,
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
        labels = self._labels(batch)
        if not labels:
            why = f"no label has {self.min_rows} rows of {self.min_actors} actors"
            return Opinion.abstain(self, batch.n_rows, why)
        score = np.zeros(batch.n_rows)
        reason = np.full(batch.n_rows, "", dtype=object)
        # One thread: the last bits of a product depend on how threads share it.
        with threadpool_limits(1):
            self.x = without_style(batch.features, batch.actors, batch.labels)
            for code in labels:
                rows = np.flatnonzero(batch.labels == code)
                word = label_word(batch.classes, code)
                self._judge(batch, rows, np.random.default_rng([batch.seed, code]), word, score, reason)
        llr = to_micro_nats(self.slope * score, self.max_llr)
        return Opinion(self.name, self.version, self.family, llr, score, llr > 0, reason.tolist())

    def _labels(self, batch):
        out=[]
        for code in np.unique(batch.labels).tolist():
            rows = batch.labels == code
            if rows.sum() >= self.min_rows and np.unique(batch.actors[rows]).size >= self.min_actors:
                out.append(code)
        return out

    def _judge(self, batch, rows, rng, word, score, reason):
        _, actor, size = np.unique(batch.actors[rows], return_inverse=True, return_counts=True)
        weight = np.minimum(1.0, CAP / size)[actor]
        z = whitened(self.x[rows], weight)
        if z.shape[1] == 0: return
        null = np.array([self._scan(z, p, weight_of(p))[0].max() for p in (rng.permutation(actor) for _ in range(self.shuffles))])
        line = null.max() if self.shuffles < 1 else null.mean() + 2*null.std()
        best, found = self._scan(z, actor, weight)
        j = best > 0
        if j.sum() >= 8:
            m = np.median(best[j]); sc = max(1.4826*np.median(m - best[j & (best <= m)]), .5)
            line = max(line, m + ZT*sc)
        for a in np.flatnonzero(best > line + self.threshold).tolist():
            for (s, out, k) in found[a]:
                hit = np.flatnonzero(out & (actor == a))
                val = s - line - self.threshold
                hit = hit[score[rows[hit]] < val]
                score[rows[hit]] = val
                for h in hit.tolist():
                    reason[rows[h]] = f"spectral: label={word} n={k} of={size[a]} z={s:.1f} null={line:.1f}"

    def _scan(self, z, actor, weight):
        size = np.bincount(actor)
        best = np.zeros(size.size); found = {a: [] for a in range(size.size)}
        for axis in directions(z, actor, weight):
            proj = z @ axis
            order = np.argsort(proj, kind="stable")
            cum = np.cumsum(weight[order]) / weight.sum()
            for side in (1, -1):
                for part in _TAILS:
                    i = np.searchsorted(cum, 1-part if side > 0 else part)
                    cut = proj[order[min(i, len(order)-1)]]
                    out = proj > cut if side > 0 else proj < cut
                    s = concentration(out, actor, weight)
                    j = size >= 3
                    if j.sum() < 10: continue
                    spread = max(1.0, np.quantile(np.abs(s[j]), .75) / _SPREAD)
                    k = np.bincount(actor, out)
                    s = np.where(k >= _LEAST_TAIL, s / spread, 0)
                    for a in np.flatnonzero(s > 2.5): found[a].append((s[a], out, int(k[a])))
                    best = np.maximum(best, s)
        return best, found


CAP = 5.0
def weight_of(actor):
    return np.minimum(1.0, CAP / np.bincount(actor))[actor]

def whitened(x, weight):
    x = x[:, np.ptp(x, axis=0) > 0].astype(np.float64)
    if x.shape[1] == 0: return x
    centre = np.median(x, axis=0)
    inner = np.ones(len(x), dtype=bool)
    for _ in range(_TRIMS):
        w = weight * inner
        centre = (w @ x) / w.sum()
        c = x - centre
        cov = (c * w[:, None]).T @ c / w.sum()
        ridge = RIDGE * np.trace(cov) / len(cov)
        values, vectors = np.linalg.eigh(cov + ridge * np.eye(len(cov)))
        white = vectors / np.sqrt(values)
        z = c @ white
        far = np.square(z).sum(axis=1)
        inner = far <= np.quantile(far, _INNER)
    return z


def directions(z, actor, weight):
    c = z - weight @ z / weight.sum()
    norm = np.linalg.norm(c, axis=1)
    cap = np.quantile(norm, .95)
    cl = c * np.minimum(1, cap / np.maximum(norm, 1e-9))[:, None]
    _, vec = np.linalg.eigh((cl * weight[:, None]).T @ cl)
    top = vec[:, ::-1][:, :NSPEC].T
    n = np.bincount(actor)
    sums = np.stack([np.bincount(actor, col) for col in cl.T], axis=1) / np.sqrt(n)[:, None]
    _, vec = np.linalg.eigh(sums.T @ sums)
    return np.concatenate([top, vec[:, ::-1][:, :NBET].T])

ZT=4.0
RIDGE=0.3
STYLE=8.0
RHO=0.1
NSPEC=4
NBET=6

def concentration(out, actor, weight):
    n = np.bincount(actor).astype(float); k = np.bincount(actor, out, n.size)
    w = np.minimum(1.0, CAP/n)
    tot, kt = (w*n).sum(), (w*k).sum()
    p = np.clip((kt - w*k + .5) / (tot - w*n + 1), 1e-4, 1 - 1e-4)
    return (k - n * p) / np.sqrt(n * p * (1 - p) * (1 + (n - 1) * RHO) + .25)


def without_style(x, actors, labels):
    x = np.asarray(x, dtype=np.float64).copy()
    w = np.minimum(1.0, CAP/np.bincount(actors))[actors]
    r = np.empty_like(x)
    for c in np.unique(labels):
        m = labels == c
        r[m] = x[m] - np.median(x[m], axis=0)
    r = np.clip(r, -3, 3)
    k = int(labels.max())+1
    _, cell = np.unique(actors.astype(np.int64)*k+labels, return_inverse=True)
    n_a = np.bincount(actors)[actors]; n_c = np.bincount(cell)[cell]
    for j in range(x.shape[1]):
        tot = np.bincount(actors, r[:, j])[actors] - np.bincount(cell, r[:, j])[cell]
        x[:, j] -= tot / (n_a - n_c + STYLE)
    return x

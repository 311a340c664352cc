"""Directions of a label, and the actors whose rows gather at their ends."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

LEAST: Final = 5
"""Rows of an actor at an end below which it is not told."""

_CAP: Final = 5.0
"""Rows of a label at which an actor stops setting its shape."""

_INNER: Final = 0.7
"""Share of a label's rows, nearest to its middle, that set its covariance."""

_TRIMS: Final = 5
_RIDGE: Final = 1.0
"""Variance added, in mean variances: differences of style fill the narrow directions."""

_CLIP: Final = 3.0
_NORM: Final = 0.95
_STYLE_ROWS: Final = 3.0
_SPECTRAL, _BETWEEN = 4, 6
_ENDS: Final = (0.02, 0.06, 0.15)
"""Shares of a label, actors capped, that lie at an end of a direction."""

_CLUSTERED: Final = 0.1
"""Correlation of honest actors' rows at an end: people differ."""

_UPPER_QUARTILE: Final = 0.6745
_JUDGED_ROWS, _JUDGED_ACTORS = 3, 10


@dataclass(frozen=True, slots=True)
class View:
    """The rows of one label, whitened.

    Parameters
    ----------
    z
        (n, d) float64 whitened rows, the farthest drawn in.
    actor
        (n,) int64 codes without gaps.
    weight
        (n,) float64 at which no actor counts for more than a few rows.
    """

    z: np.ndarray
    actor: np.ndarray
    weight: np.ndarray

    def permuted(self, rng: np.random.Generator) -> View:
        """Give the same rows to the same actors at random."""
        actor = rng.permutation(self.actor)
        return replace(self, actor=actor, weight=_capped(actor))


@dataclass(frozen=True, slots=True)
class End:
    """Rows of one actor at one end of one direction.

    ``z`` is in standard deviations of the count, honest actors' differences included;
    ``among`` is (n,) bool, everybody's rows at the end; ``numbers`` is for the reason.
    """

    actor: int
    z: float
    among: np.ndarray
    numbers: str


def without_style(x: np.ndarray, actors: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(n, d) float64 rows less what their actor's rows of this label and of others share.

    An honest device or habit shows under every label; a shift under one is no style, and
    takes nothing off the rows under the others. Shrunk for few rows.
    """
    out = x.astype(np.float64)
    rest = np.empty_like(out)
    for code in np.unique(labels):
        mine = labels == code
        rest[mine] = out[mine] - np.median(out[mine], axis=0)
    rest = np.clip(rest, -_CLIP, _CLIP)
    _, who = np.unique(actors, return_inverse=True)
    _, cell = np.unique(np.stack([who, labels]), axis=1, return_inverse=True)
    size, all_rows = np.bincount(cell)[cell], np.bincount(who)[who]
    for at in range(out.shape[1]):
        own = np.bincount(cell, rest[:, at])[cell]
        others = np.bincount(who, rest[:, at])[who] - own
        here, there = own / size, others / (all_rows - size + _STYLE_ROWS)
        shared = np.where(here * there > 0, np.minimum(np.abs(here), np.abs(there)), 0.0)
        out[:, at] -= np.sign(here) * shared
    return out


def label_view(x: np.ndarray, actor: np.ndarray) -> View | None:
    """Whiten the rows of one label by the covariance of its inner rows; None if constant."""
    x = x[:, np.ptp(x, axis=0) > 1e-9]
    if x.shape[1] == 0:
        return None
    weight = _capped(actor)
    inner = np.ones(len(x), dtype=bool)
    z = x
    for _ in range(_TRIMS):
        z = _whiten(x, weight * inner)
        far = np.square(z).sum(axis=1)
        inner = far <= np.quantile(far, _INNER)
    z -= weight @ z / weight.sum()
    norm = np.linalg.norm(z, axis=1)
    near = np.minimum(1.0, np.quantile(norm, _NORM) / np.maximum(norm, 1e-9))
    return View(z * near[:, None], actor, weight)


def ends(view: View) -> list[End]:
    """Actors with more rows at an end of a direction than the others lead to expect."""
    size = np.bincount(view.actor)
    judged = size >= _JUDGED_ROWS
    if judged.sum() < _JUDGED_ACTORS:
        return []
    found = []
    for axis in _directions(view):
        along = view.z @ axis
        order = np.argsort(along, kind="stable")
        below = np.cumsum(view.weight[order]) / view.weight.sum()
        for part in _ENDS:
            low, high = along[order[np.searchsorted(below, [part, 1.0 - part])]]
            for out in (along < low, along > high):
                found += _gathered(view, out, size, judged)
    return found


def _gathered(view: View, out: np.ndarray, size: np.ndarray, judged: np.ndarray) -> list[End]:
    count = np.bincount(view.actor, out, size.size)
    z = _excess(count, size.astype(np.float64))
    spread = max(1.0, float(np.quantile(np.abs(z[judged]), 0.75)) / _UPPER_QUARTILE)
    told = np.flatnonzero((count >= LEAST) & (z > 0))
    return [
        End(
            a,
            float(z[a]) / spread,
            out,
            f"n={count[a]:.0f} of={size[a]} z={z[a] / spread:.1f}",
        )
        for a in told.tolist()
    ]


def _excess(count: np.ndarray, size: np.ndarray) -> np.ndarray:
    """(actors,) rows beyond the other actors' rate, in over-dispersed standard deviations."""
    weight = np.minimum(1.0, _CAP / size)
    hits, rows = weight * count, weight * size
    rate = (hits.sum() - hits + 0.5) / (rows.sum() - rows + 1.0)
    spread = size * rate * (1 - rate) * (1 + (size - 1) * _CLUSTERED)
    z: np.ndarray = (count - size * rate) / np.sqrt(spread + 0.25)
    return z


def _directions(view: View) -> np.ndarray:
    """(m, d) directions of most variance, and of most variance between actors."""
    within = (view.z * view.weight[:, None]).T @ view.z
    size = np.sqrt(np.bincount(view.actor))
    sums = np.stack([np.bincount(view.actor, column) / size for column in view.z.T], axis=1)
    parts = ((within, _SPECTRAL), (sums.T @ sums, _BETWEEN))
    return np.concatenate([np.linalg.eigh(m)[1][:, ::-1][:, :top].T for m, top in parts])


def _whiten(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    centred = x - weight @ x / weight.sum()
    spread = (centred * weight[:, None]).T @ centred / weight.sum()
    ridge = max(_RIDGE * float(np.trace(spread)) / len(spread), 1e-9)
    values, vectors = np.linalg.eigh(spread + ridge * np.eye(len(spread)))
    white: np.ndarray = centred @ (vectors / np.sqrt(values))
    return white


def _capped(actor: np.ndarray) -> np.ndarray:
    weight: np.ndarray = np.minimum(1.0, _CAP / np.bincount(actor))[actor]
    return weight

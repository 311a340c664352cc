"""Content that people were handed: rows about one thing say nothing of who brought it."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from foretaste.core.batch import Batch

HANDED: Final = "most rows are about content that a crowd was handed, none is its sender's"
"""Why detectors of what content looks like abstain."""

_LEAST_ACTORS: Final = 3
_LEAST_SHARE: Final = 0.5
_CLIP: Final = 3.0
_ONE_THING: Final = 0.5


def handed(batch: Batch) -> bool:
    """Whether most of the rows lie on items of a crowd whose rows share their content.

    Half of the rows must, so that a minority cannot silence who judges looks.
    """
    items = items_of(batch)
    rows = crowd_rows(items, batch.actors, _LEAST_ACTORS)
    if rows.size == 0 or rows.size < _LEAST_SHARE * batch.n_rows:
        return False
    return one_thing(np.asarray(batch.features)[rows], items[rows])


def items_of(batch: Batch) -> np.ndarray:
    """(n,) int64 item codes, -1 where there is none."""
    codes: np.ndarray = pd.factorize(batch.rows["item_id"], sort=True)[0].astype(np.int64)
    return codes


def crowd_rows(items: np.ndarray, actors: np.ndarray, least: int) -> np.ndarray:
    """Rows on items that at least so many actors labelled."""
    known = np.flatnonzero(items >= 0)
    if known.size == 0:
        return known
    width = int(actors.max()) + 1
    pairs = np.unique(items[known] * width + actors[known])
    voters = np.bincount(pairs // width, minlength=int(items.max()) + 1)
    rows: np.ndarray = known[voters[items[known]] >= least]
    return rows


def one_thing(x: np.ndarray, items: np.ndarray) -> bool:
    """Whether most rows lie nearer to their item's middle than rows lie to each other's."""
    if x.shape[1] == 0:
        return True
    seen = np.clip(x, -_CLIP, _CLIP).astype(np.float64)
    _, item, size = np.unique(items, return_inverse=True, return_counts=True)
    within, between = np.zeros(len(seen)), np.zeros(len(seen))
    for column in seen.T:
        middle = np.bincount(item, column) / size
        within += np.square(column - middle[item])
        between += np.square(column - column.mean())
    near: bool = float(np.median(within)) <= _ONE_THING * float(np.median(between))
    return near

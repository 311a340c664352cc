"""Word runs that tell rows from the other rows of their label, by id alone.

An id names a run of one to three words without repeating what was written; ``spelled``
reads it again from the text of a row, for whoever may see that.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from detectors.content.matrix import has_text
from detectors.content.tokens import Tokens, run_words, scramble
from foretaste.core.batch import Batch

_ORDERS: Final = (1, 2, 3)
_BUCKETS: Final = 2**22
_LEAST_ROWS: Final = 3
_ID: Final = re.compile(r"#([0-9a-f]{10})\b")


def telling(tokens: Tokens, group: np.ndarray, labels: np.ndarray, *, top: int = 3) -> list[str]:
    """Name the runs that are most typical of each group, as ``#id,#id,#id``.

    Ordered by the log-odds of carrying the run, inside the group against the other rows
    of its label, in standard deviations (Monroe, Colaresi and Quinn 2008).

    Parameters
    ----------
    tokens
        The texts of n rows.
    group
        (n,) codes of groups, each within one label; -1 for rows of none.
    labels
        (n,) codes.
    top
        Runs of a group.

    Returns
    -------
    list
        A text per group; "" where no run is carried by three of its rows.
    """
    n_groups = int(group.max(initial=-1)) + 1
    label = np.zeros(n_groups, dtype=np.int64)
    label[group[group >= 0]] = labels[group >= 0]
    key, run, count, everywhere = _counted(tokens, group, labels, label)
    size, of_label = np.bincount(group[group >= 0], minlength=n_groups), np.bincount(labels)
    others = np.maximum(everywhere - count, 0)
    rest = np.maximum(of_label[label[key]] - size[key], 1)
    odds = _log_odds(count, size[key]) - _log_odds(others, rest)
    z = odds / np.sqrt(1.0 / (count + 0.5) + 1.0 / (others + 0.5))
    order = np.lexsort((run, -z, key))
    order = order[(z > 0)[order] & (count >= _LEAST_ROWS)[order]]
    said: list[list[str]] = [[] for _ in range(n_groups)]
    place = np.arange(order.size) - np.searchsorted(key[order], key[order])
    for at in order[place < top].tolist():
        said[int(key[at])].append(f"#{int(run[at]):010x}")
    return [",".join(ids) for ids in said]


def name_words(batch: Batch, groups: np.ndarray, reason: np.ndarray) -> None:
    """Add to the reasons the runs that tell groups of rows from their label's others.

    Parameters
    ----------
    groups
        (n,) codes of groups, each within one label; -1 for rows of none.
    reason
        (n,) object array of reasons, changed in place.
    """
    if not has_text(batch) or groups.max(initial=-1) < 0:
        return
    words = telling(Tokens.of(batch.rows["text"], batch.salt), groups, np.asarray(batch.labels))
    for row in np.flatnonzero(groups >= 0).tolist():
        if named := words[groups[row]]:
            reason[row] += f" words={named}"


def spelled(reason: str, text: str, salt: bytes) -> dict[str, str]:
    """Read the runs that a reason names from a row's text: id to words, those that it has."""
    wanted = {int(found, 16) for found in _ID.findall(reason)}
    words = run_words(text, salt, _ORDERS, wanted)
    return {f"#{run:010x}": words[run] for run in sorted(words)}


def _counted(
    tokens: Tokens, group: np.ndarray, labels: np.ndarray, label: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Per pair of group and run: both, rows of the group, rows of its label, about."""
    counts = np.zeros(_BUCKETS, dtype=np.int64)
    pairs: list[np.ndarray] = [np.zeros((2, 0), dtype=np.uint64)]
    for row, run in tokens.shingles(_ORDERS):
        np.add.at(counts, _bucket(run, labels[row]), 1)
        mine = group[row] >= 0
        pairs.append(np.stack([group[row[mine]].astype(np.uint64), run[mine]]))
    (key, run), count = np.unique(np.concatenate(pairs, axis=1), axis=1, return_counts=True)
    key = key.astype(np.int64)
    return key, run, count, counts[_bucket(run, label[key])]


def _bucket(run: np.ndarray, label: np.ndarray) -> np.ndarray:
    mixed = scramble(run ^ scramble(label.astype(np.uint64), 1), 2)
    return (mixed % np.uint64(_BUCKETS)).astype(np.int64)


def _log_odds(count: np.ndarray, size: np.ndarray) -> np.ndarray:
    out: np.ndarray = np.log((count + 0.5) / (np.maximum(size - count, 0) + 0.5))
    return out

"""crowd-kit 1.4.2: what items are, and how little each worker's votes say.

At its defaults, but MACE begins ``RESTARTS`` times: ten took a quarter of an hour for eight sets.

Runs in the peers' environment: ``python crowd_models.py METHOD IN.npz OUT.npz``. The input
has ``item, worker, label`` (n,) codes without gaps; the output ``truth`` (items, labels), and
``suspicion`` (workers,), larger for whoever says less.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pandas as pd

RESTARTS = 3


def dawid_skene(votes: pd.DataFrame) -> tuple[Any, np.ndarray]:
    """Dawid and Skene (1979); a worker by the share of errors over the labels."""
    from crowdkit.aggregation import DawidSkene  # type: ignore[import-not-found]

    model = DawidSkene().fit(votes)
    errors = model.errors_
    kept = errors.groupby(level="worker").apply(_diagonal).sort_index()
    return model.probas_, 1 - kept.to_numpy(np.float64)


def mace(votes: pd.DataFrame) -> tuple[Any, np.ndarray]:
    """MACE (Hovy et al., 2013); a worker by the chance of spamming."""
    from crowdkit.aggregation import MACE

    model = MACE(n_restarts=RESTARTS).fit(votes)
    return model.probas_, model.spamming_[:, 0] / model.spamming_.sum(axis=1)


def _diagonal(errors: pd.DataFrame) -> float:
    """Mean chance of the right label, over the labels that are there."""
    by_label = errors.droplevel("worker")
    labels = by_label.index.intersection(by_label.columns)
    return float(np.mean([by_label.loc[label, label] for label in labels]))


METHODS = {"Dawid-Skene": dawid_skene, "MACE": mace}


def main() -> None:
    """Read, estimate, write."""
    method, asked, answered = sys.argv[1:]
    with np.load(asked) as arrays:
        rows = {name: arrays[name] for name in ("item", "worker", "label")}
    # MACE takes names in the order of their first votes for sorted ones: here they are both.
    votes = pd.DataFrame(rows).rename(columns={"item": "task"}).sort_values("task", kind="stable")
    codes, workers = pd.factorize(votes["worker"])
    said, labels = pd.factorize(votes["label"])
    probability, found = METHODS[method](votes.assign(worker=codes, label=said))
    suspicion = np.empty(len(workers))
    suspicion[workers] = found
    truth = np.zeros((int(rows["item"].max()) + 1, len(labels)))
    at = np.ix_(probability.index.to_numpy(), labels[probability.columns.to_numpy()])
    truth[at] = probability.to_numpy()
    np.savez(answered, truth=truth, suspicion=suspicion)


if __name__ == "__main__":
    main()

"""Measured cells as frames: means, the best peer, paired tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.efficacy.cell import EVIDENCE, ORACLE, OURS
from benchmarks.efficacy.peers import PEERS

RANKS: Final = ("ROC-AUC", "recall at 5%", "recall at 1%")
LEAST_SEEDS: Final = 5
_SURE: Final = 0.05
_PLACE: Final = ["corpus", "attack", "style"]


def long(lines: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One line per cell, column and measure: ``corpus, attack, style, seed, column, ...``."""
    return pd.DataFrame(
        [
            (line["corpus"], line["attack"], line["style"], line["seed"], column, measure, value)
            for line in lines
            for column, said in line["columns"].items()
            for measure, value in said.items()
        ],
        columns=[*_PLACE, "seed", "column", "measure", "value"],
    )


def chosen(
    frame: pd.DataFrame,
    *,
    measure: str | None = None,
    column: str | None = None,
    style: float | None = None,
    attacks: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Keep what fits; None fits everything."""
    fits = pd.Series(True, index=frame.index)
    for name, value in (("measure", measure), ("column", column), ("style", style)):
        if value is not None:
            fits &= frame[name] == value
    if attacks is not None:
        fits &= frame["attack"].isin(attacks)
    return frame[fits]


def methods(frame: pd.DataFrame) -> list[str]:
    """Columns in the order of a table: ours, our detectors, peers, the oracle."""
    there = list(dict.fromkeys(frame["column"]))
    ours = [c for c in (OURS, EVIDENCE) if c in there]
    peers = [c for c in (*PEERS, ORACLE) if c in there]
    return ours + [c for c in there if c not in ours + peers] + peers


def paired(frame: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Test our fused evidence against every column, per corpus and attack over the seeds.

    A Wilcoxon signed-rank test each way, alone: with five seeds the least p is 1/32.

    Returns
    -------
    pandas.DataFrame
        ``corpus, attack, style, column, seeds, ours, theirs, p``; ``p`` is of theirs
        being better, NaN under five seeds.
    """
    mine = frame[(frame["measure"] == measure) & ~frame["column"].isin([ORACLE, EVIDENCE])]
    wide = mine.pivot_table(index=[*_PLACE, "seed"], columns="column", values="value")
    rows = []
    for place, group in wide.groupby(level=_PLACE):
        for column in group.columns.drop(OURS):
            both = group[[OURS, column]].dropna()
            if len(both):
                ours, theirs = both[OURS].to_numpy(), both[column].to_numpy()
                p = better(theirs, ours)
                rows.append((*place, column, len(both), ours.mean(), theirs.mean(), p))
    names = [*_PLACE, "column", "seeds", "ours", "theirs", "p"]
    return pd.DataFrame(rows, columns=names)


def better(first: np.ndarray, second: np.ndarray) -> float:
    """One-sided p of the first being larger, over pairs; NaN where they are too few."""
    if first.size < LEAST_SEEDS:
        return float("nan")
    if np.allclose(first, second):
        return 1.0
    from scipy.stats import wilcoxon

    return float(wilcoxon(first, second, alternative="greater").pvalue)


def beaten(tests: pd.DataFrame) -> pd.DataFrame:
    """Keep the tests that some column wins."""
    return tests[tests["p"] <= _SURE]

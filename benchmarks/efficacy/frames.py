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
STYLE: Final = 0.1
"""Spread of styles, in standard deviations, at which everything is measured."""
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

    A one-sided Wilcoxon signed-rank test of the column being better. With five seeds the
    least p is 1/32, so that after Holm's correction over the columns of one corpus and
    attack nothing is left; p is told as well, which is the stricter of the two for us.

    Returns
    -------
    pandas.DataFrame
        ``corpus, attack, style, column, seeds, ours, theirs, p, holm``; NaN under five seeds.
    """
    wide = _wide(frame, measure)
    rows = []
    for place, group in wide.groupby(level=_PLACE):
        found = []
        for column in group.columns.drop(OURS):
            both = group[[OURS, column]].dropna()
            if len(both):
                ours, theirs = both[OURS].to_numpy(), both[column].to_numpy()
                found.append((column, len(both), ours.mean(), theirs.mean(), better(theirs, ours)))
        corrected = holm(np.array([said[-1] for said in found]))
        rows += [(*place, *said, p) for said, p in zip(found, corrected, strict=True)]
    names = [*_PLACE, "column", "seeds", "ours", "theirs", "p", "holm"]
    return pd.DataFrame(rows, columns=names)


def pooled(frame: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Compare ours with each column over all corpora, attacks and seeds at once.

    Returns
    -------
    pandas.DataFrame
        By column: places (corpus, attack, style) where its mean over the seeds is ``above``
        ours, ``equal`` or ``below``; ``difference`` of the means, ours less theirs; ``holm``,
        the one-sided p of ours not being better, corrected over the columns.
    """
    wide = _wide(frame, measure)
    places = wide.groupby(level=_PLACE).mean()
    rows = {}
    for column in wide.columns.drop(OURS):
        gap = (places[OURS] - places[column]).dropna().round(6)
        both = wide[[OURS, column]].dropna()
        p = better(both[OURS].to_numpy(), both[column].to_numpy())
        counts = {"above": (gap < 0).sum(), "equal": (gap == 0).sum(), "below": (gap > 0).sum()}
        rows[column] = {**counts, "difference": float(gap.mean()), "holm": p}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("column")
    return table.assign(holm=holm(table["holm"].to_numpy(float))) if len(table) else table


def _wide(frame: pd.DataFrame, measure: str) -> pd.DataFrame:
    """One line per cell, one column per method that is compared."""
    mine = frame[(frame["measure"] == measure) & ~frame["column"].isin([ORACLE, EVIDENCE])]
    return mine.pivot_table(index=[*_PLACE, "seed"], columns="column", values="value")


def better(first: np.ndarray, second: np.ndarray) -> float:
    """One-sided p of the first being larger, over pairs; NaN where they are too few."""
    if first.size < LEAST_SEEDS:
        return float("nan")
    if np.allclose(first, second):
        return 1.0
    from scipy.stats import wilcoxon

    return float(wilcoxon(first, second, alternative="greater").pvalue)


def holm(p: np.ndarray) -> np.ndarray:
    """Correct p-values of one family (Holm 1979); NaN ones are no test and stay."""
    tested = np.flatnonzero(np.isfinite(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    steps = p[order] * np.arange(order.size, 0, -1)
    corrected = np.full(p.size, np.nan)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected


def beaten(tests: pd.DataFrame) -> pd.DataFrame:
    """Keep the tests that some column wins, uncorrected."""
    return tests[tests["p"] <= _SURE]

"""One cell: a corpus, an attack and a seed, judged by every column."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.efficacy.corpora import CORPORA, Corpus, Size
from benchmarks.efficacy.downstream import Reader, exam, graded, removed
from benchmarks.efficacy.ours import Judged, judge, row_ids
from benchmarks.efficacy.peers import PEERS, Column, dropped
from benchmarks.efficacy.scores import Truth, decided, ranked
from benchmarks.efficacy.strength import NONE, strike
from foretaste.attacks.base import Attack

OURS: Final = "foretaste"
EVIDENCE: Final = "foretaste, no limits"
"""Our verdicts without limits of influence: what evidence alone does to the model."""
ORACLE: Final = "oracle"
UNDEFENDED: Final = "no defence"


@dataclass(frozen=True, slots=True)
class Cell:
    """What is measured at once.

    Parameters
    ----------
    corpus, attack
        Registered names; the attack may be ``none``.
    style
        Spread of the contributors' styles, in standard deviations.
    seed
        Of the corpus, the attack and the policy.
    size
        How large the corpus is.
    """

    corpus: str
    attack: str
    style: float
    seed: int
    size: Size

    @property
    def key(self) -> str:
        """Name of the cell."""
        place = f"{self.corpus}/{self.attack}/{self.style:g}/{self.seed}"
        return f"{place}/{self.size.rows}x{self.size.contributors}"

    def measure(self) -> dict[str, Any]:
        """Judge the cell by every column; JSON-safe."""
        return _measured(self)


def attacked(cell: Cell) -> tuple[Corpus, Attack | None, pd.DataFrame, pd.DataFrame]:
    """Give the corpus, the attack, the rows with it, and its truth."""
    corpus = CORPORA[cell.corpus](cell.size, cell.style, cell.seed)
    if cell.attack == NONE:
        nobody = pd.DataFrame({"contribution_id": [], "contributor_id": [], "poison": []})
        return corpus, None, corpus.contributions, nobody
    attack, done = strike(corpus, cell.attack, cell.seed)
    return corpus, attack, done.contributions, done.truth


def _measured(cell: Cell) -> dict[str, Any]:
    corpus, attack, rows, poison = attacked(cell)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="efficacy-") as folder:
        judged = judge(rows, corpus.features, cell.seed, Path(folder))
        seconds = {OURS: time.perf_counter() - started}
        truth = truth_of(judged, rows, poison)
        asked = dict(_columns(judged, truth, seconds))
        columns = {name: scored(column, truth) for name, column in asked.items()}
        for name, more in _downstream(asked, judged, corpus, attack).items():
            columns[name] |= more
    return {
        "key": cell.key,
        **asdict(cell),
        "rows": len(rows),
        "poison": int(truth.poison.sum()),
        "attackers": int(np.unique(truth.contributors[truth.poison]).size),
        "contributors": int(np.unique(truth.contributors).size),
        "columns": columns,
        "guards": list(judged.guards),
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
    }


def truth_of(judged: Judged, rows: pd.DataFrame, recorded: pd.DataFrame) -> Truth:
    """Tell the rows of the judged batch apart by what the attack wrote down."""
    own = rows.set_index(pd.Index(row_ids(rows))).loc[judged.batch.rows["row_id"]]
    ids = own["contribution_id"]
    poison = ids.isin(recorded.loc[recorded["poison"].astype(bool), "contribution_id"])
    attacker = own["contributor_id"].isin(recorded["contributor_id"])
    right = own["label"] == own["true_label"]
    return Truth(
        poison.to_numpy(),
        (~attacker & right).to_numpy(),
        (~attacker).to_numpy(),
        np.asarray(judged.batch.contributors),
        np.asarray(judged.batch.labels),
    )


def _columns(
    judged: Judged, truth: Truth, seconds: dict[str, float]
) -> Iterator[tuple[str, Column]]:
    """Every column: fused, each detector, each peer, the oracle.

    Detectors decide nothing by themselves, so nothing is trained behind them.
    """
    yield OURS, Column(judged.fused, judged.held, judged.weight)
    yield EVIDENCE, Column(judged.fused, judged.held, judged.kept * ~judged.held)
    yield ORACLE, dropped(truth.poison.astype(np.float64), truth.poison)
    for name, nats in judged.evidence.items():
        yield name, Column(nats, nats > 0, np.zeros(0))
    for name, peer in PEERS.items():
        started = time.perf_counter()
        column = peer(judged.batch)
        seconds[name] = time.perf_counter() - started
        yield name, column


def scored(column: Column, truth: Truth) -> dict[str, float]:
    """Tell how well a column ranks, where there is poison, and what it holds."""
    found = ranked(column.score, truth) if truth.poison.any() else {}
    return {**found, **decided(column.held, truth)}


def _downstream(
    asked: dict[str, Column], judged: Judged, corpus: Corpus, attack: Attack | None
) -> dict[str, dict[str, float]]:
    """Tell what the model is worth behind each column that decides by itself."""
    rows = judged.batch.rows
    reader = Reader(rows)
    x, paper = reader(rows), exam(corpus, reader, attack)
    labels = rows["label"].to_numpy(object)
    weights = {name: column.weight for name, column in asked.items() if column.weight.size}
    grades = {name: graded(x, labels, weight, paper) for name, weight in weights.items()}
    bare, best = grades[UNDEFENDED], grades[ORACLE]
    return {
        name: grade
        | {
            "effect removed": removed(grade["success"], bare["success"], best["success"]),
            "accuracy against oracle": grade["accuracy"] - best["accuracy"],
        }
        for name, grade in grades.items()
    }

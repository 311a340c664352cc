"""Peers from an environment of their own, beside ours, on a small subset: they are slow.

The Adversarial Robustness Toolbox gets what nobody has: 200 rows whose labels are right.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.efficacy.abroad.client import ask
from benchmarks.efficacy.cell import OURS, Cell, attacked, scored, truth_of
from benchmarks.efficacy.corpora import Corpus, Size
from benchmarks.efficacy.downstream import Reader
from benchmarks.efficacy.frames import STYLE, chosen, long
from benchmarks.efficacy.ours import judge
from benchmarks.efficacy.peers import PEERS, Column, dropped
from benchmarks.efficacy.strength import NONE
from benchmarks.efficacy.tables import table
from foretaste.core.batch import Batch

SIZE: Final = Size(rows=400, contributors=30)
CORPORA: Final = ("digits", "synthetic")
ATTACKS: Final = ("backdoor_pattern", "boundary_skew", "random_flips", NONE)
SEEDS: Final = (1, 2)
METHODS: Final = tuple(
    f"{name} as {made}"
    for name in ("RONI", "provenance", "activation clustering", "spectral")
    for made in ("shipped", "published")
)
_BESIDE: Final = ("cleanlab",)
_TRUSTED: Final = 200
_SCRIPT: Final = "art_defences.py"


@dataclass(frozen=True, slots=True)
class Visit:
    """A cell that guests judge, and the interpreter of their environment."""

    cell: Cell
    python: Path

    @property
    def key(self) -> str:
        """Name of the cell among those of the guests."""
        return f"guests/{self.cell.key}"

    def measure(self) -> dict[str, Any]:
        """Judge the cell by ours and by every guest; JSON-safe."""
        cell = self.cell
        corpus, _, rows, poison = attacked(cell)
        with tempfile.TemporaryDirectory(prefix="efficacy-") as folder:
            judged = judge(rows, corpus.features, cell.seed, Path(folder))
            truth = truth_of(judged, rows, poison)
            columns = {OURS: Column(judged.fused, judged.held, judged.weight)}
            columns |= {name: PEERS[name](judged.batch) for name in _BESIDE}
            said, seconds = _asked(judged.batch, corpus, self.python)
        place = {"corpus": cell.corpus, "attack": cell.attack}
        columns |= said
        return {
            "key": self.key,
            **place,
            "style": cell.style,
            "seed": cell.seed,
            "columns": {name: scored(column, truth) for name, column in columns.items()},
            "seconds": seconds,
        }


def visits(python: Path) -> list[Visit]:
    """List what the guests judge."""
    return [
        Visit(Cell(corpus, attack, STYLE, seed, SIZE), python)
        for seed in SEEDS
        for corpus in CORPORA
        for attack in ATTACKS
    ]


def _asked(
    batch: Batch, corpus: Corpus, python: Path
) -> tuple[dict[str, Column], dict[str, float]]:
    reader, trusted = Reader(batch.rows), corpus.test.iloc[:_TRUSTED]
    known = pd.Index(batch.classes).get_indexer(pd.Index(trusted["label"]))
    arrays = {
        "x": reader(batch.rows),
        "y": np.asarray(batch.labels),
        "who": np.asarray(batch.contributors),
        "x_val": reader(trusted)[known >= 0],
        "y_val": known[known >= 0],
    }
    columns, seconds = {}, {}
    for name in METHODS:
        started = time.perf_counter()
        found = ask(python, _SCRIPT, name, arrays)
        seconds[f"ART {name}"] = round(time.perf_counter() - started, 1)
        columns[f"ART {name}"] = dropped(found["score"], found["held"])
    return columns, seconds


def text(lines: Sequence[Mapping[str, Any]]) -> str:
    """Lay out what the guests found beside ours."""
    if not lines:
        return (
            "Not measured: there is no environment for the Adversarial Robustness Toolbox "
            "(RONI, provenance, activation clustering, spectral signatures); `make peers` makes it."
        )
    frame = long(lines)
    found = chosen(frame, measure="ROC-AUC").pivot_table(
        index="column", columns="attack", values="value"
    )
    clean = chosen(frame, attacks=[NONE], measure="honest rows lost")
    found = found.add_prefix("ROC-AUC, ")
    found["clean rows flagged"] = clean.groupby("column")["value"].mean()
    found["seconds"] = pd.DataFrame([line["seconds"] for line in lines]).mean()
    order = [OURS, *_BESIDE, *(f"ART {name}" for name in METHODS)]
    return (
        f"{len(lines)} cells of {SIZE.rows} rows of {SIZE.contributors} contributors "
        f"({', '.join(CORPORA)}; seeds {', '.join(map(str, SEEDS))}). ART gets {_TRUSTED} rows "
        "that are labelled right; ours gets none. As shipped: RONI judges by the wrong sign "
        "(and is calibrated on 1 % of the rows here, since its 20 % take days), provenance "
        "drops rows by value, spectral scores are not centred, clustering always marks a "
        "cluster of every class. As published: the same methods written after their papers.\n\n"
        + table(found.reindex(order).rename_axis("column"))
    )

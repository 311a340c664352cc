"""What harm adds to the other evidence: nights judged without it and with it.

``python -m benchmarks.gates.harm_added [--seeds N...] [--jobs N]``: digits, real mail and synthetic
rows under every attack of the efficacy benchmark, and clean. Harm is measured on rows that
nobody contributed; the model behind the verdicts is not asked.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.efficacy.__main__ import cells
from benchmarks.efficacy.cell import Cell, attacked, truth_of
from benchmarks.efficacy.corpora import CORPORA, Size
from benchmarks.efficacy.ours import judge
from benchmarks.efficacy.scores import decided
from benchmarks.efficacy.strength import NONE
from benchmarks.figures import Figure, write_figures
from foretaste.steps.harm import NAME as HARM

RESULTS: Final = Path(__file__).resolve().parents[1] / "results" / "harm_added.json"
TRUSTED: Final = 400
_TOLD: Final = ("honest rows lost", "poison held", "attackers caught")


def compared(cell: Cell) -> list[dict[str, Any]]:
    """Judge one corpus twice; a line for each."""
    with threadpool_limits(1):
        return list(_compared(cell))


def _compared(cell: Cell) -> Iterator[dict[str, Any]]:
    corpus, _, rows, poison = attacked(cell)
    trusted = corpus.test.sample(min(TRUSTED, len(corpus.test)), random_state=cell.seed)
    for name, given in (("without", None), ("with harm", trusted.reset_index(drop=True))):
        with tempfile.TemporaryDirectory(prefix="harm-") as folder:
            judged = judge(rows, corpus.features, cell.seed, Path(folder), given)
        truth = truth_of(judged, rows, poison)
        said = judged.evidence.get(HARM, np.zeros(len(truth.honest))) > 0
        yield {
            "corpus": cell.corpus,
            "night": "clean" if cell.attack == NONE else "attacked",
            "evidence": name,
            **decided(judged.held, truth),
            "honest rows accused": float(said[truth.honest].mean()),
        }


def table(lines: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Average over attacks and seeds."""
    frame = pd.DataFrame(lines)
    by = frame.groupby(["corpus", "night", "evidence"], sort=True)
    told: pd.DataFrame = by[["honest rows accused", *_TOLD]].mean()
    return told


def figures(means: pd.DataFrame) -> list[Figure]:
    """Tell by how much each mean moves with harm, in points."""
    moved: Any = means.xs("with harm", level="evidence") - means.xs("without", level="evidence")
    return [
        Figure(f"{place}: points of {name} that harm adds", 100 * value)
        for place, line in _lines(moved)
        for name, value in line.items()
    ]


def _lines(table: pd.DataFrame) -> Iterator[tuple[str, dict[str, float]]]:
    """Give each line of a table by what it is about, without what was not measured."""
    for line in table.reset_index().to_dict("records"):
        place = ", ".join(str(line[name]) for name in table.index.names)
        told = {str(c): float(line[c]) for c in table.columns if pd.notna(line[c])}
        yield place, told


def main() -> None:
    """Measure, print and write ``benchmarks/results/harm_added.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    wanted = cells(tuple(CORPORA), None, asked.seeds, Size(), ())
    with ProcessPoolExecutor(asked.jobs) as pool:
        lines = [line for both in pool.map(compared, wanted) for line in both]
    means = table(lines)
    print(means.round(4).to_string())
    more = {"means": dict(_lines(means))}
    write_figures(asked.out, figures(means), seeds=tuple(asked.seeds), more=more)


if __name__ == "__main__":
    main()

"""Measure actor resolution: methods, curves, real graphs, speed.

Usage: ``python -m benchmarks.actors [--part NAME]... [--data FOLDER]``. A run of all parts
writes ``benchmarks/results/actors.json`` and a picture of one campaign beside it; a run of
some of them writes only where ``--results`` says.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.actors import curves, graphs, report, speed
from benchmarks.actors.picture import picture
from benchmarks.actors.scores import Line
from benchmarks.actors.town import TownPlan
from benchmarks.actors.worlds import plan_of
from benchmarks.figures import Figure, write_figures

RESULTS: Final = Path(__file__).resolve().parents[1] / "results" / "actors.json"
PARTS: Final = ("table", "curves", "graphs", "speed", "picture")


@dataclass(slots=True)
class Run:
    """What a run has measured so far.

    Parameters
    ----------
    figures, lines, timed
        Figures of all parts, single measurements, and sizes.
    """

    figures: list[Figure] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    timed: list[speed.Timed] = field(default_factory=list)

    def table(self, plan: TownPlan, seeds: Sequence[int], peer_seeds: Sequence[int]) -> None:
        """Measure and print the table of methods."""
        found = list(curves.table(plan, seeds, peer_seeds, note))
        self.lines += found
        self.figures += report.table_figures(found)
        print(f"{report.heading(plan)}\n\n{report.table_text(found)}", end="\n\n", flush=True)

    def curves(self, plan: TownPlan, seeds: Sequence[int]) -> None:
        """Measure and print every curve."""
        for curve in dict.fromkeys(point.curve for point in curves.CURVES):
            points = [point for point in curves.CURVES if point.curve == curve]
            found = list(curves.curves(plan, seeds, note, points))
            self.lines += found
            self.figures += report.curve_figures(found)
            print(report.curve_text(found, curve), end="\n\n", flush=True)

    def graphs(self, data: Path | None) -> None:
        """Measure and print the real graphs."""
        if data is None:
            print("Real graphs: left out, no folder was given (--data FOLDER)", end="\n\n")
            return
        for name, measure in graphs.GRAPHS.items():
            note(f"graphs: {name}")
            found = list(measure(data))
            self.figures += found
            print(report.listed(found), end="\n\n", flush=True)

    def speed(self, sizes: Sequence[int], seed: int) -> None:
        """Measure and print time and memory."""
        self.timed += speed.measure(sizes, seed, note)
        self.figures += speed.figures(sizes, self.timed)
        print(speed.text(self.timed), end="\n\n", flush=True)

    def write(self, path: Path, seeds: Sequence[int]) -> None:
        """Write everything as JSON."""
        more: dict[str, Any] = {
            "speed": [asdict(one) for one in self.timed],
            "means": report.means(self.lines),
        }
        write_figures(path, self.figures, seeds=seeds, more=more)
        note(f"written: {path}")


def note(line: str) -> None:
    """Tell progress on stderr."""
    print(line, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what was asked for, print it, and write it down."""
    given = _parser().parse_args(arguments)
    parts, run, plan = given.part or PARTS, Run(), plan_of(given.visits)
    results = given.results or (RESULTS if set(parts) == set(PARTS) else None)
    if "table" in parts:
        run.table(plan, given.seeds, given.seeds[: given.peer_seeds])
    if "curves" in parts:
        run.curves(plan, given.seeds[: given.curve_seeds])
    if "graphs" in parts:
        run.graphs(given.data)
    if "speed" in parts:
        run.speed(given.sizes, given.seeds[0])
    print(report.figures_text(run.figures))
    if results is not None:
        run.write(results, given.seeds)
    if "picture" in parts and results is not None:
        _draw(plan, given.seeds[0], results.with_suffix(".svg"))


def _draw(plan: TownPlan, seed: int, path: Path) -> None:
    drawn = picture(plan, seed)
    if drawn is None:
        note("no campaign was found, so there is none to draw")
        return
    path.write_text(drawn, encoding="utf-8")
    note(f"written: {path}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure actor resolution.")
    parser.add_argument("--part", choices=PARTS, action="append", help="may be repeated; all")
    parser.add_argument("--data", type=Path, help="folder of the real graphs")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--peer-seeds", type=int, default=3, help="seeds on which peers run")
    parser.add_argument("--curve-seeds", type=int, default=2, help="seeds of the curves")
    parser.add_argument("--visits", type=int, default=1_000_000, help="of table and curves")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(speed.SIZES))
    parser.add_argument("--results", type=Path, help="write here")
    return parser


if __name__ == "__main__":
    main()

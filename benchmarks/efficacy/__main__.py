"""Measure efficacy: what is found in poisoned corpora, beside what others find.

Usage: ``python -m benchmarks.efficacy [--small] [--corpus NAME]... [--attack NAME]...
[--seeds N...] [--data FOLDER]``. A run of every corpus and attack writes
``benchmarks/results/efficacy.md`` and ``efficacy.json``; others only where ``--results`` says.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.efficacy import natural, report
from benchmarks.efficacy.cell import Cell
from benchmarks.efficacy.corpora import CORPORA, Size
from benchmarks.efficacy.store import Store, fingerprint, measured
from benchmarks.efficacy.strength import NONE, attacks_on

RESULTS: Final = Path(__file__).resolve().parents[1] / "results" / "efficacy.md"
STYLE: Final = 0.1
STYLES: Final = (0.3, 0.6)
STYLED: Final = ("backdoor_pattern", "boundary_skew", "collusion", "random_flips")
"""Attacks that are measured among contributors of stronger styles, too."""
SMALL: Final = Size(rows=1_200, contributors=60)
_SMALL_ATTACKS: Final = ("boundary_skew", "random_flips", NONE)


def cells(
    corpora: Sequence[str],
    attacks: Sequence[str] | None,
    seeds: Sequence[int],
    size: Size,
    styles: Sequence[float] = STYLES,
) -> list[Cell]:
    """List what is to be measured: seed by seed, so that a stopped run has whole seeds."""
    carried = {name: [*attacks_on(CORPORA[name](size, STYLE, 0)), NONE] for name in corpora}
    plain = [
        Cell(corpus, attack, STYLE, seed, size)
        for seed in seeds
        for corpus in corpora
        for attack in carried[corpus]
        if attacks is None or attack in attacks
    ]
    styled = [
        Cell(c.corpus, c.attack, style, c.seed, size)
        for style in styles
        for c in plain
        if c.attack in STYLED and c.corpus != "mail"
    ]
    return plain + styled


def run(wanted: Sequence[Cell], store: Store, jobs: int) -> list[dict[str, Any]]:
    """Measure cells behind a progress bar."""
    from rich.console import Console
    from rich.progress import track

    lines = measured(wanted, store, jobs)
    console = Console(stderr=True)
    return list(track(lines, "cells", total=len(wanted), console=console))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what was asked for, print it, and write it down."""
    given = _parser().parse_args(arguments)
    size = SMALL if given.small else Size()
    attacks = given.attack or (_SMALL_ATTACKS if given.small else None)
    corpora = given.corpus or (("synthetic",) if given.small else tuple(CORPORA))
    seeds = given.seeds or ([1] if given.small else [1, 2, 3, 4, 5])
    wanted = cells(corpora, attacks, seeds, size, () if given.small else STYLES)
    store = Store(given.folder, fingerprint())
    lines = run(wanted, store, given.jobs)
    text = report.text(lines, [*_natural(given.data)])
    print(text)
    whole = not (given.small or given.corpus or given.attack)
    path = given.results or (RESULTS if whole else None)
    if path is not None:
        report.write(path, text, lines, seeds)
        print(f"written: {path}", file=sys.stderr)


def _natural(folder: Path | None) -> Iterator[str]:
    """Measure the sets with a truth of their own, if they are there."""
    if folder is None:
        yield "zencrowd and bitcoin_otc were left out: no folder was given (`--data FOLDER`)."
        return
    for name in natural.NATURAL:
        yield report.natural_text(list(natural.measure(name, folder)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure what is found in poisoned corpora.")
    parser.add_argument("--small", action="store_true", help="one small corpus, three attacks")
    parser.add_argument("--corpus", choices=sorted(CORPORA), action="append", help="all")
    parser.add_argument("--attack", action="append", help="may be repeated; all that fit")
    parser.add_argument("--seeds", type=int, nargs="+")
    parser.add_argument("--data", type=Path, help="folder of the sets with natural truth")
    parser.add_argument("--jobs", type=int, default=1, help="cells at once")
    parser.add_argument("--results", type=Path, help="write the tables here")
    parser.add_argument(
        "--folder", type=Path, default=Path(".efficacy"), help="cells measured so far"
    )
    return parser


if __name__ == "__main__":
    main()

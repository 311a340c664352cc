"""Measure efficacy: what is found in poisoned corpora, beside what others find.

Usage: ``python -m benchmarks.efficacy [--small] [--corpus NAME]... [--attack NAME]...
[--seeds N...] [--jobs N] [--data FOLDER]``. A run of every corpus and attack measures the
guests, the attacker's cheapest success and what the detectors cost, too, and writes
``benchmarks/results/efficacy.md``, ``.json`` and ``.svg``; others only where ``--results`` says.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.efficacy import cheapest, cost, guests, natural, report
from benchmarks.efficacy.abroad.client import environment
from benchmarks.efficacy.cell import Cell
from benchmarks.efficacy.corpora import CORPORA, Size
from benchmarks.efficacy.frames import STYLE
from benchmarks.efficacy.store import Store, Task, fingerprint, measured
from benchmarks.efficacy.strength import NONE, attacks_on

RESULTS: Final = Path(__file__).resolve().parents[1] / "results" / "efficacy.md"
STYLES: Final = (0.3, 0.6)
STYLED: Final = ("backdoor_pattern", "boundary_skew", "collusion", "random_flips")
"""Attacks that are measured among contributors of stronger styles, too."""
STYLED_SEEDS: Final = 2
"""Of how many seeds: stronger styles are told, and tested against nothing."""
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
        if c.attack in STYLED and c.corpus != "mail" and c.seed in seeds[:STYLED_SEEDS]
    ]
    return plain + styled


def run(wanted: Sequence[Task], store: Store, jobs: int, what: str) -> list[dict[str, Any]]:
    """Measure behind a progress bar."""
    from rich.console import Console
    from rich.progress import track

    lines = measured(wanted, store, jobs)
    console = Console(stderr=True)
    return list(track(lines, what, total=len(wanted), console=console))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what was asked for, print it, and write it down."""
    given = _parser().parse_args(arguments)
    size = SMALL if given.small else Size()
    attacks = given.attack or (_SMALL_ATTACKS if given.small else None)
    corpora = given.corpus or (("synthetic",) if given.small else tuple(CORPORA))
    seeds = given.seeds or ([1] if given.small else [1, 2, 3, 4, 5])
    wanted = cells(corpora, attacks, seeds, size, () if given.small else STYLES)
    store = Store(given.folder, fingerprint())
    lines = run(wanted, store, given.jobs, "cells")
    whole = not (given.small or given.corpus or given.attack)
    extra, detail = _beside(store, given.jobs, given.peers) if whole else ({}, {})
    extra |= dict(_natural(given.data))
    text = report.text(lines, extra)
    print(text)
    path = given.results or (RESULTS if whole else None)
    if path is not None:
        report.write(path, text, lines, seeds, detail)
        print(f"written: {path}", file=sys.stderr)


def _beside(store: Store, jobs: int, peers: Path | None) -> tuple[dict[str, str], dict[str, Any]]:
    """Measure what is measured once, on subsets: parts of the page, and their detail."""
    python = environment(peers)
    wanted = [] if python is None else guests.visits(python)
    came = run(wanted, store, jobs, "guests")
    tried = run(cheapest.tries(), store, jobs, "cheapest")
    # Alone, so that nothing else is timed.
    costs = run([cost.Cost()], store, 1, "cost")
    parts = {
        "Peers from an environment of their own": guests.text(came),
        "The cheapest success of who knows everything but the salts": cheapest.text(tried),
        "Time and memory of each detector": cost.text(costs),
    }
    return parts, {"guests": came, "cheapest": tried, "cost": costs}


def _natural(folder: Path | None) -> Iterator[tuple[str, str]]:
    """Measure the sets with a truth of their own, if they are there."""
    for name in natural.NATURAL:
        said = "Not measured: no folder was given (`--data FOLDER`)."
        if folder is not None:
            said = report.natural_text(list(natural.measure(name, folder)))
        yield f"Bad contributors of {name}", said


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure what is found in poisoned corpora.")
    parser.add_argument("--small", action="store_true", help="one small corpus, three attacks")
    parser.add_argument("--corpus", choices=sorted(CORPORA), action="append", help="all")
    parser.add_argument("--attack", action="append", help="may be repeated; all that fit")
    parser.add_argument("--seeds", type=int, nargs="+")
    parser.add_argument("--data", type=Path, help="folder of the sets with natural truth")
    parser.add_argument("--jobs", type=int, default=1, help="cells at once")
    parser.add_argument("--peers", type=Path, help="the peers' environment; .venv-peers")
    parser.add_argument("--results", type=Path, help="write the tables here")
    parser.add_argument(
        "--folder", type=Path, default=Path(".efficacy"), help="cells measured so far"
    )
    return parser


if __name__ == "__main__":
    main()

"""Time and memory of the whole search at several sizes, each in a process of its own."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from benchmarks.figures import Figure
from benchmarks.memory import TreeMemory

SIZES: Final = (100_000, 1_000_000, 10_000_000)
TARGETS: Final = {1_000_000: (20.0, 1.0), 10_000_000: (240.0, 4.0)}
"""Visits to seconds and GB of everything: reading, encoding, searching."""
EXPONENT: Final = 1.1
RATIO: Final = 3.0
COMPARED: Final = 1_000_000
"""Most visits at which edge construction is compared with the sparse product alone."""

_CHECKOUT: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Timed:
    """What a size cost.

    Parameters
    ----------
    visits, contributors
        Exact size of the town.
    load
        The machine's load before.
    start_up, read, search
        Seconds of loading libraries, of reading and encoding, and of the search.
    search_cpu
        CPU seconds of the search.
    peak_gb
        Largest memory of the process, interpreter and libraries included; GB of 10**9.
    product
        CPU seconds of the sparse products B·Bᵀ alone, over all time scales; None where edge
        construction was not compared with them.
    from_matrices, from_visits
        CPU seconds of edge construction from the same matrices B, and with making them.
    """

    visits: int
    contributors: int
    load: float
    start_up: float
    read: float
    search: float
    search_cpu: float
    peak_gb: float
    product: float | None
    from_matrices: float | None
    from_visits: float | None

    @property
    def seconds(self) -> float:
        """Seconds of everything."""
        return self.start_up + self.read + self.search


def measure(sizes: Sequence[int], seed: int, note: Callable[[str], None]) -> Iterator[Timed]:
    """Time every size, the smallest first."""
    with tempfile.TemporaryDirectory(prefix="foretaste-actors-") as temporary:
        for visits in sorted(sizes):
            folder = Path(temporary) / str(visits)
            folder.mkdir()
            note(f"speed: town of {visits:,} visits")
            town, _ = _child("town", visits, seed, folder)
            load = os.getloadavg()[0]
            note(f"speed: search of {visits:,} visits")
            said, sampled = _child("search", visits, seed, folder)
            compared: dict[str, Any] = {}
            if visits <= COMPARED:
                note(f"speed: edges of {visits:,} visits beside the product")
                compared, _ = _child("edges", visits, seed, folder)
            yield Timed(
                int(town["visits"]),
                int(town["contributors"]),
                load,
                said["start-up seconds"],
                said["read seconds"],
                said["search seconds"],
                said["search CPU seconds"],
                max(said["peak MB"], sampled) / 1000,
                compared.get("product seconds"),
                compared.get("seconds from matrices"),
                compared.get("seconds from visits"),
            )


def growth(timed: Sequence[Timed]) -> float:
    """Give the exponent b of the search's CPU seconds ~ visits**b, by least squares on logarithms.

    Start-up is apart: it would make a small town look slow, and growth slow. So is the
    time that others took from it.
    """
    x = [math.log(one.visits) for one in timed]
    y = [math.log(one.search_cpu) for one in timed]
    x0, y0 = sum(x) / len(x), sum(y) / len(y)
    covered = sum((a - x0) ** 2 for a in x)
    return sum((a - x0) * (b - y0) for a, b in zip(x, y, strict=True)) / covered


def figures(sizes: Sequence[int], timed: Sequence[Timed]) -> Iterator[Figure]:
    """Put time, memory and growth beside their targets."""
    for visits, one in zip(sorted(sizes), timed, strict=True):
        seconds, gigabytes = TARGETS.get(visits, (None, None))
        yield Figure(f"{visits} visits, seconds", round(one.seconds, 2), seconds)
        yield Figure(f"{visits} visits, peak memory, GB", round(one.peak_gb, 3), gigabytes)
        if one.product is not None:
            target = RATIO if visits == COMPARED else None
            for words, spent, most in (
                ("B", one.from_matrices, target),
                ("visits", one.from_visits, None),
            ):
                ratio = (spent or 0.0) / max(one.product, 1e-9)
                name = f"{visits} visits, edges from {words} over B·Bᵀ alone, ratio"
                yield Figure(name, round(ratio, 2), most)
    if len(timed) > 1:
        yield Figure("growth exponent of CPU seconds", round(growth(timed), 3), EXPONENT)


def text(timed: Sequence[Timed]) -> str:
    """Lay the sizes out."""
    table = pd.DataFrame(
        {
            "visits": [one.visits for one in timed],
            "accounts": [one.contributors for one in timed],
            "load before": [one.load for one in timed],
            "start s": [one.start_up for one in timed],
            "read s": [one.read for one in timed],
            "search s": [one.search for one in timed],
            "search CPU s": [one.search_cpu for one in timed],
            "peak GB": [one.peak_gb for one in timed],
            "B·Bᵀ CPU s": [one.product for one in timed],
            "edges from B CPU s": [one.from_matrices for one in timed],
            "from visits CPU s": [one.from_visits for one in timed],
        },
        dtype=object,
    )
    return table.astype(dict.fromkeys(table.columns[2:], float)).to_string(
        index=False, na_rep="-", float_format="{:.2f}".format
    )


def _child(step: str, visits: int, seed: int, folder: Path) -> tuple[dict[str, Any], float]:
    """Take a step in a process of its own: what it said, and its sampled peak in MB."""
    command = [sys.executable, "-m", "benchmarks.actors.timed", step, str(visits), str(seed)]
    began = time.monotonic()
    child = subprocess.Popen(
        [*command, str(folder)], cwd=_CHECKOUT, stdout=subprocess.PIPE, text=True
    )
    with TreeMemory(child.pid) as memory:
        told, _ = child.communicate()
    if child.returncode:
        raise SystemExit(f"the step {step!r} of {visits:,} visits failed")
    said: dict[str, Any] = json.loads(told.splitlines()[-1])
    return said, memory.peak(began, time.monotonic())

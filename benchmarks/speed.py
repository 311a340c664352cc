"""Time whole nights through the real flow, and tell where time and memory went.

Every night runs in a process of its own over a new workspace with a golden set and
canaries; start-up (imports, Prefect's temporary API) is told apart from the night. Time
between two tasks counts for the later one, so that the parts add up to the whole.

Usage: ``python -m benchmarks.speed [--rows N]... [--folder DIR] [--data DIR]``
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from benchmarks.figures import Figure, write_figures
from benchmarks.generate import ScaleFiles, scale_contributions
from benchmarks.memory import TreeMemory
from foretaste.core.workspace import Workspace, init_workspace

CHECKOUT: Final = Path(__file__).resolve().parents[1]
RESULTS: Final = CHECKOUT / "benchmarks" / "results" / "speed.json"
SEED: Final = 1
AS_OF: Final = "2026-01-02T02:00:00+00:00"
TARGETS: Final = {100_000: (240.0, 3.0), 1_000_000: (720.0, 4.0)}
"""Rows to seconds of the night and GB of the process tree."""
EXPONENT: Final = 1.1
START_UP: Final = ("interpreter", "imports", "temporary API")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a run: seconds, peak memory of the process tree in MB, and row counts."""

    name: str
    seconds: float
    peak_mb: float
    rows: dict[str, int]


@dataclass(frozen=True, slots=True)
class Measured:
    """One night of ``rows`` contributions; ``load`` is the machine's before it began."""

    rows: int
    load: float
    state: str
    account: dict[str, int]
    start_up: tuple[Part, ...]
    parts: tuple[Part, ...]
    detectors: dict[str, float]
    largest_process_mb: float

    @property
    def seconds(self) -> float:
        """Seconds of the night, start-up apart."""
        return sum(part.seconds for part in self.parts)

    @property
    def peak_gb(self) -> float:
        """Peak memory of the process tree, GB of 10**9 bytes."""
        sampled = max(part.peak_mb for part in (*self.start_up, *self.parts))
        return max(sampled, self.largest_process_mb) / 1000


def measure(rows: int, folder: Path, data: Path) -> Measured:
    """Generate ``rows`` contributions into ``data`` and time their night."""
    note(f"{rows:,} rows: generate")
    files = scale_contributions(rows, data / f"rows-{rows}", seed=SEED)
    note(f"{rows:,} rows: make a workspace")
    workspace = _prepare(files, folder / f"night-{rows}")
    return _night(rows, workspace, folder / f"night-{rows}.jsonl")


def _prepare(files: ScaleFiles, root: Path) -> Workspace:
    workspace = init_workspace(root, template=CHECKOUT)
    layout = workspace.layout
    layout.params.write_text(yaml.safe_dump(files.policy, sort_keys=False), encoding="utf-8")
    shutil.copyfile(files.golden, layout.golden / "golden.parquet")
    shutil.copyfile(files.canaries, layout.canaries / "canaries.parquet")
    shutil.copyfile(files.contributions, layout.landing / "contributions.parquet")
    return workspace


def _night(rows: int, workspace: Workspace, told: Path) -> Measured:
    load = os.getloadavg()[0]
    command = [sys.executable, "-m", "benchmarks.night", str(workspace.root), AS_OF, str(told)]
    log = told.with_suffix(".log")
    with log.open("wb") as output:
        began = time.monotonic()
        child = subprocess.Popen(command, cwd=CHECKOUT, stdout=output, stderr=output)
        with TreeMemory(child.pid) as memory:
            _watch(child, told, rows)
    said = _lines(told)
    if child.returncode or "outcome" not in said[-1]:
        raise SystemExit(f"the night of {rows:,} rows failed; its log: {log}")
    outcome = said[-1]["outcome"]
    work = workspace.layout.runs / outcome["run"]
    parts = _parts(said[:-1], began, memory, _read(work / "timings.json"))
    cut = len(START_UP)
    return Measured(
        rows,
        load,
        outcome["state"],
        outcome["account"] or {},
        parts[:cut],
        parts[cut:],
        {k: round(v, 1) for k, v in _read(work / "seconds.json").items()},
        said[-1]["peak_mb"],
    )


def _parts(
    said: Sequence[dict[str, Any]], began: float, memory: TreeMemory, timings: dict[str, Any]
) -> tuple[Part, ...]:
    parts = []
    for line in said:
        name, ended = line["part"], line["ended"]
        rows = timings.get(name.replace("-", "_"), {}).get("rows", {})
        parts.append(Part(name, ended - began, memory.peak(began, ended), rows))
        began = ended
    return tuple(parts)


def _watch(child: subprocess.Popen[bytes], told: Path, rows: int) -> None:
    """Wait for the night, telling each part as it ends."""
    from rich.console import Console

    seen = 0
    with Console(stderr=True).status(f"{rows:,} rows: start") as status:
        while True:
            lines = _lines(told)
            for line in lines[seen:]:
                if "part" in line:
                    status.update(f"{rows:,} rows: {line['part']} done")
            seen = len(lines)
            try:
                child.wait(0.5)
            except subprocess.TimeoutExpired:
                continue
            return


def growth(small: Measured, large: Measured) -> float:
    """Exponent b of seconds ~ rows**b between two sizes."""
    return math.log(large.seconds / small.seconds) / math.log(large.rows / small.rows)


def figures(nights: Sequence[Measured]) -> list[Figure]:
    """Give the numbers that have targets, and start-up."""
    found = []
    for night in nights:
        seconds, gigabytes = TARGETS.get(night.rows, (None, None))
        name = f"{night.rows} rows"
        found += [
            Figure(f"night of {name}, seconds", round(night.seconds, 1), seconds),
            Figure(f"peak memory of {name}, GB", round(night.peak_gb, 2), gigabytes),
            Figure(
                f"start-up of {name}, seconds", round(sum(p.seconds for p in night.start_up), 1)
            ),
        ]
    if len(nights) > 1:
        found.append(Figure("growth exponent", round(growth(nights[0], nights[-1]), 3), EXPONENT))
    return found


def table(night: Measured) -> str:
    """Lay a night out as text."""
    lines = [
        f"{night.rows:,} rows: {night.state}, {night.account} (load before: {night.load:.1f})",
        f"  {'part':<18}{'seconds':>9}{'share':>8}{'peak MB':>9}  rows",
    ]
    for part in (*night.start_up, *night.parts):
        inside = part.name not in START_UP
        share = f"{part.seconds / night.seconds:8.0%}" if inside else f"{'-':>8}"
        rows = ", ".join(f"{n:,} {what}" for what, n in part.rows.items())
        lines.append(f"  {part.name:<18}{part.seconds:>9.1f}{share}{part.peak_mb:>9.0f}  {rows}")
    lines.append(
        f"  {'the night':<18}{night.seconds:>9.1f}{1:>8.0%}{night.peak_gb * 1000:>9.0f}"
        f"  start-up apart: {sum(p.seconds for p in night.start_up):.1f} s"
    )
    lines += [f"    {name:<20}{s:>7.1f} s in detect" for name, s in night.detectors.items()]
    return "\n".join(lines)


def verdicts(found: Sequence[Figure]) -> str:
    """Lay the figures out beside their targets."""
    words = {True: "ok", False: "MISSED", None: ""}
    lines = [f"{'figure':<42}{'value':>9}{'target':>9}"]
    for f in found:
        target = "-" if f.target is None else f"{f.target:g}"
        lines.append(f"{f.name:<42}{f.value:>9g}{target:>9}  {words[f.ok]}")
    return "\n".join(lines)


def _stay_out_of_home(folder: Path) -> None:
    """Keep keys, Prefect's database and its profile in ``folder``."""
    os.environ["FORETASTE_KEYS"] = str(folder / "keys")
    os.environ["PREFECT_HOME"] = str(folder / "prefect")
    os.environ["DVC_NO_ANALYTICS"] = "1"
    os.environ.pop("PREFECT_API_URL", None)


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return content


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    return [json.loads(line) for line in lines]


def note(line: str) -> None:
    """Tell progress on stderr."""
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Run the nights, print their tables, and write the figures."""
    parser = argparse.ArgumentParser(description="Time whole nights through the real flow.")
    parser.add_argument("--rows", type=int, action="append", help="size, may be repeated")
    parser.add_argument("--folder", type=Path, help="keep workspaces and logs here")
    parser.add_argument("--data", type=Path, help="keep generated rows here")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="foretaste-speed-") as temporary:
        folder = Path(tempfile.mkdtemp(dir=_made(given.folder or Path(temporary))))
        _stay_out_of_home(folder)
        nights = []
        for rows in sorted(given.rows or TARGETS):
            nights.append(measure(rows, folder, given.data or folder / "data"))
            print(table(nights[-1]), end="\n\n", flush=True)
    found = figures(nights)
    print(verdicts(found))
    write_figures(RESULTS, found, seeds=[SEED], more={"nights": [asdict(n) for n in nights]})
    note(f"written: {RESULTS}")


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


if __name__ == "__main__":
    main()

"""Time and memory of each detector, one after the other, each in a process of its own.

Usage: ``python -m benchmarks.efficacy.cost [--rows N] [--features N]``. 100,000 rows of 64
features and 7 classes; the shared votes are computed once and told apart, as on a night.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.efficacy.ours import made_key, resolved
from benchmarks.efficacy.tables import table
from benchmarks.figures import Figure
from benchmarks.material import Gaussian
from benchmarks.memory import TreeMemory
from detectors.content.votes import out_of_actor_votes
from detectors.registry import configured
from foretaste.attacks.base import fresh_ids
from foretaste.attacks.people import people
from foretaste.core.batch import Batch
from foretaste.core.policy import Columns, Policy
from foretaste.steps.children import VOTES
from foretaste.steps.sanitize import ACTORS

ROWS: Final = 100_000
FEATURES: Final = 64
CLASSES: Final = 7
TARGET_S: Final = 60.0
_MODULE: Final = "benchmarks.efficacy.cost"
_EACH: Final = 40
_WRONG: Final = 0.02
_SEED: Final = 1
_FIRST: Final = pd.Timestamp("2026-10-01", tz="UTC")


@dataclass(frozen=True, slots=True)
class Cost:
    """What detectors, all or those named, cost on one made batch."""

    rows: int = ROWS
    features: int = FEATURES
    only: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Name of the measurement."""
        return f"cost/{self.rows}x{self.features}"

    def measure(self) -> dict[str, Any]:
        """Measure every detector; JSON-safe."""
        policy = Policy(seed=_SEED, columns=Columns(features=_names(self.features)))
        with tempfile.TemporaryDirectory(prefix="efficacy-") as folder:
            work, started = Path(folder), time.perf_counter()
            resolved(_contributions(self.rows, self.features), policy, made_key(_SEED), work)
            parts = {ACTORS: {"seconds": time.perf_counter() - started}}
            batch = work / "resolved" / "batch"
            parts[VOTES] = _asked(VOTES, batch)
            others = [name for name in configured(policy) if name != ACTORS]
            parts |= {n: _asked(n, batch) for n in others if n in (self.only or others)}
        return {"key": self.key, "rows": self.rows, "features": self.features, "parts": parts}


def _names(count: int) -> tuple[str, ...]:
    return tuple(f"x{j:02d}" for j in range(count))


def _contributions(rows: int, features: int) -> pd.DataFrame:
    """Honest rows of people with heavy-tailed volumes over thirty days."""
    rng = np.random.default_rng(_SEED)
    material = Gaussian(features, CLASSES, _SEED)
    crowd = people(max(rows // _EACH, 2), _FIRST, rng)
    who = rng.choice(len(crowd), p=crowd.volume / crowd.volume.sum(), size=rows)
    code = material.draw_classes(rows, rng)
    nothing = np.zeros(rows, dtype=bool)
    content = material.content(code, nothing, nothing, rng)
    given = np.where(rng.random(rows) < _WRONG, rng.integers(CLASSES, size=rows), code)
    seconds = pd.to_timedelta(rng.integers(0, 30 * 86_400, size=rows), unit="s")
    return pd.DataFrame(
        {
            "contribution_id": fresh_ids(rng, "c", rows, []),
            "contributor_id": pd.Series(crowd.ids[who], dtype="str"),
            "contributed_at": pd.Series(_FIRST + seconds),
            "item_id": pd.Series([f"i{i}" for i in rng.integers(rows, size=rows)], dtype="str"),
            "label": pd.Series(np.array(material.classes)[given], dtype="str"),
            "ip": pd.Series(crowd.home[who], dtype="str"),
            "tier": pd.Series(crowd.tier[who], dtype="str"),
            "registered_at": crowd.registered_at.iloc[who].reset_index(drop=True),
            **{f"f_{name}": values for name, values in content.items()},
        }
    )


def _asked(detector: str, batch: Path) -> dict[str, float]:
    """Run a detector in a process of its own, and take its word for what that took."""
    command = [sys.executable, "-m", _MODULE, "--one", detector, "--batch", str(batch)]
    # One thread, as the children of a night have.
    own = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=own)
    said: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return said


def _one(detector: str, folder: Path) -> dict[str, float]:
    """Ask a detector here; loading the batch and importing the code are not counted."""
    batch = Batch.load(folder)
    policy = Policy(seed=batch.seed)
    # Imports belong to the process, not to the rows.
    made = None if detector == VOTES else configured(policy)[detector]
    with TreeMemory(os.getpid()) as memory:
        started, used = time.monotonic(), time.process_time()
        if made is None:
            votes = out_of_actor_votes(batch)
            np.save(folder / "probability.npy", votes.probability)
            np.save(folder / "disagreement.npy", votes.disagreement)
        else:
            made.fit_evidence(batch)
        ended, cpu = time.monotonic(), time.process_time() - used
    peak = memory.peak(started, ended)
    return {"seconds": ended - started, "CPU seconds": cpu, "MB": peak or float("nan")}


def figure(line: Mapping[str, Any]) -> Figure:
    """Seconds of all content evidence one after the other, beside the target."""
    name = f"seconds of all content evidence, {line['rows']:,} rows x {line['features']} features"
    return Figure(name, _content(line, "seconds"), TARGET_S)


def _content(line: Mapping[str, Any], measure: str) -> float:
    """Sum over the content detectors and their shared votes."""
    return float(sum(said[measure] for name, said in line["parts"].items() if name != ACTORS))


def text(lines: Sequence[Mapping[str, Any]]) -> str:
    """Lay out what each detector costs."""
    if not lines:
        return "Not measured."
    line = lines[-1]
    whole = figure(line)
    said = "within" if whole.ok else "above"
    parts = pd.DataFrame.from_dict(line["parts"], orient="index").rename_axis("part")
    return (
        f"{line['rows']:,} rows, {line['features']} features, {CLASSES} classes, seed {_SEED}; "
        f"one detector after the other, {os.cpu_count()} cores. All content evidence, the shared "
        f"votes included: {whole.value:.1f} s, {said} the target of {TARGET_S:.0f} s, and "
        f"{_content(line, 'CPU seconds'):.1f} CPU seconds. `MB` is the peak of the "
        "process, batch and libraries in it, sampled every 0.2 s; none is told of shorter ones. "
        "`actors` is staging and resolving, in the process of the benchmark.\n\n"
        f"{table(parts)}"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Measure what each detector costs.")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--features", type=int, default=FEATURES)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--batch", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.one:
        print(json.dumps(_one(given.one, given.batch)))
        return
    print(text([Cost(given.rows, given.features).measure()]))


if __name__ == "__main__":
    main()

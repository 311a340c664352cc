"""One measured step in a process of its own; ``benchmarks.actors.speed`` starts it.

Usage: ``python -m benchmarks.actors.timed town|search|edges VISITS SEED FOLDER``. The last
line on standard output is a JSON object.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd

from detectors.actors.graph.visits import Visits, encode

_SMALL = 20_000


def make_town(visits: int, seed: int, folder: Path) -> dict[str, float]:
    """Write a town's visits with string ids, as they arrive in life."""
    from benchmarks.actors.town import build
    from benchmarks.actors.worlds import campaigns, plan_of

    plan = plan_of(visits)
    town = build(plan, campaigns(plan), seed)
    table = town.visits
    ids = pd.Series([f"u{number:08d}" for number in range(len(town.kind))], dtype="str")
    items = pd.Series([f"i{number:07d}" for number in range(plan.items)], dtype="str")
    pd.DataFrame(
        {
            "contributor_id": ids.take(table["contributor_id"].to_numpy()).array,
            "item_id": items.take(table["item_id"].to_numpy()).array,
            "visited_at": table["visited_at"],
        }
    ).to_parquet(folder / "visits.parquet", index=False)
    ids.to_frame("contributor_id").to_parquet(folder / "names.parquet", index=False)
    return {"visits": len(table), "contributors": len(ids)}


def read(folder: Path) -> Visits:
    """Read and encode the visits, as the detector does."""
    names = pd.read_parquet(folder / "names.parquet")["contributor_id"].to_numpy(object)
    return encode(pd.read_parquet(folder / "visits.parquet"), names)


def run_search(seed: int, folder: Path) -> dict[str, float]:
    """Time reading and the whole search, and before them a small one that loads libraries."""
    from detectors.actors.search import search

    began = time.monotonic()
    search(_small_town(seed), seed=seed)
    ready = time.monotonic()
    visits = read(folder)
    encoded = time.monotonic()
    worked = time.process_time()
    found = search(visits, seed=seed)
    worked = time.process_time() - worked
    ended = time.monotonic()
    return {
        "start-up seconds": ready - began,
        "read seconds": encoded - ready,
        "search seconds": ended - encoded,
        "search CPU seconds": worked,
        "groups": len(found.groups),
        "edges": int(found.edges.size),
    }


def _small_town(seed: int) -> Visits:
    from benchmarks.actors.town import build
    from benchmarks.actors.worlds import campaigns, codes, plan_of

    plan = plan_of(_SMALL)
    return codes(build(plan, campaigns(plan), seed))


def run_edges(seed: int, folder: Path) -> dict[str, float]:
    """Time edge construction, and B·Bᵀ alone on the same pruned incidence matrices.

    In CPU seconds: a ratio of two short times must not hang on who else is busy.
    """
    from detectors.actors.graph.covisits import Bounds, edges_of, incidence, telling_edges

    visits, bounds = read(folder), Bounds()
    spent = {"product": 0.0, "matrix": 0.0}
    for hours in bounds.scales:
        met = incidence(visits, hours, bounds, seed)
        began = time.process_time()
        product = met.matrix @ met.matrix.T
        multiplied = time.process_time()
        del product
        ready = time.process_time()
        edges_of(met, hours, bounds)
        spent["product"] += multiplied - began
        spent["matrix"] += time.process_time() - ready
    began = time.process_time()
    telling_edges(visits, bounds, seed)
    return {
        "product seconds": spent["product"],
        "seconds from matrices": spent["matrix"],
        "seconds from visits": time.process_time() - began,
    }


def peak_megabytes() -> float:
    """Largest resident memory of this process since it was started, MB.

    The kernel's ``ru_maxrss`` would count what the parent held before.
    """
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def main(step: str, visits: int, seed: int, folder: Path) -> None:
    """Take a step and tell what it cost."""
    said: dict[str, Any] = {
        "town": lambda: make_town(visits, seed, folder),
        "search": lambda: run_search(seed, folder),
        "edges": lambda: run_edges(seed, folder),
    }[step]()
    print(json.dumps({**said, "peak MB": peak_megabytes()}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))

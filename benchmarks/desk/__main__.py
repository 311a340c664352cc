"""Time the desk's pages: `python -m benchmarks.desk`."""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

import httpx
import numpy as np

from benchmarks.desk.served import answering
from benchmarks.desk.visitors import MIX, Visitor, visit
from benchmarks.figures import Figure, write_figures
from foretaste.core.ledger import Ledger, Role
from foretaste.review.auth.sessions import COOKIE
from tests.review.stage import stage

RESULT: Final = Path(__file__).parents[1] / "results" / "desk.json"
CASES, ROWS, USERS, THINK, SECONDS, SEED = 5_000, 200_000, 20, 1.0, 60.0, 7
P95_MS, FIRST_BYTES = 100.0, 300_000


def fill(folder: Path, cases: int, rows: int) -> list[Visitor]:
    """Write a ledger of many cases, and log the users in."""
    (folder / "params.yaml").write_text("seed: 7\n")
    at = datetime.now(UTC)
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        ids = stage(ledger, cases, rows=rows, seed=SEED, now=at)
        # What needs two people waits for the second; one alone decides the others.
        return [_seat(ledger, n, ids[n::USERS], at) for n in range(USERS)]


def _seat(ledger: Ledger, n: int, cases: list[str], at: datetime) -> Visitor:
    name, token = f"user{n:02}", sha256(f"user{n}".encode()).hexdigest()[:43]
    ledger.add_user(name, Role.REVIEWER, subject=name, at=at, by="bench")
    ledger.open_session(
        name,
        token_digest=sha256(token.encode()).hexdigest(),
        csrf=token[::-1],
        at=at,
        expires=at + timedelta(days=1),
    )
    return Visitor((COOKIE, token), token[::-1], cases, SEED + n)


def first_look(url: str, one: Visitor) -> int:
    """Count the bytes of the queue and all that it loads, and of the largest case."""
    with httpx.Client(base_url=url, cookies=dict([one.cookie]), timeout=60) as client:
        own = [f"/static/{name}" for name in ("desk.css", "desk.js", "htmx.min.js", "icon.svg")]
        common = sum(len(client.get(path).content) for path in own)
        pages = [len(client.get(path).content) for path in ("/queue", f"/cases/{one.cases[0]}")]
    return common + max(pages)


def measure(cases: int, rows: int, seconds: float, result: Path) -> None:
    """Fill, serve, visit, and tell."""
    with tempfile.TemporaryDirectory() as spot:
        folder = Path(spot)
        begun = time.perf_counter()
        visitors = fill(folder, cases, rows)
        filled = time.perf_counter() - begun
        with answering(folder) as url:
            first = first_look(url, visitors[0])
            load = os.getloadavg()[0]
            seen = asyncio.run(visit(url, visitors, seconds, THINK))
    figures = []
    print(f"{'page':8}{'asked':>8}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}")
    for page, took in seen.seconds.items():
        p50, p95, p99 = (float(np.percentile(took, q)) * 1_000 for q in (50, 95, 99))
        print(f"{page:8}{len(took):8}{p50:9.1f}{p95:9.1f}{p99:9.1f}")
        figures.append(Figure(f"{page}, p95 ms", round(p95, 1), P95_MS))
        figures += [
            Figure(f"{page}, p50 ms", round(p50, 1)),
            Figure(f"{page}, p99 ms", round(p99, 1)),
        ]
    print(f"errors {len(seen.errors)} {sorted(set(seen.errors))}; first content {first:,} bytes")
    figures.append(Figure("answers that were errors", len(seen.errors), 0))
    figures.append(Figure("bytes to first content", first, FIRST_BYTES))
    asked = {page: len(took) for page, took in seen.seconds.items()}
    more = {
        "cases": cases,
        "rows": rows,
        "users": USERS,
        "think_seconds": THINK,
        "seconds": seconds,
        "mix": MIX,
        "asked": asked,
        "seconds_to_fill": round(filled, 1),
        "load_of_the_machine_before": round(load, 1),
    }
    write_figures(result, figures, seeds=[SEED], more=more)


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--result", type=Path, default=RESULT)
    given = parser.parse_args()
    measure(given.cases, given.rows, given.seconds, given.result)


if __name__ == "__main__":
    main()

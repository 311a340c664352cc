"""Run heavy detectors in children that can be killed: a deadline and a memory limit each.

A timeout inside the process cannot stop compiled code; a child can always be stopped.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from foretaste.core.policy import Limits

VOTES = "votes"
"""Name of the job that computes the shared votes instead of an opinion."""


@dataclass(frozen=True, slots=True)
class Job:
    """One detector over one saved batch.

    Parameters
    ----------
    detector
        Registered name, or ``VOTES``.
    params
        Its constructor's parameters, JSON-safe.
    batch, out
        Folder of the saved batch; folder that receives the result.
    """

    detector: str
    params: dict[str, Any]
    batch: str
    out: str


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended, and after how long: ``fault`` is "" when well, else one sentence."""

    detector: str
    fault: str
    seconds: float


def run_children(jobs: Sequence[Job], limits: Limits) -> list[Ended]:
    """Run jobs, a few at once, and say how each ended, in the order given."""
    with ThreadPoolExecutor(limits.workers) as pool:
        return list(pool.map(lambda job: _run(job, limits), jobs))


def _run(job: Job, limits: Limits) -> Ended:
    out = Path(job.out)
    out.mkdir(parents=True, exist_ok=True)
    request = out / "job.json"
    asked = {**asdict(job), "memory_mb": limits.memory_mb, "parent": os.getpid()}
    request.write_text(json.dumps(asked))
    command = [sys.executable, "-m", "foretaste.steps.child", str(request)]
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    started = time.perf_counter()
    with (out / "log.txt").open("wb") as log:
        try:
            ended = subprocess.run(
                command,
                env={**os.environ, **single},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=limits.seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Ended(job.detector, f"killed after {limits.seconds:g} s", limits.seconds)
    fault = _last_line(out / "log.txt", ended.returncode) if ended.returncode else ""
    return Ended(job.detector, fault, time.perf_counter() - started)


def _last_line(log: Path, code: int) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return f"exit code {code}: {lines[-1][:200] if lines else 'no word'}"

"""Children are stopped at their limits, and say why they ended."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from foretaste.core.policy import Limits
from foretaste.steps.children import VOTES, Job, run_children
from foretaste.steps.opinions import read_opinion
from tests.detectors.worlds import make_batch
from tests.e2e.walks import wait_for


def saved(folder: Path, rows: int, columns: int) -> Path:
    """A batch of two classes, on disk."""
    rng = np.random.default_rng(3)
    labels = ["ham" if i % 2 else "spam" for i in range(rows)]
    x = rng.normal(size=(rows, columns)) + np.arange(rows)[:, None] % 2
    made = make_batch(x, labels, [f"c{i % 30:016x}" for i in range(rows)])
    made.save(folder / "batch")
    return folder / "batch"


@pytest.fixture
def batch(tmp_path: Path) -> Path:
    return saved(tmp_path, 120, 4)


def jobs(batch: Path, *names: str) -> list[Job]:
    return [Job(name, {}, str(batch), str(batch.parent / "out" / name)) for name in names]


def test_a_child_writes_its_opinion(batch: Path) -> None:
    (ended,) = run_children(jobs(batch, "outliers"), Limits())
    assert ended.fault == ""
    evidence, reported = read_opinion(batch.parent / "out" / "outliers")
    assert reported.name == "outliers"
    assert evidence.num_rows == reported.rows


def test_a_child_over_its_deadline_is_killed(batch: Path) -> None:
    ended = run_children(jobs(batch, "outliers", VOTES), Limits(seconds=0.01))
    assert [one.detector for one in ended] == ["outliers", VOTES]
    assert {one.fault for one in ended} == {"killed after 0.01 s"}
    assert not (batch.parent / "out" / "outliers" / "evidence.parquet").exists()


def test_a_child_over_its_memory_is_reported(tmp_path: Path) -> None:
    batch = saved(tmp_path, 20_000, 64)
    (ended,) = run_children(jobs(batch, VOTES), Limits(memory_mb=1))
    assert ended.fault.startswith("exit code ")
    assert not (batch.parent / "out" / VOTES / "disagreement.npy").exists()


def test_a_child_that_raises_tells_its_last_line(batch: Path) -> None:
    (job,) = jobs(batch, "outliers")
    ended = run_children([Job(job.detector, {"typo": 1}, job.batch, job.out)], Limits())
    assert "typo" in ended[0].fault


def test_a_child_does_not_outlive_its_run(batch: Path) -> None:
    asking = (
        "from foretaste.core.policy import Limits\n"
        "from foretaste.steps.children import Job, run_children\n"
        f"run_children([Job('outliers', {{}}, {str(batch)!r}, {str(batch.parent / 'out')!r})],"
        " Limits())\n"
    )
    running = subprocess.Popen([sys.executable, "-c", asking])
    log = batch.parent / "out" / "log.txt"
    wait_for(lambda: log.exists() and bool(_children(running.pid)), running)
    (child,) = _children(running.pid)
    running.kill()
    running.wait(timeout=60)
    wait_for(lambda: not _lives(child))
    assert not (batch.parent / "out" / "evidence.parquet").exists()


def _children(parent: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{parent}/task").glob("*/children"):
        found += [int(word) for word in task.read_text().split()]
    return found


def _lives(process: int) -> bool:
    """Whether it still runs: one that nobody has waited for yet does not."""
    try:
        os.kill(process, 0)
        return " Z " not in Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False

"""``dvc repro`` in a fresh clone, without Prefect, gives what the night published."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.walks import Walked, digest

pytestmark = pytest.mark.e2e

BLOCK = """
import sys

class NoPrefect:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "prefect":
            raise ImportError("prefect is out of bounds here")

sys.meta_path.insert(0, NoPrefect())
"""
TABLES = (
    "sanitize/features",
    "sanitize/evidence",
    "sanitize/verdicts",
    "sanitize/actors",
    "evaluate/golden",
)


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """An environment in which no process can import Prefect."""
    (tmp_path / "sitecustomize.py").write_text(BLOCK)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(tmp_path)}


def shell(folder: Path, environment: dict[str, str], *command: str) -> str:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout[-2000:]} {done.stderr[-2000:]}"
    return done.stdout + done.stderr


def test_prefect_is_really_out_of_bounds(bare: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import prefect"], env=bare, capture_output=True, check=False
    )
    assert b"out of bounds" in done.stderr


@pytest.mark.parametrize("tag", ["model/0003", pytest.param("model/0001", marks=pytest.mark.extra)])
def test_a_clone_reproduces_a_night_from_its_tag(
    demo: Walked, bare: dict[str, str], clone: Path, tag: str
) -> None:
    env = {**bare, "FORETASTE_KEYS": str(demo.keys)}
    shell(demo.folder, env, "git", "clone", "--quiet", "--no-local", str(demo.root), str(clone))
    shell(clone, env, "git", "checkout", "--quiet", tag)
    shell(clone, env, "dvc", "pull", "--quiet")
    assert not (clone / "planted").exists()
    assert not (clone / "landing").exists()
    assert "up to date" in shell(clone, env, "dvc", "status")
    night = clone / "data" / "night"
    published = {name: digest(night / f"{name}.parquet") for name in TABLES}
    said = shell(clone, env, "dvc", "repro", "--force", "--no-run-cache")
    assert all(f"Running stage '{name}'" in said for name in ("sanitize", "train", "evaluate"))
    assert {name: digest(night / f"{name}.parquet") for name in TABLES} == published
    run = demo.outcomes[int(tag[-4:]) - 1]["run"]
    work = demo.root / "data" / "runs" / run
    assert digest(work / "decide" / "verdicts.parquet") == published["sanitize/verdicts"]


def test_without_the_key_a_clone_says_so(demo: Walked, bare: dict[str, str], clone: Path) -> None:
    env = {**bare, "FORETASTE_KEYS": str(clone)}
    shell(demo.folder, env, "git", "clone", "--quiet", "--no-local", str(demo.root), str(clone))
    done = subprocess.run(
        ["foretaste", "stage", "sanitize"], cwd=clone, env=env, capture_output=True, check=False
    )
    assert done.returncode == 1
    assert b"FORETASTE_KEYS" in done.stderr
    assert b"Traceback" not in done.stderr

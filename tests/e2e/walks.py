"""Small honest nights, and the few verbs with which tests walk them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from foretaste.attacks.demo import DEMO_POLICY
from foretaste.attacks.world import reporters
from foretaste.core.engine import Engine
from foretaste.core.release import releases
from foretaste.core.workspace import Workspace, init_workspace
from tests.workspaces import CHECKOUT, isolate

DAYS = ("2026-11-18", "2026-11-19", "2026-11-20")
MARK = "qzxmark"
"""A word that the small policy's rule looks for: its rows are quarantined on every run."""

SLOW = ("time_slices", "label_noise", "outliers", "slice_outliers", "neighbours", "trigger_lift")
FAST: dict[str, Any] = {
    "detectors": {name: {"enabled": False} for name in SLOW},
    "gates": {"bootstrap": 100, "twins": 0, "probe_rows": 0},
    "bisect": {"automatic": False},
}
"""Nights in seconds: two children (the votes, the micro-models) instead of six."""

SMALL: dict[str, Any] = {
    **DEMO_POLICY,
    **FAST,
    "rules": [{"name": "marked", "where": f"text like '%{MARK}%'", "llr": 6.0, "why": "marked"}],
    # So few people that each of them is a heavy contributor of the night.
    "influence": {"contributor_share": 0.2, "actor_share": 0.2, "subnet_share": 0.3},
}

ENGINE = Engine()


@dataclass(frozen=True)
class Walked:
    """A workspace ``ws`` in a folder, beside its remote, its keys, and what its nights said."""

    folder: Path
    outcomes: tuple[Mapping[str, Any], ...] = ()

    @property
    def root(self) -> Path:
        return self.folder / "ws"

    @property
    def keys(self) -> Path:
        return self.folder / "home" / "keys"

    def open(self) -> Workspace:
        return Workspace.open(self.root)

    def copy(self, folder: Path) -> Walked:
        """The same workspace once more, keys included."""
        for name in ("ws", "ws.remote", "home"):
            shutil.copytree(self.folder / name, folder / name, symlinks=True)
        return Walked(folder, self.outcomes)

    def land(self, name: str, rows: pd.DataFrame) -> Path:
        path = self.root / "landing" / name
        rows.to_parquet(path, index=False)
        return path

    def run(self, day: str, **options: Any) -> Mapping[str, Any]:
        """Run a night of this process at two in the morning."""
        from flows.nightly import nightly

        outcome: Any = nightly(str(self.root), as_of=f"{day}T02:00:00+00:00", **options)
        return dict(outcome)

    def review(self, day: str) -> Mapping[str, Any]:
        from flows.review import review

        outcome: Any = review(str(self.root), as_of=f"{day}T09:00:00+00:00")
        return dict(outcome)

    def tables(self, run_id: str) -> dict[str, str]:
        """Digests of what a run found, decided and accepted."""
        work = self.root / "data" / "runs" / run_id
        files = (
            "resolve/actors",
            "resolve/features",
            "detect/evidence",
            "decide/verdicts",
            "accept/part-0",
        )
        return {name: digest(work / f"{name}.parquet") for name in files}

    def verdicts(self, number: int = -1) -> pd.DataFrame:
        """A release's verdicts with the contributions that they are about, rejects included."""
        from foretaste.core.history import read_release_table

        workspace = self.open()
        one = releases(workspace)[number]
        verdicts = read_release_table(workspace, one, "night/sanitize/verdicts.parquet").to_pandas()
        rows = pd.read_parquet(
            workspace.layout.contributions / f"night={one.night}" / "contributions.parquet",
            columns=["row_id", "contribution_id", "contributor_id", "text", "label", "held"],
        )
        told: pd.DataFrame = verdicts.merge(rows, on="row_id", how="left")
        return told

    def command(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start the command line in a process of its own."""
        foretaste = Path(sys.executable).with_name("foretaste")
        return subprocess.Popen(
            [str(foretaste), *arguments, "--workspace", str(self.root)],
            env={**os.environ, "FORETASTE_KEYS": str(self.keys), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )


def digest(path: Path) -> str:
    """Digest of a table's content, whatever its order."""
    return ENGINE.digest(pq.read_table(path, partitioning=None))


def start(folder: Path, policy: Mapping[str, Any]) -> Walked:
    """Make an empty workspace with a policy; the caller has isolated ``folder / "home"``."""
    walked = Walked(folder)
    workspace = init_workspace(walked.root, template=CHECKOUT)
    workspace.layout.params.write_text(yaml.safe_dump(dict(policy), sort_keys=False))
    return walked


def small_world() -> tuple[list[pd.DataFrame], pd.DataFrame]:
    """Three nights of about 150 reports, and a golden set; a few texts carry the mark."""
    mail = pd.read_parquet(CHECKOUT / "data" / "sample" / "mail.parquet")
    mail = mail.sample(600, random_state=5).reset_index(drop=True)
    world = reporters(mail, n_contributors=40, nights=3, end=date(2026, 11, 20), seed=5)
    day = world.contributions["contributed_at"].dt.floor("D")
    nights = [rows.reset_index(drop=True) for _, rows in world.contributions.groupby(day)]
    first = nights[0]
    # Someone who comes again: what people decide must reach the rows of a later night.
    again = [set(night["contributor_id"]) for night in nights]
    counts = first.loc[first["contributor_id"].isin(again[1] & again[2]), "contributor_id"]
    marked = first.index[first["contributor_id"] == counts.value_counts().index[0]][:2]
    first.loc[marked, "text"] = first.loc[marked, "text"] + f" {MARK}"
    golden = world.golden[["mail_id", "item", "label", "text"]]
    return nights, golden.rename(columns={"mail_id": "row_id", "item": "item_id"})


def isolated(patch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Give a folder a home and keys of its own; for what outlives one test."""
    isolate(patch, folder / "home")
    return folder


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[bytes] | None = None) -> None:
    """Poll until a condition holds; minutes, or a process that ends before, are a failure."""
    for _ in range(12_000):
        if condition():
            return
        if process is not None and process.poll() is not None:
            said = process.stdout.read().decode() if process.stdout else ""
            raise AssertionError(f"ended with {process.returncode} before: {said[-2000:]}")
        time.sleep(0.02)
    raise AssertionError("waited in vain")


def published(walked: Walked) -> list[str]:
    """Tags of releases and models."""
    return walked.open().git.lines("tag", "--list")

"""Small workspaces and nights for tests."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from random import Random
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foretaste.core.files import sha256_file
from foretaste.core.releasing import ReleasePlan, plan_release
from foretaste.core.verdict import Account
from foretaste.core.workspace import Workspace

CHECKOUT = Path(__file__).resolve().parents[1]


def isolate(patch: pytest.MonkeyPatch, home: Path) -> None:
    """Cut a test off from the account it runs under."""
    home.mkdir(parents=True, exist_ok=True)
    for name in [n for n in os.environ if n.startswith(("GIT_", "XDG_", "DVC_", "FORETASTE_"))]:
        patch.delenv(name)
    patch.setenv("HOME", str(home))
    patch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    patch.setenv("XDG_CACHE_HOME", str(home / ".cache"))
    patch.setenv("XDG_DATA_HOME", str(home / ".local" / "share"))
    patch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
    patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    patch.setenv("DVC_NO_ANALYTICS", "1")
    patch.setenv("DVC_GLOBAL_CONFIG_DIR", str(home / ".dvc-global"))
    patch.setenv("DVC_SYSTEM_CONFIG_DIR", str(home / ".dvc-system"))
    patch.setenv("DVC_SITE_CACHE_DIR", str(home / ".dvc-site"))
    patch.setenv("FORETASTE_KEYS", str(home / "keys"))
    # Salts follow from the key: what a test finds must not depend on the day's luck.
    patch.setattr("foretaste.core.keys.secrets", SimpleNamespace(token_bytes=Random(7).randbytes))


def copy_workspace(source: Path, target: Path) -> Workspace:
    """Copy what ``blank`` made, keys included, and open it."""
    for name in ("ws", "ws.remote"):
        shutil.copytree(source / name, target / name, symlinks=True)
    keys = Path(os.environ["FORETASTE_KEYS"])
    shutil.copytree(source / "home" / "keys", keys, dirs_exist_ok=True)
    return Workspace.open(target / "ws")


def table(ids: range, night: str, weight: float = 1.0) -> pa.Table:
    """Rows of an accepted table, small but with what releases look at."""
    n = len(ids)
    return pa.table(
        {
            "row_id": [f"r{i:04d}" for i in ids],
            "label": ["spam" if i % 3 else "ham" for i in ids],
            "weight": [weight] * n,
            "night": [night] * n,
        }
    )


def stage_night(
    workspace: Workspace,
    night: str = "2026-01-01",
    *,
    run_id: str = "",
    ids: range = range(10),
    part: str = "part-0",
    weight: float = 1.0,
    more: tuple[str, ...] = (),
) -> ReleasePlan:
    """Stage a small night in its run folder and plan its release; ``more`` adds targets."""
    run_id = run_id or f"run-{night}"
    work = workspace.layout.runs / run_id / "publish"
    work.mkdir(parents=True, exist_ok=True)
    rows = table(ids, night, weight)
    for name in ("contributions", "accepted", "verdicts"):
        pq.write_table(rows, work / f"{name}.parquet")
    pq.write_table(pa.table({"contributor_id": ["c1"], "night": [night]}), work / "state.parquet")
    (work / "night.json").write_text(f'{{"night": "{night}"}}\n')
    return plan_release(
        workspace,
        night=night,
        run_id=run_id,
        staged={
            f"data/contributions/night={night}/{part}.parquet": work / "contributions.parquet",
            f"data/accepted/night={night}/{part}.parquet": work / "accepted.parquet",
            "data/state/validity.parquet": work / "state.parquet",
            "data/state/night.json": work / "night.json",
            "data/night/sanitize/verdicts.parquet": work / "verdicts.parquet",
            **dict.fromkeys(more, work / "night.json"),
        },
        counts=Account.of(len(ids) + 2, {"accepted": len(ids), "rejected": 2}),
        files=["ab" * 32],
        policy_digest=workspace.policy.digest(),
    )


def fingerprint(workspace: Workspace) -> dict[str, str]:
    """SHA-256 of every file that a user could see, by path; caches and work areas apart."""
    root = workspace.root
    apart = (".git/", ".dvc/tmp/", ".dvc/cache/", "data/runs/", "ledger.sqlite", ".foretaste.lock")
    paths = {p.relative_to(root).as_posix(): p for p in root.rglob("*") if p.is_file()}
    return {
        name: sha256_file(path)
        for name, path in sorted(paths.items())
        if not name.startswith(apart)
    }

"""A small workspace with releases that a drill can be run on, without heavy detectors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from detectors.registry import DETECTORS
from foretaste.core.contract import VISIT_SCHEMA
from foretaste.core.releasing import apply_release, plan_release
from foretaste.core.verdict import VERDICT_SCHEMA, Account
from foretaste.core.workspace import Workspace
from foretaste.steps.accept import accepted_schema

NIGHTS = ("2026-01-01", "2026-01-02")
LIGHT = ("actors", "rules")
SEES_IT = {"name": "off_side", "where": "(label = 'b') = (f_x < 0)", "llr": 9.0}
"""Honest rows of b lie right of 0, those of a left of it."""
PEOPLE, EACH = 30, 8


def policy(*, rule: bool, label_shift: float = 0.25, **drill: Any) -> dict[str, Any]:
    """A policy with light detectors and, or not, a rule that sees every wrong label."""
    silent = {name: {"enabled": False} for name in DETECTORS if name not in LIGHT}
    return {
        "seed": 7,
        "columns": {"features": ["x", "y"], "attributes": ["relay"]},
        "detectors": silent,
        "rules": [SEES_IT] if rule else [],
        # A drill of this size is a large part of so small a night.
        "decision": {"max_held_share": 0.9, "max_held_class_share": 0.9},
        "expectations": {"max_label_shift": label_shift},
        "drill": {"runs": 2, **drill},
    }


def publish(workspace: Workspace, said: dict[str, Any], nights: tuple[str, ...] = NIGHTS) -> None:
    """Write the policy, and publish nights of honest rows and a golden set."""
    workspace.layout.params.write_text(yaml.safe_dump(said))
    _golden(workspace.layout.golden)
    opened = Workspace.open(workspace.root)
    for place, night in enumerate(nights):
        _night(opened, night, place)


def honest(workspace: Workspace, night: str, place: int) -> pd.DataFrame:
    """Rows of people of whom each has a network, a device and a name."""
    rng = np.random.default_rng(place)
    count = PEOPLE * EACH
    who = np.repeat(np.arange(PEOPLE), EACH)
    label = np.where(rng.random(count) < 0.5, "a", "b")
    key = workspace.key.pseudonym
    at = pd.Timestamp(night, tz="UTC") + pd.to_timedelta(rng.integers(0, 86_400, count), unit="s")
    rows = pd.DataFrame(
        {
            "row_id": [key("row", f"{night}/{i}") for i in range(count)],
            "contribution_id": [f"c{place}{i:04d}" for i in range(count)],
            "contributor_id": [key("contributor", f"u{i}") for i in who],
            "contributed_at": at.as_unit("us"),
            "time_unknown": False,
            "item_id": [f"i{place}{i % 97:03d}" for i in range(count)],
            "label": label,
            "network_id": [key("network", f"n{i}") for i in who],
            "subnet_id": [key("subnet", f"s{i}") for i in who],
            "device_id": [key("device", f"d{i % 3}") for i in who],
            "kind": None,
            "tier": "registered",
            "registered_at": pd.Timestamp("2025-06-01", tz="UTC") + _days(who),
            "name_shape": "a-99",
            "name_sketch": [f"{i:016x}" for i in who],
            "text": None,
            "row_digest": "d",
            "source": "ab" * 32,
            "source_row": np.arange(count),
            "held": None,
            "f_x": np.where(label == "b", 1.0, -1.0) * rng.uniform(0.2, 2.0, count),
            "f_y": rng.normal(size=count),
            "a_relay": "relay",
            "verdict": "accepted",
            "influence_weight": 1.0,
            "evidence_weight": 1.0,
            "weight": 1.0,
        }
    )
    return rows.assign(actor_id=rows["contributor_id"])


def _days(who: np.ndarray) -> pd.TimedeltaIndex:
    return pd.to_timedelta(who, unit="D")


def _golden(folder: Path) -> None:
    rng = np.random.default_rng(99)
    x = np.concatenate([rng.uniform(0.02, 2, 60), rng.uniform(-2, -0.02, 60)])
    golden = pd.DataFrame(
        {
            "row_id": [f"g{i:03d}" for i in range(120)],
            "label": np.where(x > 0, "b", "a"),
            "f_x": x,
            "f_y": rng.normal(size=120),
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    golden.to_parquet(folder / "golden.parquet")


def _night(workspace: Workspace, night: str, place: int) -> None:
    run = workspace.layout.runs / f"run-{night}"
    run.mkdir(parents=True)
    rows = honest(workspace, night, place)
    table = pa.Table.from_pandas(rows, accepted_schema(workspace.policy), preserve_index=False)
    pq.write_table(table, run / "part-0.parquet")
    pq.write_table(VISIT_SCHEMA.empty_table(), run / "visits.parquet")
    pq.write_table(VERDICT_SCHEMA.empty_table(), run / "verdicts.parquet")
    (run / "night.json").write_text(f'{{"night": "{night}"}}')
    staged = {
        f"data/accepted/night={night}/part-0.parquet": run / "part-0.parquet",
        f"data/contributions/night={night}/visits.parquet": run / "visits.parquet",
        "data/night/sanitize/verdicts.parquet": run / "verdicts.parquet",
        "data/state/night.json": run / "night.json",
    }
    plan = plan_release(
        workspace,
        night=night,
        run_id=run.name,
        staged=staged,
        counts=Account.of(len(rows), {"accepted": len(rows)}),
        files=["ab" * 32],
        policy_digest=workspace.policy.digest(),
    )
    apply_release(workspace, plan)

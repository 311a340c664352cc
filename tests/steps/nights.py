"""Nights of pure steps: no Prefect, no git, no DVC."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pandas as pd

from foretaste.core.keys import WorkspaceKey
from foretaste.core.layout import Layout
from foretaste.core.policy import Policy
from foretaste.intake import OriginalStore
from foretaste.steps import accept, ingest, sanitize, state
from foretaste.steps.decide import decide
from foretaste.steps.night import Night, run_step

KEY = WorkspaceKey(b"s" * 32)
AS_OF = datetime(2026, 11, 18, 2, tzinfo=UTC)
NOTHING = pd.DataFrame({"decision_id": [], "row_id": [], "decision": []}).astype(
    {"decision_id": "int64", "row_id": "str", "decision": "str"}
)


def a_night(root: Path, policy: Policy | None = None) -> Night:
    """A first night in an empty folder."""
    layout = Layout(root)
    layout.landing.mkdir(parents=True, exist_ok=True)
    return Night(layout, policy or Policy(), KEY, "2026-11-18", AS_OF, layout.runs / "run")


def walk(night: Night, rows: pd.DataFrame) -> Mapping[str, Path]:
    """Land rows and take them as far as what would be accepted; give each step's folder."""
    rows.to_parquet(night.layout.landing / "rows.parquet", index=False)
    originals = OriginalStore(
        night.layout.root / "originals.sqlite", night.layout.root / "keys.sqlite", KEY
    )
    taken = ingest.ingest(night, ingest.landed(night), originals)
    begun = state.begin(night, NOTHING)
    inputs = sanitize.Inputs(taken, begun, night.layout.accepted)
    policy = night.policy
    resolved = run_step(
        night, "resolve", inputs.files(), partial(sanitize.resolve, inputs, policy, KEY)
    )
    detected = run_step(
        night, "detect", {"resolve": resolved}, partial(sanitize.detect, resolved, policy)
    )
    decided = run_step(
        night,
        "decide",
        {"detect": detected},
        partial(decide, inputs, resolved, detected, policy),
    )
    kept = run_step(
        night,
        "accept",
        {"decide": decided},
        partial(accept.accept, inputs, decided, night.layout.contributions, policy),
    )
    return {"resolve": resolved, "detect": detected, "decide": decided, "accept": kept}

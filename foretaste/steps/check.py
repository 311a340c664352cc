"""Ask the Great Expectations suites about the night's data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from expectations.accepted import check_accepted
from expectations.raw import check_raw
from foretaste.core.policy import Policy
from foretaste.steps.batches import read_history
from foretaste.steps.night import Night, read_json, write_json
from foretaste.steps.state import read_night

SUITE = "suite.json"


@dataclass(frozen=True, slots=True)
class _File:
    state: str


def raw(night: Night, ingested: Path, out: Path) -> Mapping[str, int]:
    """Judge what came in, before anything is made of it."""
    report = check_raw(
        pq.read_table(ingested / "contributions.parquet"),
        pq.read_table(ingested / "rejects.parquet"),
        [_File(file["state"]) for file in read_json(ingested / "files.json")["files"]],
        night.policy,
        as_of=night.as_of,
    )
    write_json(out / SUITE, report.to_json())
    return {"evaluated": report.evaluated}


def accepted(policy: Policy, state: Path, corpus: Path, kept: Path, out: Path) -> Mapping[str, int]:
    """Judge what would be released, against the last release."""
    night, _ = read_night(state)
    earlier = read_history(corpus, night, policy.model_copy(update={"window_nights": 1}))
    report = check_accepted(
        pd.read_parquet(kept / "part-0.parquet"),
        None if earlier is None else earlier.to_pandas(),
        {kind: pd.read_parquet(kept / f"shares_{kind}.parquet") for kind in _KINDS},
        read_json(kept / "caps.json"),
        policy,
    )
    write_json(out / SUITE, report.to_json())
    return {"evaluated": report.evaluated}


def failures(checked: Path) -> tuple[str, ...]:
    """Why a suite holds the night; empty when it does not."""
    suite = read_json(checked / SUITE)
    if suite.get("ok"):
        return ()
    failed = [r for r in suite["results"] if not r["success"] and r["severity"] == "critical"]
    if not failed:
        return (f"{suite['suite']}: only {suite['evaluated']} of {suite['expected']} evaluated",)
    return tuple(_told(suite, result) for result in failed)


def _told(suite: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    return (
        f"{suite['suite']}: {result['name']} is {result['observed']},"
        f" allowed {result['threshold']} ({result['meaning']})"
    )


_KINDS = ("contributor", "actor", "subnet")

"""A night whose candidate a gate holds looks by itself for those who broke it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
import yaml

from detectors.registry import DETECTORS
from foretaste.core.gate import GateState
from foretaste.core.ledger import CaseState
from foretaste.steps.night import read_json
from tests.e2e.walks import DAYS, SMALL, Walked, published, small_world

pytestmark = [pytest.mark.e2e, pytest.mark.prefect, pytest.mark.extra]

PHRASE = "regards from the zephyr quartz lantern"
CREW = tuple(f"mal{i}" for i in range(4))
BLIND: dict[str, Any] = {
    **SMALL,
    "detectors": {name: {"enabled": False} for name in DETECTORS},
    "bisect": {"automatic": True},
}
"""No detector looks: the model is the only witness."""


def crew(night: pd.DataFrame) -> pd.DataFrame:
    """Honest mail that carries a phrase, told to be spam by a few accounts."""
    ham = night[night["label"] == "ham"].head(24).reset_index(drop=True)
    return ham.assign(
        contribution_id=[f"crew{i}" for i in ham.index],
        contributor_id=[CREW[i % len(CREW)] for i in ham.index],
        ip=[f"10.77.{i % len(CREW)}.9" for i in ham.index],
        text=ham["text"] + f" {PHRASE}",
        label="spam",
    )


def canaries() -> pd.DataFrame:
    """The phrase on mail that nobody sent, and such mail without it."""
    ham = small_world()[1].query("label == 'ham'")
    hit = ham.assign(text=ham["text"] + f" {PHRASE}", attack="phrase", target_label="spam")
    rows = pd.concat([hit, ham.assign(attack=None, target_label=None)], ignore_index=True)
    named: pd.DataFrame = rows.assign(true_label=rows["label"])
    return named[["text", "attack", "target_label", "true_label"]]


def test_a_failed_gate_ends_the_night_with_a_case_on_those_who_broke_it(walked: Walked) -> None:
    night = small_world()[0][1]
    canaries().to_parquet(walked.root / "data" / "canaries" / "canaries.parquet", index=False)
    walked.open().layout.params.write_text(yaml.safe_dump(BLIND))
    walked.land("night-1.parquet", pd.concat([night, crew(night)], ignore_index=True))

    outcome = walked.run(DAYS[1])

    assert (outcome["state"], outcome["exit_code"]) == ("released", 3)
    assert "release/0002" in published(walked)
    work = walked.root / "data" / "runs" / outcome["run"]
    said = read_json(work / "bisect-attack_success" / "bisect.json")
    assert said["before"]["state"] == GateState.FAIL
    assert said["after"]["state"] == GateState.PASS
    verdicts = walked.verdicts()
    theirs = verdicts[verdicts["contribution_id"].str.startswith("crew")]
    with walked.open().ledger() as ledger:
        (case,) = (one for one in ledger.cases() if one.kind == "bisect")
        rows = ledger.case_rows(case.id)
    assert case.state is CaseState.OPEN
    assert set(rows) == set(theirs["row_id"])
    assert any(case.id in warning for warning in outcome["warnings"])
    page = (walked.root / "reports" / f"{outcome['run']}.html").read_text()
    assert case.id in page

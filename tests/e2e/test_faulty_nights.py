"""Nights that a gate or a fault stops: what is said, and that nothing changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest
import yaml

from foretaste.core.errors import Locked, PolicyError
from foretaste.core.lock import workspace_lock
from tests.e2e.walks import DAYS, SMALL, Walked, published, small_world
from tests.workspaces import fingerprint

pytestmark = [pytest.mark.e2e, pytest.mark.prefect]


def write_policy(walked: Walked, **sections: Any) -> None:
    walked.open().layout.params.write_text(yaml.safe_dump({**SMALL, **sections}))


def seen(walked: Walked) -> dict[str, str]:
    """What users see, reports apart."""
    return {k: v for k, v in fingerprint(walked.open()).items() if not k.startswith("reports/")}


def is_held(outcome: Mapping[str, Any], walked: Walked, before: dict[str, str], rows: int) -> None:
    assert (outcome["state"], outcome["exit_code"]) == ("held", 3)
    assert outcome["account"]["rows_in"] == outcome["account"]["quarantined"] == rows
    assert seen(walked) == before
    assert published(walked) == ["model/0001", "release/0001"]
    (page,) = (walked.root / "reports").glob(f"{outcome['run']}.html")
    assert "held" in page.read_text().lower()
    with walked.open().ledger() as ledger:
        (run,) = (r for r in ledger.runs() if r.id == outcome["run"])
    assert (run.state, run.exit_code, run.release) == ("held", 3, None)


def test_too_few_rows_hold_the_night(walked: Walked) -> None:
    walked.land("few.parquet", small_world()[0][1].head(7))
    before = seen(walked)
    outcome = walked.run(DAYS[1])
    is_held(outcome, walked, before, 7)
    assert any("rows is 7" in reason and "20" in reason for reason in outcome["reasons"])


def test_a_source_that_sends_only_a_header_holds_the_night(walked: Walked) -> None:
    walked.land("silent.parquet", small_world()[0][1].head(0))
    before = seen(walked)
    outcome = walked.run(DAYS[1])
    is_held(outcome, walked, before, 0)
    assert outcome["reasons"]


@pytest.mark.parametrize("limit", [{"seconds": 0.01}, {"memory_mb": 1}], ids=str)
def test_a_detector_that_does_not_report_holds_the_night(
    walked: Walked, limit: dict[str, float]
) -> None:
    rows = small_world()[0][1]
    walked.land("night-1.parquet", rows)
    write_policy(walked, limits=limit)
    before = seen(walked)
    outcome = walked.run(DAYS[1])
    is_held(outcome, walked, before, len(rows))
    assert any("micro_models did not report" in reason for reason in outcome["reasons"])


def test_a_held_night_runs_again_once_the_cause_is_gone(second: Walked, walked: Walked) -> None:
    nights = small_world()[0]
    walked.land("night-1.parquet", nights[1])
    write_policy(walked, expectations={"min_rows": 10_000})
    assert walked.run(DAYS[1])["state"] == "held"
    write_policy(walked)
    outcome = walked.run(DAYS[1])
    assert outcome["release"] == "release/0002"
    assert walked.tables(outcome["run"]) == second.tables(second.outcomes[1]["run"])


@pytest.mark.parametrize("typo", [{"desicion": {}}, {"detectors": {"micromodels": {}}}])
def test_a_typo_in_the_policy_stops_before_anything_changes(
    walked: Walked, typo: dict[str, Any]
) -> None:
    walked.land("night-1.parquet", small_world()[0][1])
    write_policy(
        walked, **{**typo, "detectors": {**SMALL["detectors"], **typo.get("detectors", {})}}
    )
    before = fingerprint(walked.open())
    with pytest.raises(PolicyError) as refused:
        walked.run(DAYS[1])
    assert refused.value.exit_code == 2
    assert fingerprint(walked.open()) == before
    assert published(walked) == ["model/0001", "release/0001"]


def test_a_second_run_is_refused_while_the_first_holds_the_workspace(walked: Walked) -> None:
    walked.land("night-1.parquet", small_world()[0][1])
    before = fingerprint(walked.open())
    with workspace_lock(walked.open().layout, "a long night"):
        with pytest.raises(Locked, match="a long night") as refused:
            walked.run(DAYS[1])
        assert refused.value.exit_code == 6
    assert fingerprint(walked.open()) == before


def test_the_command_line_says_so_with_its_exit_codes(walked: Walked, prefect: str) -> None:
    with workspace_lock(walked.open().layout, "a long night"):
        locked = walked.command("run", "--as-of", DAYS[1], PREFECT_API_URL=prefect)
        said = locked.communicate(timeout=120)[0].decode()
    assert locked.returncode == 6
    assert "a long night" in said
    empty = walked.command("run", "--as-of", DAYS[1], PREFECT_API_URL=prefect)
    said = empty.communicate(timeout=120)[0].decode()
    assert empty.returncode == 0
    assert "nothing new has landed" in said


def test_a_dry_run_shows_the_release_and_publishes_nothing(walked: Walked) -> None:
    rows = small_world()[0][1]
    walked.land("night-1.parquet", rows)
    before = seen(walked)
    outcome = walked.run(DAYS[1], dry_run=True)
    assert (outcome["state"], outcome["exit_code"]) == ("dry-run", 0)
    assert outcome["account"]["rows_in"] == len(rows)
    assert outcome["plan"]
    assert seen(walked) == before
    assert pd.Series(published(walked)).tolist() == ["model/0001", "release/0001"]

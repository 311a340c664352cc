"""Lists that people's decisions keep, and cases whose time is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foretaste.core.ledger import CaseState, Furnishing, Judgement, Ledger, NewCase, Role
from foretaste.core.policy import Review
from foretaste.core.workspace import Workspace
from foretaste.steps.aftermath import CLOCK, expire, keep_lists, read_lists, repeated
from foretaste.steps.decide import spare
from foretaste.steps.night import Night
from foretaste.steps.pending import pending
from foretaste.steps.state import DECISION_SCHEMA, begin, read_listed
from tests.steps.nights import NOTHING, a_night

NOW = datetime(2026, 11, 18, 2, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """A ledger with two cases of two rows that expire on different days."""
    made = Ledger.open(tmp_path / "ledger.sqlite")
    made.start_run("r1", night="2026-11-18", kind="nightly", at=NOW)
    for number in (1, 2):
        rows = (f"r{number}a", f"r{number}b")
        case = NewCase(f"c{number}", "contributor", "2 rows", 0.01, 0.9, (), rows)
        made.open_cases([case], run_id="r1", night="2026-11-18", at=NOW)
        end = NOW + timedelta(days=number)
        made.furnish(
            [Furnishing(case.id, "", 1, 1.0, 0.1, 1, end, {}, (), ())], at=NOW
        )  # fmt: skip
    return made


def test_a_case_that_nobody_decided_is_never_accepted(ledger: Ledger) -> None:
    assert expire(ledger, Review(), NOW) == []
    (over,) = expire(ledger, Review(), NOW + timedelta(days=1))
    assert (over.id, over.state) == ("c1", CaseState.EXPIRED)
    assert ledger.case("c2").state is CaseState.OPEN
    assert pending(ledger, ()).rows.empty, "its rows stay out, and count for nobody"
    assert expire(ledger, Review(), NOW + timedelta(days=1)) == []


def test_a_policy_may_count_expired_rows_as_poison_once(ledger: Ledger) -> None:
    harsh, later = Review(at_deadline="reject"), NOW + timedelta(days=1)
    expire(ledger, harsh, later)
    said = pending(ledger, ()).rows
    assert sorted(said["row_id"]) == ["r1a", "r1b"]
    assert set(said["decision"]) == {"poison"}
    expire(ledger, harsh, later)
    assert len(pending(ledger, ()).rows) == 2
    assert {one.by for one in ledger.decisions()} == {CLOCK}


def test_a_run_that_died_behind_the_expiry_finishes_it(ledger: Ledger) -> None:
    ledger.expire_due(NOW + timedelta(days=1))
    expire(ledger, Review(at_deadline="reject"), NOW + timedelta(days=1))
    assert sorted(pending(ledger, ()).rows["row_id"]) == ["r1a", "r1b"]


def test_an_expired_case_can_be_taken_up_and_released(ledger: Ledger) -> None:
    later = NOW + timedelta(days=1)
    expire(ledger, Review(), later)
    ledger.reopen("c1", by="ann", at=later, reason="appeal")
    ledger.vote(
        "c1", Judgement.RELEASE, by="ann", role=Role.REVIEWER, at=later, reason_code="ordinary"
    )
    assert set(pending(ledger, ()).rows["decision"]) == {"release"}


def decisions(*told: tuple[int, str, str]) -> pd.DataFrame:
    """Decisions from (number, contributor, decision)."""
    lines = [
        {
            "decision_id": number,
            "row_id": f"r{i}",
            "contributor_id": who,
            "decision": said,
            "night": "2026-11-18",
            "label": None,
        }
        for i, (number, who, said) in enumerate(told)
    ]
    return pd.DataFrame(lines, columns=DECISION_SCHEMA.names)


@pytest.mark.parametrize(
    ("told", "listed"),
    [
        ((), []),
        (((1, "a", "poison"), (1, "a", "poison")), []),
        (((1, "a", "poison"), (2, "a", "poison"), (2, "b", "poison")), [("a", [1, 2])]),
        (((1, "a", "poison"), (2, "a", "release"), (3, "a", "poison")), []),
        (((1, "a", "poison"), (2, "a", "relabel"), (3, "a", "poison")), [("a", [1, 3])]),
        (((1, "a", "poison"), (2, "a", "poison"), (3, "a", "apart")), []),
    ],
    ids=["nothing", "one case", "two cases", "cleared since", "a mistake between", "cleared last"],
)
def test_only_who_is_called_a_poisoner_again_is_listed(
    told: tuple[tuple[int, str, str], ...], listed: list[tuple[str, list[int]]]
) -> None:
    assert repeated(decisions(*told), 2) == listed


@pytest.fixture
def blocked(blank: Path, tmp_path: Path) -> tuple[Workspace, Night]:
    """A workspace whose state calls mallory a poisoner twice, and its night."""
    from tests.workspaces import copy_workspace

    workspace = copy_workspace(blank, tmp_path)
    told = decisions((1, "mallory", "poison"), (2, "mallory", "poison"))
    workspace.layout.state.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pandas(told, DECISION_SCHEMA, preserve_index=False)
    pq.write_table(table, workspace.layout.state / "decisions.parquet")
    layout = workspace.layout
    night = Night(layout, workspace.policy, workspace.key, "2026-11-18", NOW, layout.runs / "r")
    return workspace, night


def test_the_block_list_is_kept_once_and_a_lead_may_take_somebody_off(
    blocked: tuple[Workspace, Night],
) -> None:
    workspace, night = blocked
    assert keep_lists(workspace, night) == ["mallory"]
    assert keep_lists(workspace, night) == []
    with workspace.ledger() as ledger:
        (one,) = ledger.listed(NOW)
        assert (one.kind, one.expires) == (
            "block",
            NOW + timedelta(days=workspace.policy.review.block_days),
        )
        assert "1, 2" in one.reason
        assert ledger.listed(one.expires) == []
        ledger.unlist("mallory", by="lead", at=NOW)
    assert keep_lists(workspace, night) == [], "the same decisions list nobody again"


def test_a_night_reads_the_lists_as_they_were_when_it_began(tmp_path: Path, ledger: Ledger) -> None:
    told: dict[str, Any] = {
        "by": "lead",
        "at": NOW,
        "reason": "x",
        "expires": NOW + timedelta(days=1),
    }
    ledger.list_contributor("zoe", "allow", **told)
    ledger.list_contributor("mallory", "block", **told)
    state = begin(a_night(tmp_path), NOTHING, read_lists(ledger, NOW))
    assert read_listed(state, "block") == {"mallory"}
    assert read_listed(state, "allow") == {"zoe"}
    assert read_lists(ledger, NOW + timedelta(days=2)).empty
    assert read_listed(tmp_path / "none", "block") == frozenset()


def test_whoever_is_trusted_is_held_for_a_person_and_not_let_in() -> None:
    rows = pd.DataFrame({"row_id": ["a", "b", "c"], "contributor_id": ["zoe", "zoe", "eve"]})
    judged = pd.DataFrame(
        {"row_id": ["a", "b", "c"], "verdict": ["rejected", "quarantined", "rejected"]}
    )
    spared = spare(judged, rows, frozenset({"zoe"}))
    assert spared["verdict"].tolist() == ["quarantined", "quarantined", "rejected"]

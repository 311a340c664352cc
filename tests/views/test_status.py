"""The one-screen status."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from foretaste.core.files import sha256_file
from foretaste.core.ledger import Furnishing, Judgement, Role
from foretaste.core.lock import workspace_lock
from foretaste.core.marks import PURGE
from foretaste.core.workspace import Workspace
from foretaste.views.status import describe
from tests.views.judged import AT, CASE


def _next(workspace: Workspace) -> str:
    return str(describe(workspace.root)[0]["next"])


def test_a_fresh_workspace_asks_for_files(workspace: Workspace) -> None:
    content, lines = describe(workspace.root)
    assert content["run"] is content["release"] is content["champion"] is None
    assert content["next"] == "foretaste land FILE"
    assert len(lines) <= 24


def test_what_waits_decides_what_comes_next(judged: Workspace) -> None:
    content, lines = describe(judged.root)
    assert content["open_cases"] == 1
    assert content["next"] == "foretaste cases"
    assert any("5 in =" in line for line in lines)
    with judged.ledger() as ledger:
        ledger.vote(CASE, Judgement.POISON, by="ada", role=Role.REVIEWER, at=AT, reason_code="x")
    content, lines = describe(judged.root)
    assert content["next"] == "foretaste run"
    assert any("decision 1" in line for line in lines)


def test_a_purge_that_was_killed_waits_for_itself_and_not_for_the_next_night(
    judged: Workspace,
) -> None:
    with judged.ledger() as ledger:
        number = ledger.decide(
            Judgement.POISON, by="ada", at=AT, reason_code=PURGE, contributor_id="c01", note="sold"
        )
    content, lines = describe(judged.root)
    assert content["pending_decisions"] == []
    (purge,) = content["unfinished_purges"]
    assert (purge["contributor"], purge["reason"]) == ("c01", "sold")
    assert content["next"].startswith("foretaste purge c01 --reason")
    assert any(f"foretaste undo {number}" in line for line in lines)
    with judged.ledger() as ledger:
        ledger.start_run("run-3", night="2026-01-03", kind="purge", at=AT)
        ledger.undo(number, by="ada", at=AT)
    content, _ = describe(judged.root)
    assert content["unfinished_purges"] == []
    assert content["next"] == "foretaste run"


def test_landed_files_count_until_a_night_took_them_in(judged: Workspace) -> None:
    (judged.layout.landing / "new.csv").write_text("a\n1\n")
    (judged.layout.landing / ".draft.tmp").write_text("a\n")
    content, _ = describe(judged.root)
    assert content["landed"] == ["new.csv"]
    assert content["next"] == "foretaste run"
    taken = judged.layout.contributions / "night=2026-01-02" / "files.json"
    digest = sha256_file(judged.layout.landing / "new.csv")
    taken.write_text(json.dumps({"files": [{"sha256": digest, "state": "ingested"}]}))
    assert describe(judged.root)[0]["landed"] == []


def test_a_held_model_leads_to_its_gates(judged: Workspace) -> None:
    with judged.ledger() as ledger:
        over = Furnishing(CASE, "", 1, 1.0, 0.1, 1, AT, {}, (), ())
        ledger.furnish([over], at=AT)
        ledger.expire_due(AT)
    assert _next(judged) == "foretaste promote --dry-run"


@pytest.mark.parametrize(
    ("code", "command"), [(1, "foretaste run"), (75, "foretaste run"), (5, "foretaste doctor")]
)
def test_a_failed_run_comes_first(judged: Workspace, code: int, command: str) -> None:
    with judged.ledger() as ledger:
        ledger.finish_run("run-2026-01-02", state="failed", exit_code=code, at=AT)
        ledger.finish_run("run-2026-01-01", state="failed", exit_code=code, at=AT)
    assert _next(judged) == command


def test_counts_that_do_not_add_up_are_told(judged: Workspace) -> None:
    counts = {"rows_in": 9, "accepted": 8, "downweighted": 0, "quarantined": 0, "rejected": 0}
    with judged.ledger() as ledger:
        for night in ("2026-01-01", "2026-01-02"):
            ledger.finish_run(f"run-{night}", state="x", exit_code=0, at=AT, counts=counts)
    assert any("9 in is NOT 8" in line for line in describe(judged.root)[1])


def test_a_living_holder_is_named_and_a_dead_one_is_not(workspace: Workspace) -> None:
    with workspace_lock(workspace.layout, "nightly run"):
        content, lines = describe(workspace.root)
        assert content["running"].startswith(f"nightly run (process {os.getpid()})")
        assert content["next"].startswith("wait")
        assert "nightly run" in lines[0]
    assert describe(workspace.root)[0]["running"] is None
    dead = {"holder": "run", "pid": 2**22 + 1, "since": "2026-01-01T00:00:00"}
    workspace.layout.lock.write_text(json.dumps(dead))
    assert describe(workspace.root)[0]["running"] is None


def test_a_missing_landing_folder_is_told(workspace: Workspace) -> None:
    Path(workspace.layout.landing).rmdir()
    content, lines = describe(workspace.root)
    assert content["landed"] is None
    assert content["next"] == "foretaste doctor"
    assert any("no landing folder" in line for line in lines)

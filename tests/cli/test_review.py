"""Cases and decisions on the command line."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from foretaste.core.ledger import NewCase
from foretaste.core.workspace import Workspace
from foretaste.steps.furnish import furnish
from tests.cli.terminal import Terminal
from tests.views.judged import AT, CASE, NIGHTS, rows_of

RING = NewCase(
    "c0ffee000002", "campaign", "4 accounts that act as one", 0.4, 0.9, ("ring: 4",),
    tuple(rows_of(NIGHTS[0])),
)  # fmt: skip


def _pending(workspace: Workspace) -> list[int]:
    with workspace.ledger() as ledger:
        return [one.id for one in ledger.pending_decisions()]


def test_cases_are_listed_and_shown(foretaste: Terminal, judged: Workspace) -> None:
    here = ("--workspace", judged.root)
    assert [c["id"] for c in foretaste("cases", *here, "--json").json["cases"]] == [CASE]
    assert foretaste("cases", "--state", "decided", *here, "--json").json["cases"] == []
    shown = foretaste("cases", CASE, *here)
    assert all(row in shown.out for row in rows_of(NIGHTS[1])[2:])
    assert "rule +9.0: x" in shown.out


def test_a_decision_waits_and_can_be_taken_back(foretaste: Terminal, judged: Workspace) -> None:
    here = ("--workspace", judged.root, "--json")
    tried = foretaste("decide", CASE, "poison", "--dry-run", *here)
    assert tried.json["number"] is None
    assert _pending(judged) == []
    made = foretaste(
        "decide", CASE, "poison", "--by", "ada", "--reason", "campaign", "--note", "so", *here
    )
    number = made.json["number"]
    assert _pending(judged) == [number]
    assert foretaste("decide", CASE, "release", *here).code == 1
    (said,) = foretaste("cases", CASE, *here).json["decisions"]
    assert (said["by"], said["reason_code"], said["note"]) == ("ada", "campaign", "so")
    assert foretaste("undo", number, "--dry-run", *here).code == 0
    assert _pending(judged) == [number]
    assert foretaste("undo", number, "--by", "bob", *here).code == 1
    assert foretaste("undo", number, "--by", "ada", *here).json["case"] == CASE
    assert _pending(judged) == []
    assert foretaste("decide", CASE, "downweight", *here).code == 0


def test_a_decision_says_who_applies_it(foretaste: Terminal, judged: Workspace) -> None:
    answer = foretaste("decide", CASE, "release", "--workspace", judged.root)
    assert "foretaste run" in answer.out
    assert "foretaste undo 1" in answer.out


def test_a_campaign_can_be_taken_apart_and_the_word_back(
    foretaste: Terminal, judged: Workspace
) -> None:
    here = ("--workspace", judged.root, "--json")
    with judged.ledger() as ledger:
        ledger.open_cases([RING], run_id=f"run-{NIGHTS[0]}", night=NIGHTS[0], at=AT)
    made = foretaste("decide", RING.id, "apart", *here)
    assert made.code == 0, made.err
    assert made.json["decision"] == "apart"
    assert foretaste("decide", RING.id, "poison", *here).code == 1
    assert foretaste("undo", made.json["number"], *here).json["case"] == RING.id
    assert _pending(judged) == []
    told = foretaste("decide", RING.id, "apart", "--workspace", judged.root)
    assert "no later night takes their contributors for one" in told.out


def test_only_a_group_can_be_taken_apart(foretaste: Terminal, judged: Workspace) -> None:
    with judged.ledger() as ledger:
        found = [replace(RING, id=f"{kind}-case", kind=kind) for kind in ("rule", "held")]
        ledger.open_cases(found, run_id=f"run-{NIGHTS[0]}", night=NIGHTS[0], at=AT)
    for case in (CASE, *(one.id for one in found)):
        answer = foretaste("decide", case, "apart", "--workspace", judged.root)
        assert answer.code == 1
        assert f"foretaste decide {case} release" in answer.err
    assert _pending(judged) == []


def test_a_case_that_needs_two_people_is_not_closed_by_one(
    foretaste: Terminal, judged: Workspace
) -> None:
    here = ("--workspace", judged.root, "--json")
    furnish(judged, AT)
    said = foretaste("decide", CASE, "poison", "--by", "ada", *here).json
    assert (said["number"], said["state"]) == (None, "second")
    assert _pending(judged) == []
    assert foretaste("decide", CASE, "release", "--by", "ada", *here).code == 1
    told = foretaste("undo", said["opinion"], "--opinion", "--by", "ada", *here)
    assert told.code == 0, told.err
    foretaste("decide", CASE, "poison", "--by", "ada", *here)
    both = foretaste("decide", CASE, "poison", "--by", "bob", *here).json
    assert _pending(judged) == [both["number"]]
    (one,) = foretaste("cases", CASE, *here).json["decisions"]
    assert one["by"] == "ada+bob"


def test_a_row_and_a_contributor_are_decided_apart(foretaste: Terminal, judged: Workspace) -> None:
    here = ("--workspace", judged.root, "--json")
    row = rows_of(NIGHTS[1])[2]
    judged.layout.params.write_text("review: {double_share: 1.0}\n")
    furnish(Workspace.open(judged.root), AT)
    assert foretaste("decide", CASE, "relabel", "--row", row, *here).code == 2
    relabelled = foretaste("decide", CASE, "relabel", "--row", row, "--label", "ham", *here).json
    assert (relabelled["rows"], relabelled["state"]) == (1, "open")
    who = judged.key.pseudonym("contributor", "mallory")
    person = foretaste("decide", CASE, "poison", "--contributor", who, *here).json
    assert person["rows"] == 2
    assert _pending(judged) == [relabelled["number"], person["number"]]
    assert foretaste("decide", CASE, "poison", "--row", "none", *here).code == 1
    assert foretaste("decide", CASE, "poison", "--contributor", "none", *here).code == 1


def test_the_list_takes_the_filters_of_the_queue(foretaste: Terminal, judged: Workspace) -> None:
    here = ("--workspace", judged.root, "--json")
    furnish(judged, AT)
    who = judged.key.pseudonym("contributor", "mallory")
    for found in (("--contributor", who), ("--detector", "rules"), ("--label", "spam")):
        assert [c["id"] for c in foretaste("cases", *found, *here).json["cases"]] == [CASE]
    for missing in (("--contributor", "x"), ("--detector", "crowd"), ("--kind", "rule")):
        assert foretaste("cases", *missing, *here).json["total"] == 0
    assert foretaste("cases", "--state", "gone", *here).code == 2
    assert foretaste("cases", "--order", "gone", *here).code == 2


def test_decisions_go_out_and_come_in_once(
    foretaste: Terminal, judged: Workspace, tmp_path: Path
) -> None:
    here = ("--workspace", judged.root, "--json")
    furnish(judged, AT)
    file = tmp_path / "cases.csv"
    assert foretaste("cases", "export", file, *here).json["lines"] == 1
    with file.open(encoding="utf-8", newline="") as opened:
        (line,) = csv.DictReader(opened)
    assert (line["case_id"], line["judgement"]) == (CASE, "")
    file.write_text(f"case_id,judgement,reason\n{CASE},poison,campaign\n", encoding="utf-8")
    bring = ("cases", "import", file, "--by", "ada")
    tried = foretaste(*bring, "--dry-run", *here).json
    assert (tried["decisions"], tried["written"]) == (1, 0)
    assert foretaste(*bring, *here).json["written"] == 1
    again = foretaste(*bring, *here).json
    assert (again["written"], again["known"]) == (0, 1)
    file.write_text(f"case_id,judgement\n{CASE},release\nnone,poison\n", encoding="utf-8")
    refused = foretaste("cases", "import", file, "--by", "bob", *here)
    assert refused.code == 2
    assert "cases.csv:3" in refused.json["error"]["message"]
    with judged.ledger() as ledger:
        assert [vote.by for vote in ledger.votes(CASE)] == ["ada"], "all or nothing"
    assert foretaste("cases", "export", *here).code == 2


def test_the_front_door_is_served(
    foretaste: Terminal, judged: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = ("--workspace", judged.root, "--json")
    monkeypatch.delenv("FORETASTE_NOTIFY", raising=False)
    assert foretaste("feed", *here).json["actions"] == []
    assert foretaste("feed", "--show", *here).json["made"]
    who = judged.key.pseudonym("contributor", "mallory")
    assert foretaste("pseudonym", "mallory", *here).json["pseudonyms"] == [who]
    assert len(bytes.fromhex(foretaste("pseudonym", "--key", *here).json["key"])) == 32
    assert foretaste("notify", *here).json["arrived"] == 0

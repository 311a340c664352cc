"""Models, promotions and rollbacks on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from foretaste.core.layout import partition_nights
from foretaste.core.release import releases
from foretaste.core.workspace import Workspace
from tests.cli.terminal import Answer, Terminal
from tests.views.judged import NIGHTS
from tests.views.served import save_candidate

Ask = Callable[..., Answer]


@pytest.fixture
def ask(foretaste: Terminal, judged: Workspace) -> Ask:
    """Call a command on the judged workspace, in JSON."""

    def call(*arguments: object) -> Answer:
        return foretaste(*arguments, "--workspace", judged.root, "--json")

    return call


def _serving(workspace: Workspace) -> str | None:
    with workspace.ledger() as ledger:
        champion = ledger.champion()
    return champion.model if champion else None


def test_a_model_is_promoted_by_release_and_marked(ask: Ask, judged: Workspace) -> None:
    first = save_candidate(judged, 1)
    answer = ask("promote", "1", "--by", "ada", "--as-of", "2026-02-01")
    assert answer.code == 0, answer.err
    assert answer.json["champion"]["by"] == "ada"
    assert answer.json["champion"]["at"].startswith("2026-02-01")
    assert _serving(judged) == first
    assert json.loads(judged.layout.champion.read_bytes())["model"] == first
    listed = ask("models").json
    assert [m["champion"] for m in listed["models"]] == ["serves"]
    assert listed["champions"][0]["model"] == first


def test_trying_a_promotion_changes_nothing(ask: Ask, judged: Workspace) -> None:
    digest = save_candidate(judged, 1)
    answer = ask("promote", digest[:8], "--dry-run")
    assert answer.code == 0
    assert answer.json["plan"]["verdict"] == "promote"
    assert _serving(judged) is None
    assert not judged.layout.champion.exists()


def test_a_failed_gate_holds_unless_a_person_says_why(ask: Ask, judged: Workspace) -> None:
    digest = save_candidate(judged, 1, fails="floor")
    held = ask("promote")
    assert held.code == 3
    assert "floor was measured" in held.json["error"]["message"]
    assert _serving(judged) is None
    forced = ask("promote", "--override", "--reason", "the floor is wrong")
    assert forced.code == 0
    assert forced.json["champion"]["override"] is True
    assert forced.json["champion"]["reason"] == "the floor is wrong"
    assert _serving(judged) == digest


def test_an_override_is_red_wherever_the_champion_is_told_also_after_going_back(
    foretaste: Terminal, ask: Ask, judged: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_candidate(judged, 1, fails="floor")
    assert ask("promote", "--override", "--reason", "the floor [bold]is[/] wrong").code == 0
    save_candidate(judged, 2)
    assert ask("promote", "2").code == 0
    monkeypatch.setenv("FORCE_COLOR", "1")
    where = ("--workspace", judged.root)
    assert RED in foretaste("models", *where).out
    for command in ("status", "champion"):
        assert RED not in foretaste(command, *where).out
    assert ask("rollback", "--to", "1", "--model-only").code == 0
    for command in ("status", "champion", "models"):
        (line,) = [x for x in foretaste(command, *where).out.splitlines() if RED in x][:1]
        assert "champion" in line
        assert "against gates" in line.lower()
    assert ask("champion").json["champion"]["against_gates"] is True
    (alarm,) = ask("status").json["alarms"]
    assert alarm.endswith("overruled them: the floor [bold]is[/] wrong")


RED = "\x1b[1;31m"


def test_the_first_nights_gates_are_not_enough_later(ask: Ask, judged: Workspace) -> None:
    save_candidate(judged, 1)
    second = save_candidate(judged, 2)
    assert ask("promote", "2").code == 0
    answer = ask("promote", "release/0001", "--override", "--reason", "I want it")
    assert answer.code == 3
    assert "no_regression was not asked" in answer.json["error"]["message"]
    assert _serving(judged) == second


def test_rolling_back_goes_back_and_not_to_and_fro(ask: Ask, judged: Workspace) -> None:
    first, second = save_candidate(judged, 1), save_candidate(judged, 2)
    assert ask("promote", "1").code == ask("promote", "2").code == 0
    tried = ask("rollback", "--dry-run")
    assert tried.json["plan"]["target"]["model"] == first
    assert _serving(judged) == second
    assert tried.json["plan"]["withdrawn"] == [NIGHTS[1]]
    assert ask("rollback", "--reason", "complaints").code == 0
    assert _serving(judged) == first
    assert _corpus(judged) == (3, [NIGHTS[0]])
    assert ask("rollback").code == 1
    again = ask("rollback", "--to", "2", "--model-only")
    assert again.json["champion"]["kind"] == "rollback"
    assert _serving(judged) == second
    assert _corpus(judged) == (3, [NIGHTS[0]])
    assert ask("rollback", "--to", second[:10]).code == 0
    assert _corpus(judged) == (4, list(NIGHTS))
    assert ask("rollback", "--to", second[:10]).code == 1


def _corpus(workspace: Workspace) -> tuple[int, list[str]]:
    """Number of the newest release, and the nights whose rows it accepts."""
    return len(releases(workspace)), partition_nights(workspace.layout.accepted)


def test_a_tampered_model_is_never_promoted(ask: Ask, judged: Workspace) -> None:
    digest = save_candidate(judged, 1)
    with (judged.layout.models / digest / "model.skops").open("r+b") as file:
        file.seek(40)
        file.write(b"x")
    assert ask("promote").code == 5
    assert _serving(judged) is None


def test_a_damaged_card_is_listed_as_not_usable(ask: Ask, judged: Workspace) -> None:
    digest = save_candidate(judged, 1)
    card = judged.layout.models / digest / "card.json"
    card.write_bytes(card.read_bytes().replace(b"accuracy", b"accuracx"))
    (listed,) = ask("models").json["models"]
    assert listed["gates"].startswith("not usable")

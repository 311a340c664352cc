"""A test on real traffic through the command line: start, look, act, stop."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from foretaste.core.errors import WorkspaceError
from foretaste.core.ledger import ABTest, Ledger
from foretaste.core.lock import workspace_lock
from foretaste.core.policy import AB
from foretaste.core.workspace import Workspace
from foretaste.models.ab.assign import Split, read_split
from foretaste.steps.ab import begin, look, newest, settle
from foretaste.steps.promote import move_champion
from foretaste.steps.trusted import read_trusted
from foretaste.views import ab as views
from foretaste.views.models import find_model
from tests.cli.terminal import Answer, Terminal
from tests.models.ab_logs import NOW, START, traffic
from tests.views.served import save_candidate
from tests.workspaces import copy_workspace, fingerprint, isolate

Ask = Callable[..., Answer]
LATER = NOW.isoformat()


@pytest.fixture(scope="module")
def arena_folder(judged_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two judged nights, a model of each, the first of them champion; to be copied."""
    folder = tmp_path_factory.mktemp("arena")
    with pytest.MonkeyPatch.context() as patch:
        isolate(patch, folder / "home")
        workspace = copy_workspace(judged_folder, folder)
        limits = "ab: {share: 0.5, min_units: 100, tuned_at: 1000}\n"
        workspace.layout.params.write_text(f"seed: 7\n{limits}")
        workspace.git.run("commit", "--quiet", "--all", "--message", "Test on half")
        champion, _ = (save_candidate(workspace, number) for number in (1, 2))
        _move(workspace, champion, 1)
    return folder


@pytest.fixture
def arena(arena_folder: Path, tmp_path: Path) -> Workspace:
    """The same in a workspace of the test's own."""
    return copy_workspace(arena_folder, tmp_path)


@pytest.fixture
def ask(foretaste: Terminal, arena: Workspace) -> Ask:
    """Call ``foretaste ab`` on the arena, in JSON."""

    def call(*arguments: object) -> Answer:
        return foretaste("ab", *arguments, "--workspace", arena.root, "--json")

    return call


def _move(workspace: Workspace, model: str, release: int) -> None:
    move_champion(
        workspace, model=model, release=release, run_id=f"night-{release}", by="test",
        reason="by the test", kind="promote", override=False, at=START - timedelta(days=1),
    )  # fmt: skip


def _serving(workspace: Workspace) -> str:
    with workspace.ledger() as ledger:
        champion = ledger.champion()
    assert champion is not None
    return champion.model


def _start(workspace: Workspace, at: datetime = START) -> None:
    """Start without the command, which loads the model in a child first."""
    champions, card = views.champions(workspace), find_model(workspace, "2")
    begin(
        workspace, candidate=(card.digest, 2), champion=champions[0], by="ada", reason="", at=at
    )  # fmt: skip


def _split(workspace: Workspace) -> Split:
    return read_split(workspace.layout.traffic / "ab_split.json")


def _outcomes(workspace: Workspace) -> Path:
    folder = workspace.root / workspace.policy.ab.outcomes
    folder.mkdir(exist_ok=True)
    return folder


def _log(workspace: Workspace, right: tuple[float, float], n: int = 3000) -> None:
    rows = traffic(n, right, split=_split(workspace))
    rows.to_parquet(_outcomes(workspace) / "log.parquet")


def _audited(workspace: Workspace) -> list[str]:
    """States that the audit log tells of, oldest first."""
    engine = sa.create_engine(f"sqlite:///{workspace.layout.ledger}")
    wanted = sa.text("SELECT payload FROM audit WHERE action = 'ab test' ORDER BY seq")
    with engine.connect() as connection:
        told = [json.loads(text)["state"] for text in connection.execute(wanted).scalars()]
    engine.dispose()
    with workspace.ledger() as ledger:
        assert ledger.audit_verify() is None
    return told


def test_harm_ends_a_test_and_servers_go_back(
    ask: Ask, arena: Workspace, foretaste: Terminal
) -> None:
    assert ask("status").json["test"] is None
    started = ask("start", "2", "--as-of", START.isoformat(), "--by", "ada")
    assert started.code == 0, started.err
    assert (started.json["test"]["state"], started.json["test"]["started_by"]) == ("running", "ada")
    split = _split(arena)
    assert split.share == 0.5
    _log(arena, (0.7, 0.9))
    champion = _serving(arena)
    looked = ask("status", "--as-of", LATER)
    assert (looked.code, looked.json["test"]["state"]) == (0, "running")
    assert looked.json["found"]["finding"] == "harm"
    checked = ask("check", "--as-of", LATER)
    assert checked.code == 3
    assert checked.json["test"]["state"] == "harm"
    assert checked.json["test"]["active"] is False
    assert _split(arena).share == 0.0
    assert _serving(arena) == champion == split.champion
    assert _audited(arena) == ["running", "harm"]
    assert ask("check").code == 3, "the alarm stays until the next test"
    screen = foretaste("ab", "status", "--workspace", arena.root).out
    for said in ("models       candidate ", "gain         -0.", "guardrail    ", "shares       p="):
        assert said in screen
    assert "harm: the candidate is surely worse: right answers" in screen


def test_a_candidate_promoted_meanwhile_is_rolled_back_on_harm(ask: Ask, arena: Workspace) -> None:
    _start(arena)
    split = _split(arena)
    _move(arena, split.candidate, 2)
    _log(arena, (0.7, 0.9))
    with workspace_lock(arena.layout, "a long night"):
        assert ask("check", "--as-of", LATER).code == 6
        assert _split(arena).share == 0.0, "servers do not wait for the night"
    assert _serving(arena) == split.candidate
    assert ask("check", "--as-of", LATER).code == 3
    assert _serving(arena) == split.champion
    with arena.ledger() as ledger:
        newest = ledger.champion()
    assert newest is not None
    assert (newest.kind, newest.release) == ("rollback", 1)
    assert json.loads(arena.layout.champion.read_text())["model"] == split.champion


def test_a_gain_is_told_once_and_the_test_goes_on(ask: Ask, arena: Workspace) -> None:
    _start(arena)
    _log(arena, (0.95, 0.75))
    champion = _serving(arena)
    for _ in range(2):
        checked = ask("check", "--as-of", LATER)
        assert checked.code == 0
        assert checked.json["found"]["finding"] == checked.json["test"]["state"] == "gain"
        assert checked.json["test"]["active"] is True
        assert "foretaste promote" in checked.json["next"]
    assert _audited(arena) == ["running", "gain"]
    assert _serving(arena) == champion, "a person promotes"


def test_a_person_stops_it_and_says_why(ask: Ask, arena: Workspace) -> None:
    assert ask("stop", "--reason", "why not").code == 1
    _start(arena)
    _log(arena, (0.9, 0.9))
    assert ask("stop").code == 2
    stopped = ask("stop", "--reason", "the fair is over", "--as-of", LATER)
    assert stopped.code == 0, stopped.err
    assert stopped.json["test"]["reason"] == "the fair is over"
    assert sum(stopped.json["found"]["units"]) == 3000, "the last numbers are kept"
    assert _split(arena).share == 0.0
    first = _split(arena)
    _start(arena, NOW)
    assert ask("status", "--as-of", LATER).json["test"]["number"] == 2
    assert _split(arena).share == 0.5
    assert _split(arena).salt != first.salt
    refused = ask("start", "2")
    assert refused.code == 1
    assert "ab-0002 is running" in refused.json["error"]["message"]


def test_a_log_that_cannot_be_read_does_not_keep_a_test_alive(ask: Ask, arena: Workspace) -> None:
    _start(arena)
    away = "ab: {outcomes: 'sqlite:////no/such/place.sqlite', share: 0.5}\n"
    arena.layout.params.write_text(away)
    assert ask("check").code == 75
    assert ask("stop", "--reason", "the log is away").code == 0


def test_another_champion_ends_a_test(ask: Ask, arena: Workspace) -> None:
    _start(arena)
    with arena.ledger() as ledger:
        third = {"release": 3, "run_id": "r3", "by": "x", "reason": "x", "at": START}
        ledger.promote("e" * 64, **third)
    checked = ask("check", "--as-of", LATER)
    assert checked.json["test"]["state"] == "overtaken"
    assert _split(arena).share == 0.0


def test_what_gates_hold_is_not_shown_to_people(ask: Ask, arena: Workspace) -> None:
    held = save_candidate(arena, 3, fails="churn")
    refused = ask("start", held)
    assert refused.code == 3
    assert "churn was measured" in refused.json["error"]["message"]
    assert ask("start", held, "--override").code == 2
    assert ask("start", _serving(arena)).code == 3
    assert ask("start", "nobody").code == 1
    overruled = ask("start", held, "--override", "--reason", "to learn", "--dry-run")
    assert overruled.json["plan"]["promotion"]["overridden"] is True


def test_without_a_champion_there_is_nothing_to_test(
    foretaste: Terminal, judged: Workspace
) -> None:
    save_candidate(judged, 1)
    refused = foretaste("ab", "start", "--workspace", judged.root)
    assert refused.code == 1
    assert "no champion" in refused.err


def test_a_dry_run_changes_nothing(ask: Ask, arena: Workspace) -> None:
    before = fingerprint(arena)
    planned = ask("start", "2", "--dry-run")
    assert planned.json["plan"]["promotion"]["verdict"] == "promote"
    assert fingerprint(arena) == before
    _start(arena)
    _log(arena, (0.7, 0.9))
    before = fingerprint(arena)
    checked = ask("check", "--dry-run", "--as-of", LATER)
    assert (checked.code, checked.json["found"]["finding"]) == (3, "harm")
    assert ask("stop", "--dry-run", "--reason", "x", "--as-of", LATER).code == 0
    assert fingerprint(arena) == before
    assert _audited(arena) == ["running"]


def test_a_split_file_that_somebody_changed_is_named(ask: Ask, arena: Workspace) -> None:
    _start(arena)
    assert ask("status").json["split"]["fault"] is None
    path = arena.layout.traffic / "ab_split.json"
    told = _split(arena)
    path.write_bytes(replace(told, threshold=told.threshold + 1).to_bytes())
    assert "is not what ab-0001 says" in ask("status").json["split"]["fault"]
    path.unlink()
    assert ask("status").json["split"]["fault"]


@pytest.mark.parametrize("damage", ["changed", "torn", "gone"])
def test_a_check_writes_a_damaged_split_anew_and_says_so(
    ask: Ask, arena: Workspace, damage: str
) -> None:
    _start(arena)
    _log(arena, (0.8, 0.8), n=100)
    path, told = arena.layout.traffic / "ab_split.json", _split(arena)
    worse = {"changed": replace(told, threshold=told.threshold + 1).to_bytes(), "torn": b'{"te'}
    path.unlink() if damage == "gone" else path.write_bytes(worse[damage])
    assert ask("check", "--dry-run").json["split"]["fault"]
    assert ask("status").json["split"]["fault"]
    mended = ask("check", "--as-of", LATER)
    assert mended.code == 3
    assert mended.json["mended"]
    assert _split(arena) == told
    again = ask("check", "--as-of", LATER)
    assert (again.code, again.json["mended"]) == (0, None)
    assert ask("stop", "--reason", "enough").code == 0
    path.write_bytes(b"{")
    assert ask("check").code == 0
    assert _split(arena).share == 0.0


def test_a_split_without_a_test_is_closed(ask: Ask, arena: Workspace) -> None:
    """As after the loss of the ledger."""
    _start(arena)
    for path in arena.root.glob("ledger.sqlite*"):
        path.unlink()
    assert ask("check", "--dry-run").json["stray"] is False
    assert _split(arena).share == 0.5
    assert ask("check").json["stray"] is True
    assert _split(arena).share == 0.0
    assert ask("check").json["stray"] is False


def test_numbers_are_judged_by_the_policy_of_the_start(ask: Ask, arena: Workspace) -> None:
    _start(arena)
    _log(arena, (0.7, 0.9))
    arena.layout.params.write_text("ab: {max_loss: 1.0, min_units: 100000}\n")
    assert ask("status", "--as-of", LATER).json["found"]["finding"] == "harm"


def test_a_hostile_log_is_shown(ask: Ask, arena: Workspace, foretaste: Terminal) -> None:
    _start(arena)
    _log(arena, (0.95, 0.75))
    lies = traffic(100, seed=9, split=_split(arena)).assign(arm="\x1b[31mmine")
    lies.to_parquet(_outcomes(arena) / "lies.parquet")
    checked = foretaste("ab", "check", "--workspace", arena.root, "--as-of", LATER)
    assert checked.code == 3
    assert "left out     100 unknown_arm" in checked.out
    assert "distrusted" in checked.out
    assert "\x1b" not in checked.out + checked.err
    assert read_trusted(arena.layout, arena.key).traffic is None, "no gate replays the log"


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """A ledger by itself."""
    return Ledger.open(tmp_path / "ledger.sqlite")


def _begun(ledger: Ledger) -> ABTest:
    return ledger.start_ab(
        candidate=("a" * 64, 2), champion=("b" * 64, 1),
        settings=AB().model_dump(mode="json"), by="ada", at=START,
    )  # fmt: skip


def _ended(ledger: Ledger, seen: ABTest, state: str, at: datetime = NOW) -> ABTest:
    return ledger.change_ab(
        seen, state=state, ends=True, reason="because", found={"n": 1}, by="ada", at=at
    )


def test_the_ledger_holds_one_running_test_and_the_faster_hand_wins(ledger: Ledger) -> None:
    test = _begun(ledger)
    with pytest.raises(WorkspaceError, match="running already"):
        _begun(ledger)
    over = _ended(ledger, test, "harm")
    assert (over.active, over.ended, over.version) == (False, NOW, 2)
    for late in (test, over):
        with pytest.raises(WorkspaceError, match="changed meanwhile"):
            _ended(ledger, late, "stopped")
    second = _begun(ledger)
    assert [one.name for one in ledger.ab_tests()] == ["ab-0002", "ab-0001"]
    assert ledger.ab_tests()[1] == over
    assert second.active
    assert ledger.audit_verify() is None


def test_a_look_that_lost_the_race_leaves_the_later_split_alone(ask: Ask, arena: Workspace) -> None:
    _start(arena)
    _log(arena, (0.7, 0.9))
    slow = newest(arena)
    assert slow is not None
    seen = look(arena, slow, NOW)
    ask("stop", "--reason", "faster", "--as-of", LATER)
    _start(arena, NOW)
    with pytest.raises(WorkspaceError, match="changed meanwhile"):
        settle(arena, slow, seen, by="slow", at=NOW)
    assert (_split(arena).test, _split(arena).share) == ("ab-0002", 0.5)


def test_the_flow_names_its_state_after_the_alarm(ask: Ask, arena: Workspace) -> None:
    from flows.ab import ab

    _start(arena)
    _log(arena, (0.7, 0.9))
    said = ab.fn(str(arena.root), as_of=LATER, dry_run=True)
    assert said.name == "Harm"  # type: ignore[union-attr]
    content, lines = views.status(arena, NOW)
    assert content["alarm"] is True
    assert len(lines) < 24, "one screen"
    assert pd.Series(lines).str.len().max() < 120

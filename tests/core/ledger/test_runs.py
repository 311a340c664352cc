from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from foretaste.core.errors import Tampered, WorkspaceError
from foretaste.core.ledger import Champion, Ledger, Step, champion_bytes, read_champion
from tests.core.ledger.conftest import Fresh
from tests.core.ledger.stage import NIGHT, NOW, promote


def test_a_run_is_remembered(ledger: Ledger) -> None:
    ledger.finish_run("r1", state="held", exit_code=3, at=NOW, counts={"accepted": 4}, release=1)
    ledger.start_run("r2", night="2026-01-02", kind="manual", at=NOW + timedelta(days=1))
    second, first = ledger.runs()
    assert (second.id, second.state, second.ended, second.release) == ("r2", "running", None, None)
    assert (first.started, first.ended) == (NOW, NOW)
    assert (first.state, first.exit_code, first.release) == ("held", 3, 1)
    assert first.counts == {"accepted": 4}
    assert [run.id for run in ledger.runs(limit=1)] == ["r2"]


def test_a_run_that_starts_again_is_the_same_run(ledger: Ledger) -> None:
    assert ledger.interrupt_runs() == ("r1",)
    assert ledger.runs()[0].state == "interrupted"
    ledger.start_run("r1", night=NIGHT, kind="nightly", at=NOW + timedelta(hours=1))
    (run,) = ledger.runs()
    assert (run.state, run.started) == ("running", NOW)


def test_a_run_that_never_started_cannot_end(ledger: Ledger) -> None:
    with pytest.raises(WorkspaceError, match="no run nobody"):
        ledger.finish_run("nobody", state="done", exit_code=0, at=NOW)


def test_a_step_keeps_its_last_word(ledger: Ledger) -> None:
    ledger.record_step(Step("r1", "ingest", "running", NOW, None, None))
    ledger.record_step(Step("r1", "detect", "done", NOW + timedelta(1), None, "a" * 64))
    done = Step("r1", "ingest", "done", NOW, NOW, "b" * 64, {"rows": 3})
    ledger.record_step(done)
    assert [step.step for step in ledger.steps("r1")] == ["ingest", "detect"]
    assert ledger.steps("r1")[0] == done


def test_moments_without_a_zone_are_refused(ledger: Ledger) -> None:
    with pytest.raises(Exception, match="carry a zone"):
        ledger.start_run("r2", night=NIGHT, kind="manual", at=NOW.replace(tzinfo=None))


def test_champions_are_numbered_and_never_forgotten(ledger: Ledger) -> None:
    assert ledger.champion() is None
    promote(ledger, "m1", "run-a", release=1)
    promote(ledger, "m2", "run-b", release=2)
    back = ledger.promote(
        "m1", release=1, run_id="cli-1", by="ann", reason="worse", at=NOW, kind="rollback"
    )
    assert ledger.champion() == back
    history = [(c.seq, c.model, c.kind) for c in ledger.champion_history()]
    assert history == [(3, "m1", "rollback"), (2, "m2", "promote"), (1, "m1", "promote")]


def test_a_run_promotes_once(ledger: Ledger) -> None:
    first = promote(ledger, "m1", "run-a")
    assert promote(ledger, "m1", "run-a") == first
    with pytest.raises(WorkspaceError, match="already"):
        promote(ledger, "m2", "run-a")
    assert len(ledger.champion_history()) == 1


def test_promotions_at_once_are_each_made_once(address: str, ledger: Ledger) -> None:
    def race(number: int) -> int:
        with Ledger.open(address) as own:
            return promote(own, f"m{number % 4}", f"run-{number % 4}").seq

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(race, range(32)))
    assert [c.seq for c in ledger.champion_history()] == [4, 3, 2, 1]
    assert ledger.audit_verify() is None


def test_champions_survive_a_lost_ledger(fresh: Fresh, ledger: Ledger) -> None:
    champions = [promote(ledger, f"m{n}", f"run-{n}") for n in range(3)]
    assert [read_champion(champion_bytes(c)) for c in champions] == champions
    with Ledger.open(fresh()) as other:
        assert len(other.adopt_champions(champions)) == 3
        assert other.adopt_champions(champions) == []
        assert other.champion() == ledger.champion()
        forged = Champion(2, "evil", 1, NOW, "x", "y", "promote", False, "z")
        with pytest.raises(Tampered, match="champion 2"):
            other.adopt_champions([forged])


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"at": "yesterday"}'])
def test_what_is_no_champion_is_refused(text: str) -> None:
    with pytest.raises(Tampered, match=r"champion\.json"):
        read_champion(text.encode())

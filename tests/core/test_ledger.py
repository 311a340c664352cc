from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foretaste.core.errors import Tampered, Unavailable, WorkspaceError
from foretaste.core.ledger import (
    CaseState,
    Champion,
    Judgement,
    Ledger,
    NewCase,
    Step,
    champion_bytes,
    read_champion,
)
from foretaste.core.ledger.tables import HEAD

NOW = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
NIGHT = "2026-01-01"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    with Ledger.open(path) as opened:
        opened.start_run("r1", night=NIGHT, kind="nightly", at=NOW)
        yield opened


def case(name: str, rows: int = 2, posterior: float = 0.9) -> NewCase:
    ids = tuple(f"{name}-{i}" for i in range(rows))
    return NewCase(name, "campaign", f"Case {name}", float(rows), posterior, ("burst",), ids)


def promote(ledger: Ledger, model: str, run: str, release: int = 1) -> Champion:
    return ledger.promote(model, release=release, run_id=run, by="night", reason="gates", at=NOW)


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


def test_cases_come_most_suspicious_first_and_open_once(ledger: Ledger) -> None:
    found = [case("small"), case("large", rows=20_001), case("doubtful", 30_000, posterior=0.1)]
    assert ledger.open_cases(found, run_id="r1", night=NIGHT, at=NOW) == 3
    assert ledger.open_cases(found, run_id="r1", night=NIGHT, at=NOW) == 0
    assert [one.id for one in ledger.cases()] == ["large", "doubtful", "small"]
    assert ledger.case("large").size == 20_001
    assert len(set(ledger.case_rows("large"))) == 20_001
    assert ledger.case("small").reasons == ("burst",)
    assert ledger.cases(CaseState.DECIDED) == []


@pytest.mark.parametrize("judgement", [j for j in Judgement if j is not Judgement.RELABEL])
def test_every_judgement_is_kept_and_can_be_taken_back(
    ledger: Ledger, judgement: Judgement
) -> None:
    ledger.open_cases([case("c1")], run_id="r1", night=NIGHT, at=NOW)
    number = ledger.decide(judgement, by="ann", at=NOW, reason_code="looked", case_id="c1")
    assert [(d.id, d.decision) for d in ledger.decisions()] == [(number, judgement)]
    ledger.undo(number, by="ann", at=NOW)
    assert ledger.case("c1").state is CaseState.OPEN
    assert ledger.decisions() == []


def test_a_decision_closes_its_case_waits_and_is_applied_once(ledger: Ledger) -> None:
    ledger.open_cases([case("c1"), case("c2")], run_id="r1", night=NIGHT, at=NOW)
    first = ledger.decide(Judgement.POISON, by="ann", at=NOW, reason_code="ring", case_id="c1")
    second = ledger.decide(
        Judgement.RELABEL, by="bob", at=NOW, reason_code="typo", row_id="c2-0", label="ham"
    )
    assert ledger.case("c1").state is CaseState.DECIDED
    assert ledger.case("c2").state is CaseState.OPEN
    waiting = ledger.pending_decisions()
    assert [(d.id, d.decision, d.label) for d in waiting] == [
        (first, Judgement.POISON, None),
        (second, Judgement.RELABEL, "ham"),
    ]
    ledger.mark_applied([first], run_id="r2")
    ledger.mark_applied([first], run_id="r2")
    assert [d.id for d in ledger.pending_decisions()] == [second]
    with pytest.raises(WorkspaceError, match="another run"):
        ledger.mark_applied([second, first], run_id="r3")
    assert [d.id for d in ledger.pending_decisions()] == [second], "half a batch was applied"
    with pytest.raises(WorkspaceError, match="does not wait"):
        ledger.undo(first, by="ann", at=NOW)
    assert [d.applied_in for d in ledger.decisions()] == ["r2", None]


def test_undo_opens_the_case_again(ledger: Ledger) -> None:
    ledger.open_cases([case("c1")], run_id="r1", night=NIGHT, at=NOW)
    number = ledger.decide(Judgement.RELEASE, by="ann", at=NOW, reason_code="ok", case_id="c1")
    with pytest.raises(WorkspaceError, match="is decided"):
        ledger.decide(Judgement.POISON, by="bob", at=NOW, reason_code="no", case_id="c1")
    ledger.undo(number, by="ann", at=NOW)
    assert ledger.case("c1").state is CaseState.OPEN
    assert ledger.pending_decisions() == []
    with pytest.raises(WorkspaceError, match="does not wait"):
        ledger.undo(number, by="ann", at=NOW)
    with pytest.raises(WorkspaceError, match="taken back"):
        ledger.mark_applied([number], run_id="r2")


def test_escalation_leaves_a_case_open(ledger: Ledger) -> None:
    ledger.open_cases([case("c1")], run_id="r1", night=NIGHT, at=NOW)
    ledger.assign("c1", to="ann", by="lead", at=NOW)
    assert (ledger.case("c1").state, ledger.case("c1").assignee) == (CaseState.ASSIGNED, "ann")
    ledger.decide(Judgement.ESCALATE, by="ann", at=NOW, reason_code="unsure", case_id="c1")
    assert ledger.case("c1").state is CaseState.ASSIGNED


def test_old_cases_expire_unless_decided(ledger: Ledger) -> None:
    ledger.open_cases([case("old"), case("done")], run_id="r1", night=NIGHT, at=NOW)
    ledger.open_cases([case("new")], run_id="r1", night="2026-01-09", at=NOW)
    ledger.decide(Judgement.POISON, by="ann", at=NOW, reason_code="ring", case_id="done")
    assert ledger.expire_cases("2026-01-09", at=NOW) == 1
    states = {one.id: one.state for one in ledger.cases()}
    assert states == {
        "old": CaseState.EXPIRED,
        "done": CaseState.DECIDED,
        "new": CaseState.OPEN,
    }
    with pytest.raises(WorkspaceError, match="is expired"):
        ledger.decide(Judgement.POISON, by="ann", at=NOW, reason_code="x", case_id="old")


@pytest.mark.parametrize(
    ("about", "label", "message"),
    [
        ({}, None, "about a case, a row or a contributor"),
        ({"case_id": "nobody"}, None, "no case nobody"),
        ({"row_id": "r"}, "ham", "belongs to a relabelling"),
    ],
)
def test_a_decision_about_nothing_is_refused(
    ledger: Ledger, about: dict[str, str], label: str | None, message: str
) -> None:
    with pytest.raises(WorkspaceError, match=message):
        ledger.decide(Judgement.POISON, by="a", at=NOW, reason_code="x", label=label, **about)
    assert ledger.decisions() == []


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


def test_promotions_at_once_are_each_made_once(path: Path, ledger: Ledger) -> None:
    def race(number: int) -> int:
        with Ledger.open(path) as own:
            return promote(own, f"m{number % 4}", f"run-{number % 4}").seq

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(race, range(32)))
    assert [c.seq for c in ledger.champion_history()] == [4, 3, 2, 1]
    assert ledger.audit_verify() is None


def test_champions_survive_a_lost_ledger(tmp_path: Path, ledger: Ledger) -> None:
    champions = [promote(ledger, f"m{n}", f"run-{n}") for n in range(3)]
    assert [read_champion(champion_bytes(c)) for c in champions] == champions
    with Ledger.open(tmp_path / "new.sqlite") as other:
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


HARMS = {
    "payload": "UPDATE audit SET payload = '{}' WHERE seq = {n}",
    "actor": "UPDATE audit SET actor = 'nobody' WHERE seq = {n}",
    "moment": "UPDATE audit SET at = '2020-01-01T00:00:00.000000+00:00' WHERE seq = {n}",
    "delete": "DELETE FROM audit WHERE seq = {n}",
    "rehash": "UPDATE audit SET hash = prev_hash || 'x' WHERE seq = {n}",
}


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(harm=st.sampled_from(sorted(HARMS)), number=st.integers(1, 5))
def test_the_audit_chain_shows_the_first_harm(
    tmp_path_factory: pytest.TempPathFactory, harm: str, number: int
) -> None:
    path = tmp_path_factory.mktemp("audit") / "ledger.sqlite"
    with Ledger.open(path) as ledger:
        for n in range(6):
            promote(ledger, f"m{n}", f"run-{n}")
        anchor = ledger.audit_head()
        assert ledger.audit_verify([anchor]) is None
        with sqlite3.connect(path) as raw:
            raw.execute(HARMS[harm].replace("{n}", str(number)))
        assert ledger.audit_verify() == number


def test_a_cut_tail_shows_against_an_anchor_only(path: Path, ledger: Ledger) -> None:
    promote(ledger, "m1", "run-a")
    anchor = ledger.audit_head()
    with sqlite3.connect(path) as raw:
        raw.execute("DELETE FROM audit WHERE seq = ?", (anchor[0],))
    assert ledger.audit_verify() is None
    assert ledger.audit_verify([anchor]) == anchor[0]


def test_a_rewritten_chain_shows_against_an_anchor(path: Path, ledger: Ledger) -> None:
    promote(ledger, "m1", "run-a")
    number, digest = ledger.audit_head()
    assert ledger.audit_verify([(number, digest[::-1])]) == number


def test_opening_again_changes_nothing(path: Path, ledger: Ledger) -> None:
    promote(ledger, "m1", "run-a")
    with Ledger.open(path) as again:
        assert again.champion() == ledger.champion()
        assert again.audit_verify() is None


def test_the_schema_is_what_the_tables_say(path: Path, ledger: Ledger) -> None:
    import sqlalchemy as sa
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from foretaste.core.ledger.tables import metadata

    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == HEAD


def test_a_newer_schema_is_refused(path: Path, ledger: Ledger) -> None:
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(WorkspaceError, match="newer foretaste") as refused:
        Ledger.open(path)
    assert "upgrade" in refused.value.hint


@pytest.mark.parametrize("harm", ["rubbish", "page", "cut"])
def test_a_damaged_file_is_named_with_a_way_out(path: Path, harm: str) -> None:
    with Ledger.open(path) as ledger:
        ledger.start_run("r1", night=NIGHT, kind="nightly", at=NOW)
        many = [case(f"c{n}", rows=50) for n in range(200)]
        ledger.open_cases(many, run_id="r1", night=NIGHT, at=NOW)
    data = bytearray(path.read_bytes())
    if harm == "rubbish":
        data[:100] = b"x" * 100
    elif harm == "page":
        for start, _ in pairwise(range(0, len(data), 4096)):
            data[start + 100 : start + 3000] = b"\xff" * 2900
    else:
        del data[len(data) // 2 :]
    path.write_bytes(data)
    with pytest.raises(Tampered, match="damaged") as refused:
        Ledger.open(path)
    assert "backup" in refused.value.hint


def test_a_held_ledger_is_unavailable_not_broken(path: Path, ledger: Ledger) -> None:
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with Ledger.open(path, busy_seconds=0.05) as waiting:
        with pytest.raises(Unavailable, match="locked"):
            promote(waiting, "m1", "run-a")
        assert waiting.champion() is None, "readers need not wait"
    holder.rollback()
    holder.close()
    assert promote(ledger, "m1", "run-a").seq == 1

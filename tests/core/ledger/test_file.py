"""The ledger as a database: opened again, upgraded, damaged, held by another."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import sqlalchemy as sa

from foretaste.core.errors import Tampered, Unavailable, WorkspaceError
from foretaste.core.ledger import CaseState, Ledger, Query
from foretaste.core.ledger.tables import HEAD, metadata
from foretaste.core.workspace import Workspace
from tests.core.ledger.stage import NIGHT, NOW, case, promote


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where there is no ledger yet."""
    return tmp_path / "ledger.sqlite"


def test_opening_again_changes_nothing(address: str, ledger: Ledger) -> None:
    promote(ledger, "m1", "run-a")
    with Ledger.open(address) as again:
        assert again.champion() == ledger.champion()
        assert again.audit_verify() is None


def test_the_schema_is_what_the_tables_say(address: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    engine = sa.create_engine(address)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == HEAD
    engine.dispose()


OLD = f"""
INSERT INTO runs (id, night, kind, started, state, counts)
VALUES ('r1', '{NIGHT}', 'nightly', '{NOW.isoformat()}', 'done', '[]');
INSERT INTO cases (id, run_id, night, kind, title, state, size, weight, posterior, reasons)
VALUES ('c1', 'r1', '{NIGHT}', 'rule', 'Old News', 'decided', 1, 0.1, 0.9, '[]');
INSERT INTO case_rows (case_id, row_id) VALUES ('c1', 'a');
INSERT INTO decisions (case_id, decision, reason_code, note, "by", at)
VALUES ('c1', 'poison', 'x', '', 'ann', '{NOW.isoformat()}')
"""


def test_a_ledger_from_before_the_desk_keeps_its_cases(fresh_blank: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "foretaste.core.ledger:migrations")
    engine = sa.create_engine(fresh_blank)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        for statement in OLD.split(";"):
            connection.exec_driver_sql(statement)
    engine.dispose()
    with Ledger.open(fresh_blank) as ledger:
        assert (ledger.case("c1").title, ledger.case("c1").details) == ("Old News", {})
        assert [row.row_id for row in ledger.rows_of("c1")] == ["a"]
        assert [one.by for one in ledger.pending_decisions()] == ["ann"]
        assert ledger.queue(Query(states=tuple(CaseState), text="news")).total == 1
        ledger.undo(1, by="ann", at=NOW)
        assert ledger.case("c1").state is CaseState.OPEN
        assert [one.id for one in ledger.unfurnished()] == ["c1"]


def test_a_newer_schema_is_refused(
    address: str, ledger: Ledger, raw: Callable[[str], None]
) -> None:
    raw("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(WorkspaceError, match="newer foretaste") as refused:
        Ledger.open(address)
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


def test_a_held_ledger_is_unavailable_not_broken(path: Path) -> None:
    with Ledger.open(path) as ledger:
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        with Ledger.open(path, busy_seconds=0.05) as waiting:
            with pytest.raises(Unavailable, match="locked"):
                promote(waiting, "m1", "run-a")
            assert waiting.champion() is None, "readers need not wait"
        holder.rollback()
        holder.close()
        assert promote(ledger, "m1", "run-a").seq == 1


@pytest.mark.extra
def test_a_held_server_is_unavailable_not_broken(fresh_postgres: Callable[[], str]) -> None:
    address = fresh_postgres()
    engine = sa.create_engine(address)
    with Ledger.open(address, busy_seconds=0.05) as waiting, engine.connect() as holder:
        holder.exec_driver_sql("SELECT pg_advisory_xact_lock(1718579813)")
        with pytest.raises(Unavailable, match="locked"):
            promote(waiting, "m1", "run-a")
        assert waiting.champion() is None, "readers need not wait"
        holder.rollback()
        assert promote(waiting, "m1", "run-a").seq == 1
    engine.dispose()


def test_a_server_that_is_away_is_named_without_its_password() -> None:
    with pytest.raises(Unavailable) as refused:
        Ledger.open("postgresql://ann:hunter2@127.0.0.1:1/foretaste")
    assert "127.0.0.1/foretaste" in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("address", ["://hunter2", "mysql://ann:hunter2@db/foretaste"])
def test_an_address_that_is_none_is_refused_without_being_shown(address: str) -> None:
    with pytest.raises(WorkspaceError, match="ledger") as refused:
        Ledger.open(address)
    assert "hunter2" not in f"{refused.value}{refused.value.hint}"


def test_the_workspace_opens_the_ledger_that_the_environment_names(
    workspace: Workspace, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORETASTE_LEDGER", address)
    with workspace.ledger() as ledger:
        promote(ledger, "m1", "run-a")
    monkeypatch.delenv("FORETASTE_LEDGER")
    with workspace.ledger() as ledger:
        assert ledger.champion() is None
    with Ledger.open(address) as other:
        assert other.champion() is not None

"""The ledger's database: opened, brought up to date, its faults named for the user."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from foretaste.core.errors import ForetasteError, Tampered, Unavailable, WorkspaceError
from foretaste.core.ledger.tables import HEAD

BUSY_SECONDS: Final = 30
_WRITES: Final = "foretaste_writes"
_CHECKED: Final = 64 * 2**20
_SIZE: Final = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
_POSTGRES: Final = "postgresql+pg8000"
_WRITER: Final = 0x666F7265
"""Number of the lock that a writer holds; any would do that nobody else uses."""


def open_database(where: str | Path, *, busy_seconds: float = BUSY_SECONDS) -> sa.Engine:
    """Open a database and bring its schema up to date.

    Parameters
    ----------
    where
        A SQLAlchemy URL, or the path of an SQLite file.
    busy_seconds
        Seconds to wait for another writer.
    """
    url = _url(str(where))
    engine = sa.create_engine(url, json_serializer=_json, pool_pre_ping="://" in str(where))
    if engine.dialect.name == "sqlite":
        _tune_sqlite(engine, busy_seconds)
    else:
        _tune_postgres(engine, busy_seconds)
    with named_faults(url):
        _migrate(engine)
    return engine


def _url(where: str) -> sa.URL:
    if "://" not in where:
        return sa.URL.create("sqlite", database=where)
    hint = "postgresql+pg8000://USER:PASSWORD@HOST/DATABASE, or sqlite:///PATH"
    try:
        url = sa.make_url(where)
    except (sa.exc.ArgumentError, ValueError):
        # Not shown: it may hold a password.
        raise WorkspaceError("the ledger's address is no database URL", hint=hint) from None
    if url.drivername == "postgresql":
        return url.set(drivername=_POSTGRES)
    if url.drivername not in ("sqlite", _POSTGRES):
        raise WorkspaceError(f"the ledger does not work on {url.drivername}", hint=hint)
    return url


@contextmanager
def transaction(engine: sa.Engine, *, write: bool) -> Iterator[sa.Connection]:
    """Run a block in one transaction: committed whole, or not at all."""
    with (
        named_faults(engine.url),
        engine.execution_options(**{_WRITES: write}).begin() as connection,
    ):
        yield connection


@contextmanager
def named_faults(url: sa.URL) -> Iterator[None]:
    """Turn the database's errors into ours."""
    try:
        yield
    except sa.exc.IntegrityError:
        raise
    except sa.exc.DBAPIError as error:
        raise _named(url, _said(error.orig)) from error


def _named(url: sa.URL, said: str) -> ForetasteError:
    where = f"{url.host}/{url.database}" if url.host else str(url.database)
    lower = said.lower()
    if "malformed" in lower or "not a database" in lower or "disk i/o error" in lower:
        return Tampered(
            f"the ledger {where} is damaged: {said}",
            hint="restore it from a backup, or move it away with its -wal and -shm files: "
            "the next start rebuilds releases and champions from git, decisions are lost",
        )
    if any(word in lower for word in ("locked", "busy", "lock timeout")):
        return Unavailable(
            f"the ledger {where} is locked by another process", hint="try again in a minute"
        )
    if "full" in lower or "no space left" in lower:
        return Unavailable("the disk of the ledger is full", hint="make room and run again")
    if any(word in lower for word in ("connection", "unable to open", "network", "shut")):
        return Unavailable(f"the ledger {where} cannot be opened: {said}")
    return WorkspaceError(f"the ledger {where} refused: {said}")


def _said(error: BaseException | None) -> str:
    """What a driver says; pg8000 gives a table of fields."""
    first = error.args[0] if error is not None and error.args else error
    return str(first.get("M", "")) if isinstance(first, dict) else str(first)


def _tune_sqlite(engine: sa.Engine, busy_seconds: float) -> None:
    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: Any, _: Any) -> None:
        # The driver's own transactions start too late and skip DDL: ours are explicit.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={int(busy_seconds * 1000)}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @sa.event.listens_for(engine, "begin")
    def on_begin(connection: sa.Connection) -> None:
        # A reader that later writes can lose its snapshot: writers say so at once.
        writes = connection.get_execution_options().get(_WRITES, True)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _tune_postgres(engine: sa.Engine, busy_seconds: float) -> None:
    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(f"SET lock_timeout = {int(busy_seconds * 1000)}")
        cursor.close()
        connection.commit()

    @sa.event.listens_for(engine, "begin")
    def on_begin(connection: sa.Connection) -> None:
        # As on SQLite: one writer at a time, and a reader sees one moment. The chain of the
        # audit log has one end, so writers would wait for each other anyway.
        writes = connection.get_execution_options().get(_WRITES, True)
        connection.exec_driver_sql(
            f"SELECT pg_advisory_xact_lock({_WRITER})"
            if writes
            else "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
        )


def _json(value: Any) -> str:
    """Encode; what JSON has no number for becomes null, since databases refuse ``NaN``."""
    try:
        return json.dumps(value, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _migrate(engine: sa.Engine) -> None:
    with engine.execution_options(**{_WRITES: False}).begin() as connection:
        if engine.dialect.name == "sqlite":
            _check_sqlite(connection)
        found = _revision(connection)
    if found == HEAD:
        return
    if found is not None and found > HEAD:
        raise WorkspaceError(
            f"the ledger {engine.url.database} was written by a newer foretaste "
            f"(schema {found}, this one knows {HEAD})",
            hint="upgrade foretaste; an older one must not write here",
        )
    _upgrade(engine)


def _check_sqlite(connection: sa.Connection) -> None:
    size = connection.exec_driver_sql(_SIZE).scalar_one()
    if size > _CHECKED:
        return  # would take seconds at every start; a damaged page is named when it is read
    said = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    if said != "ok":
        raise sa.exc.DatabaseError("quick_check", None, Exception(f"malformed: {said}"))


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return None if found is None else str(found)


def _upgrade(engine: sa.Engine) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "foretaste.core.ledger:migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

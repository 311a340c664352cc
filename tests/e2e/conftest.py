"""One Prefect harness and three walked workspaces for all whole nights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.walks import DAYS, SMALL, Walked, isolated, small_world, start
from tests.workspaces import CHECKOUT


@pytest.fixture(scope="session")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Prefect's own harness for the whole session; gives the address of its API."""
    with pytest.MonkeyPatch.context() as patch:
        isolated(patch, tmp_path_factory.mktemp("prefect"))
        patch.setenv("PREFECT_LOGGING_TO_API_ENABLED", "false")
        patch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
        from prefect.settings import (
            PREFECT_API_URL,
            PREFECT_LOGGING_TO_API_ENABLED,
            temporary_settings,
        )
        from prefect.testing.utilities import prefect_test_harness

        with (
            prefect_test_harness(server_startup_timeout=120),
            temporary_settings({PREFECT_LOGGING_TO_API_ENABLED: False}),
        ):
            yield str(PREFECT_API_URL.value())


@pytest.fixture(scope="session")
def _demo(prefect: str, tmp_path_factory: pytest.TempPathFactory) -> Walked:
    from foretaste.cli.demonstration import demonstrate

    with pytest.MonkeyPatch.context() as patch:
        folder = isolated(patch, tmp_path_factory.mktemp("demo"))
        content, _ = demonstrate(folder / "ws", CHECKOUT)
    (folder / "told.json").write_text(json.dumps(content))
    return Walked(folder, tuple(content["nights"]))


@pytest.fixture(scope="session")
def _first(prefect: str, tmp_path_factory: pytest.TempPathFactory) -> Walked:
    """A small workspace after its first night."""
    nights, golden = small_world()
    with pytest.MonkeyPatch.context() as patch:
        folder = isolated(patch, tmp_path_factory.mktemp("first"))
        walked = start(folder, SMALL)
        golden.to_parquet(walked.root / "data" / "golden" / "golden.parquet", index=False)
        walked.land("night-0.parquet", nights[0])
        return Walked(folder, (walked.run(DAYS[0]),))


@pytest.fixture(scope="session")
def _second(_first: Walked, tmp_path_factory: pytest.TempPathFactory) -> Walked:
    """The same after its second night, which nothing disturbed."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("second")
        walked = _first.copy(folder)
        isolated(patch, folder)
        walked.land("night-1.parquet", small_world()[0][1])
        return Walked(folder, (*_first.outcomes, walked.run(DAYS[1])))


def _with_keys(walked: Walked, monkeypatch: pytest.MonkeyPatch) -> Walked:
    monkeypatch.setenv("FORETASTE_KEYS", str(walked.keys))
    return walked


@pytest.fixture
def demo(_demo: Walked, monkeypatch: pytest.MonkeyPatch) -> Walked:
    """The demonstration's workspace: to be read, never changed."""
    return _with_keys(_demo, monkeypatch)


@pytest.fixture
def second(_second: Walked, monkeypatch: pytest.MonkeyPatch) -> Walked:
    """Two small nights: to be read, never changed."""
    return _with_keys(_second, monkeypatch)


@pytest.fixture
def walked(_first: Walked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Walked:
    """One small night, in a workspace of the test's own."""
    return _with_keys(_first.copy(tmp_path), monkeypatch)


@pytest.fixture
def reviewed(_first: Walked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Walked, str]:
    """One small night in a workspace of the test's own, and the case of its marked rows."""
    own = _with_keys(_first.copy(tmp_path), monkeypatch)
    with own.open().ledger() as ledger:
        (case,) = (c for c in ledger.cases() if c.kind == "rule")
    return own, case.id


@pytest.fixture
def clone(demo: Walked) -> Iterator[Path]:
    """Somewhere beside the demonstration's remote, for a clone of it."""
    folder = demo.folder / "clone"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)

"""What the doctor sees."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from foretaste.core.keys import key_folder
from foretaste.core.lock import workspace_lock
from foretaste.core.workspace import Workspace
from foretaste.views.doctor import Check, examine

READY: dict[str, Any] = {
    "name": "nightly",
    "paused": False,
    "status": "READY",
    "work_pool_name": "local",
    "schedules": [{"active": True}],
}


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.delenv("PREFECT_API_KEY", raising=False)


def _checks(root: Path) -> dict[str, Check]:
    return {check.name: check for check in examine(root)}


def test_a_sound_workspace_lacks_only_a_schedule(judged: Workspace) -> None:
    found = _checks(judged.root)
    assert {name for name, c in found.items() if c.state == "fail"} == set()
    assert found["schedule"].state == "warn"
    assert "foretaste run" in found["schedule"].hint
    assert {"python", "git", "ssh-keygen", "key", "policy", "landing", "remote"} <= found.keys()


def test_no_workspace_is_one_failure_among_the_others(tmp_path: Path) -> None:
    found = _checks(tmp_path)
    assert found["workspace"].state == "fail"
    assert found["python"].state == "pass"
    assert "schedule" in found


def test_a_missing_key_is_named(judged: Workspace) -> None:
    (key_folder() / f"{judged.id}.key").unlink()
    assert "key" in _checks(judged.root)["workspace"].found


def test_a_key_that_others_can_read_is_a_warning(judged: Workspace) -> None:
    (key_folder() / f"{judged.id}.key").chmod(0o644)
    assert _checks(judged.root)["key"].state == "warn"


@pytest.mark.parametrize("check", ["policy", "landing", "remote", "ledger", "lock"])
def test_each_fault_is_found_by_its_check(judged: Workspace, check: str) -> None:
    with workspace_lock(judged.layout, "x"):
        assert _checks(judged.root)["lock"].state == "warn"
    if check == "policy":
        judged.layout.params.write_text("sede: 7\n")
    elif check == "landing":
        judged.layout.landing.rmdir()
    elif check == "remote":
        shutil.rmtree(judged.root.with_name("ws.remote"))
    elif check == "ledger":
        with sqlite3.connect(judged.layout.ledger) as database:
            database.execute("UPDATE audit SET payload = '{}' WHERE seq = 2")
    state = _checks(judged.root)[check].state
    assert state == ("pass" if check == "lock" else "fail")


class _Server(ThreadingHTTPServer):
    answers: dict[str, Any]


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        """Answer the health question."""
        self._answer()

    def do_POST(self) -> None:
        """Answer a filter."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def _answer(self) -> None:
        body = json.dumps(self.server.answers.get(self.path)).encode()
        self.send_response(200 if self.path in self.server.answers else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def prefect(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The answers of a server at PREFECT_API_URL, by path; the test fills them in."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.answers = {"/api/health": True}
    monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{server.server_port}/api")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.answers
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("deployments", "workers", "state", "word"),
    [
        ([], [], "warn", "no deployment"),
        ([{**READY, "paused": True}], [], "warn", "no active schedule"),
        ([{**READY, "schedules": []}], [], "warn", "no active schedule"),
        ([{**READY, "status": "NOT_READY"}], [{"status": "OFFLINE"}], "warn", "nobody runs"),
        ([{**READY, "status": "NOT_READY"}], [{"status": "ONLINE"}], "pass", "somebody"),
        ([READY], [], "pass", "somebody"),
        ({"detail": "odd"}, [], "fail", "does not answer"),
    ],
)
def test_the_schedule_fires_when_somebody_runs_it(
    prefect: dict[str, Any], tmp_path: Path, deployments: Any, workers: Any, state: str, word: str
) -> None:
    prefect["/api/deployments/filter"] = deployments
    prefect["/api/work_pools/local/workers/filter"] = workers
    found = _checks(tmp_path)["schedule"]
    assert (found.state, word in found.found) == (state, True), found


def test_a_server_that_is_away_is_a_failure_without_its_secrets(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://me:secret@127.0.0.1:1/api")
    found = _checks(tmp_path)["schedule"]
    assert found.state == "fail"
    assert "secret" not in found.found + found.hint

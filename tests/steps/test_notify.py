"""Notices arrive once per receiver, quote nobody, and fail no night."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from foretaste.core.ledger import Furnishing, Judgement, Ledger, NewCase, Role
from foretaste.core.policy import Review
from foretaste.core.workspace import Workspace
from foretaste.steps.notify import VARIABLE, notices, notify
from tests.workspaces import copy_workspace

NOW = datetime(2026, 11, 18, 2, tzinfo=UTC)
BAIT = "<@everyone> =cmd"


class Receiver(HTTPServer):
    """A webhook that keeps what it is told, or refuses it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.told: list[dict[str, Any]] = []
        self.status = 200

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}/hook?token=s3cret"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.status == 200:
            self.server.told.append(json.loads(body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver on loopback."""
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def workspace(blank: Path, tmp_path: Path) -> Workspace:
    """A workspace with a large campaign and a case that expires tomorrow."""
    made = copy_workspace(blank, tmp_path)
    with made.ledger() as ledger:
        ledger.start_run("r1", night="2026-11-18", kind="nightly", at=NOW)
        add_case(ledger, "campaign", accounts=45, days=7)
        add_case(ledger, "contributor", accounts=1, days=1)
    return made


def add_case(ledger: Ledger, kind: str, *, accounts: int, days: float, name: str = "") -> None:
    case = NewCase(name or f"case-{kind}", kind, f"{BAIT} {kind}", 0.001, 0.9, (), (f"r{name}",))
    ledger.open_cases([case], run_id="r1", night="2026-11-18", at=NOW)
    end = NOW + timedelta(days=days)
    furnishing = Furnishing(case.id, "x", accounts, 1.0, 0.1, 1, end, {}, (), ())
    ledger.furnish([furnishing], at=NOW)


@pytest.mark.parametrize("scheme", ["http", "json"])
def test_a_receiver_is_told_once(
    workspace: Workspace, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv(VARIABLE, f"{scheme}://{receiver.address}")
    assert notify(workspace, NOW) == 2
    told = json.dumps(receiver.told)
    assert "45 accounts" in told
    assert "case-contributor" in told
    assert "everyone" not in told, "what contributors wrote stays inside"
    assert notify(workspace, NOW) == 0
    assert len(receiver.told) == 2
    with workspace.ledger() as ledger:
        add_case(ledger, "campaign", accounts=30, days=7, name="second")
    assert notify(workspace, NOW) == 1
    assert "second" in json.dumps(receiver.told[-1])


def test_a_receiver_that_is_away_is_told_with_the_next_night(
    workspace: Workspace,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    here = f"http://{receiver.address}"
    monkeypatch.setenv(VARIABLE, f"http://127.0.0.1:1/hook?token=s3cret nonsense {here}")
    receiver.status = 503
    assert notify(workspace, NOW) == 0
    assert "s3cret" not in caplog.text
    assert caplog.text.count("receiver") == 3
    receiver.status = 200
    assert notify(workspace, NOW) == 2, "one that is away keeps nothing from the others"
    assert len(receiver.told) == 2


def test_without_receivers_nothing_is_told(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert notify(workspace, NOW) == 0


def test_what_is_worth_telling(workspace: Workspace) -> None:
    policy = Review(notify_cases=2, notify_hours=48, notify_accounts=50)
    with workspace.ledger() as ledger:
        many, near = notices(ledger, policy, NOW)
        assert many.title == "2 cases wait"
        assert near.title.startswith("1 case expires by")
        assert list(notices(ledger, Review(notify_hours=1, notify_accounts=50), NOW)) == []
        ledger.vote(
            "case-contributor",
            Judgement.POISON,
            by="ann",
            role=Role.REVIEWER,
            at=NOW,
            reason_code="spam",
        )
        (still,) = notices(ledger, Review(notify_hours=48), NOW)
        assert still.cases == ("case-campaign",), "what is decided waits for nobody"

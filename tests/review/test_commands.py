"""``foretaste review``, ``users`` and ``audit``."""

from __future__ import annotations

import io
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from foretaste.core.errors import ContractError, Unavailable, WorkspaceError
from foretaste.core.ledger import Role
from foretaste.core.workspace import Workspace
from foretaste.review.auth.passwords import Passwords
from foretaste.review.serve import Address, listen, opened
from tests.cli.terminal import Terminal, terminal

SECRET = "twelve letters at least"


@pytest.fixture
def foretaste(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """The command line."""
    return terminal(monkeypatch, capsys)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A password on stdin."""
    monkeypatch.setattr("sys.stdin", io.StringIO(SECRET + "\n" + SECRET + "\n"))


@pytest.mark.usefixtures("typed")
def test_a_user_is_added_changed_and_listed(foretaste: Terminal, workspace: Workspace) -> None:
    where = ("--workspace", workspace.root)
    done = foretaste("users", "add", "ann", "--role", "lead", "--account", "mallory-7", *where)
    assert (done.code, SECRET in done.out + done.err) == (0, False)
    assert foretaste("users", "add", "bob", "--subject", "sub-bob", *where).code == 0
    assert foretaste("users", "role", "bob", "--role", "viewer", *where).code == 0
    assert foretaste("users", "accounts", "bob", "--account", "bob-9", *where).code == 0
    listed = foretaste("users", "list", "--json", *where).json["users"]
    told = {one["name"]: (one["role"], one["login"], one["accounts"]) for one in listed}
    assert told == {"ann": ("lead", "password", 1), "bob": ("viewer", "provider", 1)}
    with workspace.ledger() as ledger:
        ann, log = ledger.user("ann"), repr(ledger.audit_entries())
    assert ann is not None
    assert Passwords().fits(SECRET, ann.password)
    assert ann.accounts == (workspace.key.pseudonym("contributor", "mallory-7"),)
    assert "mallory-7" not in log + repr(listed)


@pytest.mark.usefixtures("typed")
def test_a_user_is_kept_out_and_let_in_again(foretaste: Terminal, workspace: Workspace) -> None:
    where = ("--workspace", workspace.root)
    foretaste("users", "add", "ada", "--role", "admin", *where)
    foretaste("users", "add", "bob", "--subject", "sub-bob", *where)
    assert foretaste("users", "disable", "bob", "--dry-run", *where).code == 0
    for action, state in (("disable", "disabled"), ("enable", "active")):
        assert foretaste("users", action, "bob", *where).code == 0
        listed = foretaste("users", "list", "--json", *where).json["users"]
        assert {one["name"]: one["state"] for one in listed}["bob"] == state
    assert foretaste("users", "password", "bob", *where).code == 0
    assert foretaste("users", "disable", "ada", *where).code == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("users", "add"), 2),
        (("users", "dance"), 2),
        (("users", "add", "ann", "--role", "king"), 2),
        (("users", "role", "nobody", "--role", "lead"), 1),
        (("users", "disable", "nobody"), 1),
        (("users", "add", "a b", "--subject", "x"), 1),
        (("audit", "dance"), 2),
        (("review", "--host", "0.0.0.0"), 2),
        (("review", "--origin", "desk.example"), 2),
        (("review", "--port", "70000"), 2),
        (("review", "--certificate", "none.pem"), 2),
        (("review", "--certificate", "none.pem", "--origin", "https://desk.example"), 2),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    foretaste: Terminal, workspace: Workspace, arguments: tuple[str, ...], code: int
) -> None:
    answer = foretaste(*arguments, "--workspace", workspace.root)
    assert answer.code == code, answer.err
    assert "Traceback" not in answer.err
    assert answer.out == ""
    assert answer.err.strip()


def test_no_password_is_ever_an_argument(foretaste: Terminal) -> None:
    assert not re.search(r"--pass|password TEXT", foretaste("users", "--help").out)


def test_a_short_password_is_refused(
    foretaste: Terminal, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    answer = foretaste("users", "add", "ann", "--workspace", workspace.root)
    assert answer.code == 2
    assert "12 to 1024 characters" in answer.err


def test_the_log_is_listed_exported_and_verified(foretaste: Terminal, workspace: Workspace) -> None:
    where = ("--workspace", workspace.root)
    foretaste("users", "add", "bob", "--subject", "sub-bob", "--by", "=boss", *where)
    foretaste("users", "role", "bob", "--role", "lead", "--by", "ada", *where)
    listed = foretaste("audit", "list", "--actor", "ada", "--json", *where).json["entries"]
    assert [(one["actor"], one["action"]) for one in listed] == [("ada", "role set")]
    out = foretaste("audit", "export", *where).out.splitlines()
    assert out[0] == "seq,at,actor,action,payload,hash"
    assert [line.split(",")[2] for line in out[1:]] == ["ada", "'=boss"]
    assert len(foretaste("audit", "export", "--json", *where).json["entries"]) == 2
    whole = foretaste("audit", "verify", "--json", *where)
    assert (whole.code, whole.json["entries"], whole.json["whole"]) == (0, 2, True)
    engine = sa.create_engine(f"sqlite:///{workspace.layout.ledger}")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE audit SET actor = 'eve' WHERE seq = 1")
    engine.dispose()
    harmed = foretaste("audit", "verify", *where)
    assert harmed.code == 5
    assert "entry 1" in harmed.err


@pytest.mark.parametrize(
    ("address", "good"),
    [
        (Address(), True),
        (Address("::1"), True),
        (Address("localhost"), True),
        (Address("127.8.8.8"), True),
        (Address("0.0.0.0"), False),
        (Address("10.1.2.3", origin="http://desk.example"), False),
        (Address("desk.example"), False),
        (Address("0.0.0.0", origin="https://desk.example"), True),
        (Address(origin="https://desk.example/path"), False),
        (Address(origin="https://user@desk.example"), False),
        (Address(origin="javascript:alert(1)"), False),
    ],
)
def test_passwords_travel_on_no_open_wire(address: Address, good: bool) -> None:
    if good:
        address.check()
        return
    with pytest.raises(ContractError):
        address.check()


def test_a_desk_that_others_reach_needs_users(workspace: Workspace) -> None:
    told: list[str] = []
    reached = Address("0.0.0.0", origin="https://desk.example")
    with (
        pytest.raises(WorkspaceError, match="no users"),
        opened(workspace, reached, "ann", told.append, {}),
    ):
        pass
    assert told == []


def test_a_desk_without_users_invites_who_opened_it_and_with_users_nobody(
    workspace: Workspace,
) -> None:
    told: list[str] = []
    with opened(workspace, Address(), "DOM\\ann lee", told.append, {}) as desk:
        assert desk.invitation is not None
        owner = desk.ledger.user(desk.invitation.name)
        assert owner is not None
        assert (owner.name, owner.role) == ("DOM-ann-lee", Role.ADMIN)
    with opened(workspace, Address(), "DOM\\ann lee", told.append, {}) as desk:
        hashed = desk.passwords.hash(SECRET)
        desk.ledger.set_password("DOM-ann-lee", hashed, at=desk.now(), by="test")
    assert len(set(told)) == 2
    with opened(workspace, Address(), "ann", told.append, {}) as desk:
        assert desk.invitation is None
    assert len(told) == 2


def test_a_taken_port_is_told(workspace: Workspace) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(Unavailable, match="cannot be used"):
            listen(Address(port=other.getsockname()[1]))


def test_the_desk_answers_on_a_socket_and_ends_cleanly(workspace: Workspace) -> None:
    program = Path(sys.executable).with_name("foretaste")
    running = subprocess.Popen(
        [program, "review", "--port", "0", "--workspace", workspace.root],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    try:
        assert running.stdout is not None
        assert running.stderr is not None
        url = running.stdout.readline().split()[-1]
        link = running.stderr.readline().split()[-1]
        with httpx.Client(follow_redirects=False, timeout=30) as client:
            answer = client.get(link)
            assert answer.status_code == 303, answer.text
            assert client.get(f"{url}/account").status_code == 200
            assert "server" not in answer.headers
        assert link.startswith(f"{url}/enter?token=")
    finally:
        running.send_signal(signal.SIGTERM)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 143, err
    assert "Traceback" not in out + err

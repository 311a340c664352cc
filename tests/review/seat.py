"""A desk on a staged ledger, and people who sit at it: in process, without a socket."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from shutil import copyfile
from typing import Any

import sqlalchemy as sa
from starlette.testclient import TestClient

from foretaste.core.ledger import Case, Ledger, Query, Role
from foretaste.core.workspace import Workspace
from foretaste.review.app import create_app
from foretaste.review.auth.sessions import COOKIE
from foretaste.review.desk import Desk
from tests.review.desks import Clock
from tests.review.stage import NOW, stage


@dataclass(frozen=True)
class Seat:
    """Somebody's browser, logged in."""

    name: str
    client: TestClient
    csrf: str

    def get(self, path: str, **headers: str) -> str:
        """Read a page that must be there."""
        response = self.client.get(path, headers=headers)
        assert response.status_code == 200, (path, response.status_code, response.text[:2000])
        return str(response.text)

    def post(self, path: str, form: Mapping[str, Any], status: int = 303) -> Any:
        """Send a form, and give the answer without following it."""
        told = {"csrf": self.csrf, **form}
        response = self.client.post(path, data=told, follow_redirects=False)
        assert response.status_code == status, (path, response.status_code, response.text[:2000])
        return response

    def decide(self, case_id: str, judgement: str, status: int = 303, **more: Any) -> Any:
        """Decide about a case as its page would."""
        form = {"judgement": judgement, "reason_code": "campaign", **more}
        return self.post(f"/cases/{case_id}/decide", form, status)


def staged(folder: Path, cases: int = 24) -> Path:
    """Stage cases in a ledger of their own, to be copied for each test."""
    with Ledger.open(folder / "desk.sqlite") as ledger:
        stage(ledger, cases)
    return folder / "desk.sqlite"


@contextmanager
def desk_on(workspace: Workspace, where: Path) -> Iterator[Desk]:
    """Open a desk on a copy of a ledger; gold cases come only where a test asks for them."""
    own = Path(copyfile(where, workspace.root / "desk.sqlite"))
    review = workspace.policy.review.model_copy(update={"gold_share": 0.0})
    policy = workspace.policy.model_copy(update={"review": review})
    with Ledger.open(own) as ledger:
        yield Desk(workspace, ledger, policy, Clock(NOW))


def with_policy(desk: Desk, **review: Any) -> Desk:
    """Give the same desk with another review policy."""
    changed = desk.policy.review.model_copy(update=review)
    return replace(desk, policy=desk.policy.model_copy(update={"review": changed}))


def sit(
    desk: Desk, name: str, role: Role = Role.REVIEWER, *, accounts: tuple[str, ...] = ()
) -> Seat:
    """Log somebody in; they are added when they are new."""
    at = desk.now()
    if desk.ledger.user(name) is None:
        subject = f"sub-{name}"
        desk.ledger.add_user(name, role, at=at, by="test", accounts=accounts, subject=subject)
    token = sha256(name.encode()).hexdigest()[:43]
    csrf = f"csrf-of-{name}"
    digest = sha256(token.encode()).hexdigest()
    desk.ledger.end_session(digest)
    ends = at + timedelta(days=300)
    desk.ledger.open_session(name, token_digest=digest, csrf=csrf, at=at, expires=ends)
    client = TestClient(create_app(desk), base_url="http://localhost", follow_redirects=False)
    client.cookies.set(COOKIE, token)
    return Seat(name, client, csrf)


def ids_in(page: str) -> list[str]:
    """List the cases that a queue's page links to, in its order."""
    return re.findall(r'href="/cases/([0-9a-f]+)\?queue=', page)


def one(desk: Desk, kind: str = "", needs: int = 0, size: int = 0) -> Case:
    """Pick a waiting case that fits."""
    found = desk.ledger.queue(Query(per=200)).items
    fits = (c for c in found if kind in ("", c.kind) and needs in (0, c.needs) and c.size >= size)
    return desk.ledger.case(next(fits).id)


@contextmanager
def counting(desk: Desk) -> Iterator[list[str]]:
    """Collect the SQL statements that a desk sends."""
    said: list[str] = []

    def note(*args: Any) -> None:
        said.append(args[2])

    sa.event.listen(desk.ledger._engine, "before_cursor_execute", note)
    yield said
    sa.event.remove(desk.ledger._engine, "before_cursor_execute", note)

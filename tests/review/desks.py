"""A desk in this process, and browsers that talk to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from argon2 import PasswordHasher
from starlette.testclient import TestClient

from foretaste.core.ledger import Ledger, Role
from foretaste.core.workspace import Workspace
from foretaste.review.app import create_app
from foretaste.review.auth.passwords import Passwords
from foretaste.review.desk import Desk
from foretaste.review.routing import Page

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
NAMES = {Role.VIEWER: "vic", Role.REVIEWER: "rea", Role.LEAD: "lea", Role.ADMIN: "ada"}


def password_of(name: str) -> str:
    """The password of a user of the tests."""
    return f"four words nobody guesses: {name[::-1]}"


@dataclass
class Clock:
    """A clock that stands still until it is told."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        """Let time pass."""
        self.now += timedelta(**by)


def people(ledger: Ledger) -> None:
    """Add one user of each role."""
    for role, name in NAMES.items():
        hashed = Passwords(QUICK).hash(password_of(name))
        ledger.add_user(
            name, role, password_hash=hashed, subject=f"sub-{name}", at=START, by="test"
        )


def seated(workspace: Workspace, ledger: Ledger, clock: Clock) -> Desk:
    """A desk that hashes passwords quickly."""
    return Desk(workspace, ledger, workspace.policy, now=clock, passwords=Passwords(QUICK))


@dataclass
class Browser:
    """Somebody at a desk: keeps cookies, sends forms with the token of the page before."""

    client: TestClient
    csrf: str = field(default="")

    def get(self, path: str, **more: Any) -> httpx.Response:
        """Ask for a page and remember its token."""
        return self._seen(self.client.get(path, **more))

    def post(self, path: str, form: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
        """Send a form with the token of the page before."""
        return self._seen(self.client.post(path, data={"csrf": self.csrf, **(form or {})}, **more))

    def log_in(self, name: str, password: str | None = None, **more: Any) -> httpx.Response:
        """Log in as somebody."""
        self.get("/login")
        given = password_of(name) if password is None else password
        return self.post("/login", {"name": name, "password": given, "next": "/account", **more})

    def _seen(self, answer: httpx.Response) -> httpx.Response:
        found = re.search(r'data-csrf="([^"]+)"', answer.text)
        self.csrf = found[1] if found else self.csrf
        return answer


@contextmanager
def browsing(
    desk: Desk,
    name: str = "",
    *,
    pages: tuple[Page, ...] | None = None,
    address: str = "127.0.0.1",
    origin: str = "http://localhost",
) -> Iterator[Browser]:
    """A browser at a desk, logged in as ``name`` when there is one."""
    app = create_app(desk, pages)
    client = TestClient(
        app, base_url=origin, client=(address, 50_000), raise_server_exceptions=False
    )
    browser = Browser(client)
    if name:
        assert browser.log_in(name).status_code == 200
    yield browser


def spied(pages: tuple[Page, ...]) -> tuple[Page, ...]:
    """The same routes, each answering only that it was reached."""
    from starlette.responses import PlainTextResponse

    return tuple(
        replace(page, endpoint=lambda *_: PlainTextResponse("reached", 299)) for page in pages
    )

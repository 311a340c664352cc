"""The real desk on a loopback port, and people who sit at it in a real browser."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from shutil import copyfile
from typing import Any, Final

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
)

from foretaste.core.git import Git
from foretaste.core.keys import WorkspaceKey
from foretaste.core.ledger import Case, Judgement, Ledger, Query, Role
from foretaste.core.workspace import Workspace
from foretaste.review.auth.passwords import Passwords
from foretaste.review.auth.sessions import COOKIE
from foretaste.review.desk import Desk
from foretaste.review.serve import Address, listen, server
from tests.review.desks import QUICK, Clock, password_of, people
from tests.review.seat import with_policy
from tests.review.stage import NOW, stage

WIDE: Final = {"width": 1280, "height": 800}
PATIENCE: Final = 30_000
_VIOLATED: Final = ("Content Security Policy", "Content-Security-Policy", "Refused to")


def furnish(folder: Path, fill: Callable[[Path], object]) -> Path:
    """Make what a desk reads of a workspace: a policy, git, a ledger with people.

    Parameters
    ----------
    fill
        Puts cases into the ledger at a path.
    """
    folder.mkdir(parents=True)
    (folder / "params.yaml").write_text("seed: 7\n")
    Git(folder).run("init", "--quiet", "--template=", ".")
    Git(folder).run("commit", "--quiet", "--allow-empty", "--message", "begin")
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        people(ledger)
    fill(folder / "ledger.sqlite")
    return folder


def staged(cases: int) -> Callable[[Path], object]:
    """Give what fills a ledger with one night's cases."""

    def fill(where: Path) -> None:
        with Ledger.open(where) as ledger:
            stage(ledger, cases)

    return fill


def weigh(page: Page, path: str) -> int:
    """Open a page, and give the bytes of all that it loads."""
    seen: list[Response] = []
    page.on("response", lambda response: seen.extend([response]))
    page.goto(path, wait_until="networkidle")
    return sum(len(response.body()) for response in seen)


def arrive(page: Page, heading: str | re.Pattern[str]) -> None:
    """Wait until a page is there and listens to keys."""
    page.get_by_role("heading", level=1, name=heading).wait_for()
    page.wait_for_load_state()


def barriers(page: Page) -> str:
    """List what axe-core finds against WCAG 2.1 A and AA; "" for nothing."""
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
    found = Axe().run(page, options=rules)
    return str(found.generate_report()) if found.violations_count else ""


@dataclass
class House:
    """A desk that answers at an address, and what its visitors' browsers complained of."""

    desk: Desk
    clock: Clock
    url: str
    browser: Browser
    complaints: list[str] = field(default_factory=list)
    _open: list[BrowserContext] = field(default_factory=list)

    @property
    def ledger(self) -> Ledger:
        return self.desk.ledger

    def stranger(self, **options: Any) -> Page:
        """Open a browser in which nobody is logged in."""
        chosen = {"viewport": WIDE, "base_url": self.url, "reduced_motion": "reduce", **options}
        context = self.browser.new_context(**chosen)
        context.set_default_timeout(PATIENCE)
        context.on("console", self._console)
        context.on("request", self._request)
        context.on("weberror", lambda error: self.complaints.append(f"error: {error.error}"))
        self._open.append(context)
        page = context.new_page()
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        return page

    def seat(
        self,
        name: str,
        role: Role = Role.REVIEWER,
        *,
        accounts: tuple[str, ...] = (),
        **options: Any,
    ) -> Page:
        """Open a browser in which somebody is logged in; they are added when they are new."""
        at = self.clock()
        if self.ledger.user(name) is None:
            subject = f"sub-{name}"
            self.ledger.add_user(name, role, subject=subject, accounts=accounts, at=at, by="test")
        token = sha256(f"{name}/{len(self._open)}".encode()).hexdigest()[:43]
        self.ledger.open_session(
            name,
            token_digest=sha256(token.encode()).hexdigest(),
            csrf=sha256(token[::-1].encode()).hexdigest(),
            at=at,
            expires=at + timedelta(days=300),
        )
        page = self.stranger(**options)
        page.context.add_cookies([{"name": COOKIE, "value": token, "url": self.url}])
        return page

    def log_in(self, page: Page, name: str) -> None:
        """Log in as people do."""
        page.goto("/login")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(password_of(name))
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("heading", name="Queue", exact=True).wait_for()

    def case(self, needs: int = 1, kind: str = "", size: int = 0) -> Case:
        """Pick the first waiting case that fits."""
        found = self.ledger.queue(Query(per=200)).items
        fits = (c for c in found if c.needs == needs and kind in ("", c.kind) and c.size >= size)
        return self.ledger.case(next(fits).id)

    def settle(self, case: Case, by: str = "lea", role: Role = Role.LEAD) -> None:
        """Let somebody call a case poison."""
        said = Judgement.POISON
        self.ledger.vote(case.id, said, by=by, role=role, at=self.clock(), reason_code="spam")

    def close(self) -> None:
        """Close every browser window."""
        for context in self._open:
            context.close()

    def _console(self, message: ConsoleMessage) -> None:
        if any(words in message.text for words in _VIOLATED):
            self.complaints.append(f"policy: {message.text}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:image/", "about:")):
            self.complaints.append(f"request: {request.url}")


@contextmanager
def house(browser: Browser, folder: Path, source: Path, **review: Any) -> Iterator[House]:
    """Open a desk on a copy of what ``furnish`` made; ``review`` changes its policy.

    Gold cases come only where a test asks for them.
    """
    folder.mkdir()
    for name in ("params.yaml", "ledger.sqlite"):
        copyfile(source / name, folder / name)
    (folder / ".git").symlink_to(source / ".git")
    workspace = Workspace(folder, "0" * 16, WorkspaceKey(bytes(32)))
    clock = Clock(NOW)
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        desk = Desk(workspace, ledger, workspace.policy, now=clock, passwords=Passwords(QUICK))
        desk = with_policy(desk, **{"gold_share": 0.0, **review})
        with housed(browser, desk, clock) as opened:
            yield opened


@contextmanager
def housed(browser: Browser, desk: Desk, clock: Clock) -> Iterator[House]:
    """Let a desk answer, and end with all that it opened."""
    with served(desk) as url:
        opened = House(desk, clock, url, browser)
        try:
            yield opened
        finally:
            opened.close()


@contextmanager
def served(desk: Desk) -> Iterator[str]:
    """Answer on a free port of this machine, as ``foretaste review`` does; give the address."""
    address = Address(port=0)
    taken = listen(address)
    url = address.url(taken.getsockname()[1])
    answering = server(desk, address)
    thread = threading.Thread(target=answering.run, kwargs={"sockets": [taken]})
    thread.start()
    try:
        yield url
    finally:
        answering.should_exit = True
        thread.join()

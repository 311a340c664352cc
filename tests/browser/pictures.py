"""Pictures of the desk for the documentation: `python -m tests.browser.pictures docs/img`."""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from foretaste.core.ledger import CaseState, Judgement, Query, Role
from tests.browser import chromium
from tests.browser.house import House, arrive, furnish, house, staged

_LARGEST = 300_000
_TALL = {"width": 1280, "height": 900}
_SAID = (Judgement.POISON, Judgement.RELEASE)


def draw(desk: House, folder: Path) -> None:
    """Take every picture."""
    lived_in(desk)
    page = desk.seat("rea", viewport=_TALL)
    page.goto("/queue")
    page.keyboard.press("j")
    snap(page, folder / "desk-queue.png")
    case = desk.case(needs=2, kind="campaign")
    page.goto(f"/cases/{case.id}")
    page.keyboard.press("p")
    snap(page, folder / "desk-case.png")
    page.locator("[data-open]").first.click()
    page.locator(".row-open").wait_for()
    page.locator("[data-open]").first.evaluate("one => one.scrollIntoView({block: 'center'})")
    snap(page, folder / "desk-rows.png")
    page.goto("/queue?kind=contributor")
    for box in page.locator("[data-pick]").all()[:6]:
        box.check()
    page.get_by_role("button", name="Decide about the selected").click()
    arrive(page, re.compile("^Decide about"))
    page.keyboard.press("r")
    snap(page, folder / "desk-bulk.png")
    dark = desk.seat("rea", color_scheme="dark", viewport=_TALL)
    dark.goto(f"/cases/{case.id}")
    snap(dark, folder / "desk-case-dark.png")
    admin = desk.seat("ada", Role.ADMIN, viewport=_TALL)
    admin.goto("/admin")
    snap(admin, folder / "desk-admin.png")
    admin.goto("/audit")
    snap(admin, folder / "desk-audit.png")
    admin.goto("/rules/_new")
    snap(admin, folder / "desk-rule.png")


def lived_in(desk: House) -> None:
    """Let some people have worked here: opinions, agreement, a known answer, a case in work."""
    ledger = desk.ledger
    for name in ("ann", "ben"):
        ledger.add_user(name, Role.REVIEWER, subject=f"sub-{name}", at=desk.clock(), by="ada")
    waiting = ledger.queue(Query(per=200)).items
    alone = [case for case in waiting if case.kind == "contributor" and case.needs == 1]
    for i, case in enumerate(alone[-12:]):
        say(desk, case.id, ("ann", "ben")[i % 2], _SAID[i % 2])
    for name, truth in (("ann", 0), ("ben", 1)):
        gold = ledger.make_gold(alone[-12].id, _SAID[0], by="lea", at=desk.clock())
        say(desk, gold, name, _SAID[truth])
    for i, case in enumerate([case for case in waiting if case.needs == 2][1:]):
        say(desk, case.id, "ann", _SAID[i % 2])
        say(desk, case.id, "ben", _SAID[(i + (i == 0)) % 2])
    ledger.lease(alone[2].id, by="ann", at=desk.clock(), minutes=15)


def say(desk: House, case_id: str, name: str, judgement: Judgement) -> None:
    """Let somebody open a case and judge it some minutes later."""
    if desk.ledger.case(case_id).state is CaseState.OPEN:
        desk.ledger.lease(case_id, by=name, at=desk.clock(), minutes=15)
    desk.clock.forward(seconds=90 + 20 * len(name) + int(case_id[:1], 16))
    desk.ledger.vote(
        case_id,
        judgement,
        by=name,
        role=Role.REVIEWER,
        at=desk.clock(),
        reason_code="campaign" if judgement is Judgement.POISON else "ordinary",
    )


def snap(page: Page, path: Path) -> None:
    """Take one picture, small enough to be kept."""
    page.screenshot(path=path, animations="disabled")
    if path.stat().st_size > _LARGEST:
        raise SystemExit(f"{path.name} has {path.stat().st_size:,} bytes")


def main() -> None:
    """Take them."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as spot, sync_playwright() as playwright:
        found = chromium.find(playwright)
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        with house(browser, Path(spot) / "ws", furnish(Path(spot) / "source", staged(120))) as desk:
            draw(desk, folder)
        browser.close()


if __name__ == "__main__":
    main()

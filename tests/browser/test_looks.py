"""How pages look, weigh and read, light and dark, on a desk and on a tablet."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from foretaste.core.ledger import Case, Role
from tests.browser.house import House, arrive, barriers, weigh

pytestmark = pytest.mark.extra

TABLET = {"width": 768, "height": 1024}


def pages(desk: House) -> tuple[str, ...]:
    """List every page that an admin can open, with something on each."""
    case, done = desk.case(needs=2, kind="campaign"), desk.case(kind="contributor")
    row = desk.ledger.rows_of(case.id)[0]
    desk.settle(done, "ada", Role.ADMIN)
    desk.ledger.save_view("ada", "mine", "order=size")
    return (
        "/queue",
        "/queue?text=nothing",
        "/queue?contributor=x&order=size",
        f"/cases/{case.id}",
        f"/cases/{case.id}?open=1",
        f"/cases/{case.id}/rows/{row.row_id}",
        f"/cases/{done.id}",
        "/recent",
        "/account",
        "/admin",
        "/audit",
        "/reveal",
        "/nowhere",
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(desk: House, scheme: str) -> None:
    page = desk.seat("ada", color_scheme=scheme)
    for path in pages(desk):
        page.goto(path)
        page.evaluate(
            "for (const one of document.querySelectorAll('main details')) one.open = true"
        )
        assert barriers(page) == "", path
    page.goto("/queue")
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for()
    assert barriers(page) == ""
    stranger = desk.stranger(color_scheme=scheme)
    stranger.goto("/login")
    assert barriers(stranger) == ""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_way_through_a_bulk_decision(desk: House, scheme: str) -> None:
    page = desk.seat("rea", color_scheme=scheme)
    page.goto("/queue?kind=contributor")
    for box in page.locator("[data-pick]").all()[:2]:
        box.check()
    page.get_by_role("button", name="Decide about the selected").click()
    arrive(page, "Decide about 2 cases")
    assert barriers(page) == ""
    page.keyboard.press("p")
    page.keyboard.press("Enter")
    arrive(page, "2 cases: poison")
    assert barriers(page) == ""


@pytest.mark.parametrize("width", [768, 1280])
def test_nothing_is_wider_than_the_window(desk: House, width: int) -> None:
    page = desk.seat("ada", viewport={"width": width, "height": 900})
    for path in pages(desk):
        page.goto(path)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, (path, wide)


def test_fingers_hit_what_they_aim_at(desk: House) -> None:
    page = desk.seat("rea", viewport=TABLET, has_touch=True, is_mobile=True)
    page.goto(f"/cases/{desk.case().id}")
    for spot in page.locator(".choice, .chip, #decision button, .bar nav a, .bar button").all():
        box = spot.bounding_box()
        assert box is not None
        assert box["height"] >= 44, spot.inner_text()


def test_the_look_is_chosen_and_kept(desk: House) -> None:
    page = desk.seat("rea")
    page.goto("/queue")
    light = ground(page)
    page.get_by_role("button", name="Look: auto").click()
    page.locator("html[data-theme=dark]").wait_for()
    dark = ground(page)
    assert dark != light
    page.goto(f"/cases/{desk.case().id}")
    assert ground(page) == dark


def ground(page: Page) -> str:
    """Give the colour behind everything."""
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


def test_a_first_look_loads_little_and_only_from_here(desk: House) -> None:
    case: Case = desk.case(needs=2, kind="campaign")
    for path in ("/queue?per=200", f"/cases/{case.id}"):
        assert weigh(desk.seat("rea"), path) <= 300_000

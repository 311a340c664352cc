"""Attacks in whatever strangers and people write: none runs, opens or asks for anything."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.house import House
from tests.review.payloads import PAYLOADS

pytestmark = pytest.mark.extra


def quiet(page: Page, path: str) -> None:
    """Open a page, and see that nothing in it ran."""
    page.goto(path)
    expect(page.locator("main#main")).to_be_visible()
    assert page.evaluate("window.pwned") is None, path
    assert (
        page.evaluate("document.querySelectorAll('main script, main iframe, main img').length") == 0
    )


@pytest.mark.parametrize("part", range(4))
def test_no_case_or_row_runs_what_it_holds(trap: House, part: int) -> None:
    page = trap.seat("rea")
    for i in range(part, len(PAYLOADS), 4):
        quiet(page, f"/cases/{i:012x}?open=1")
        quiet(page, f"/cases/{i:012x}/rows/{i:024x}")


def test_lists_run_nothing_either(trap: House) -> None:
    page = trap.seat("ada")
    for path in ("/queue?per=200", "/queue?per=200&order=newest", "/queue?state=all", "/audit"):
        quiet(page, path)
    page.goto("/queue?per=200")
    page.get_by_role("button", name="Decide about all").click()
    page.get_by_role("heading", name="The cases").wait_for()
    assert page.evaluate("window.pwned") is None


def test_opening_rows_in_place_runs_nothing(trap: House) -> None:
    page = trap.seat("rea")
    for i in range(0, len(PAYLOADS), 8):
        page.goto(f"/cases/{i:012x}")
        page.locator("table.rows [data-open]").click()
        page.locator(".row-open").wait_for()
        assert page.evaluate("window.pwned") is None


def test_what_people_type_runs_nowhere(trap: House) -> None:
    page = trap.seat("rea")
    for i, payload in enumerate(PAYLOADS[::12]):
        page.goto(f"/cases/{i:012x}")
        page.get_by_label("Note").fill(payload)
        page.keyboard.press("Tab")
        page.locator(".choice-poison").click()
        page.get_by_role("button", name="Decide").click()
        page.get_by_role("status").filter(has_text=f"{i:012x}").wait_for()
        quiet(page, f"/cases/{i:012x}")
        page.goto("/queue")
        page.get_by_label("Search").fill(payload)
        page.get_by_role("button", name="Apply").click()
        page.wait_for_url("**/queue?**")
        assert page.evaluate("window.pwned") is None
    for payload in PAYLOADS[:20]:
        trap.ledger.save_view("rea", payload[:64], "order=size")
    quiet(page, "/queue")
    quiet(page, "/recent")


def test_names_of_people_run_nowhere(trap: House) -> None:
    ada = trap.seat("ada")
    for payload in PAYLOADS[:48:4]:
        ada.goto("/admin")
        ada.get_by_label("Name", exact=True).fill(payload[:64])
        ada.get_by_label("First password").fill("a rather long password")
        ada.get_by_role("button", name="Add", exact=True).click()
        expect(ada.locator("main#main")).to_be_visible()
        assert ada.evaluate("window.pwned") is None
    quiet(ada, "/admin")
    quiet(ada, "/audit")

"""A rule's way in a real browser: written, tried on past nights, switched on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from foretaste.core.workspace import Workspace
from foretaste.review.desk import Desk
from tests.browser.house import barriers, served
from tests.review.desks import Clock, password_of, people, seated
from tests.views.judged import publish_nights

Scheme = Literal["light", "dark"]


@pytest.fixture
def desk(workspace: Workspace) -> Iterator[Desk]:
    """A desk on two judged nights."""
    publish_nights(workspace)
    with workspace.ledger() as ledger:
        people(ledger)
        yield seated(workspace, ledger, Clock())


@contextmanager
def at(browser: Browser, url: str, name: str, scheme: Scheme, width: int) -> Iterator[Page]:
    """A page of somebody who is logged in."""
    context = browser.new_context(
        base_url=url, color_scheme=scheme, viewport={"width": width, "height": 900}
    )
    page = context.new_page()
    page.goto("/login?next=/rules")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password_of(name))
    page.get_by_role("button", name="Log in").first.click()
    yield page
    context.close()


def sound(page: Page) -> None:
    """Check that a page keeps nobody out and is no wider than its window."""
    assert barriers(page) == ""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_rule_is_written_tried_and_switched_on(browser: Browser, desk: Desk) -> None:
    with served(desk) as url:
        with at(browser, url, "rea", "light", 1280) as page:
            page.goto("/rules")
            sound(page)
            page.get_by_role("link", name="Write a rule").click()
            page.get_by_label("Name", exact=True).fill("pill_sellers")
            page.get_by_label("Condition").fill("label = 'spam' AND nosuch = 1")
            page.get_by_label("Action").select_option("evidence")
            page.get_by_label("Nats").fill("2.5")
            page.get_by_label("Why").fill("They sell pills.")
            page.get_by_role("button", name="Save as a draft").click()
            expect(page.get_by_role("alert")).to_contain_text("there is no column 'nosuch'")
            sound(page)
            page.get_by_label("Condition").fill("label = 'spam'")
            page.get_by_role("button", name="Save as a draft").click()
            page.get_by_role("button", name="Try it on past nights").click()
            expect(page.get_by_text("Tried. What it found is below.")).to_be_visible()
            expect(page.locator("svg.timeline")).to_be_visible()
            expect(page.get_by_text("gnp.exe")).to_have_count(0)
            page.get_by_role("link", name="Open 4 texts").click()
            expect(page.get_by_text("buy ⟦U+202E⟧gnp.exe now")).to_have_count(4)
            expect(page.get_by_role("button", name="Switch on")).to_have_count(0)
            sound(page)
        with at(browser, url, "lea", "dark", 768) as page:
            page.goto("/rules/pill_sellers")
            sound(page)
            page.get_by_role("button", name="Switch on").click()
            expect(page.get_by_text("Switched on, from the next night.")).to_be_visible()
            page.goto("/rules")
            sound(page)
    assert [one.name for one in desk.ledger.rules("on")] == ["pill_sellers"]

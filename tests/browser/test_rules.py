"""A rule from the first word to the next night, as two people see it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.house import House, arrive, barriers, housed
from tests.review.desks import Clock, people, seated
from tests.review.payloads import PAYLOADS
from tests.views.judged import publish_nights
from tests.workspaces import copy_workspace

pytestmark = pytest.mark.extra


@pytest.fixture
def judged(browser: Browser, blank: Path, tmp_path: Path) -> Iterator[House]:
    """A desk on two published nights that people have judged."""
    workspace, clock = copy_workspace(blank, tmp_path), Clock()
    publish_nights(workspace)
    with workspace.ledger() as ledger:
        people(ledger)
        with housed(browser, seated(workspace, ledger, clock), clock) as opened:
            yield opened
    assert opened.complaints == []


def test_a_rule_is_tried_on_past_nights_before_a_lead_switches_it_on(judged: House) -> None:
    rea, lea = judged.seat("rea"), judged.seat("lea")
    rea.goto("/rules")
    assert barriers(rea) == ""
    rea.get_by_role("link", name="Write a rule").click()
    arrive(rea, "A new rule")
    rea.get_by_label("Name", exact=True).fill("spammy")
    rea.get_by_label("Condition, true for what it hits").fill("label = 'spam'")
    rea.locator("[name=action]").select_option("evidence")
    rea.locator("[name=llr]").fill("2")
    rea.get_by_label("Why").fill(PAYLOADS[0])
    rea.get_by_role("button", name="Save as a draft").click()
    arrive(rea, "spammy")
    expect(rea.get_by_role("button", name="Switch on")).to_have_count(0)
    rea.get_by_role("button", name="Try it on past nights").click()
    hits = rea.get_by_role("region", name="Hits by night")
    expect(hits.get_by_role("row")).to_have_count(3)
    expect(rea.get_by_text("honest rows it would have cost")).to_be_visible()
    expect(rea.get_by_role("region", name="Overlap with detectors")).to_be_visible()
    expect(rea.get_by_role("button", name="Switch on")).to_have_count(0)
    assert barriers(rea) == ""

    lea.goto("/rules/spammy")
    assert lea.evaluate("window.pwned") is None
    lea.get_by_role("button", name="Switch on").click()
    expect(lea.get_by_text("Switched on, from the next night.")).to_be_visible()
    assert [one.name for one in judged.ledger.rules("on")] == ["spammy"]


def test_what_is_no_rule_stays_in_the_editor_and_runs_nowhere(judged: House) -> None:
    page = judged.seat("rea", color_scheme="dark")
    for payload in PAYLOADS[:60:6]:
        page.goto("/rules/_new")
        page.get_by_label("Name", exact=True).fill("odd")
        page.get_by_label("Condition, true for what it hits").fill(payload)
        page.get_by_role("button", name="Save as a draft").click()
        expect(page.get_by_role("alert")).to_be_visible()
        assert page.evaluate("window.pwned") is None
    assert barriers(page) == ""
    assert judged.ledger.rules() == []

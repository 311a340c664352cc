"""The shortest story that shows the desk works in a real browser."""

from __future__ import annotations

from playwright.sync_api import expect

from foretaste.core.ledger import CaseState, Judgement
from tests.browser.house import House, arrive, barriers
from tests.review.payloads import PAYLOADS


def test_somebody_logs_in_decides_by_keyboard_and_undoes_it(desk: House) -> None:
    page = desk.stranger()
    desk.log_in(page, "rea")
    assert barriers(page) == ""
    page.goto("/queue?kind=contributor")
    page.keyboard.press("j")
    page.keyboard.press("j")
    second = page.locator("[data-item].current [data-open]")
    case_id = str(second.get_attribute("href")).split("/")[2].partition("?")[0]
    page.keyboard.press("Enter")
    arrive(page, desk.ledger.case(case_id).title)
    assert barriers(page) == ""

    page.keyboard.press("p")
    expect(page.get_by_role("radio", name="Poison")).to_be_checked()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text=f"case {case_id}")).to_be_visible()
    decided = desk.ledger.case(case_id)
    vote = desk.ledger.votes_by("rea")[0]
    assert (decided.state, vote.judgement) == (CaseState.DECIDED, Judgement.POISON)

    page.wait_for_load_state()
    page.keyboard.press("u")
    page.wait_for_url(f"**/cases/{case_id}*")
    assert desk.ledger.votes_by("rea") == []
    assert desk.ledger.case(case_id).state in {CaseState.OPEN, CaseState.ASSIGNED}


def test_a_sample_of_hostile_content_runs_nowhere(trap: House) -> None:
    page = trap.seat("rea")
    page.goto("/queue?per=200")
    assert page.evaluate("window.pwned") is None
    for i in range(0, len(PAYLOADS), 24):
        page.goto(f"/cases/{i:012x}?open=1")
        expect(page.get_by_role("heading", name="Rows", exact=True)).to_be_visible()
        assert page.evaluate("window.pwned") is None

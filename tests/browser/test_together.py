"""Several people at once, each in a browser of their own."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from foretaste.core.ledger import CaseState, Judgement
from tests.browser.house import House, house
from tests.browser.test_deciding import decide

pytestmark = pytest.mark.extra


def test_two_who_differ_are_blind_to_each_other_and_a_third_settles_it(desk: House) -> None:
    case = desk.case(needs=2)
    ann, ben, lea = (desk.seat(name) for name in ("ann", "ben", "lea"))
    path = f"/cases/{case.id}"
    ann.goto(path)
    ann.get_by_label("Note").fill("a tell-tale remark")
    decide(ann, "poison", "trigger")
    ann.get_by_role("status").filter(has_text="Another person must agree").wait_for()
    assert desk.ledger.case(case.id).state is CaseState.SECOND

    ben.goto(path)
    source = ben.content()
    for told in ("a tell-tale remark", "What was said", ">ann<", "ann ·"):
        assert told not in source
    decide(ben, "release", "ordinary")
    ben.wait_for_url(lambda url: case.id not in url.partition("?")[0])
    assert desk.ledger.case(case.id).state is CaseState.DISPUTED
    assert not desk.ledger.pending_decisions()

    ann.goto(path)
    expect(ann.locator("#decision")).to_have_count(0)
    lea.goto("/queue?state=disputed")
    lea.locator("[data-open]").first.click()
    expect(lea.get_by_role("heading", name="The opinions differ")).to_be_visible()
    expect(lea.locator(".votes li")).to_have_count(2)
    expect(lea.get_by_text("a tell-tale remark")).to_be_visible()
    decide(lea, "poison")
    lea.wait_for_url(lambda url: case.id not in url.partition("?")[0])
    (made,) = desk.ledger.pending_decisions()
    assert (made.decision, made.by) == (Judgement.POISON, "lea")
    ada = desk.seat("ada")
    ada.goto("/admin")
    agreed = ada.get_by_role("region", name="Agreement")
    expect(agreed).to_contain_text("ann, ben")
    expect(agreed).to_contain_text("0 %")


def test_two_who_agree_decide_together(desk: House) -> None:
    case = desk.case(needs=2)
    for name in ("ann", "ben"):
        page = desk.seat(name)
        page.goto(f"/cases/{case.id}")
        decide(page, "poison")
        page.get_by_role("status").filter(has_text=case.id).wait_for()
    (made,) = desk.ledger.pending_decisions()
    assert (made.decision, made.by) == (Judgement.POISON, "ann+ben")


def test_a_known_case_looks_like_any_other_and_measures_who_judges_it(
    browser: Browser, furnished: Path, tmp_path: Path
) -> None:
    with house(browser, tmp_path / "ws", furnished, gold_share=1.0) as desk:
        case = desk.case(kind="contributor")
        desk.settle(case)
        lea = desk.seat("lea")
        lea.goto(f"/cases/{case.id}")
        lea.get_by_text("Use as a test case").click()
        lea.get_by_label("What it really is").select_option("poison")
        lea.get_by_role("button", name="Copy it into the queue").click()
        lea.wait_for_load_state()
        (gold,) = desk.ledger.golds()

        ann = desk.seat("ann")
        ann.goto("/queue")
        ann.get_by_role("link", name="Start with the first free one").click()
        ann.wait_for_url(f"**/cases/{gold}*")
        source = ann.content().lower()
        assert "gold" not in source
        assert "known" not in source.replace("known-labels", "")
        decide(ann, "release", "ordinary")
        ann.get_by_role("status").filter(has_text=gold).wait_for()
        assert {one.case_id for one in desk.ledger.pending_decisions()} == {case.id}
        ada = desk.seat("ada")
        ada.goto("/admin")
        held = ada.get_by_role("region", name="Reliability")
        expect(held.get_by_role("row", name="ann")).to_contain_text("0 % of 1")
    assert desk.complaints == []


def test_a_case_that_somebody_has_open_is_kept_for_them(desk: House) -> None:
    case = desk.case(kind="contributor")
    ann, ben = desk.seat("ann"), desk.seat("ben")
    ann.goto(f"/cases/{case.id}")
    ben.goto(f"/cases/{case.id}")
    expect(ben.get_by_text("ann has it open until")).to_be_visible()
    expect(ben.locator("#decision")).to_have_count(0)
    ben.goto(f"/next?queue=text%3D{case.id}")
    assert case.id not in ben.url.partition("?")[0]
    desk.clock.forward(minutes=21)
    ben.goto(f"/cases/{case.id}")
    expect(ben.locator("#decision")).to_be_visible()
    assert desk.ledger.case(case.id).assignee == "ben"


def test_the_second_to_decide_sees_what_changed_and_loses_nothing(desk: House) -> None:
    case = desk.case(kind="contributor")
    ann, ben = desk.seat("ann"), desk.seat("ben")
    ann.goto(f"/cases/{case.id}")
    ann.get_by_label("Note").fill("typed for long")
    desk.clock.forward(minutes=21)
    ben.goto(f"/cases/{case.id}")
    decide(ben, "release", "ordinary")
    ben.get_by_role("status").filter(has_text=case.id).wait_for()
    decide(ann, "poison")
    expect(ann.get_by_role("alert")).to_contain_text("ben")
    (made,) = desk.ledger.pending_decisions()
    assert (made.by, made.decision) == ("ben", Judgement.RELEASE)


def test_nobody_judges_what_they_sent(desk: House) -> None:
    case = desk.case(kind="contributor")
    (row, *_) = desk.ledger.rows_of(case.id)
    page = desk.seat("mal", accounts=(row.contributor_id,))
    page.goto("/queue?per=200")
    assert case.id not in page.content()
    page.goto(f"/cases/{case.id}")
    expect(page.locator("#decision")).to_have_count(0)
    expect(page.get_by_text("You cannot decide now")).to_be_visible()

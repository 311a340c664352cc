"""Deciding alone: the queue, keys, many at once, taking back."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Page, expect

from foretaste.core.ledger import CaseState, Judgement, Query
from foretaste.review.rendering import KEYS
from tests.browser.house import House, arrive
from tests.review.seat import ids_in
from tests.review.stage import NIGHT, RUN

pytestmark = pytest.mark.extra

JUDGING = ("poison", "release", "downweight", "relabel", "escalate")


def shown(page: Page) -> list[str]:
    """List the cases on a queue's page."""
    return ids_in(page.content())


def decide(page: Page, judgement: str, reason: str = "campaign") -> None:
    """Decide with the pointer."""
    page.locator(f".choice-{judgement}").click()
    page.locator(".chip", has_text=reason).click()
    page.get_by_role("button", name=re.compile("^Decide")).click()


def choices(page: Page) -> list[str]:
    """List the judgements that are picked."""
    picked = page.locator("[name=judgement]:checked")
    return [str(one.get_attribute("value")) for one in picked.all()]


def test_the_order_changes_the_first_case_and_is_in_the_address(desk: House) -> None:
    page = desk.seat("rea")
    firsts = {}
    for order in ("influence", "newest", "size", "disagreement", "random"):
        page.goto("/queue")
        page.get_by_label("Order").select_option(order)
        page.get_by_role("button", name="Apply").click()
        if order != "influence":
            page.wait_for_url(f"**order={order}*")
        first = shown(page)
        page.reload()
        assert shown(page) == first
        firsts[order] = first[0]
    cases = desk.ledger.queue(Query(per=200)).items
    assert desk.ledger.case(firsts["size"]).size == max(case.size for case in cases)
    assert desk.ledger.case(firsts["influence"]).influence == max(c.influence for c in cases)
    assert len(set(firsts.values())) > 1


def test_one_decision_closes_a_campaign_of_many_rows_and_accounts(desk: House) -> None:
    case = desk.case(kind="campaign", size=10)
    page = desk.seat("rea")
    page.goto(f"/cases/{case.id}")
    expect(page.locator(".scope")).to_contain_text(f"all {case.size} rows")
    entries = desk.ledger.audit_head()[0]
    decide(page, "poison")
    page.get_by_role("status").filter(has_text=case.id).wait_for()
    made = [one for one in desk.ledger.pending_decisions() if one.case_id == case.id]
    assert [(one.decision, one.row_id) for one in made] == [(Judgement.POISON, None)]
    actions = [one.action for one in desk.ledger.audit_entries(action="decided")]
    assert actions == ["decided"]
    assert desk.ledger.audit_head()[0] > entries


def test_every_signal_is_shown_with_its_value_words_and_record(desk: House) -> None:
    case = desk.case(needs=2, kind="campaign")
    page = desk.seat("rea")
    page.goto(f"/cases/{case.id}")
    table = page.locator(".waterfall").first
    spoken = {line["detector"] for row in desk.ledger.rows_of(case.id) for line in row.evidence}
    assert spoken
    for name in spoken:
        line = table.locator("tr", has=page.locator("code", has_text=re.compile(f"^{name}$")))
        expect(line).to_have_count(1)
        expect(line).to_contain_text(re.compile(r"[+-]\d+\.\d\d"))
        expect(line).to_contain_text(re.compile(r"confirmed \d+ % of \d+|never judged"))
        expect(line.locator("svg")).to_have_count(1)
    expect(table).to_contain_text("held from +2.20")
    for heading in ("When they came", "Who stands together"):
        card = page.locator("section", has=page.get_by_role("heading", name=heading))
        expect(card.locator("svg")).to_be_visible()
        card.get_by_text("As a table").click()
        expect(card.get_by_role("table")).to_be_visible()


def test_a_row_stands_beside_accepted_ones_and_leads_to_its_account(desk: House) -> None:
    case = desk.case(needs=2, kind="campaign")
    row = desk.ledger.rows_of(case.id)[0]
    page = desk.seat("rea")
    page.goto(f"/cases/{case.id}/rows/{row.row_id}")
    expect(page.locator(".alike li")).to_have_count(3)
    expect(page.get_by_role("heading", name="Other cases from its network")).to_be_visible()
    page.get_by_role("link", name=row.contributor_id[:9]).first.click()
    expect(page.get_by_role("heading", name=re.compile("^Rows of"))).to_be_visible()
    page.get_by_role("link", name="Cases", exact=True).first.click()
    page.wait_for_url("**/queue?**")
    assert case.id in shown(page)


def test_help_lists_exactly_the_keys_that_do_something(desk: House) -> None:
    case = desk.case(kind="contributor")
    page = desk.seat("rea")
    page.goto(f"/cases/{case.id}")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    listed = {
        str(line.get_attribute("data-bound")): line.locator("kbd").inner_text()
        for line in dialog.locator("[data-bound]").all()
    }
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert listed == {name: KEYS[name] for name in listed}
    assert {*JUDGING, "skip", "next", "previous", "select", "open", "help"} == set(listed)
    for name in JUDGING:
        page.keyboard.press(listed[name])
        page.evaluate("document.activeElement.blur()")
        assert choices(page) == [name]
    page.reload()
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("[data-item].current [data-pick]")).to_be_checked()
    page.reload()
    before = page.url
    for key in sorted(set("abcdefghijklmnopqrstuvwxyz") - set(listed.values())):
        page.keyboard.press(key)
    assert (page.url, choices(page)) == (before, [])
    expect(dialog).to_be_hidden()
    page.keyboard.press("s")
    page.wait_for_url(lambda url: case.id not in urlsplit(url).path)
    assert desk.ledger.case(case.id).state is CaseState.OPEN


def test_keys_can_be_changed_and_rest_while_somebody_types(desk: House) -> None:
    case = desk.case(kind="contributor")
    page = desk.seat("rea")
    page.goto("/account")
    page.get_by_label("Poison").fill("z")
    page.get_by_role("button", name="Keep these keys").click()
    page.get_by_text("Your keys are kept.").wait_for()
    page.goto(f"/cases/{case.id}")
    page.keyboard.press("p")
    assert choices(page) == []
    page.keyboard.press("z")
    assert choices(page) == ["poison"]
    page.reload()
    page.get_by_label("Note").fill("")
    page.keyboard.type("zrdesu?jx")
    expect(page.get_by_label("Note")).to_have_value("zrdesu?jx")
    assert choices(page) == []
    page.goto("/queue")
    page.keyboard.press("/")
    page.keyboard.type("jx")
    expect(page.get_by_label("Search")).to_have_value("jx")


def test_a_bulk_decision_changes_as_many_rows_as_it_said_and_is_taken_back(desk: House) -> None:
    page = desk.seat("rea")
    page.goto("/queue?kind=contributor")
    for _ in range(3):
        page.keyboard.press("j")
        page.keyboard.press("x")
    page.get_by_text("3 selected").wait_for()
    chosen = shown(page)[:3]
    page.get_by_role("button", name="Decide about the selected").click()
    expect(page.get_by_text("Nothing has happened yet.")).to_be_visible()
    said = int(page.locator("[data-count=rows]").inner_text())
    assert not desk.ledger.pending_decisions()
    page.get_by_role("button", name="Decide about 3 cases").click()
    assert not desk.ledger.pending_decisions(), "a reason is required"
    decide(page, "release", "ordinary")
    arrive(page, "3 cases: release")
    changed = {str(one.case_id) for one in desk.ledger.pending_decisions()}
    assert changed == set(chosen)
    assert sum(desk.ledger.row_count(one) for one in changed) == said
    page.keyboard.press("u")
    page.get_by_role("heading", name="3 decisions taken back").wait_for()
    assert not desk.ledger.pending_decisions()


def test_undo_restores_the_case_and_writes_its_own_line(desk: House) -> None:
    case = desk.case(kind="contributor")
    page = desk.seat("rea")
    page.goto(f"/cases/{case.id}")
    decide(page, "release", "ordinary")
    page.get_by_role("status").filter(has_text=case.id).wait_for()
    page.goto("/recent")
    page.keyboard.press("u")
    page.wait_for_url(f"**/cases/{case.id}*")
    assert not desk.ledger.pending_decisions()
    done = [one.action for one in desk.ledger.audit_entries(actor="rea")]
    assert any("undone" in action or "withdrawn" in action for action in done), done


def test_a_decided_case_is_taken_up_again_after_an_appeal(desk: House) -> None:
    case = desk.case(kind="contributor")
    desk.settle(case)
    page = desk.seat("rea")
    page.goto(f"/cases/{case.id}")
    expect(page.locator("#decision")).to_have_count(0)
    page.get_by_text("Take it up again").click()
    page.locator("#reopen-reason").select_option("appeal")
    page.get_by_role("button", name="Reopen").click()
    page.locator("#decision").wait_for()
    assert desk.ledger.case(case.id).state in {CaseState.OPEN, CaseState.ASSIGNED}


def test_filters_go_through_the_address_and_views_are_kept(desk: House) -> None:
    case = desk.case(kind="campaign")
    row = desk.ledger.rows_of(case.id)[0]
    asked = {
        "text": "accounts",
        "kind": "campaign",
        "detector": "actors",
        "contributor": row.contributor_id,
        "subnet": row.subnet_id,
        "label": row.label,
        "night": NIGHT,
        "run": RUN,
        "order": "size",
    }
    page = desk.seat("rea")
    page.goto("/queue")
    page.get_by_text("More filters").click()
    for name, value in asked.items():
        field = page.locator(f".filters [name={name}]")
        if name in {"kind", "detector", "order"}:
            field.select_option(value)
        else:
            field.fill(str(value))
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**subnet=**")
    found, spelled = shown(page), dict(parse_qsl(urlsplit(page.url).query))
    assert found == [case.id]
    assert {name: spelled[name] for name in asked} == asked
    page.get_by_text("Save this view").click()
    page.get_by_label("Name of the view").fill("the ring")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("link", name="the ring").wait_for()
    page.goto("/queue")
    assert shown(page) != found
    page.get_by_role("link", name="the ring").click()
    page.wait_for_url("**subnet=**")
    assert shown(page) == found
    for name, value in asked.items():
        expect(page.locator(f".filters [name={name}]")).to_have_value(str(value))


def test_without_javascript_people_read_and_decide(desk: House) -> None:
    case = desk.case(kind="contributor")
    row = desk.ledger.rows_of(case.id)[0]
    page = desk.seat("rea", java_script_enabled=False)
    page.goto("/queue?kind=contributor")
    page.get_by_role("link", name=case.title).first.click()
    page.get_by_role("link", name=row.row_id[:9]).click()
    expect(page.get_by_role("region", name=re.compile("^Text of row"))).to_be_visible()
    page.goto(f"/cases/{case.id}")
    decide(page, "poison")
    page.get_by_role("status").filter(has_text=case.id).wait_for()
    assert desk.ledger.case(case.id).state is CaseState.DECIDED
    page.get_by_role("button", name="Undo").first.click()
    page.wait_for_url(f"**/cases/{case.id}*")
    assert not desk.ledger.pending_decisions()

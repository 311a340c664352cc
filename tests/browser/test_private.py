"""What people may see, what is counted and what is written down."""

from __future__ import annotations

import sqlite3

import pytest
from playwright.sync_api import expect

from foretaste.core.ledger import Role
from tests.browser.house import House

pytestmark = pytest.mark.extra

ACCOUNT = "mallory.77@example.org"


def test_texts_stay_closed_until_somebody_opens_them_and_are_counted(desk: House) -> None:
    case = desk.case(needs=2, kind="campaign")
    row = desk.ledger.rows_of(case.id)[0]
    assert row.text
    words = row.text.splitlines()[0]
    page = desk.seat("rea")
    page.goto(f"/cases/{case.id}")
    assert words not in page.content()
    expect(page.get_by_text("You opened 0 texts today.")).to_be_visible()
    expect(page.get_by_text("No automatic account bans")).to_be_visible()
    page.get_by_role("link", name=row.row_id[:9]).click()
    text = page.get_by_role("region", name="Text of row")
    expect(text).to_contain_text(words[:20])
    expect(text.locator("mark.suspect").first).to_be_visible()
    page.get_by_role("link", name=row.row_id[:9]).click()
    expect(text).to_be_hidden()
    page.goto("/account")
    expect(page.locator(".figures dd")).to_have_text("1")


def test_who_opens_too_many_is_told_to_take_a_break(desk: House) -> None:
    desk.ledger.expose("rea", f"{desk.clock():%Y-%m-%d}", desk.desk.policy.review.exposure_per_day)
    page = desk.seat("rea")
    page.goto(f"/cases/{desk.case().id}")
    expect(page.get_by_text("Take a break; nobody waits for you.")).to_be_visible()


def test_an_account_is_confirmed_for_a_reason_written_down_and_hidden_again(desk: House) -> None:
    pseudonym = desk.desk.workspace.key.pseudonym("contributor", ACCOUNT)
    page = desk.seat("lea", Role.LEAD)
    page.clock.install()
    page.goto(f"/reveal?pseudonym={pseudonym}")
    page.get_by_label("Account", exact=True).fill(ACCOUNT)
    page.get_by_role("button", name="Compare").click()
    assert not desk.ledger.audit_entries(action="revealed"), "a reason is required"
    page.get_by_label("Why").select_option("appeal")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text("Yes: that account is")).to_be_visible()
    (entry,) = desk.ledger.audit_entries(action="revealed")
    assert (entry.actor, entry.payload["reason"]) == ("lea", "appeal")
    assert ACCOUNT not in str(entry.payload)
    page.clock.fast_forward(61_000)
    expect(page.get_by_text("hidden again")).to_be_visible()
    expect(page.get_by_text("Yes: that account is")).to_have_count(0)


def test_reviewers_see_pseudonyms_only(desk: House) -> None:
    ada = desk.seat("ada")
    ada.goto("/admin")
    ada.get_by_label("Name", exact=True).fill("mal")
    ada.get_by_label("Their own accounts as a contributor").fill(ACCOUNT)
    ada.get_by_label("First password").fill("a rather long password")
    ada.get_by_role("button", name="Add", exact=True).click()
    ada.get_by_role("rowheader", name="mal").wait_for()
    mal = desk.ledger.user("mal")
    assert mal is not None
    assert mal.accounts == (desk.desk.workspace.key.pseudonym("contributor", ACCOUNT),)
    page = desk.seat("rea")
    case = desk.case(needs=2, kind="campaign")
    row = desk.ledger.rows_of(case.id)[0]
    for path in ("/queue", f"/cases/{case.id}?open=1", f"/cases/{case.id}/rows/{row.row_id}"):
        page.goto(path)
        assert ACCOUNT not in page.content()
        assert "Reveal" not in page.content()
    for path in ("/reveal", "/audit", "/admin"):
        page.goto(path)
        expect(page.get_by_role("heading", name="That is not yours to do")).to_be_visible()
    ada.goto("/audit")
    assert ACCOUNT not in ada.content()


def test_one_changed_byte_turns_the_audit_badge_red(desk: House) -> None:
    page = desk.seat("ada")
    page.goto("/audit")
    expect(page.get_by_text("Verified", exact=True)).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export CSV").click()
    assert b"user added" in download.value.path().read_bytes()
    with sqlite3.connect(desk.desk.workspace.layout.ledger) as connection:
        connection.execute("UPDATE audit SET actor = 'tesu' WHERE seq = 2")
    page.goto("/audit")
    expect(page.get_by_role("alert")).to_have_text("Tampered with")
    expect(page.locator("tr.broken").last).to_contain_text("tesu")

"""The page of the audit log: what it shows, whom it believes, what it gives away."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
import sqlalchemy as sa

from foretaste.review.desk import Desk
from tests.review.desks import Browser, browsing


def _tamper(desk: Desk, change: str) -> None:
    engine = sa.create_engine(f"sqlite:///{desk.workspace.layout.ledger}")
    with engine.begin() as connection:
        connection.exec_driver_sql(change)
    engine.dispose()


def test_a_log_that_nobody_touched_is_verified(admin: Browser) -> None:
    text = admin.get("/audit").text
    assert '<span class="badge good">Verified</span>' in text
    assert "user added" in text


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit SET actor = 'somebody else' WHERE seq = 2",
        "UPDATE audit SET payload = replace(payload, 'lead', 'boss') WHERE seq = 3",
        "UPDATE audit SET payload = 'no json' WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 2",
        "UPDATE audit SET at = '2020-01-01T00:00:00.000000+00:00' WHERE seq = 2",
    ],
)
def test_any_harm_turns_the_badge_red(admin: Browser, desk: Desk, change: str) -> None:
    _tamper(desk, change)
    answer = admin.get("/audit")
    assert answer.status_code == 200
    assert 'class="badge bad"' in answer.text
    assert 'class="badge good"' not in answer.text
    assert 'class="broken"' in answer.text


def test_entries_are_filtered_and_paged(admin: Browser, desk: Desk) -> None:
    for i in range(130):
        desk.ledger.log(f"told {i}", by="robot", at=desk.now(), payload={"n": i})
    first = admin.get("/audit?actor=robot")
    assert "told 129<" in first.text
    assert "told 29<" not in first.text
    assert "user added" not in first.text
    link = re.search(r'href="(/audit\?before=[^"]+)">Older', first.text)
    assert link is not None
    older = admin.get(link[1].replace("&amp;", "&")).text
    assert "told 30<" not in older
    assert "told 29<" in older
    assert "told 0<" in older
    assert "Older" not in older
    assert "Nothing fits." in admin.get("/audit?action=never").text
    assert admin.get("/audit?before=99999999999999999999999").status_code == 200


def test_hostile_entries_are_shown_and_not_obeyed(admin: Browser, desk: Desk) -> None:
    evil = "<img src=x onerror=alert(1)>\u202e"
    desk.ledger.log("told", by="robot<script>", at=desk.now(), payload={"x": evil * 200})
    text = admin.get("/audit").text
    assert "<img" not in text
    assert "<script>" not in text.replace('<script src="/static', "")
    assert len(text) < 100_000


def test_the_log_is_exported_whole_harmless_to_spreadsheets_and_that_is_told(
    admin: Browser, desk: Desk
) -> None:
    desk.ledger.log("told", by="=cmd()", at=desk.now(), payload={"x": "=1+1"})
    admin.get("/audit")
    answer = admin.client.post("/audit/export/csv", data={"csrf": admin.csrf})
    assert answer.headers["Content-Disposition"] == 'attachment; filename="audit.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    newest, told = rows[0], rows[1]
    assert newest["action"] == "audit exported"
    assert told["actor"] == "'=cmd()"
    assert [int(row["seq"]) for row in rows] == list(range(len(rows), 0, -1))
    lines = admin.client.post("/audit/export/jsonl", data={"csrf": admin.csrf}).text.splitlines()
    assert [json.loads(line)["seq"] for line in lines] == list(range(len(lines), 0, -1))
    assert admin.client.post("/audit/export/xls", data={"csrf": admin.csrf}).status_code == 404


def test_a_lead_who_may_be_the_second_person_reads_no_opinion_and_no_known_answer(
    desk: Desk,
) -> None:
    told = {"case_id": "c0ffee", "judgement": "poison", "reason_code": "campaign"}
    desk.ledger.log("voted", by="rea", at=desk.now(), payload=told)
    known = {"case_id": "90fd", "source": "a0a0", "truth": "poison"}
    desk.ledger.log("gold made", by="ada", at=desk.now(), payload=known)
    with browsing(desk, "lea") as browser:
        page = browser.get("/audit")
        taken = browser.post("/audit/export/csv")
    assert "c0ffee" in page.text
    assert "poison" not in page.text.partition("<main")[2]
    assert "campaign" not in page.text
    assert "90fd" not in page.text
    assert "gold made" in page.text
    assert taken.status_code == 403
    assert "Export" not in page.text


def test_who_reviews_cannot_read_in_the_log_what_others_said(desk: Desk) -> None:
    with browsing(desk, "rea") as browser:
        assert browser.get("/audit").status_code == 403
        assert 'href="/audit"' not in browser.get("/account").text

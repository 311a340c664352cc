"""The pages of rules: drafted and tried by reviewers, switched on by leads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from foretaste.core.workspace import Workspace
from foretaste.review.desk import Desk
from foretaste.review.pages import rules as page
from tests.review.desks import Browser, Clock, browsing, people, seated
from tests.views.judged import publish_nights
from tests.workspaces import copy_workspace, isolate

FORM = {
    "name": "spammy",
    "where": "label = 'spam'",
    "action": "evidence",
    "llr": "2",
    "days": "7",
    "note": "they sell <b>pills</b>",
    "version": "0",
}
XSS = "<script>alert(1)</script>\u202e"


@pytest.fixture(scope="module")
def judged_folder(blank: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of two judged nights, and people; to be copied."""
    folder = tmp_path_factory.mktemp("judged")
    with pytest.MonkeyPatch.context() as patch:
        isolate(patch, folder / "home")
        workspace = copy_workspace(blank, folder)
        publish_nights(workspace)
        with workspace.ledger() as ledger:
            people(ledger)
    return folder


@pytest.fixture
def desk(judged_folder: Path, tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    """A desk on two judged nights."""
    workspace: Workspace = copy_workspace(judged_folder, tmp_path)
    with workspace.ledger() as ledger:
        yield seated(workspace, ledger, clock)


@pytest.fixture
def rea(desk: Desk) -> Iterator[Browser]:
    """A browser in which the reviewer rea is logged in."""
    with browsing(desk, "rea") as browser:
        yield browser


def test_a_reviewer_drafts_and_tries_and_a_lead_switches_on(rea: Browser, desk: Desk) -> None:
    rea.get("/rules/_new")
    saved = rea.post("/rules", FORM)
    assert "Saved as a draft" in saved.text
    assert "they sell &lt;b&gt;pills" in saved.text
    tried = rea.post("/rules/spammy/try", {"version": "1"})
    assert re.search(r"<dd>4</dd>", tried.text)
    assert "contributor_excess" in tried.text
    assert "<svg" in tried.text
    assert "A lead can switch it on." in tried.text
    assert rea.post("/rules/spammy/switch", {"version": "1", "to": "on"}).status_code == 403
    with browsing(desk, "lea") as lea:
        lea.get("/rules/spammy")
        on = lea.post("/rules/spammy/switch", {"version": "1", "to": "on"})
        assert "Switched on" in on.text
    assert [one.name for one in desk.ledger.rules("on")] == ["spammy"]
    assert rea.post("/rules", FORM | {"version": "1"}).status_code == 403
    assert ">on</span>" in rea.get("/rules").text
    entries = desk.ledger.audit_entries(limit=9)
    told = [(one.actor, one.action) for one in entries if one.action.startswith("rule")]
    assert told == [("lea", "rule switched"), ("rea", "rule tested"), ("rea", "rule saved")]


def test_what_cannot_be_saved_is_still_there_with_the_reason(rea: Browser, desk: Desk) -> None:
    rea.get("/rules/_new")
    answer = rea.post("/rules", FORM | {"where": f"text = read_csv('{XSS}')"})
    assert answer.status_code == 400
    assert "read_csv is not among the functions" in answer.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;⟦U+202E⟧" in answer.text
    assert "<script>alert" not in answer.text
    assert desk.ledger.rules() == []


def test_two_who_change_one_rule_do_not_overwrite_each_other(rea: Browser, desk: Desk) -> None:
    rea.get("/rules/_new")
    rea.post("/rules", FORM)
    with browsing(desk, "lea") as lea:
        lea.get("/rules/spammy")
        lea.post("/rules", FORM | {"where": "label = 'ham'", "version": "1"})
    late = rea.post("/rules", FORM | {"where": "label = 'late'", "version": "1"})
    assert late.status_code == 409
    assert "has changed since you saw it" in late.text
    assert "label = &#39;late&#39;" in late.text
    for path, more in (("try", {}), ("switch", {"to": "on"})):
        with browsing(desk, "lea") as lea:
            lea.get("/rules/spammy")
            answer = lea.post(f"/rules/spammy/{path}", {"version": "1", **more})
            assert answer.status_code == 409, path
    found = desk.ledger.rule("spammy")
    assert found is not None
    assert (found.where, found.owner) == ("label = 'ham'", "rea")


def test_texts_of_examples_are_closed_until_asked_for_and_counted(rea: Browser, desk: Desk) -> None:
    rea.get("/rules/_new")
    rea.post("/rules", FORM)
    closed = rea.post("/rules/spammy/try", {"version": "1"})
    today = f"{desk.now():%Y-%m-%d}"
    assert "gnp.exe" not in closed.text
    assert desk.ledger.exposure("rea", today) == 0
    opened = rea.get("/rules/spammy?texts=1")
    assert "buy ⟦U+202E⟧gnp.exe now" in opened.text
    assert desk.ledger.exposure("rea", today) == 4
    whole = re.compile(r"c[0-9a-f]{16}")
    assert not whole.search(opened.text)


def test_a_viewer_reads_and_no_more(rea: Browser, desk: Desk) -> None:
    rea.get("/rules/_new")
    rea.post("/rules", FORM)
    rea.post("/rules/spammy/try", {"version": "1"})
    with browsing(desk, "vic") as vic:
        assert "Write a rule" not in vic.get("/rules").text
        shown = vic.get("/rules/spammy?texts=1").text
        assert "gnp.exe" not in shown
        assert "<textarea" not in shown
        for path in ("/rules", "/rules/spammy/try", "/rules/spammy/switch"):
            assert vic.post(path, FORM).status_code == 403


def test_one_trial_at_once(rea: Browser) -> None:
    rea.get("/rules/_new")
    rea.post("/rules", FORM)
    with page._trying:
        busy = rea.post("/rules/spammy/try", {"version": "1"})
    assert busy.status_code == 503
    assert "another rule is being tried" in busy.text
    assert rea.post("/rules/spammy/try", {"version": "1"}).status_code == 200


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("/rules", FORM | {"name": "_new"}, 400),
        ("/rules", FORM | {"name": XSS}, 400),
        ("/rules", FORM | {"days": "nan"}, 400),
        ("/rules", FORM | {"days": "many"}, 400),
        ("/rules", FORM | {"llr": "inf"}, 400),
        ("/rules", FORM | {"version": "x" * 50}, 303),
        ("/rules", {}, 400),
        ("/rules/nosuch/try", {"version": "1"}, 404),
    ],
    ids=str,
)
def test_odd_forms_get_an_answer(
    rea: Browser, path: str, form: dict[str, str], status: int
) -> None:
    rea.get("/rules/_new")
    answer = rea.post(path, form, follow_redirects=False)
    assert answer.status_code == status
    assert "<script>alert" not in answer.text

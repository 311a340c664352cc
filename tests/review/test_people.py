"""The pages of admins and of oneself: people, passwords, keys, who is behind a pseudonym."""

from __future__ import annotations

import json
import re

import pytest

from foretaste.core.ledger import Role
from foretaste.review.desk import Desk
from foretaste.review.rendering import KEYS, keys_of
from foretaste.views.agreement import agreement
from tests.review.desks import Browser, browsing, password_of

NEW = "twelve letters at least"


def _last(desk: Desk) -> tuple[str, str]:
    newest = desk.ledger.audit_entries(limit=1)[0]
    return newest.actor, newest.action


def test_an_admin_adds_somebody_who_then_logs_in(admin: Browser, desk: Desk) -> None:
    admin.get("/admin")
    form = {"name": "new.one", "role": "lead", "password": NEW, "accounts": "mallory-7"}
    assert "Added." in admin.post("/admin/users", form).text
    added = desk.ledger.user("new.one")
    assert added is not None
    assert added.role is Role.LEAD
    assert added.accounts == (desk.workspace.key.pseudonym("contributor", "mallory-7"),)
    assert _last(desk) == ("ada", "user added")
    with browsing(desk) as browser:
        assert browser.log_in("new.one", NEW).status_code == 200


@pytest.mark.parametrize(
    "form",
    [
        {"name": "x", "role": "lead"},
        {"name": "x", "role": "king", "password": NEW},
        {"name": "x", "role": "lead", "password": "short"},
        {"name": "x", "role": "lead", "password": NEW, "subject": "both"},
        {"name": "<b>", "role": "lead", "password": NEW},
        {"name": "ann+bob", "role": "lead", "password": NEW},
        {"name": "lea", "role": "lead", "password": NEW},
        {"name": "", "role": "lead", "password": NEW},
    ],
    ids=str,
)
def test_who_cannot_be_added_is_told_why(admin: Browser, desk: Desk, form: dict[str, str]) -> None:
    before = len(desk.ledger.users())
    admin.get("/admin")
    answer = admin.post("/admin/users", form)
    assert answer.status_code in {400, 409}
    assert "<b>" not in answer.text
    assert len(desk.ledger.users()) == before


def test_a_role_counts_from_the_next_request(admin: Browser, desk: Desk) -> None:
    with browsing(desk, "lea") as lea:
        assert lea.get("/audit").status_code == 200
        admin.get("/admin")
        admin.post("/admin/users/lea", {"what": "role", "role": "reviewer"})
        assert lea.get("/audit").status_code == 403
        admin.post("/admin/users/lea", {"what": "disabled"})
        assert lea.get("/audit", follow_redirects=False).status_code == 303
        admin.post("/admin/users/lea", {"what": "enabled"})
        assert lea.log_in("lea").status_code == 200


def test_an_admin_gives_a_new_password_and_notes_accounts(admin: Browser, desk: Desk) -> None:
    with browsing(desk, "rea") as rea:
        admin.get("/admin")
        short = admin.post("/admin/users/rea", {"what": "password", "password": "short"})
        assert short.status_code == 400
        admin.post("/admin/users/rea", {"what": "password", "password": NEW})
        assert rea.get("/account", follow_redirects=False).status_code == 303
        assert rea.log_in("rea", NEW).status_code == 200
    admin.post("/admin/users/rea", {"what": "accounts", "accounts": "rea-1 rea-2"})
    noted = desk.ledger.user("rea")
    assert noted is not None
    key = desk.workspace.key
    assert set(noted.accounts) == {key.pseudonym("contributor", f"rea-{i}") for i in (1, 2)}


@pytest.mark.parametrize("what", ["role", "disabled", "enabled", "password"])
def test_nobody_locks_themselves_out(admin: Browser, desk: Desk, what: str) -> None:
    admin.get("/admin")
    answer = admin.post("/admin/users/ada", {"what": what, "role": "viewer"})
    assert answer.status_code == 403
    me = desk.ledger.user("ada")
    assert me is not None
    assert (me.role, me.disabled) == (Role.ADMIN, None)


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("/admin/users/nobody", {"what": "disabled"}, 409),
        ("/admin/users/lea", {"what": "dance"}, 400),
        ("/admin/users/lea", {}, 400),
        ("/admin/users/lea", {"what": "role", "role": "king"}, 400),
    ],
)
def test_a_change_that_is_none_is_refused(
    admin: Browser, path: str, form: dict[str, str], status: int
) -> None:
    admin.get("/admin")
    assert admin.post(path, form).status_code == status


def test_the_page_of_people_shows_what_nobody_can_log_in_with(admin: Browser, desk: Desk) -> None:
    text = admin.get("/admin").text
    for name in ("ada", "lea", "rea", "vic"):
        assert f">{name}</th>" in text
    assert "argon2" not in text
    assert "sub-lea" not in text
    today = desk.now().date().isoformat()
    desk.ledger.expose("rea", today, desk.policy.review.exposure_per_day + 1)
    assert "501" in admin.get("/admin").text


def test_one_changes_ones_password_and_other_logins_end(desk: Desk) -> None:
    with browsing(desk, "rea") as here, browsing(desk, "rea") as there:
        here.get("/account")
        form = {"old": password_of("rea"), "new": NEW, "again": NEW}
        assert "every other login has ended" in here.post("/account/password", form).text
        assert here.get("/account", follow_redirects=False).status_code == 200
        assert there.get("/account", follow_redirects=False).status_code == 303
        assert there.log_in("rea").status_code == 401
        assert there.log_in("rea", NEW).status_code == 200


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"old": "wrong words entirely", "new": NEW, "again": NEW}, 403),
        ({"old": password_of("rea"), "new": NEW, "again": NEW + "!"}, 400),
        ({"old": password_of("rea"), "new": "short", "again": "short"}, 400),
        ({}, 403),
    ],
)
def test_a_password_stays_where_the_form_does_not_fit(
    desk: Desk, form: dict[str, str], status: int
) -> None:
    with browsing(desk, "rea") as browser:
        browser.get("/account")
        assert browser.post("/account/password", form).status_code == status
    with browsing(desk) as browser:
        assert browser.log_in("rea").status_code == 200


def test_the_old_password_cannot_be_guessed_from_a_stolen_session(desk: Desk) -> None:
    with browsing(desk, "rea") as browser:
        browser.get("/account")
        wrong = {"old": "wrong words entirely", "new": NEW, "again": NEW}
        found = [browser.post("/account/password", wrong).status_code for _ in range(6)]
    assert found == [403] * 5 + [429]


def test_one_chooses_ones_keys_and_every_page_tells_them(desk: Desk) -> None:
    with browsing(desk, "rea") as browser:
        browser.get("/account")
        answer = browser.post("/account/keys", {**KEYS, "poison": "x", "select": "p", "skip": ""})
        assert "Your keys are kept." in answer.text
        told = re.search(r'data-keys="([^"]+)"', browser.get("/account").text)
        assert told is not None
        shown = json.loads(told[1].replace("&#34;", '"'))
    assert shown == {**KEYS, "poison": "x", "select": "p"}
    user = desk.ledger.user("rea")
    assert user is not None
    assert keys_of(user.keys) == shown


@pytest.mark.parametrize(
    "form", [{"poison": "r"}, {"poison": "pp"}, {"poison": "\u202e"}, {"poison": "\x07"}], ids=repr
)
def test_keys_that_two_actions_share_or_nobody_can_press_are_refused(
    desk: Desk, form: dict[str, str]
) -> None:
    with browsing(desk, "rea") as browser:
        browser.get("/account")
        assert browser.post("/account/keys", form).status_code == 400


def test_one_ends_all_ones_logins(desk: Desk) -> None:
    with browsing(desk, "rea") as here, browsing(desk, "rea") as there:
        here.get("/account")
        here.post("/account/logins")
        for browser in (here, there):
            assert browser.get("/account", follow_redirects=False).status_code == 303


def test_an_account_is_compared_with_a_pseudonym_and_that_is_written_down(desk: Desk) -> None:
    mallory = desk.workspace.key.pseudonym("contributor", "mallory@mail.example")
    with browsing(desk, "lea") as browser:
        browser.get(f"/reveal?pseudonym={mallory}")
        form = {"pseudonym": mallory, "account": "mallory@mail.example", "reason": "appeal"}
        yes = browser.post("/reveal", form)
        no = browser.post("/reveal", form | {"account": "alice@mail.example"})
        unreasoned = browser.post("/reveal", form | {"reason": ""})
        again = browser.get(f"/reveal?pseudonym={mallory}")
    assert "Yes: that account is" in yes.text
    assert "No: that account is not" in no.text
    assert unreasoned.status_code == 400
    assert "Yes:" not in again.text
    assert "mallory@" not in yes.text + again.text
    told = desk.ledger.audit_entries(action="revealed")
    assert [(one.actor, one.payload["confirmed"]) for one in told] == [
        ("lea", False),
        ("lea", True),
    ]
    assert all("mail.example" not in repr(one.payload) for one in told)


def test_accounts_cannot_be_guessed_by_the_hundred(desk: Desk) -> None:
    with browsing(desk, "lea") as browser:
        browser.get("/reveal")
        form = {"pseudonym": "c0", "account": "a", "reason": "law"}
        found = [browser.post("/reveal", form).status_code for _ in range(51)]
    assert found == [200] * 50 + [429]


def test_agreement_is_one_for_the_same_and_nought_for_chance() -> None:
    same = [(f"c{i}", who, "poison" if i % 2 else "release") for i in range(8) for who in "ab"]
    [found] = agreement(same)
    assert (found.first, found.second, found.cases, found.same, found.kappa) == ("a", "b", 8, 1, 1)
    chance = [(f"c{i}", "a", "poison" if i % 2 else "release") for i in range(8)]
    chance += [(f"c{i}", "b", "poison" if i // 2 % 2 else "release") for i in range(8)]
    [found] = agreement(chance)
    assert (found.same, found.kappa) == (0.5, 0.0)


def test_agreement_is_told_of_each_pair_and_not_made_up() -> None:
    said = [("c1", "a", "poison"), ("c1", "b", "poison"), ("c2", "a", "release"),
            ("c2", "c", "poison"), ("c3", "a", "poison"), ("c3", "b", "poison")]  # fmt: skip
    first, second = agreement(said)
    assert (first.first, first.second, first.cases, first.kappa) == ("a", "b", 2, None)
    assert (second.first, second.second, second.cases, second.same) == ("a", "c", 1, 0.0)
    assert agreement([]) == []

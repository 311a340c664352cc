"""Passwords, sessions, throttling, the way back: who gets in, and for how long."""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from foretaste.core.errors import ContractError
from foretaste.review.auth.invitation import Invitation
from foretaste.review.auth.passwords import Passwords
from foretaste.review.auth.safe_return import safe_return
from foretaste.review.desk import Desk
from tests.review.desks import QUICK, Browser, Clock, browsing, password_of


def _inside(browser: Browser) -> bool:
    return browser.client.get("/account", follow_redirects=False).status_code == 200


def test_a_login_leads_where_one_wanted_to_go(stranger: Browser) -> None:
    sent = stranger.client.get("/account?done=keys", follow_redirects=False)
    assert sent.headers["Location"] == "/login?next=%2Faccount%3Fdone%3Dkeys"
    answer = stranger.log_in("rea", next="/account?done=keys")
    assert str(answer.url).endswith("/account?done=keys")
    assert "rea" in answer.text


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ada", "wrong words entirely"),
        ("nobody", password_of("ada")),
        ("ada", ""),
        ("", "x"),
        ("ADA", password_of("ada")),
        ("ada\x00", password_of("ada")),
        ("' OR 1=1 --", "x"),
    ],
)
def test_what_does_not_fit_looks_the_same_for_every_reason(
    stranger: Browser, name: str, password: str
) -> None:
    answer = stranger.log_in(name, password)
    assert answer.status_code == 401
    assert "Name and password do not fit." in answer.text
    assert not _inside(stranger)


def test_an_unknown_name_costs_as_much_work_as_a_known_one(
    stranger: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []
    verify = PasswordHasher.verify

    def counted(self: PasswordHasher, hashed: str, password: str) -> bool:
        compared.append(hashed)
        return verify(self, hashed, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    for name in ("ada", "nobody"):
        stranger.log_in(name, "wrong words entirely")
    assert len(compared) == 2
    assert {hashed.rsplit("$", 2)[0] for hashed in compared} == {"$argon2id$v=19$m=64,t=1,p=1"}


def test_the_cookie_is_out_of_reach_and_the_ledger_holds_only_its_hash(
    stranger: Browser, desk: Desk
) -> None:
    stranger.get("/login")
    form = {"name": "ada", "password": password_of("ada")}
    answer = stranger.post("/login", form, follow_redirects=False)
    [cookie] = [c for c in answer.headers.get_list("set-cookie") if "Max-Age=43200" in c]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    token = stranger.client.cookies["foretaste"]
    kept = desk.workspace.layout.ledger.read_bytes()
    kept += desk.workspace.layout.ledger.with_name("ledger.sqlite-wal").read_bytes()
    assert token.encode() not in kept
    assert hashlib.sha256(token.encode()).hexdigest().encode() in kept


def test_a_login_makes_a_fresh_session_and_a_logout_ends_it(desk: Desk) -> None:
    with browsing(desk) as browser:
        cookies = browser.client.cookies
        cookies.set("foretaste", "a" * 43, domain="localhost.local")
        browser.log_in("ada")
        token = cookies["foretaste"]
        assert token != "a" * 43
        assert _inside(browser)
        browser.post("/logout")
        assert "foretaste" not in cookies
        cookies.set("foretaste", token, domain="localhost.local")
        assert not _inside(browser)


@pytest.mark.parametrize(
    ("minutes", "times", "inside"), [(59, 1, True), (61, 1, False), (50, 14, True), (50, 15, False)]
)
def test_a_login_ends_when_idle_and_after_its_hours(
    admin: Browser, clock: Clock, minutes: int, times: int, inside: bool
) -> None:
    for _ in range(times):
        clock.forward(minutes=minutes)
        last = _inside(admin)
    assert last is inside


def test_who_is_disabled_is_out_at_once(desk: Desk, clock: Clock) -> None:
    with browsing(desk, "rea") as browser:
        desk.ledger.disable_user("rea", at=clock.now, by="ada")
        assert not _inside(browser)
        assert browser.log_in("rea").status_code == 401


def test_a_name_must_wait_after_few_tries_even_with_the_right_password(
    desk: Desk, clock: Clock
) -> None:
    for i in range(5):
        with browsing(desk, address=f"192.0.2.{i}") as browser:
            assert browser.log_in("ada", "wrong words entirely").status_code == 401
    with browsing(desk, address="192.0.2.77") as browser:
        refused = browser.log_in("ada")
        assert refused.status_code == 429
        assert refused.headers["Retry-After"] == "900"
        assert browser.log_in("lea").status_code == 200
        clock.forward(minutes=16)
        assert browser.log_in("ada").status_code in {200, 303}


def test_an_address_must_wait_whatever_names_it_tries(desk: Desk) -> None:
    with browsing(desk, address="192.0.2.9") as browser:
        found = [browser.log_in(f"name{i}", "wrong words entirely").status_code for i in range(7)]
    assert found == [401] * 5 + [429] * 2
    with browsing(desk, address="192.0.2.10") as browser:
        assert browser.log_in("ada").status_code == 200


def test_colleagues_behind_one_address_do_not_use_up_its_tries(desk: Desk) -> None:
    for name in ("ada", "lea", "rea", "vic") * 2:
        with browsing(desk, name, address="192.0.2.1") as browser:
            assert _inside(browser)


def test_hashes_of_older_parameters_are_renewed_at_login(desk: Desk, clock: Clock) -> None:
    weak = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    desk.ledger.set_password("ada", weak.hash(password_of("ada")), at=clock.now, by="test")
    with browsing(desk, "ada") as browser:
        assert _inside(browser)
    renewed = desk.ledger.user("ada")
    assert renewed is not None
    assert (renewed.password or "").startswith("$argon2id$v=19$m=64,t=1,p=1$")


def test_passwords_appear_in_no_log(stranger: Browser, desk: Desk) -> None:
    stranger.log_in("ada", "my secret in the wrong place")
    stranger.log_in("my secret in the wrong place", "x" * 12)
    told = repr(desk.ledger.audit_entries())
    assert "login failed" in told
    assert "my secret" not in told


@pytest.mark.parametrize("password", ["short", "x" * 1025, "adamant words"])
def test_bad_passwords_are_refused_when_they_are_chosen(password: str) -> None:
    with pytest.raises(ContractError):
        Passwords(QUICK).hash(password, name="ada")


def test_the_same_letters_typed_elsewhere_are_the_same_password() -> None:
    passwords = Passwords(QUICK)
    hashed = passwords.hash("cafe\u0301 au lait, deux")
    assert passwords.fits("caf\u00e9 au lait, deux", hashed)
    assert not passwords.fits("cafe au lait, deux", hashed)
    assert not passwords.fits("caf\u00e9 au lait, deux", "no hash at all")


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "evil",
        "/\t/evil.example",
        "/\n/evil.example",
        "javascript:alert(1)",
        "/login?next=/login",
        "",
        "http:/evil.example",
        "///evil.example",
        "/%0d%0aSet-Cookie:x\r\n",
    ],
)
def test_a_login_leads_to_no_other_place(stranger: Browser, target: str) -> None:
    answer = stranger.client.get("/login", params={"next": target})
    assert 'name="next" value="/"' in answer.text


@given(st.text(alphabet="/\\.:@?#ae\t\r\n %", max_size=12))
def test_whatever_the_way_back_is_it_stays_on_this_desk(target: str) -> None:
    found = safe_return(target)
    parts = urlsplit(found)
    assert found.startswith("/")
    assert not found.startswith("//")
    assert "\\" not in found
    assert (parts.scheme, parts.netloc) == ("", "")


def test_the_link_on_the_terminal_opens_once_and_another_follows(desk: Desk) -> None:
    told: list[str] = []
    invitation = Invitation("ada", told.append)
    invitation.renew()
    invited = Desk(desk.workspace, desk.ledger, desk.policy, now=desk.now, invitation=invitation)
    for wrong in ("", "x" * 43, "é"):
        with browsing(invited) as browser:
            assert browser.client.get("/enter", params={"token": wrong}).status_code == 403
    with browsing(invited) as browser:
        browser.client.get("/enter", params={"token": told[0]}, follow_redirects=False)
        assert _inside(browser)
    with browsing(invited) as browser:
        assert browser.client.get("/enter", params={"token": told[0]}).status_code == 403
        assert "printed on the terminal" in browser.get("/login").text
        browser.client.get("/enter", params={"token": told[1]}, follow_redirects=False)
        assert _inside(browser)


def test_without_an_invitation_no_link_opens_the_desk(stranger: Browser) -> None:
    assert stranger.client.get("/enter", params={"token": ""}).status_code == 403

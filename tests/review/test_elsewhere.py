"""Logging in elsewhere: code, PKCE, state, nonce; who is unknown stays outside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey

from foretaste.core.errors import ContractError
from foretaste.review.auth.oidc import Provider, Settings
from foretaste.review.desk import Desk
from tests.review.desks import Browser, Clock, browsing
from tests.review.provider import CLIENT, ISSUER, SECRET, SmallProvider

KEY = RSAKey.generate_key(2048, {"kid": "one"})


@contextmanager
def _at(desk: Desk, small: SmallProvider) -> Iterator[Browser]:
    provider = Provider(Settings(ISSUER, CLIENT, SECRET), transport=small.transport())
    with browsing(replace(desk, provider=provider)) as browser:
        yield browser


def _log_in(browser: Browser, small: SmallProvider, **changed: str) -> httpx.Response:
    out = browser.client.get("/login/elsewhere?next=/account", follow_redirects=False)
    assert out.status_code == 303, out.text
    back = small.visit(out.headers["Location"]) | changed
    return browser.client.get("/login/return", params=back, follow_redirects=False)


@pytest.fixture
def small() -> SmallProvider:
    """A provider that tells the truth, as lea."""
    return SmallProvider(key=KEY)


def test_who_is_known_by_their_subject_is_let_in_as_themselves(
    desk: Desk, small: SmallProvider
) -> None:
    with _at(desk, small) as browser:
        assert "Log in with your organisation" in browser.get("/login").text
        answer = _log_in(browser, small)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/account")
        assert "<h1>lea</h1>" in browser.get("/account").text
    assert small.asked["code_challenge_method"] == "S256"
    assert small.asked["response_type"] == "code"
    assert small.asked["redirect_uri"] == "http://localhost/login/return"
    assert "openid" in small.asked["scope"].split()


@pytest.mark.parametrize("subject", ["sub-nobody", "lea", "SUB-LEA", "sub-lea "])
def test_who_is_unknown_is_refused_and_told_their_subject(
    desk: Desk, small: SmallProvider, subject: str
) -> None:
    small.subject = subject
    with _at(desk, small) as browser:
        answer = _log_in(browser, small)
        assert answer.status_code == 403
        assert subject.strip() in answer.text
        assert "foretaste" not in browser.client.cookies
    assert [one.action for one in desk.ledger.audit_entries(limit=1)] == ["login refused"]


def test_who_is_disabled_is_refused(desk: Desk, small: SmallProvider, clock: Clock) -> None:
    desk.ledger.disable_user("lea", at=clock.now, by="ada")
    with _at(desk, small) as browser:
        assert _log_in(browser, small).status_code == 403


@pytest.mark.parametrize(
    "lies",
    [
        {"nonce": "another"}, {"nonce": None}, {"iss": "https://evil.example"}, {"iss": None},
        {"aud": "another-desk"}, {"aud": None}, {"exp": 1}, {"exp": None}, {"sub": None},
        {"sub": ""}, {"aud": [CLIENT, "another"], "azp": "another"}, {"sub": "x" * 300},
    ],
    ids=str,
)  # fmt: skip
def test_a_token_that_does_not_hold_lets_nobody_in(
    desk: Desk, small: SmallProvider, lies: dict[str, Any]
) -> None:
    small.lies = lies
    with _at(desk, small) as browser:
        assert _log_in(browser, small).status_code in {403, 409}
        assert "foretaste" not in browser.client.cookies


@pytest.mark.parametrize("signs", ["none", "HS256", "another key"])
def test_a_token_that_the_provider_did_not_sign_lets_nobody_in(
    desk: Desk, small: SmallProvider, signs: str
) -> None:
    small.signs = signs
    with _at(desk, small) as browser:
        assert _log_in(browser, small).status_code == 409
        assert "foretaste" not in browser.client.cookies


@pytest.mark.parametrize(
    "changed",
    [{"state": "another"}, {"state": ""}, {"code": "another"}, {"iss": "https://evil.example"}],
)
def test_an_answer_to_another_login_lets_nobody_in(
    desk: Desk, small: SmallProvider, changed: dict[str, str]
) -> None:
    with _at(desk, small) as browser:
        assert _log_in(browser, small, **changed).status_code == 409


def test_a_login_that_another_browser_began_is_refused(desk: Desk, small: SmallProvider) -> None:
    with _at(desk, small) as theirs:
        out = theirs.client.get("/login/elsewhere", follow_redirects=False)
        back = small.visit(out.headers["Location"])
    with _at(desk, small) as mine:
        assert mine.client.get("/login/return", params=back).status_code == 403


def test_the_browser_can_neither_change_nor_keep_what_it_carries(
    desk: Desk, small: SmallProvider, clock: Clock
) -> None:
    with _at(desk, small) as browser:
        out = browser.client.get("/login/elsewhere", follow_redirects=False)
        back = small.visit(out.headers["Location"])
        [sealed] = re.findall(r"foretaste_login=([^;]+)", out.headers["set-cookie"])
        forged = sealed[:-2] + ("00" if sealed[-2:] != "00" else "11")
        for cookie in (forged, "x", ".", "zz.zz"):
            headers = {"Cookie": f"foretaste_login={cookie}"}
            browser.client.cookies.clear()
            answer = browser.client.get("/login/return", params=back, headers=headers)
            assert answer.status_code == 403
        clock.forward(minutes=11)
        late = {"Cookie": f"foretaste_login={sealed}"}
        assert browser.client.get("/login/return", params=back, headers=late).status_code == 403


def test_a_refusal_at_the_provider_is_no_login(desk: Desk, small: SmallProvider) -> None:
    with _at(desk, small) as browser:
        browser.client.get("/login/elsewhere", follow_redirects=False)
        said = {"error": "access_denied", "error_description": "<script>alert(1)</script>"}
        answer = browser.client.get("/login/return", params=said)
    assert answer.status_code == 403
    assert "alert(1)" not in answer.text


@pytest.mark.parametrize(
    "broken",
    [{"down": True}, {"said": {"issuer": "https://evil.example"}}, {"said": {"jwks_uri": None}}],
    ids=str,
)
def test_a_provider_that_is_away_or_another_one_is_told(
    desk: Desk, small: SmallProvider, broken: dict[str, Any]
) -> None:
    for name, value in broken.items():
        setattr(small, name, value)
    with _at(desk, small) as browser:
        answer = browser.client.get("/login/elsewhere", follow_redirects=False)
        if answer.status_code == 303:
            back = small.visit(answer.headers["Location"])
            answer = browser.client.get("/login/return", params=back)
    assert answer.status_code in {409, 503}
    assert "identity provider" in answer.text or "does not hold" in answer.text


def test_without_a_provider_there_is_no_way_out(stranger: Browser) -> None:
    assert stranger.client.get("/login/elsewhere").status_code == 404
    assert stranger.client.get("/login/return?code=x&state=y").status_code == 404


def test_settings_come_whole_and_over_tls_or_not_at_all() -> None:
    names = ("FORETASTE_OIDC_ISSUER", "FORETASTE_OIDC_CLIENT_ID", "FORETASTE_OIDC_CLIENT_SECRET")
    assert Settings.read({}) is None
    read = Settings.read(dict(zip(names, ("https://id.example/", "desk", "secret"), strict=True)))
    assert read == Settings("https://id.example", "desk", "secret")
    assert "secret" not in repr(read)
    near = dict(zip(names, ("http://127.0.0.1:5000", "desk", "secret"), strict=True))
    assert Settings.read(near) is not None
    for wrong in ({names[0]: "https://id.example"}, near | {names[0]: "http://id.example"},
                  near | {names[0]: "ftp://localhost"}):  # fmt: skip
        with pytest.raises(ContractError):
            Settings.read(wrong)

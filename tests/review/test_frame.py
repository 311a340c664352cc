"""What holds on every route: who is let in, forged forms, headers, sizes, hosts, errors."""

from __future__ import annotations

import re
from typing import Any

import pytest
from starlette.responses import PlainTextResponse, Response

from foretaste.core.errors import Changed, ContractError, Tampered, Unavailable, WorkspaceError
from foretaste.core.ledger import Role
from foretaste.review.desk import Desk
from foretaste.review.routing import Page, all_pages
from foretaste.review.shell import HEADERS, MAX_BODY
from tests.review.desks import NAMES, Browser, browsing, spied

PAGES = all_pages()
REACHED = 299


def _path(page: Page) -> str:
    return re.sub(r"\{\w+(:\w+)?\}", "1", page.path)


def _asked(browser: Browser, page: Page, method: str, *, token: bool) -> int:
    path, headers = _path(page), {"Origin": "http://localhost"}
    if method == "GET":
        return browser.client.get(path, follow_redirects=False).status_code
    data = {"csrf": browser.csrf} if token else {}
    return browser.client.request(
        method, path, data=data, headers=headers, follow_redirects=False
    ).status_code


@pytest.mark.parametrize("role", [None, *Role])
def test_every_route_lets_in_exactly_its_roles_and_no_forged_form(
    desk: Desk, role: Role | None
) -> None:
    token = ""
    if role is not None:
        with browsing(desk, NAMES[role]) as known:
            token, cookies = known.csrf, known.client.cookies
    wrong = []
    with browsing(desk, pages=spied(PAGES)) as browser:
        if role is None:
            with browsing(desk) as known:
                known.get("/login")
                token, cookies = known.csrf, known.client.cookies
        browser.csrf = token
        browser.client.cookies = cookies
        for page in PAGES:
            for method in page.methods:
                for with_token in (True, False):
                    status = _asked(browser, page, method, token=with_token)
                    expected = _expected(page, method, role, with_token)
                    if status != expected:
                        wrong.append((page.path, method, with_token, status, expected))
    assert not wrong


def _expected(page: Page, method: str, role: Role | None, token: bool) -> int:
    if page.role is not None and role is None:
        return 303 if method == "GET" else 401
    if page.role is not None and role is not None and not role.allows(page.role):
        return 403
    return REACHED if method == "GET" or token else 403


def test_only_logging_in_and_the_look_are_open_to_strangers() -> None:
    open_to_all = {page.path for page in PAGES if page.role is None}
    assert open_to_all == {"/login", "/enter", "/look", "/login/elsewhere", "/login/return"}


def test_what_changes_something_is_never_a_get_of_a_form() -> None:
    assert all(set(page.methods) in ({"GET"}, {"POST"}) for page in PAGES)
    assert len({(page.path, page.methods) for page in PAGES}) == len(PAGES)


def test_every_page_of_the_bar_opens_for_an_admin(admin: Browser) -> None:
    shown = [page.path for page in PAGES if page.nav]
    assert {"/admin", "/audit"} <= set(shown)
    for path in shown:
        answer = admin.get(path)
        assert answer.status_code == 200, path
        assert f'href="{path}" aria-current="page"' in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
        {"Origin": "http://evil.example"},
        {"Origin": "https://localhost"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"},
    ],
)
def test_a_form_from_elsewhere_is_refused_even_with_the_token(
    admin: Browser, headers: dict[str, str]
) -> None:
    assert admin.post("/account/keys", {"poison": "z"}, headers=headers).status_code == 403


def test_a_link_from_elsewhere_opens_a_page_but_nothing_embeds_it(admin: Browser) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert admin.get("/account", headers=link).status_code == 200
    image = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert admin.get("/account", headers=image).status_code == 403


def test_a_token_may_come_as_a_header_but_not_from_another_session(desk: Desk) -> None:
    with browsing(desk, "ada") as ada, browsing(desk, "lea") as lea:
        mine = ada.client.post("/account/keys", headers={"X-CSRF-Token": ada.csrf})
        theirs = lea.client.post("/account/keys", headers={"X-CSRF-Token": ada.csrf})
    assert (mine.status_code, theirs.status_code) == (200, 403)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/login", 200),
        ("GET", "/static/desk.css", 200),
        ("GET", "/static/none.css", 404),
        ("GET", "/static/../app.py", 404),
        ("GET", "/nowhere", 404),
        ("PUT", "/login", 405),
        ("POST", "/login", 403),
        ("GET", "/account", 303),
        ("POST", "/logout", 401),
    ],
)
def test_every_answer_wears_the_headers(
    stranger: Browser, method: str, path: str, status: int
) -> None:
    answer = stranger.client.request(method, path, follow_redirects=False)
    assert answer.status_code == status
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    kept = "immutable" if path == "/static/desk.css" else "no-store"
    assert kept in answer.headers["Cache-Control"]


def test_pages_hold_no_script_no_style_and_no_handler_of_their_own(admin: Browser) -> None:
    for path in ("/login", "/account", "/admin", "/audit", "/reveal", "/nowhere"):
        text = admin.get(path).text
        assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\sstyle=|\son\w+=", text), path
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', text), path


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", ""])
def test_another_name_for_this_desk_is_not_answered(stranger: Browser, host: str) -> None:
    assert stranger.client.get("/login", headers={"Host": host}).status_code == 421


def test_a_desk_that_others_reach_answers_to_its_name_only_and_over_tls(
    desk: Desk,
) -> None:
    reached = Desk(
        desk.workspace,
        desk.ledger,
        desk.policy,
        now=desk.now,
        passwords=desk.passwords,
        origin="https://desk.example",
    )
    with browsing(reached, origin="https://desk.example") as browser:
        answer = browser.log_in("ada")
        assert answer.status_code == 200
        assert "max-age" in answer.headers["Strict-Transport-Security"]
        wrong = {"Origin": "https://other.example"}
        assert browser.post("/account/keys", headers=wrong).status_code == 403
        assert browser.client.get("/login", headers={"Host": "localhost"}).status_code == 421
        kept = list(browser.client.cookies.jar)
    assert {cookie.name for cookie in kept} == {"foretaste", "foretaste_form"}
    assert all(cookie.secure for cookie in kept)


def test_more_than_a_desk_reads_is_refused_whatever_was_promised(admin: Browser) -> None:
    flood = "x" * (MAX_BODY + 1)
    assert admin.post("/account/keys", {"poison": flood}).status_code == 413

    def dripping() -> Any:
        for _ in range(3):
            yield b"x" * (MAX_BODY // 2)

    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = admin.client.post("/account/keys", content=dripping(), headers=kind)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Changed("lea decided it meanwhile"), 409),
        (WorkspaceError("leased by lea"), 409),
        (ContractError("no such order"), 400),
        (Unavailable("the ledger is locked"), 503),
        (Tampered("the ledger is damaged"), 500),
    ],
)
def test_our_own_errors_are_told_and_escaped(desk: Desk, error: Exception, status: int) -> None:
    def fails(*_: object) -> Response:
        raise type(error)(f"{error} <script>alert(1)</script>\u202e")

    pages = (*PAGES, Page("/fails", fails, role=None))
    with browsing(desk, pages=pages) as browser:
        whole = browser.get("/fails")
        part = browser.get("/fails", headers={"HX-Request": "true"})
    assert whole.status_code == part.status_code == status
    assert str(error) in whole.text
    assert "<script>alert" not in whole.text + part.text
    assert "⟦U+202E⟧" in part.text
    assert "<html" not in part.text
    assert part.headers["HX-Retarget"] == "#messages"


def test_a_fault_of_ours_tells_nothing_of_itself(desk: Desk) -> None:
    def fails(*_: object) -> Response:
        raise RuntimeError("the password is hunter2")

    with browsing(desk, pages=(*PAGES, Page("/fails", fails, role=None))) as browser:
        answer = browser.get("/fails")
    assert answer.status_code == 500
    assert "hunter2" not in answer.text
    assert answer.headers["Content-Security-Policy"] == HEADERS["Content-Security-Policy"]


def test_an_htmx_request_without_a_login_leads_to_the_login(stranger: Browser) -> None:
    answer = stranger.client.get("/account", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/login")


def test_from_a_part_of_a_page_one_comes_back_to_the_page(stranger: Browser) -> None:
    page = {"HX-Request": "true", "HX-Current-URL": "http://localhost/queue?order=newest"}
    answer = stranger.client.get("/account", headers=page)
    assert answer.headers["HX-Redirect"] == "/login?next=%2Fqueue%3Forder%3Dnewest"


def test_pages_run_beside_each_other(desk: Desk) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def ok(*_: object) -> Response:
        return PlainTextResponse("fine")

    pages = (*PAGES, Page("/fine", ok))
    with browsing(desk, "ada", pages=pages) as browser, ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: browser.client.get("/fine").status_code, range(12)))
    assert found == [200] * 12


def test_the_look_is_kept_in_a_cookie_and_only_known_ones_are(stranger: Browser) -> None:
    stranger.get("/login")
    stranger.post("/look", {"theme": "dark", "next": "/login"})
    assert '<html lang="en" data-theme="dark">' in stranger.get("/login").text
    stranger.post("/look", {"theme": '"><script>', "next": "https://evil.example"})
    assert '<html lang="en" data-theme="auto">' in stranger.get("/login").text

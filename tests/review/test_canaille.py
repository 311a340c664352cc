"""The way to a real identity provider and back: Canaille, in an environment of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import httpx
import pytest

from foretaste.review.auth.oidc import Provider, Settings
from foretaste.review.desk import Desk
from tests.review.desks import browsing

CANAILLE: Final = "canaille[front,oidc]==0.3.6"
SERVER: Final = Path(__file__).with_name("canaille_server.py")
TOLD: Final = {
    "user": "sub-lea",
    "password": "correct horse battery",
    "client": "desk",
    "secret": "a secret of client and provider",
    "redirect": "http://localhost/login/return",
}

pytestmark = pytest.mark.extra


@pytest.fixture(scope="module")
def canaille(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Canaille that knows sub-lea and the desk."""
    home = tmp_path_factory.mktemp("canaille") / "venv"
    uv = Path(sys.executable).with_name("uv")
    python = home / "bin" / "python"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, home], check=True)
    install = [uv, "pip", "install", "--quiet", "--python", python, CANAILLE]
    subprocess.run(install, check=True)
    running = subprocess.Popen(
        [python, SERVER, json.dumps(TOLD)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert running.stdout is not None
        yield running.stdout.readline().strip()
    finally:
        running.terminate()
        running.wait(30)


def _log_in_there(url: str, password: str) -> httpx.URL | None:
    """Do what a person does at the provider; give where it sends them, None for nowhere."""
    given = {"login": TOLD["user"], "password": password}
    with httpx.Client(follow_redirects=False, timeout=30) as there:
        answer = there.get(url)
        for _ in range(8):
            while answer.next_request is not None:
                if answer.next_request.url.host == "localhost":
                    return answer.next_request.url
                answer = there.send(answer.next_request)
            form = re.findall(r"<form.*?</form>", answer.text, re.DOTALL)[-1]
            fields = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', form))
            names = re.findall(r'<input[^>]*name="([^"]+)"', form)
            fields |= {name: given[name] for name in names if name in given}
            answer = there.post(answer.url, data=fields, headers={"Referer": str(answer.url)})
    return None


def test_a_person_logs_in_at_a_real_provider(desk: Desk, canaille: str) -> None:
    provider = Provider(Settings(canaille, TOLD["client"], TOLD["secret"]))
    with browsing(replace(desk, provider=provider)) as browser:
        out = browser.client.get("/login/elsewhere?next=/account", follow_redirects=False)
        back = _log_in_there(out.headers["Location"], TOLD["password"])
        assert back is not None
        answer = browser.client.get(back.raw_path.decode(), follow_redirects=False)
        assert answer.headers["Location"] == "/account"
        assert "<h1>lea</h1>" in browser.get("/account").text
        assert browser.client.get(back.raw_path.decode()).status_code == 403


def test_a_wrong_password_there_is_no_login_here(desk: Desk, canaille: str) -> None:
    provider = Provider(Settings(canaille, TOLD["client"], TOLD["secret"]))
    with browsing(replace(desk, provider=provider)) as browser:
        out = browser.client.get("/login/elsewhere", follow_redirects=False)
        assert _log_in_there(out.headers["Location"], "wrong words entirely") is None


def test_a_wrong_secret_of_the_desk_is_no_login(desk: Desk, canaille: str) -> None:
    provider = Provider(Settings(canaille, TOLD["client"], "another secret"))
    with browsing(replace(desk, provider=provider)) as browser:
        out = browser.client.get("/login/elsewhere", follow_redirects=False)
        back = _log_in_there(out.headers["Location"], TOLD["password"])
        assert back is not None
        assert browser.client.get(back.raw_path.decode()).status_code == 409

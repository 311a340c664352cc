"""Blast radius, purges and the question who is champion, on the command line."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import httpx
import pytest

from foretaste.cli.output import LogLines
from foretaste.core.errors import Locked
from foretaste.core.workspace import Workspace
from foretaste.views.serving import champion_app
from tests.cli.terminal import Answer, Terminal
from tests.views.judged import AT, CASE, NIGHTS, rows_of
from tests.views.served import save_candidate

Ask = Callable[..., Answer]


@pytest.fixture
def ask(foretaste: Terminal, judged: Workspace) -> Ask:
    """Call a command on the judged workspace, in JSON."""

    def call(*arguments: object) -> Answer:
        return foretaste(*arguments, "--workspace", judged.root, "--json")

    return call


def http(workspace: Workspace, method: str, path: str) -> httpx.Response:
    """Ask the endpoint, without a socket."""

    async def call() -> httpx.Response:
        transport = httpx.ASGITransport(champion_app(workspace.root))
        async with httpx.AsyncClient(transport=transport, base_url="http://local") as client:
            return await client.request(method, path)

    return asyncio.run(call())


def crowned(
    workspace: Workspace, release: int, *, override: bool = False, reason: str = "every gate passed"
) -> str:
    """Make a release's model champion; gives its digest."""
    digest = save_candidate(workspace, release)
    with workspace.ledger() as ledger:
        ledger.promote(
            digest,
            release=release,
            run_id=f"run-{release}",
            by="ada",
            reason=reason,
            at=AT,
            override=override,
        )
    return digest


def test_a_row_is_found_in_every_release_and_model_that_has_it(ask: Ask, judged: Workspace) -> None:
    first, second = crowned(judged, 1), crowned(judged, 2)
    early, late = rows_of(NIGHTS[0])[0], rows_of(NIGHTS[1])[0]
    told = ask("blast", early).json
    assert [(one["release"], one["rows"], one["share"]) for one in told["releases"]] == [
        (1, 1, 0.5),
        (2, 1, 0.25),
    ]
    assert [(one["model"], one["champion"]) for one in told["models"]] == [
        (first, "was"),
        (second, "serves"),
    ]
    told = ask("blast", late).json
    assert [one["release"] for one in told["releases"]] == [2]
    assert [one["model"] for one in told["models"]] == [second]


def test_a_case_that_was_kept_out_has_no_blast_radius(ask: Ask) -> None:
    told = ask("blast", CASE).json
    assert told["rows"] == sorted(rows_of(NIGHTS[1])[2:])
    assert told["releases"] == told["models"] == []


def test_the_policy_of_the_release_sets_how_far_back_its_model_looked(
    ask: Ask, judged: Workspace
) -> None:
    save_candidate(judged, 2)
    judged.layout.params.write_text("seed: 7\nrelease: {train_nights: 1}\n")
    (model,) = ask("blast", rows_of(NIGHTS[0])[0]).json["models"]
    assert (model["rows"], model["share"]) == (1, 0.25)


def test_a_purge_names_whole_contributors_and_a_reason(ask: Ask) -> None:
    assert ask("purge", "mallory").code == 2
    assert ask("purge", "--reason", "x").code == 2
    assert ask("purge", "nobody", "--dry-run").code == 1
    row = ask("purge", rows_of(NIGHTS[0])[0], "--dry-run")
    assert row.code == 2
    assert "whole contributors" in row.json["error"]["message"]


def test_a_purge_can_be_tried_for_a_case(ask: Ask, judged: Workspace) -> None:
    plan = ask("purge", "--case", CASE, "--dry-run").json["plan"]
    assert plan["contributors"] == [judged.key.pseudonym("contributor", "mallory")]
    assert plan["rows"] == 4
    assert ask("purge", "mallory", "--dry-run").json["plan"] == plan
    assert ask("releases").json["releases"][0]["number"] == 2


def test_a_model_can_ask_whether_it_still_serves(ask: Ask, judged: Workspace) -> None:
    assert ask("champion").code == 1
    assert http(judged, "GET", "/champion").status_code == 404
    first, second = crowned(judged, 1), crowned(judged, 2)
    assert ask("champion").json["champion"]["model"] == second
    assert ask("champion", "--digest", second).code == 0
    assert ask("champion", "--digest", first).code == 3
    assert http(judged, "GET", "/champion").json() == ask("champion").json["champion"]
    assert http(judged, "GET", f"/champion/{second}").json() == {"champion": True, "serves": second}
    assert http(judged, "GET", f"/champion/{first}").json() == {"champion": False, "serves": second}
    assert http(judged, "POST", "/champion").status_code == 405


def test_gates_that_saw_another_champion_hold(ask: Ask, judged: Workspace) -> None:
    first, second = crowned(judged, 1), save_candidate(judged, 2, against="e" * 64)
    held = ask("promote", "2")
    assert held.code == 3
    assert f"{'e' * 12}, but {first[:12]} serves" in held.json["error"]["message"]
    assert ask("promote", "2", "--override", "--reason", "compared by hand").code == 0
    assert ask("champion", "--digest", second).code == 0


def test_the_history_shows_overrides_as_such(
    foretaste: Terminal, judged: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowned(judged, 1, override=True, reason="the floor is wrong")
    monkeypatch.setenv("FORCE_COLOR", "1")
    told = foretaste("models", "--workspace", judged.root)
    (line,) = (x for x in told.out.splitlines() if "the floor is wrong" in x)
    assert "promote against gates" in line
    assert "\x1b[1;31m" in line


def test_a_log_line_obeys_no_terminal_and_an_expected_error_has_no_traceback() -> None:
    told = LogLines("%(name)s: %(message)s")
    record = logging.LogRecord("x", 40, "f", 1, "purged: %s", ("sold \x1b[2J\nit",), None)
    assert told.format(record) == "x: purged: sold ⟦U+001B⟧[2J\nit"
    for error, shown in ((Locked("held"), False), (KeyError("held"), True)):
        record.exc_info = (type(error), error, None)
        assert ("held" in told.format(record)) is shown
        assert record.exc_info[1] is error

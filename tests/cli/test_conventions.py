"""What every command has in common."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from foretaste.cli.main import app
from foretaste.core.lock import workspace_lock
from foretaste.core.workspace import Workspace
from tests.cli.terminal import Terminal
from tests.views.judged import CASE, NIGHTS, RING
from tests.views.served import save_candidate

COMMANDS = (
    *("init", "land", "run", "stage", "status", "runs", "releases", "show", "diff", "explain"),
    *("actors", "drill", "cases", "decide", "undo", "promote", "rollback", "models", "doctor"),
    *(
        "ab",
        "blast",
        "bisect",
        "purge",
        "champion",
        "review",
        "users",
        "audit",
        "export",
        "rules",
        "feed",
    ),
)
WRITERS = (
    "init",
    "land",
    "run",
    "decide",
    "undo",
    "promote",
    "rollback",
    "ab",
    "purge",
    "users",
    "rules",
)
TIMED = ("run", "decide", "undo", "promote", "rollback", "ab", "purge", "users", "rules")


def _commands() -> dict[str, Any]:
    return dict(typer.main.get_group(app).commands)


def _options(name: str) -> Iterator[str]:
    for parameter in _commands()[name].params:
        yield from parameter.opts


def test_help_lists_every_command() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("foretaste")), "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    for name in COMMANDS:
        assert f" {name} " in done.stdout


@pytest.mark.parametrize("name", sorted(_commands()))
def test_every_command_speaks_json_and_helps(name: str, foretaste: Terminal) -> None:
    assert "--json" in _options(name)
    told = foretaste(name, "--help")
    assert told.code == 0
    assert (_commands()[name].help or "").strip().endswith(".")


@pytest.mark.parametrize("name", sorted(set(_commands()) - {"init"}))
def test_every_command_takes_a_workspace(name: str) -> None:
    assert "--workspace" in _options(name)


@pytest.mark.parametrize("name", WRITERS)
def test_what_writes_can_be_tried_first(name: str) -> None:
    assert "--dry-run" in _options(name)


@pytest.mark.parametrize("name", TIMED)
def test_what_depends_on_time_can_be_told_the_time(name: str) -> None:
    assert "--as-of" in _options(name)


@pytest.mark.parametrize(
    "arguments",
    [
        ("runs",),
        ("releases",),
        ("show",),
        ("diff", 1, 2),
        ("explain", "mallory"),
        ("actors",),
        ("actors", NIGHTS[0], "--show", RING),
        ("cases",),
        ("cases", CASE),
        ("decide", CASE, "poison", "--dry-run"),
        ("models",),
        ("status",),
        ("doctor",),
        ("ab", "status"),
    ],
)
def test_json_is_one_object_with_a_schema_version(
    arguments: tuple[object, ...], foretaste: Terminal, judged: Workspace
) -> None:
    answer = foretaste(*arguments, "--workspace", judged.root, "--json")
    assert answer.code == 0, answer.err
    assert answer.json["schema_version"] == 1
    assert "mallory" not in answer.out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("show", "9"), 1),
        (("diff", "1", "nine"), 1),
        (("explain", "nobody"), 1),
        (("actors", "2001-01-01"), 1),
        (("actors", "--show", "nobody"), 1),
        (("actors", "--svg", "group.svg"), 2),
        (("cases", "no-such-case"), 1),
        (("decide", CASE, "apart"), 1),
        (("cases", "--state", "sleepy"), 2),
        (("decide", CASE, "maybe"), 2),
        (("decide", CASE, "poison", "--reason", "Two Words"), 2),
        (("decide", CASE, "poison", "--as-of", "tonight"), 2),
        (("undo", "77"), 1),
        (("undo", "one"), 2),
        (("promote",), 1),
        (("promote", "--override"), 2),
        (("rollback",), 1),
        (("stage", "dance"), 2),
        (("ab", "stop"), 2),
        (("ab", "stop", "--reason", "x"), 1),
        (("nonsense",), 2),
    ],
)
def test_an_error_is_one_sentence_and_an_exit_code(
    arguments: tuple[str, ...], code: int, foretaste: Terminal, judged: Workspace
) -> None:
    where = () if arguments == ("nonsense",) else ("--workspace", judged.root)
    answer = foretaste(*arguments, *where)
    assert answer.code == code, answer.err
    assert "Traceback" not in answer.err
    assert answer.out == ""
    assert answer.err.strip()


def test_an_error_is_json_too_when_asked(foretaste: Terminal, judged: Workspace) -> None:
    answer = foretaste("show", "9", "--workspace", judged.root, "--json")
    assert answer.json["error"]["code"] == answer.code == 1
    assert answer.json["error"]["hint"]


def test_a_folder_that_is_no_workspace_is_named(foretaste: Terminal, tmp_path: Path) -> None:
    answer = foretaste("status", "--workspace", tmp_path)
    assert answer.code == 1
    assert "not a foretaste workspace" in answer.err
    assert "foretaste init" in answer.err


def test_a_held_workspace_is_exit_code_6(foretaste: Terminal, judged: Workspace) -> None:
    save_candidate(judged, 1)
    with workspace_lock(judged.layout, "another run"):
        answer = foretaste("promote", "--workspace", judged.root)
    assert answer.code == 6
    assert "another run" in answer.err


def test_a_tampered_release_is_exit_code_5(foretaste: Terminal, judged: Workspace) -> None:
    part = next((judged.root / "data" / "accepted").rglob("*.parquet"))
    part.chmod(0o644)
    part.unlink()
    part.write_bytes(b"not what it was")
    answer = foretaste("show", "latest", "--verify", "--workspace", judged.root)
    assert answer.code == 5
    assert part.name in answer.err

"""Commands for what stands outside: feed, pseudonym, notify."""

from __future__ import annotations

import sys
from typing import Annotated, Final

import typer

from foretaste.cli.output import HERE, AsOfOption, JsonOption, Printer, WorkspaceOption

_COLUMNS: Final = ("contributor_id", "action", "reason", "evidence", "expires")


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    for command in (feed, notify, pseudonym):
        app.command()(command)


def feed(
    show: Annotated[
        bool, typer.Option("--show", help="Only show the feed that is there; write none.")
    ] = False,
    workspace: WorkspaceOption = HERE,
    as_of: AsOfOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write what the product's front door may do: challenge, throttle, block or trust whom."""
    from foretaste.core.workspace import Workspace
    from foretaste.steps.feed import read_feed, write_feed
    from foretaste.steps.session import moment

    opened = Workspace.open(workspace)
    if not show:
        write_feed(opened, moment(as_of))
    content = read_feed(opened.layout)
    if as_json:
        Printer(as_json).data(content)
        return
    Printer(as_json).table("actions", _COLUMNS, content["actions"])


def notify(
    workspace: WorkspaceOption = HERE, as_of: AsOfOption = None, as_json: JsonOption = False
) -> None:
    """Tell the receivers in FORETASTE_NOTIFY what they were not told yet."""
    from foretaste.core.workspace import Workspace
    from foretaste.steps.notify import notify as tell
    from foretaste.steps.session import moment

    arrived = tell(Workspace.open(workspace), moment(as_of))
    Printer(as_json).data({"arrived": arrived}, [f"{arrived} messages arrived"])


def pseudonym(
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID]...", help="Raw contributor ids; none: lines of stdin."),
    ] = None,
    key: Annotated[
        bool, typer.Option("--key", help="Print the key, for a front door that hashes by itself.")
    ] = False,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Give the pseudonyms of contributors, in the order of their raw ids."""
    from foretaste.core.workspace import Workspace

    opened = Workspace.open(workspace)
    if key:
        secret = opened.key.derive("pseudonym/contributor").hex()
        Printer(as_json).data({"key": secret}, [secret])
        return
    raw = ids or [line.rstrip("\r\n") for line in sys.stdin]
    found = [opened.key.pseudonym("contributor", one.strip()) for one in raw if one.strip()]
    Printer(as_json).data({"pseudonyms": found}, found)

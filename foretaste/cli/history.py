"""Commands about what happened: runs, releases, show, diff."""

from __future__ import annotations

from typing import Annotated

import typer

from foretaste.cli.output import HERE, JsonOption, Printer, WorkspaceOption

_DIFF_LINES = 20
_EVERYTHING = 2**31

ReleaseArgument = Annotated[
    str, typer.Argument(metavar="RELEASE", help="A number, a tag, a night, or latest.")
]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    for command in (runs, releases, show, diff):
        app.command()(command)


def runs(
    limit: Annotated[int, typer.Option(min=1, help="Runs to list, newest first.")] = 20,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """List runs: when, how they ended, what they published."""
    from foretaste.core.workspace import Workspace
    from foretaste.views.history import RUN_COLUMNS, list_runs

    Printer(as_json).table("runs", RUN_COLUMNS, list_runs(Workspace.open(workspace), limit))


def releases(workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """List releases of the corpus with their counts, newest first."""
    from foretaste.core.workspace import Workspace
    from foretaste.views.history import RELEASE_COLUMNS, list_releases

    rows = list_releases(Workspace.open(workspace))
    Printer(as_json).table("releases", RELEASE_COLUMNS, rows)


def show(
    release: ReleaseArgument = "latest",
    verify: Annotated[
        bool, typer.Option("--verify", help="Check signatures, tag and every file's digest.")
    ] = False,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Show a release: where every row went, and its files with their digests."""
    from foretaste.core.workspace import Workspace
    from foretaste.views.history import show as shown

    content, lines = shown(Workspace.open(workspace), release, verify=verify)
    Printer(as_json).data(content, lines)


def diff(
    old: Annotated[str, typer.Argument(metavar="A", help="A number, a tag or a night.")],
    new: Annotated[str, typer.Argument(metavar="B", help="The same, or latest.")],
    limit: Annotated[
        int | None, typer.Option(min=0, help="Rows to list; 20, or all in JSON.")
    ] = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Compare the accepted rows of two releases, row by row."""
    from foretaste.core.workspace import Workspace
    from foretaste.views.history import diff as compared

    most = limit if limit is not None else _EVERYTHING if as_json else _DIFF_LINES
    content, lines = compared(Workspace.open(workspace), old, new, most)
    Printer(as_json).data(content, lines)

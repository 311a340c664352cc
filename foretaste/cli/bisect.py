"""The command that finds who broke a gate: bisect."""

from __future__ import annotations

from typing import Annotated

import typer

from foretaste.cli.output import HERE, AsOfOption, JsonOption, Printer, WorkspaceOption


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(bisect)


def bisect(
    gate: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A gate that failed; default: the most telling one."),
    ] = None,
    workspace: WorkspaceOption = HERE,
    as_of: AsOfOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the actors without whom a failed gate lets the candidate through; opens a case."""
    from foretaste.core.workspace import Workspace
    from foretaste.steps.session import moment
    from foretaste.views.bisect import run_bisect, told

    found = run_bisect(Workspace.open(workspace), gate, moment(as_of))
    Printer(as_json).data({"bisect": found}, told(found))

"""The command that says why: explain."""

from __future__ import annotations

from typing import Annotated

import typer

from foretaste.cli.output import HERE, JsonOption, Printer, WorkspaceOption


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(explain)


def explain(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="ROW|CONTRIBUTOR",
            help="A row id, a contribution id, a contributor's id or its pseudonym.",
        ),
    ],
    text: Annotated[bool, typer.Option("--text", help="Show the contributed text too.")] = False,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Say why a row or a contributor was judged as it was: evidence, sum, verdict."""
    from foretaste.core.workspace import Workspace
    from foretaste.views.explain import explain as explained

    content, lines = explained(Workspace.open(workspace), subject, text=text)
    Printer(as_json).data(content, lines)

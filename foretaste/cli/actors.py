"""The command about groups of accounts: actors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from foretaste.cli.output import HERE, JsonOption, Printer, WorkspaceOption
from foretaste.core.errors import ContractError


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(actors)


def actors(
    night: Annotated[
        str | None, typer.Argument(metavar="[NIGHT]", help="A night; default: the newest judged.")
    ] = None,
    show: Annotated[
        str | None, typer.Option(metavar="ACTOR", help="Show this group's members and edges.")
    ] = None,
    svg: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --show: write the group's picture.")
    ] = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """List groups of accounts that belong together, campaigns first; or show one."""
    from foretaste.core.files import atomic_write
    from foretaste.core.workspace import Workspace
    from foretaste.views import actors as views

    opened = Workspace.open(workspace)
    if show is None:
        if svg is not None:
            raise ContractError(
                "a picture is of one group", location="--svg", hint="add --show ACTOR"
            )
        Printer(as_json).table("actors", views.GROUP_COLUMNS, views.list_groups(opened, night))
        return
    content, lines = views.show_group(opened, night, show)
    if svg is not None:
        drawn = views.picture(opened, night, show).document()
        try:
            atomic_write(svg, drawn.encode())
        except OSError as error:
            raise ContractError(
                "the picture cannot be written", location=str(svg), hint=str(error.strerror)
            ) from None
        content, lines = {**content, "svg": str(svg)}, [*lines, f"wrote {svg}"]
    Printer(as_json).data(content, lines)

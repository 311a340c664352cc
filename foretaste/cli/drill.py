"""The command that attacks a copy of the last release: drill."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foretaste.cli.output import HERE, JsonOption, Printer, WorkspaceOption, note

if TYPE_CHECKING:
    from foretaste.steps.drill import Trial


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(drill)


def drill(
    attack: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="An attack; repeat it. Default: all.")
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            metavar="A,R,D", help="Accounts, rows of each, nights; default: the policy's."
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of the attacks; default: the policy's.")
    ] = None,
    small: Annotated[
        bool, typer.Option("--small", help="One ordinary strength each, without a search.")
    ] = False,
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the picture.")] = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Attack a copy of the last release, and report the smallest attacks that get through."""
    from foretaste.core.errors import ContractError
    from foretaste.core.files import atomic_write
    from foretaste.core.workspace import Workspace
    from foretaste.views import drill as views

    def told(name: str, trial: Trial) -> None:
        note(f"foretaste: {views.trial_line(name, trial)}")

    opened = Workspace.open(workspace)
    paid = views.read_budget(budget, opened.policy.drill)
    found = views.run_drill(opened, attack or (), paid, seed=seed, small=small, told=told)
    if svg is not None:
        try:
            atomic_write(svg, views.picture(found).encode())
        except OSError as error:
            raise ContractError(
                "the picture cannot be written", location=str(svg), hint=str(error.strerror)
            ) from None
    printer = Printer(as_json)
    if as_json:
        printer.data(found.to_json() | ({"svg": str(svg)} if svg else {}))
        return
    printer.table("attacks", views.COLUMNS, views.table(found))
    recall = "" if found.recall is None else f"; recall {found.recall:.1%} of the largest attacks"
    printer.data({}, [f"drill on {found.release}, seed {found.seed}{recall}"])

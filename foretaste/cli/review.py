"""Commands for people who judge: cases, decide, undo."""

from __future__ import annotations

from typing import Annotated

import typer

from foretaste.cli.output import (
    HERE,
    AsOfOption,
    DryRunOption,
    JsonOption,
    Printer,
    WorkspaceOption,
)

ByOption = Annotated[
    str | None, typer.Option("--by", help="Who decides; default: the account's name.")
]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    for command in (cases, decide, undo):
        app.command()(command)


def cases(
    case: Annotated[
        str | None, typer.Argument(metavar="[CASE]", help="Show this case in detail.")
    ] = None,
    state: Annotated[str, typer.Option(help="open, assigned, decided, expired or all.")] = "open",
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """List cases, the most suspicious weight first; or show one with its rows."""
    from foretaste.core.workspace import Workspace
    from foretaste.views.review import CASE_COLUMNS, list_cases, show_case

    opened = Workspace.open(workspace)
    if case is None:
        Printer(as_json).table("cases", CASE_COLUMNS, list_cases(opened, state))
        return
    content, lines = show_case(opened, case)
    Printer(as_json).data(content, lines)


def decide(
    case: Annotated[str, typer.Argument(metavar="CASE", help="Id of the case.")],
    decision: Annotated[str, typer.Argument(help="poison, release, apart or downweight.")],
    reason: Annotated[str, typer.Option(help="A short code, for statistics.")] = "reviewed",
    note: Annotated[str, typer.Option(help="Free words for other reviewers.")] = "",
    by: ByOption = None,
    workspace: WorkspaceOption = HERE,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Decide a case; the next night applies the decision to its rows."""
    from foretaste.core.workspace import Workspace
    from foretaste.steps.session import moment
    from foretaste.views import review

    content, lines = review.decide(
        Workspace.open(workspace),
        case,
        decision,
        reason=reason,
        note=note,
        by=review.reviewer(by),
        at=moment(as_of),
        dry_run=dry_run,
    )
    Printer(as_json).data(content, lines)


def undo(
    number: Annotated[int, typer.Argument(help="Number of the decision.")],
    by: ByOption = None,
    workspace: WorkspaceOption = HERE,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Take a decision back while it waits for a run; its case opens again."""
    from foretaste.core.workspace import Workspace
    from foretaste.steps.session import moment
    from foretaste.views import review

    content, lines = review.undo(
        Workspace.open(workspace),
        number,
        by=review.reviewer(by),
        at=moment(as_of),
        dry_run=dry_run,
    )
    Printer(as_json).data(content, lines)

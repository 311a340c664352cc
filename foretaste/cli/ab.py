"""The command about tests on real traffic: ab."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from foretaste.cli.output import (
    HERE,
    AsOfOption,
    ByOption,
    DryRunOption,
    JsonOption,
    Printer,
    WorkspaceOption,
)


class Action(StrEnum):
    """What to do with the test."""

    START = "start"
    STATUS = "status"
    CHECK = "check"
    STOP = "stop"


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(ab)


def ab(
    action: Annotated[Action, typer.Argument(help="status looks; check looks and acts.")],
    model: Annotated[
        str,
        typer.Argument(
            metavar="[DIGEST|RELEASE]", help="For start; default: the newest release's."
        ),
    ] = "latest",
    override: Annotated[
        bool, typer.Option("--override", help="Start although gates hold; needs --reason.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit log.")] = "",
    by: ByOption = None,
    workspace: WorkspaceOption = HERE,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Test a candidate against the champion on real traffic; one test at a time."""
    from foretaste.core.errors import ContractError, GateRefused
    from foretaste.core.workspace import Workspace
    from foretaste.steps.session import moment
    from foretaste.views import ab as views
    from foretaste.views.review import reviewer

    said = reason.strip()
    if not said and (override or action is Action.STOP):
        raise ContractError("this needs a reason", location=f"ab {action}", hint="--reason …")
    opened, now, who, printer = (
        Workspace.open(workspace), moment(as_of), reviewer(by), Printer(as_json)
    )  # fmt: skip
    if action is Action.START:
        plan = views.plan_start(opened, model, said if override else "")
        if dry_run:
            printer.data({"plan": asdict(plan), "dry_run": True}, plan.describe())
            return
        views.start(opened, plan, by=who, reason=said, at=now)
    elif action is Action.STOP:
        views.running(opened) if dry_run else views.stop(opened, by=who, reason=said, at=now)
    if action is Action.CHECK:
        content, lines = views.check(opened, by=who, at=now, dry_run=dry_run)
    else:
        content, lines = views.status(opened, now)
    printer.data({**content, "dry_run": dry_run}, lines)
    if action is Action.CHECK and content.get("alarm"):
        raise typer.Exit(GateRefused.exit_code)

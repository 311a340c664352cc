"""Commands about models: models, promote, rollback."""

from __future__ import annotations

from dataclasses import asdict
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
    str | None, typer.Option("--by", help="Who moves the champion; default: the account's name.")
]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    for command in (models, promote, rollback):
        app.command()(command)


def models(workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """List the models and the history of champions; the newest champion serves."""
    from foretaste.core.workspace import Workspace
    from foretaste.views.models import MODEL_COLUMNS, champion_line, champions, list_models

    opened = Workspace.open(workspace)
    known, history = list_models(opened), champions(opened)
    printer = Printer(as_json)
    if as_json:
        printer.data({"models": known, "champions": [asdict(one) for one in history]})
        return
    short = [{**one, "model": one["model"][:12]} for one in known]
    printer.table("models", MODEL_COLUMNS, short)
    printer.data({}, [champion_line(one) for one in history])


def promote(
    model: Annotated[
        str, typer.Argument(metavar="[DIGEST|RELEASE]", help="Default: the newest release's.")
    ] = "latest",
    override: Annotated[
        bool, typer.Option("--override", help="Promote although gates hold; needs --reason.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit log.")] = "",
    by: ByOption = None,
    workspace: WorkspaceOption = HERE,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make a model the champion if its gates allow it; --dry-run shows the plan."""
    from foretaste.core.errors import ContractError, GateRefused
    from foretaste.core.workspace import Workspace
    from foretaste.steps.session import moment
    from foretaste.views.models import champion_line, move, plan_promote
    from foretaste.views.review import reviewer

    if override and not reason.strip():
        raise ContractError("an override needs a reason", location="--override", hint="--reason …")
    opened = Workspace.open(workspace)
    plan = plan_promote(opened, model, reason if override else "")
    content = {"plan": asdict(plan), "dry_run": dry_run}
    if dry_run:
        Printer(as_json).data(content, plan.describe().splitlines())
        return
    if plan.verdict == "hold":
        raise GateRefused(
            f"model {plan.candidate[:12]} is held: {'; '.join(plan.reasons)}",
            reasons=plan.reasons,
            hint="`foretaste promote --dry-run` shows every gate; --override --reason overrules "
            "gates that were asked",
        )
    champion = move(
        opened,
        model=plan.candidate,
        release=int(plan.release),
        kind="promote",
        reason=reason.strip() or "its gates passed",
        by=reviewer(by),
        at=moment(as_of),
        override=plan.overridden,
    )
    content |= {"champion": asdict(champion)}
    Printer(as_json).data(content, [champion_line(champion)])


def rollback(
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="NUMBER|DIGEST", help="Default: the champion before."),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit log.")] = "",
    by: ByOption = None,
    workspace: WorkspaceOption = HERE,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Let an earlier champion serve again; --dry-run shows the plan."""
    from foretaste.core.workspace import Workspace
    from foretaste.steps.session import moment
    from foretaste.views.models import champion_line, move, plan_rollback
    from foretaste.views.review import reviewer

    opened = Workspace.open(workspace)
    plan = plan_rollback(opened, to)
    content = {"plan": asdict(plan), "dry_run": dry_run}
    if dry_run:
        Printer(as_json).data(content, plan.describe())
        return
    champion = move(
        opened,
        model=plan.target.model,
        release=plan.target.release,
        kind="rollback",
        reason=reason.strip() or "rolled back",
        by=reviewer(by),
        at=moment(as_of),
    )
    content |= {"champion": asdict(champion)}
    Printer(as_json).data(content, [champion_line(champion)])

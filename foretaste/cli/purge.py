"""Commands about rows that should never have been learnt: blast, purge."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from foretaste.cli.output import (
    HERE,
    AsOfOption,
    ByOption,
    DryRunOption,
    JsonOption,
    Printer,
    WorkspaceOption,
    note,
)


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    for command in (blast, purge):
        app.command()(command)


def blast(
    what: Annotated[str, typer.Argument(metavar="CONTRIBUTOR|CASE|ROW", help="Whose rows.")],
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """List every release and model that consumed somebody's rows."""
    from foretaste.core.workspace import Workspace
    from foretaste.views.blast import MODEL_COLUMNS, RELEASE_COLUMNS
    from foretaste.views.blast import blast as consumed

    content = consumed(Workspace.open(workspace), what)
    printer = Printer(as_json)
    if as_json:
        printer.data(content)
        return
    printer.table("releases", RELEASE_COLUMNS, content["releases"])
    models = [{**one, "model": one["model"][:12]} for one in content["models"]]
    printer.table("models", MODEL_COLUMNS, models)


def purge(
    contributors: Annotated[
        list[str] | None, typer.Argument(metavar="[CONTRIBUTOR]...", help="Ids or pseudonyms.")
    ] = None,
    case: Annotated[
        list[str] | None, typer.Option("--case", help="All contributors of a case.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; stands in the release's manifest.")] = "",
    by: ByOption = None,
    workspace: WorkspaceOption = HERE,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make a release without contributors' rows, train on it and ask every gate."""
    from dataclasses import asdict

    from foretaste.cli.nights import outcome_lines
    from foretaste.core.errors import ContractError
    from foretaste.core.workspace import Workspace
    from foretaste.views.blast import plan_purge
    from foretaste.views.review import reviewer

    if not dry_run and not reason.strip():
        raise ContractError("a purge needs a reason", location="--reason", hint="--reason …")
    plan = plan_purge(Workspace.open(workspace), contributors or (), case or ())
    if dry_run:
        Printer(as_json).data({"plan": asdict(plan), "dry_run": True}, plan.describe())
        return
    from foretaste.cli.progress import progress

    note("foretaste: starting Prefect; without PREFECT_API_URL a temporary API, up to a minute")
    from flows.purge import purge as purged

    with progress():
        outcome: Any = purged(
            str(workspace),
            contributors=list(plan.contributors),
            reason=reason.strip(),
            by=reviewer(by),
            as_of=as_of,
        )
    Printer(as_json).data(outcome, [*plan.describe()[:1], *outcome_lines(outcome)])
    raise typer.Exit(int(outcome["exit_code"]))

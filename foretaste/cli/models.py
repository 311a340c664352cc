"""Commands about models: models, champion, promote, rollback, export."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal

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
    print_marked,
)


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    for command in (models, champion, promote, rollback, export):
        app.command()(command)


def models(workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """List the models and the history of champions; the newest champion serves."""
    from foretaste.core.workspace import Workspace
    from foretaste.views.models import MODEL_COLUMNS, champions, history_lines, list_models

    opened = Workspace.open(workspace)
    known, history = list_models(opened), champions(opened)
    printer = Printer(as_json)
    if as_json:
        printer.data({"models": known, "champions": [asdict(one) for one in history]})
        return
    short = [{**one, "model": one["model"][:12]} for one in known]
    printer.table("models", MODEL_COLUMNS, short)
    print_marked(history_lines(history))


def champion(
    digest: Annotated[
        str, typer.Option(help="Ask for this model: exit code 0 if it is champion, else 3.")
    ] = "",
    serve: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Answer over HTTP on this port.")
    ] = None,
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Tell which model is champion, or whether one still is."""
    from foretaste.core.errors import GateRefused, WorkspaceError
    from foretaste.views.models import history_lines
    from foretaste.views.serving import history_of, told
    from foretaste.views.serving import serve as answer

    history = history_of(workspace)
    found = next(iter(history), None)
    if serve is not None:
        note(f"foretaste: http://{host}:{serve}/champion, until interrupted")
        answer(workspace, host, serve)
        return
    if found is None:
        raise WorkspaceError("there is no champion yet", hint="`foretaste promote` makes one")
    if digest and digest != found.model:
        raise GateRefused(
            f"that model is not champion: {found.model} serves",
            hint="load the champion of champion.json",
        )
    if as_json:
        Printer(as_json).data({"champion": told(history)})
        return
    print_marked(history_lines(history)[:1])


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
    model_only: Annotated[
        bool, typer.Option("--model-only", help="Leave the corpus as it is.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit log.")] = "",
    by: ByOption = None,
    workspace: WorkspaceOption = HERE,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Let an earlier champion serve again, with its corpus; --dry-run shows the plan."""
    from foretaste.core.workspace import Workspace
    from foretaste.steps.session import moment
    from foretaste.views.models import champion_line
    from foretaste.views.review import reviewer
    from foretaste.views.rollback import plan_rollback, roll_back

    opened = Workspace.open(workspace)
    plan = plan_rollback(opened, to, model_only=model_only)
    content = {"plan": asdict(plan), "dry_run": dry_run}
    if dry_run:
        Printer(as_json).data(content, plan.describe())
        return
    champion = roll_back(
        opened,
        plan,
        reason=reason.strip() or "rolled back",
        by=reviewer(by),
        at=moment(as_of),
    )
    content |= {"champion": asdict(champion)}
    Printer(as_json).data(content, [champion_line(champion), *plan.describe()[2:]])


def export(
    registry: Annotated[Literal["mlflow"], typer.Argument(help="Kind of registry.")],
    to: Annotated[str, typer.Option("--to", help="URI of the server, or of its database.")],
    model: Annotated[
        str, typer.Option(metavar="DIGEST|RELEASE", help="Default: the champion.")
    ] = "champion",
    name: Annotated[str, typer.Option(help="Name of the registered model.")] = "foretaste",
    artifacts: Annotated[str, typer.Option(help="Where files go, when --to is a database.")] = "",
    workspace: WorkspaceOption = HERE,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Register a model with card, metrics, tags and signature in MLflow's registry."""
    from foretaste.core.workspace import Workspace
    from foretaste.models.mlflow_export import Registry
    from foretaste.views.models import export_model, plan_export

    opened = Workspace.open(workspace)
    plan = plan_export(opened, model, Registry(to, name, artifacts))
    content = {
        "registry": registry,
        "model": plan.card.digest,
        "name": name,
        "tags": plan.tags,
        "public_key": plan.public_key,
        "dry_run": dry_run,
    }
    if dry_run:
        Printer(as_json).data(content, plan.describe())
        return
    done = export_model(opened, plan)
    said = "registered as" if done.new else "tags brought up to date on"
    lines = [
        f"model {plan.card.digest[:12]}: {said} {done.name} version {done.version}",
        f"public key {plan.public_key}",
    ]
    Printer(as_json).data(content | {"version": done.version, "new": done.new}, lines)

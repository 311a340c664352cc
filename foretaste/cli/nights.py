"""Commands that run nights: run, stage."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from foretaste.cli.output import (
    HERE,
    AsOfOption,
    DryRunOption,
    JsonOption,
    Printer,
    WorkspaceOption,
    note,
)

STAGES = ("sanitize", "train", "evaluate")


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    for command in (run, stage):
        app.command()(command)


def run(
    workspace: WorkspaceOption = HERE,
    as_of: AsOfOption = None,
    reviews_only: Annotated[
        bool, typer.Option("--reviews-only", help="Apply decisions; leave what landed.")
    ] = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Run a night: everything that landed becomes verdicts, a release and a candidate."""
    from foretaste.cli.progress import progress

    note("foretaste: starting Prefect; without PREFECT_API_URL a temporary API, up to a minute")
    from flows.nightly import nightly
    from flows.review import review

    flow = review if reviews_only else nightly
    with progress():
        outcome: Any = flow(str(workspace), as_of=as_of, dry_run=dry_run)
    Printer(as_json).data(outcome, outcome_lines(outcome))
    raise typer.Exit(int(outcome["exit_code"]))


def stage(
    name: Annotated[str, typer.Argument(help="sanitize, train or evaluate.")],
    workspace: WorkspaceOption = HERE,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Compute one DVC stage over the workspace's fixed paths; `dvc repro` calls this."""
    from foretaste.core.errors import ContractError
    from foretaste.steps.stages import run_stage

    if name not in STAGES:
        raise ContractError(f"no stage '{name}'", hint=f"one of {', '.join(STAGES)}")
    if dry_run:
        printer = Printer(as_json)
        printer.data({"would_write": f"data/night/{name}"}, [f"would write data/night/{name}"])
        return
    rows = run_stage(workspace, name)
    Printer(as_json).data({"stage": name, "rows": rows}, [f"{name}: {dict(rows)}"])


def outcome_lines(outcome: dict[str, Any]) -> list[str]:
    """Tell a night's outcome in a few lines."""
    lines = [f"night {outcome['night']}: {outcome['state']}"]
    account = outcome.get("account")
    if account:
        parts = ", ".join(f"{account[k]} {k}" for k in account if k != "rows_in")
        lines.append(f"rows: {account['rows_in']} in = {parts}")
    lines += [f"  {reason}" for reason in outcome.get("reasons", [])]
    lines += [f"  warning: {warning}" for warning in outcome.get("warnings", [])]
    for key in ("release", "model", "cases", "report"):
        if outcome.get(key):
            lines.append(f"{key}: {outcome[key]}")
    return lines

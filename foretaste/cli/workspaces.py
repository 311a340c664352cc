"""Commands about the workspace itself: init, land, status, doctor, demo."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated, Any

import typer

from foretaste.cli.output import (
    HERE,
    DryRunOption,
    JsonOption,
    Printer,
    WorkspaceOption,
    note,
    print_marked,
)
from foretaste.core.errors import ContractError

CHECKOUT = Path(__file__).resolve().parents[2]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    for command in (init, land, status, doctor, demo):
        app.command()(command)


def init(
    folder: Annotated[Path, typer.Argument(help="Folder to make the workspace in.")],
    remote: Annotated[
        str | None, typer.Option(help="DVC remote URL; else a folder beside the workspace.")
    ] = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make a workspace: a git and DVC repository of its own."""
    from foretaste.core.workspace import init_workspace

    printer = Printer(as_json)
    if dry_run:
        printer.data({"would_make": str(folder)}, [f"would make a workspace in {folder}"])
        return
    workspace = init_workspace(folder, template=CHECKOUT, remote=remote)
    printer.data(
        {"workspace": str(workspace.layout.root), "id": workspace.id},
        [
            f"made workspace {workspace.id} in {workspace.layout.root}",
            f"next: map your columns in {workspace.layout.params}, then `foretaste land FILE`",
        ],
    )


def land(
    files: Annotated[list[Path], typer.Argument(help="Files to copy into landing.")],
    workspace: WorkspaceOption = HERE,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Copy files into the landing folder; the next run takes them in."""
    from foretaste.core.workspace import Workspace

    layout = Workspace.open(workspace).layout
    for file in files:
        if not file.is_file():
            raise ContractError("no such file", location=str(file))
        if (layout.landing / file.name).exists():
            raise ContractError(
                "a file of that name has landed already", location=file.name, hint="rename it"
            )
    for file in [] if dry_run else files:
        draft = layout.landing / f".{file.name}.tmp"
        layout.landing.mkdir(exist_ok=True)
        shutil.copyfile(file, draft)
        draft.rename(layout.landing / file.name)
    verb = "would land" if dry_run else "landed"
    Printer(as_json).data(
        {"landed": [] if dry_run else [f.name for f in files]}, [f"{verb} {f.name}" for f in files]
    )


def status(workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """Say in one screen what the last night did and what waits for a person."""
    from foretaste.views.status import describe

    content, lines = describe(workspace)
    if as_json:
        Printer(as_json).data(content)
        return
    print_marked((line, line in content["alarms"]) for line in lines)


def doctor(workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """Check what a night needs: tools, key, remote, schedule."""
    from foretaste.views.doctor import examine

    checks = examine(workspace)
    rows: list[dict[str, Any]] = [
        {"check": c.name, "state": c.state, "found": c.found, "hint": c.hint} for c in checks
    ]
    Printer(as_json).table("checks", ["check", "state", "found", "hint"], rows)
    if any(c.state == "fail" for c in checks):
        raise typer.Exit(1)


def demo(
    workspace: WorkspaceOption = Path("workspace"),
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make a workspace with the shipped sample and run three nights on it."""
    if dry_run:
        printer = Printer(as_json)
        printer.data({"would_make": str(workspace)}, [f"would make {workspace} anew, three nights"])
        return
    from foretaste.cli.demonstration import demonstrate

    note("foretaste: three nights on real mail with planted campaigns; some minutes")
    content, lines = demonstrate(workspace, CHECKOUT)
    Printer(as_json).data(content, lines)

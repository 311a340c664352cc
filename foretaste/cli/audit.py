"""The command about the audit log: audit."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from foretaste.cli.output import HERE, JsonOption, Printer, WorkspaceOption
from foretaste.core.errors import Tampered

if TYPE_CHECKING:
    from foretaste.core.ledger import Ledger
    from foretaste.core.workspace import Workspace


class Action(StrEnum):
    """What to do with the log."""

    VERIFY = "verify"
    LIST = "list"
    EXPORT = "export"


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(audit)


def audit(
    action: Annotated[
        Action, typer.Argument(help="verify checks it; export prints all of it as CSV.")
    ],
    actor: Annotated[str | None, typer.Option(help="Only what this one did.")] = None,
    what: Annotated[
        str | None, typer.Option("--action", help='Only this, e.g. "decided" or "role set".')
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Entries that list shows.")] = 50,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Read the audit log, the newest entry first; or check that nobody changed it."""
    from foretaste.core.workspace import Workspace
    from foretaste.views import audit as views

    opened, printer = Workspace.open(workspace), Printer(as_json)
    with opened.ledger() as ledger:
        if action is Action.VERIFY:
            _verify(opened, ledger, printer)
        elif action is Action.LIST:
            found = ledger.audit_entries(limit=limit, actor=actor, action=what)
            printer.table("entries", views.COLUMNS, [views.entry(one) for one in found])
        else:
            entries = views.everything(ledger, actor=actor, action=what)
            if as_json:
                printer.data({"entries": list(entries)})
            else:
                printer.data({}, (line.rstrip("\r\n") for line in views.as_csv(entries)))


def _verify(workspace: Workspace, ledger: Ledger, printer: Printer) -> None:
    from foretaste.views import audit as views

    found = views.check(workspace, ledger)
    if not found.whole:
        raise Tampered(f"the audit log: {found.words()}", hint="restore the ledger from a backup")
    content = {"entries": found.entries, "anchors": found.anchors, "whole": True}
    printer.data(content, [found.words()])

"""The command about people at the desk: users."""

from __future__ import annotations

import sys
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

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
from foretaste.core.errors import ContractError

if TYPE_CHECKING:
    from foretaste.core.ledger import Ledger


class Action(StrEnum):
    """What to do."""

    LIST = "list"
    ADD = "add"
    ROLE = "role"
    PASSWORD = "password"  # noqa: S105 a verb
    ACCOUNTS = "accounts"
    DISABLE = "disable"
    ENABLE = "enable"


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(users)


def users(
    action: Annotated[Action, typer.Argument(help="list shows everybody.")],
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="Whom.")] = "",
    role: Annotated[str, typer.Option(help="viewer, reviewer, lead or admin.")] = "",
    subject: Annotated[
        str, typer.Option(help="What the identity provider calls them; then no password is asked.")
    ] = "",
    account: Annotated[
        list[str] | None,
        typer.Option(help="Their own account as a contributor: they judge no case with it."),
    ] = None,
    by: ByOption = None,
    workspace: WorkspaceOption = HERE,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Add, change or list those who may use the desk; passwords are asked, or read from stdin."""
    from foretaste.core.workspace import Workspace
    from foretaste.steps.session import moment
    from foretaste.views import people
    from foretaste.views.review import reviewer

    opened, printer = Workspace.open(workspace), Printer(as_json)
    with opened.ledger() as ledger:
        if action is Action.LIST:
            printer.table("users", people.COLUMNS, people.listed(ledger))
            return
        if not name:
            raise ContractError("say whom", location=f"users {action}", hint="give a NAME")
        what: dict[str, Any] = {"by": reviewer(by), "at": moment(as_of)}
        accounts = people.own_accounts(opened.key, account or ())
        step = _step(ledger, action, name, role, subject, accounts, what)
        if not dry_run:
            step()
        found = ledger.user(name)
    content = {"user": people.described(found) if found else None, "dry_run": dry_run}
    printer.data(content, [f"{'would do' if dry_run else 'done'}: {action} {name}"])


def _step(
    ledger: Ledger,
    action: Action,
    name: str,
    role: str,
    subject: str,
    accounts: tuple[str, ...],
    what: dict[str, Any],
) -> Callable[[], object]:
    """Give what is to be done, checked as far as it can be without doing it."""
    from foretaste.views.people import role_named

    if action is Action.ADD:
        as_what = role_named(role or "reviewer")
        hashed = None if subject else _hashed(name)
        return lambda: ledger.add_user(
            name,
            as_what,
            password_hash=hashed,
            subject=subject or None,
            accounts=accounts,
            **what,
        )
    if action is Action.ROLE:
        as_what = role_named(role)
        return lambda: ledger.set_role(name, as_what, **what)
    if action is Action.PASSWORD:
        fresh = _hashed(name)
        return lambda: ledger.set_password(name, fresh, **what)
    if action is Action.ACCOUNTS:
        return lambda: ledger.set_accounts(name, accounts, **what)
    change = ledger.disable_user if action is Action.DISABLE else ledger.enable_user
    return lambda: change(name, **what)


def _hashed(name: str) -> str:
    """Ask for a password; never by argument, where every user of the machine reads it."""
    from foretaste.review.auth.passwords import Passwords

    if sys.stdin.isatty():
        given = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        given = sys.stdin.readline().rstrip("\r\n")
    return Passwords().hash(str(given), name=name)

"""The command about rules that people write: rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
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
    from foretaste.core.ledger import Ledger, Rule
    from foretaste.core.workspace import Workspace
    from foretaste.views.rules import Draft


class Action(StrEnum):
    """What to do."""

    LIST = "list"
    SHOW = "show"
    ADD = "add"
    TEST = "test"
    ON = "on"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class _Asked:
    workspace: Workspace
    ledger: Ledger
    name: str
    by: str
    at: datetime


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(rules)


def rules(
    action: Annotated[Action, typer.Argument(help="add writes or changes one; test tries it.")],
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="Which.")] = "",
    where: Annotated[str, typer.Option(help="Condition in SQL, as behind WHERE.")] = "",
    holds: Annotated[
        bool,
        typer.Option("--hold/--evidence", help="Hold what it hits for a person, or add evidence."),
    ] = True,
    llr: Annotated[float, typer.Option(help="Nats that evidence adds; negative: honest.")] = 0.0,
    days: Annotated[float, typer.Option(help="Days from now until it stops by itself.")] = 30.0,
    note: Annotated[str, typer.Option(help="Why there is such a rule.")] = "",
    by: ByOption = None,
    workspace: WorkspaceOption = HERE,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write rules, try them on past nights, and switch them on and off."""
    from foretaste.core.workspace import Workspace
    from foretaste.steps.session import moment
    from foretaste.views import rules as views
    from foretaste.views.review import reviewer

    opened, printer, at = Workspace.open(workspace), Printer(as_json), moment(as_of)
    with opened.ledger() as ledger:
        if action is Action.LIST:
            printer.table("rules", views.COLUMNS, views.listed(ledger, at))
            return
        if not name:
            raise ContractError("say which", location=f"rules {action}", hint="give a NAME")
        asked = _Asked(opened, ledger, name, reviewer(by), at)
        kind = "hold" if holds else "evidence"
        draft = views.Draft(name, where, kind, llr, days, note, _version(ledger, name))
        if dry_run and action is Action.ADD:
            views.checked(ledger, opened.policy, draft, by=asked.by, at=at)
        elif action is not Action.SHOW and not dry_run:
            _steps(asked, draft)[action]()
        rule = ledger.rule(name) if dry_run else views.find(ledger, name)
    _print(printer, rule, at, f"{action} {name}", dry_run)


def _version(ledger: Ledger, name: str) -> int:
    rule = ledger.rule(name)
    return 0 if rule is None else rule.version


def _steps(asked: _Asked, draft: Draft) -> dict[Action, Callable[[], object]]:
    """Give what each action does."""
    from foretaste.views import rules as views

    ledger, policy = asked.ledger, asked.workspace.policy
    by: dict[str, Any] = {"by": asked.by, "at": asked.at}
    this: dict[str, Any] = {"version": draft.version, **by}
    return {
        Action.ADD: lambda: views.save(ledger, policy, draft, **by),
        Action.TEST: lambda: views.try_out(asked.workspace, ledger, asked.name, **this),
        Action.ON: lambda: views.switch(ledger, policy, asked.name, True, **this),
        Action.OFF: lambda: views.switch(ledger, policy, asked.name, False, **this),
    }


def _print(printer: Printer, rule: Rule | None, at: datetime, done: str, dry_run: bool) -> None:
    from foretaste.views.rules import state_of

    content = {"rule": {**asdict(rule), "state": state_of(rule, at)} if rule else None}
    lines = [f"would do: {done}"] if dry_run else _lines(rule, at) if rule else []
    printer.data({**content, "dry_run": dry_run}, lines)


def _lines(rule: Rule, at: datetime) -> list[str]:
    """Tell of a rule and its trial."""
    from foretaste.views.rules import state_of

    worth = f" {rule.llr:+g} nats" if rule.action == "evidence" else ""
    head = [
        f"rule {rule.name}: {state_of(rule, at)}, {rule.action}{worth}, version {rule.version}",
        f"  where {rule.where}",
        f"  by {rule.owner}, until {rule.expires:%Y-%m-%d %H:%M} UTC",
    ]
    if rule.note:
        head.append(f"  {rule.note}")
    if not rule.tested:
        return [*head, f"  not tried in this version: `foretaste rules test {rule.name}`"]
    total = rule.tested["total"]
    return [*head, f"  all nights: {_counts(total)}", *_nights(rule), *_overlaps(rule)]


def _nights(rule: Rule) -> list[str]:
    return [f"  {one['night']}: {_counts(one)}" for one in rule.tested["nights"]]


def _overlaps(rule: Rule) -> list[str]:
    return [
        f"  {one['jaccard']:.0%} the same rows as {one['detector']} ({one['both']:,} of both)"
        for one in rule.tested["overlap"][:5]
    ]


def _counts(one: dict[str, Any]) -> str:
    return (
        f"{one['hits']:,} of {one['rows']:,} rows hit, {one['held']:,} kept out anyway,"
        f" {one['honest']:,} honest, {one['poison']:,} confirmed poison"
    )

"""Commands for people who judge: cases, decide, undo."""

from __future__ import annotations

from pathlib import Path
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
    note,
)

_EXPORT, _IMPORT = "export", "import"


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    for command in (cases, decide, undo):
        app.command()(command)


def cases(
    case: Annotated[
        str | None,
        typer.Argument(
            metavar="[CASE|export|import]", help="Show this case; or write or read a file."
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="For export and import.")
    ] = None,
    state: Annotated[
        str,
        typer.Option(help="waiting, open, assigned, second, disputed, decided, expired or all."),
    ] = "waiting",
    kind: Annotated[str, typer.Option(help="campaign, rule, target, copies, held ...")] = "",
    detector: Annotated[str, typer.Option(help="Who spoke against its rows.")] = "",
    contributor: Annotated[str, typer.Option(help="Pseudonym of one of its contributors.")] = "",
    subnet: Annotated[str, typer.Option(help="Pseudonym of one of its subnets.")] = "",
    label: Annotated[str, typer.Option(help="Label of one of its rows.")] = "",
    night: Annotated[str, typer.Option(help="The night that opened it.")] = "",
    assignee: Annotated[str, typer.Option(help="Who works on it.")] = "",
    text: Annotated[str, typer.Option(help="Words of its title, ids, labels or texts.")] = "",
    order: Annotated[
        str, typer.Option(help="influence, newest, size, disagreement or random.")
    ] = "influence",
    page: Annotated[int, typer.Option(min=1, help="Which page of the list.")] = 1,
    per: Annotated[int, typer.Option(min=1, max=1000, help="Cases on a page.")] = 50,
    form: Annotated[
        str | None, typer.Option("--format", help="For export: csv, parquet or jsonl.")
    ] = None,
    rows: Annotated[
        bool, typer.Option("--rows", help="For export: a line per row, not per case.")
    ] = False,
    content: Annotated[
        bool, typer.Option("--content", help="For export of rows: texts and features too.")
    ] = False,
    by: ByOption = None,
    workspace: WorkspaceOption = HERE,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """List cases, the most influence per minute first; show one; export them, import decisions."""
    from foretaste.core.workspace import Workspace
    from foretaste.steps.session import moment
    from foretaste.views import exchange
    from foretaste.views.review import CASE_COLUMNS, asked, list_cases, reviewer, show_case

    opened, printer = Workspace.open(workspace), Printer(as_json)
    if case == _IMPORT:
        printer.data(
            *exchange.import_decisions(
                opened, _given(file), by=reviewer(by), at=moment(as_of), dry_run=dry_run
            )
        )
        return
    if case not in (None, _EXPORT):
        printer.data(*show_case(opened, str(case)))
        return
    query = asked(
        state,
        order,
        page,
        per,
        kind=kind,
        detector=detector,
        contributor=contributor,
        subnet=subnet,
        label=label,
        night=night,
        assignee=assignee,
        text=text,
        day=f"{moment(as_of):%Y-%m-%d}",
    )
    if case == _EXPORT:
        path = _given(file)
        chosen = form or path.suffix.removeprefix(".")
        printer.data(*exchange.export(opened, query, path, chosen, rows=rows, text=content))
        return
    found = list_cases(opened, query)
    if as_json:
        printer.data(found)
        return
    printer.table("cases", CASE_COLUMNS, found["cases"])
    if found["pages"] > 1:
        note(f"page {found['page']} of {found['pages']}, {found['total']} cases; --page goes on")


def decide(
    case: Annotated[str, typer.Argument(metavar="CASE", help="Id of the case.")],
    decision: Annotated[
        str,
        typer.Argument(help="poison, release, apart, downweight, relabel or escalate."),
    ],
    row: Annotated[
        str | None, typer.Option("--row", help="Only this row; the case stays open.")
    ] = None,
    contributor: Annotated[
        str | None,
        typer.Option("--contributor", help="Only this contributor's rows; the case stays open."),
    ] = None,
    label: Annotated[str | None, typer.Option("--label", help="For relabel: what it is.")] = None,
    reason: Annotated[str, typer.Option(help="A short code, for statistics.")] = "reviewed",
    note: Annotated[str, typer.Option(help="Free words for other reviewers.")] = "",
    by: ByOption = None,
    workspace: WorkspaceOption = HERE,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Decide a case, a row or a contributor of it; the next night applies the decision.

    It counts as one person's opinion: where a case needs two, another must say the same.
    """
    from foretaste.core.workspace import Workspace
    from foretaste.steps.session import moment
    from foretaste.views import review

    content, lines = review.decide(
        Workspace.open(workspace),
        case,
        review.Opinion(decision, reason, note, row, contributor, label),
        by=review.reviewer(by),
        at=moment(as_of),
        dry_run=dry_run,
    )
    Printer(as_json).data(content, lines)


def undo(
    number: Annotated[int, typer.Argument(help="Number of the decision.")],
    opinion: Annotated[
        bool, typer.Option("--opinion", help="The number is an opinion's, without a decision yet.")
    ] = False,
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
        opinion=opinion,
        by=review.reviewer(by),
        at=moment(as_of),
        dry_run=dry_run,
    )
    Printer(as_json).data(content, lines)


def _given(file: Path | None) -> Path:
    from foretaste.core.errors import ContractError

    if file is None:
        raise ContractError("name a file", hint="`foretaste cases export FILE.csv`")
    return file

"""Cases out to a file and decisions in from one, as a person asks for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from foretaste.core.errors import ContractError, ForetasteError, WorkspaceError
from foretaste.core.ledger import Ledger, Query, Role
from foretaste.core.workspace import Workspace
from foretaste.steps.exchange import Told, export_cases, read_told
from foretaste.views.review import Opinion, checked, give, refuse, role_of, size_of


def export(
    workspace: Workspace, query: Query, path: Path, form: str, *, rows: bool, text: bool
) -> tuple[dict[str, Any], list[str]]:
    """Write cases, or their rows, to a file."""
    with workspace.ledger() as ledger:
        lines = export_cases(ledger, query, path, form, rows=rows, text=text)
    return {"file": str(path), "format": form, "lines": lines}, [f"{lines} lines in {path}"]


def import_decisions(
    workspace: Workspace, path: Path, *, by: str, at: datetime, dry_run: bool
) -> tuple[dict[str, Any], list[str]]:
    """Write down the decisions of a file; those that stand already are left alone.

    Every line is checked before the first is written down. A line that is refused then,
    because somebody was faster, is told with its place, and the others are written.

    Raises
    ------
    ContractError
        If a line cannot be: the message names file and line.
    """
    told = read_told(path)
    with workspace.ledger() as ledger:
        role = role_of(ledger, by)
        fresh = [one for one in told if not _stands(ledger, one, by)]
        for one in fresh:
            _check(ledger, one, by, role, at)
        refused = [] if dry_run else list(_write(ledger, fresh, by, role, at))
    content = {
        "file": str(path),
        "decisions": len(told),
        "known": len(told) - len(fresh),
        "written": 0 if dry_run else len(fresh) - len(refused),
        "refused": refused,
        "dry_run": dry_run,
    }
    verb = "would be written" if dry_run else "written"
    n = len(fresh) - len(refused)
    return content, [f"{n} decisions {verb}, {content['known']} stand already", *refused]


def _stands(ledger: Ledger, one: Told, by: str) -> bool:
    """Say whether the same opinion of the same person stands."""
    try:
        said = ledger.votes(one.case_id)
    except WorkspaceError:
        return False
    same = (one.row_id, one.contributor_id)
    mine = [v for v in said if v.by == by and (v.row_id, v.contributor_id) == same]
    return bool(mine) and (mine[-1].judgement, mine[-1].label) == (one.judgement, one.label)


def _opinion(one: Told) -> Opinion:
    return Opinion(
        str(one.judgement), one.reason, one.note, one.row_id, one.contributor_id, one.label
    )


def _check(ledger: Ledger, one: Told, by: str, role: Role, at: datetime) -> None:
    try:
        chosen = checked(_opinion(one))
        case = ledger.case(one.case_id)
        size_of(ledger, case, _opinion(one))
        refuse(ledger, case, chosen, by, role, at)
    except ForetasteError as error:
        raise ContractError(error.message, location=one.where, hint=error.hint) from None


def _write(
    ledger: Ledger, fresh: Sequence[Told], by: str, role: Role, at: datetime
) -> Iterator[str]:
    """Write decisions down, rows before contributors before cases; tell what is refused."""
    for one in sorted(fresh, key=_breadth):
        try:
            give(ledger, one.case_id, _opinion(one), one.judgement, by, role, at)
        except WorkspaceError as error:
            yield f"{one.where}: {error.message}"


def _breadth(one: Told) -> int:
    # A decision about the whole case closes it: what is said of its parts comes before.
    return 0 if one.row_id else 1 if one.contributor_id else 2

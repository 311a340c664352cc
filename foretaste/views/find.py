"""Finding what a person asks about: a row or a contributor, by any id of theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyarrow.compute as pc

from foretaste.core.errors import WorkspaceError
from foretaste.core.workspace import Workspace
from foretaste.views.nights import Judged, judged_nights

_IDS: Final = ["row_id", "contribution_id", "contributor_id"]
_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Row:
    """A row, and the night that judged it; ``contributor_id`` is None for a malformed one."""

    row_id: str
    contributor_id: str | None
    judged: Judged


@dataclass(frozen=True, slots=True)
class Contributor:
    """A contributor by pseudonym, and the nights in which rows of theirs were judged."""

    contributor_id: str
    nights: tuple[Judged, ...]


def find(workspace: Workspace, wanted: str) -> Row | Contributor:
    """Find a row id, a contributor (raw id or pseudonym) or a contribution id, in that order.

    Raises
    ------
    WorkspaceError
        If there is nothing, or several contributors used that contribution id. The
        message never repeats what was asked: it may be a person's raw id.
    """
    wanted = wanted.strip()
    pseudonym = workspace.key.pseudonym("contributor", wanted)
    ours, theirs = [], []
    nights: dict[str, list[Judged]] = {}
    for judged in judged_nights(workspace):
        for row_id, contribution_id, contributor_id in _matches(judged, wanted, pseudonym):
            if row_id == wanted:
                return Row(row_id, contributor_id, judged)
            if contributor_id in (wanted, pseudonym):
                where = nights.setdefault(contributor_id, [])
                where += [] if judged in where[-1:] else [judged]
            elif contribution_id == wanted:
                theirs.append(Row(row_id, contributor_id, judged))
        if _is_reject(judged, wanted):
            ours.append(Row(wanted, None, judged))
    if nights:
        contributor_id, where = next(iter(nights.items()))
        return Contributor(contributor_id, tuple(where))
    return _only([*ours, *theirs])


def _matches(judged: Judged, wanted: str, pseudonym: str) -> list[tuple[str, str, str]]:
    same = (
        (pc.field("row_id") == wanted)
        | (pc.field("contribution_id") == wanted)
        | pc.field("contributor_id").isin([wanted, pseudonym])
    )
    found = judged.arrivals("contributions.parquet", same, _IDS)
    return list(zip(*(found[name].to_pylist() for name in _IDS), strict=True))


def _is_reject(judged: Judged, wanted: str) -> bool:
    if not wanted.startswith("reject:"):
        return False
    same = pc.field("row_id") == wanted
    return bool(judged.arrivals("rejects.parquet", same, ["row_id"]).num_rows)


def _only(found: list[Row]) -> Row:
    names = list(dict.fromkeys(row.row_id for row in found))
    if not names:
        raise WorkspaceError(
            "no row and no contributor has that id",
            hint="give a row id, a contribution id, a contributor's id or its pseudonym; "
            "rows that landed are known after the next `foretaste run`",
        )
    if len(names) > 1:
        raise WorkspaceError(
            f"{len(names)} rows carry that contribution id, from different contributors",
            hint="ask by row id: " + ", ".join(names[:_NAMED]),
        )
    return found[0]

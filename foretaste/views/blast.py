"""Blast radius: who consumed somebody's rows, and what a purge of them would do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from foretaste.core.errors import ContractError, WorkspaceError
from foretaste.core.layout import partition_nights
from foretaste.core.marks import blocked, marks, purges
from foretaste.core.release import releases
from foretaste.core.workspace import Workspace
from foretaste.steps.consumed import Subject, Use, Uses, uses_of
from foretaste.steps.purge import rows_of
from foretaste.views.find import Row, find

RELEASE_COLUMNS: Final = ("release", "night", "rows", "weight", "share", "marks")
MODEL_COLUMNS: Final = ("model", "release", "rows", "weight", "share", "champion")


@dataclass(frozen=True, slots=True)
class PurgePlan:
    """What a purge would take out, and what it would mark.

    Parameters
    ----------
    contributors
        Pseudonyms, sorted.
    rows
        Rows of theirs that came in, whatever became of them.
    uses
        Releases and models that consumed some.
    done
        The release that purged them all before; None where there is something to do.
    """

    contributors: tuple[str, ...]
    rows: int
    uses: Uses
    done: int | None

    def describe(self) -> list[str]:
        """Tell the plan in plain lines."""
        if self.done is not None:
            return [f"no row of theirs is left: release {self.done} purged them"]
        return [
            f"remove {self.rows} rows of {len(self.contributors)} contributors from every night",
            "hold what they send again",
            *(f"mark release {use.release}: {_used(use)}" for use in self.uses.releases),
            *(f"model {use.model[:12]} learnt from {_used(use)}" for use in self.uses.models),
            "make a release without them, train on it, ask every gate",
        ]


def blast(workspace: Workspace, wanted: str) -> dict[str, Any]:
    """List every release and model that consumed rows of a contributor, a case or a row."""
    subject = find_subject(workspace, wanted)
    uses = uses_of(workspace, subject)
    known = releases(workspace)
    with workspace.ledger() as ledger:
        history = ledger.champion_history(10_000)
    serving = history[0].model if history else None
    served = {one.model for one in history}
    return {
        "contributors": sorted(subject.contributors),
        "rows": sorted(subject.rows),
        "releases": [
            _line(use) | {"marks": "; ".join(marks(known, use.release))} for use in uses.releases
        ],
        "models": [
            _line(use)
            | {"champion": "serves" if use.model == serving else "was" * (use.model in served)}
            for use in uses.models
        ],
    }


def find_subject(workspace: Workspace, wanted: str) -> Subject:
    """Find what a person asks about: a case, a row, or a contributor, purged ones too.

    Raises
    ------
    WorkspaceError
        If there is no such thing; the message never repeats what was asked.
    """
    wanted = wanted.strip()
    with workspace.ledger() as ledger:
        if rows := ledger.case_rows(wanted):
            return Subject(rows=frozenset(rows))
    gone = {wanted, workspace.key.pseudonym("contributor", wanted)} & blocked(releases(workspace))
    if gone:
        return Subject(contributors=frozenset(gone))
    found = find(workspace, wanted)
    if isinstance(found, Row):
        return Subject(rows=frozenset({found.row_id}))
    return Subject(contributors=frozenset({found.contributor_id}))


def plan_purge(workspace: Workspace, wanted: Sequence[str], cases: Sequence[str]) -> PurgePlan:
    """Plan to take out contributors, and those whose rows make up cases.

    Raises
    ------
    ContractError
        If nobody is named, or a row is.
    WorkspaceError
        If there is no such contributor or case.
    """
    people: set[str] = set()
    for one in wanted:
        subject = find_subject(workspace, one)
        if subject.rows:
            raise ContractError(
                "a purge takes out whole contributors, not single rows",
                hint="`foretaste explain ROW` names the contributor; `--case ID` takes a case",
            )
        people |= subject.contributors
    for case in cases:
        people |= _owners(workspace, case)
    if not people:
        raise ContractError("name a contributor, or a case with --case")
    contributors = frozenset(people)
    rows = len(rows_of(workspace.layout, contributors))
    uses = uses_of(workspace, Subject(contributors))
    return PurgePlan(tuple(sorted(people)), rows, uses, _done(workspace, contributors, rows))


def _done(workspace: Workspace, contributors: frozenset[str], rows: int) -> int | None:
    if rows:
        return None
    before = [one for one in purges(releases(workspace)) if contributors & set(one.contributors)]
    return before[-1].release if before else None


def _owners(workspace: Workspace, case: str) -> set[str]:
    with workspace.ledger() as ledger:
        ledger.case(case)
        rows = ledger.case_rows(case)
    folder = workspace.layout.contributions
    paths = [
        folder / f"night={night}" / "contributions.parquet" for night in partition_nights(folder)
    ]
    mine = pc.field("row_id").isin(pa.array(rows, pa.string()))
    found = pq.read_table(paths, columns=["contributor_id"], filters=mine, partitioning=None)
    if not found.num_rows:
        raise WorkspaceError(
            f"no row of case {case} is left", hint="its contributors were purged before"
        )
    return set(found["contributor_id"].to_pylist())


def _line(use: Use) -> dict[str, Any]:
    return asdict(use) | {"share": use.share}


def _used(use: Use) -> str:
    return f"{use.rows} rows, {use.share:.2%} of the weight"

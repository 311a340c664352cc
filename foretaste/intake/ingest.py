"""From landed files to contributions, losing nothing."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatch

import pyarrow as pa
import pyarrow.compute as pc

from foretaste.core.contract import REJECT_SCHEMA, VISIT_SCHEMA
from foretaste.core.keys import WorkspaceKey
from foretaste.core.policy import Policy
from foretaste.intake.account import FileReport, balance, report_files
from foretaste.intake.drafts import Desk, duplicates_as_rejects
from foretaste.intake.identity import settle
from foretaste.intake.ids import check_pattern
from foretaste.intake.known import KnownRows
from foretaste.intake.originals import OriginalStore
from foretaste.intake.reading import Reading, read_contributions, read_visits
from foretaste.intake.rules import excess_labels
from foretaste.intake.sources import SourceFile
from foretaste.intake.times import check_zone

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Intake:
    """What a night took in.

    Parameters
    ----------
    contributions
        Rows of the contract, sorted by ``row_id``.
    visits
        Visits, sorted; empty where the policy has no pattern for their files.
    rejects
        Rows that never became contributions, sorted by file and row.
    visit_rejects
        The same for visits, which are no contributions and stay outside their account.
    files
        A report per landed file, contributions before visits.
    rows_in
        Rows of contribution files; always contributions + rejects.
    codes
        Code to rows over all files.
    """

    contributions: pa.Table
    visits: pa.Table
    rejects: pa.Table
    visit_rejects: pa.Table
    files: tuple[FileReport, ...]
    rows_in: int
    codes: dict[str, int]


def ingest(
    files: Sequence[SourceFile],
    policy: Policy,
    key: WorkspaceKey,
    *,
    as_of: datetime,
    night: str,
    known: KnownRows,
    originals: OriginalStore | None,
) -> Intake:
    """Take in files: every row becomes a contribution or a reject with a code.

    Parameters
    ----------
    files
        What landed.
    policy
        Column mapping and rules.
    key
        Makes the pseudonyms.
    as_of
        The night's moment, aware UTC.
    night
        Name of the night, for the log.
    known
        What earlier nights have.
    originals
        Where the bytes of bad rows go; None keeps none.

    Raises
    ------
    ContractError
        If a required column is missing in every file.
    PolicyError
        If the policy's id pattern or time zone is none.
    IntegrityError
        If rows were lost or invented.
    """
    check_pattern(policy.ingest.id_pattern)
    check_zone(policy.ingest.time_zone)
    desk = Desk(policy, key, as_of, originals)
    pattern = policy.visits.pattern
    is_visit = {file: pattern is not None and fnmatch(file.name, pattern) for file in files}
    rows = read_contributions([file for file in files if not is_visit[file]], desk, known)
    seen = read_visits([file for file in files if is_visit[file]], desk, known)
    contributions, rejects = _settled(rows, desk, known)
    visit_rejects = _rejects(seen.rejects)
    reports = (
        *report_files(rows.tallies, contributions, rejects),
        *report_files(seen.tallies, seen.table(), visit_rejects),
    )
    rows_in = sum(tally.rows_in for tally in rows.tallies)
    balance(rows_in, contributions.num_rows, rejects.num_rows, "the night")
    codes = sum((Counter(report.codes) for report in reports), Counter())
    kept, refused = contributions.num_rows, rejects.num_rows
    log.info("night %s: %d rows in, %d kept, %d rejected", night, rows_in, kept, refused)
    return Intake(
        contributions=contributions,
        visits=_sorted_visits(seen),
        rejects=rejects,
        visit_rejects=visit_rejects,
        files=reports,
        rows_in=rows_in,
        codes=dict(sorted(codes.items())),
    )


def _settled(rows: Reading, desk: Desk, known: KnownRows) -> tuple[pa.Table, pa.Table]:
    """Tell copies and versions apart, hold labels beyond the limit, sort both tables."""
    settled = settle(rows.table(), known, desk.key)
    table = _hold_excess(settled.table, desk.policy)
    rejects = _rejects([*rows.rejects, duplicates_as_rejects(settled.duplicates)])
    return table.sort_by("row_id").combine_chunks().cast(desk.schema), rejects


def _hold_excess(table: pa.Table, policy: Policy) -> pa.Table:
    if policy.label.values is not None or policy.label.type == "numeric":
        return table
    excess = excess_labels(table["label"], table["contributor_id"], policy.label.max_classes)
    if not excess.any():
        return table
    held = pc.coalesce(table["held"], pc.if_else(pa.array(excess), "too_many_classes", None))
    return table.set_column(table.schema.get_field_index("held"), table.schema.field("held"), held)


def _sorted_visits(seen: Reading) -> pa.Table:
    visits = seen.table().select(VISIT_SCHEMA.names)
    return visits.sort_by([(name, "ascending") for name in VISIT_SCHEMA.names]).cast(VISIT_SCHEMA)


def _rejects(tables: Sequence[pa.Table]) -> pa.Table:
    table = pa.concat_tables([REJECT_SCHEMA.empty_table(), *tables])
    return table.sort_by([("source", "ascending"), ("source_row", "ascending")]).combine_chunks()

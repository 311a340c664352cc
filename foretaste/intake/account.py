"""The accounting of an intake: per file and in all, no row is lost or invented."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from foretaste.core.errors import IntegrityError

State = Literal["ingested", "known", "set_aside"]


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one landed file.

    Parameters
    ----------
    name, sha256
        The file.
    role
        ``contributions`` or ``visits``.
    state
        ``known``: taken in before, so no rows came in. ``set_aside``: not readable as a
        table of this contract, rows unknown.
    rows_in
        Rows read; always kept + rejected.
    kept
        Rows that became contributions (or visits).
    held
        Those among the kept that are quarantined.
    rejected
        Rows with a line in the rejects.
    codes
        Code to rows: rejections, holds and warnings (``extra_column`` counts columns); of a
        file set aside, why.
    message
        Why it was set aside, "" otherwise.
    """

    name: str
    sha256: str
    role: str
    state: State
    rows_in: int
    kept: int
    held: int
    rejected: int
    codes: dict[str, int]
    message: str


@dataclass(slots=True)
class Tally:
    """What is known of a file before duplicates are settled."""

    name: str
    sha256: str
    role: str
    state: State = "ingested"
    rows_in: int = 0
    warnings: Counter[str] | None = None
    message: str = ""

    def warn(self, code: str, count: int) -> None:
        """Count a warning."""
        self.warnings = self.warnings or Counter()
        if count:
            self.warnings[code] += count


def report_files(
    tallies: Sequence[Tally], kept: pa.Table, rejects: pa.Table
) -> tuple[FileReport, ...]:
    """Complete the reports of files of one role, and check each.

    Parameters
    ----------
    tallies
        What was read.
    kept
        Rows kept: ``source`` and ``held``.
    rejects
        Rows rejected: ``source`` and ``code``.

    Raises
    ------
    IntegrityError
        If a file's rows differ from those kept and rejected.
    """
    held, counts, refused = _counts(kept, "held"), _counts(kept), _counts(rejects, "code")
    reports = []
    for tally in tallies:
        mine = tally.state == "ingested"
        holds = held.get(tally.sha256, {}) if mine else {}
        codes = Counter(refused.get(tally.sha256, {}) if mine else {})
        rejected = sum(codes.values())
        codes.update(holds)
        codes.update(tally.warnings or {})
        reports.append(
            FileReport(
                name=tally.name,
                sha256=tally.sha256,
                role=tally.role,
                state=tally.state,
                rows_in=tally.rows_in,
                kept=counts.get(tally.sha256, {}).get("", 0) if mine else 0,
                held=sum(holds.values()),
                rejected=rejected,
                codes=dict(sorted(codes.items())),
                message=tally.message,
            )
        )
    for report in reports:
        balance(report.rows_in, report.kept, report.rejected, "a file")
    return tuple(reports)


def balance(rows_in: int, kept: int, rejected: int, of: str) -> None:
    """Stop the run unless every row that came in is kept or rejected.

    Raises
    ------
    IntegrityError
        If the sum is off.
    """
    if rows_in != kept + rejected:
        raise IntegrityError(
            f"{rows_in} rows of {of} came in, {kept} were kept and {rejected} rejected",
            hint="this is a fault in foretaste; keep the run folder and report it",
        )


def _counts(table: pa.Table, code: str | None = None) -> Mapping[str, Mapping[str, int]]:
    """Rows by source and, where given, by a code column; rows without a code are left out."""
    keys = ["source"] if code is None else ["source", code]
    counts: dict[str, dict[str, int]] = {}
    for row in table.group_by(keys).aggregate([([], "count_all")]).to_pylist():
        name = "" if code is None else row[code]
        if name is not None:
            counts.setdefault(row["source"], {})[name] = row["count_all"]
    return counts

"""Read the files of one role, setting aside whole what cannot be read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from foretaste.core.errors import ContractError
from foretaste.core.policy import Policy
from foretaste.intake.account import Tally
from foretaste.intake.drafts import (
    SOURCED_VISIT,
    Desk,
    Draft,
    Keep,
    keep_contributions,
    keep_visits,
)
from foretaste.intake.known import KnownRows
from foretaste.intake.problems import BadFile
from foretaste.intake.readers import Wanted, open_table
from foretaste.intake.rules import Judge, Judged
from foretaste.intake.sources import SourceFile
from foretaste.intake.spool import spool

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Role:
    """How files of one role are read.

    Parameters
    ----------
    name
        ``contributions`` or ``visits``.
    wanted
        Columns and limits.
    judge
        Applies the rules to a chunk.
    keep
        Turns good rows into a table.
    schema
        Schema of that table.
    """

    name: str
    wanted: Wanted
    judge: Callable[[Judge], Judged]
    keep: Keep
    schema: pa.Schema


@dataclass(slots=True)
class Reading:
    """What the files of one role gave.

    Parameters
    ----------
    schema
        Schema of the rows.
    tallies
        One per file, in order.
    tables, rejects
        Good rows and bad ones, by chunk.
    missing
        Files set aside for lack of columns: name to those columns.
    """

    schema: pa.Schema
    tallies: list[Tally] = field(default_factory=list)
    tables: list[pa.Table] = field(default_factory=list)
    rejects: list[pa.Table] = field(default_factory=list)
    missing: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def table(self) -> pa.Table:
        """All good rows, in the order read."""
        return pa.concat_tables([self.schema.empty_table(), *self.tables])


def read_contributions(files: Sequence[SourceFile], desk: Desk, known: KnownRows) -> Reading:
    """Read files of contributions.

    Raises
    ------
    ContractError
        If a required column is missing in every file.
    """
    names = desk.policy.columns
    optional = (
        names.contributed_at,
        names.item_id,
        names.text,
        names.ip,
        names.network_id,
        names.subnet_id,
        names.device,
        names.account_name,
        names.kind,
        names.tier,
        names.registered_at,
    )
    wanted = _wanted(
        desk.policy,
        (names.contribution_id, names.contributor_id, names.label, *names.features),
        (*(name for name in optional if name is not None), *names.attributes),
        names.contributed_at,
    )
    return _read(
        files,
        desk,
        known,
        Role("contributions", wanted, Judge.contributions, keep_contributions, desk.schema),
    )


def read_visits(files: Sequence[SourceFile], desk: Desk, known: KnownRows) -> Reading:
    """Read files of visits.

    Raises
    ------
    ContractError
        If a required column is missing in every file.
    """
    names = desk.policy.visits
    wanted = _wanted(desk.policy, (names.contributor_id, names.item_id, names.visited_at), (), None)
    return _read(
        files, desk, known, Role("visits", wanted, Judge.visits, keep_visits, SOURCED_VISIT)
    )


def _wanted(
    policy: Policy,
    required: tuple[str, ...],
    optional: tuple[str, ...],
    time: str | None,
) -> Wanted:
    limits = policy.ingest
    return Wanted(
        required=required,
        optional=optional,
        time=time,
        allow_extra=limits.allow_extra_columns,
        max_rows=limits.max_rows,
        max_text_chars=limits.max_text_chars,
        max_bytes=int(limits.max_file_mb * (1 << 20)),
    )


def _read(files: Sequence[SourceFile], desk: Desk, known: KnownRows, role: Role) -> Reading:
    reading = Reading(role.schema)
    taken = set(known.files)
    for file in files:
        tally = Tally(file.name, file.sha256, role.name)
        reading.tallies.append(tally)
        if file.sha256 in taken:
            tally.state, tally.message = "known", "the same bytes were taken in before"
            continue
        try:
            _read_one(file, desk, role, reading, tally)
            taken.add(file.sha256)
        except BadFile as bad:
            tally.state, tally.message = "set_aside", bad.message
            tally.warnings = None
            tally.warn(bad.code, 1)
            if bad.columns:
                reading.missing[file.name] = bad.columns
            log.warning("set aside: %s (%s)", ascii(file.name), bad.code)
    _check_contract(reading, role)
    return reading


def _read_one(file: SourceFile, desk: Desk, role: Role, reading: Reading, tally: Tally) -> None:
    draft = Draft(file.sha256)
    with spool(file, role.wanted.max_bytes) as spooled:
        table = open_table(spooled, role.wanted)
        for chunk in table.chunks:
            judge = Judge(chunk.columns, len(chunk.rows), desk.policy, table.textual)
            draft.take(chunk, role.judge(judge), desk, role.keep)
    tally.rows_in = draft.rows_in
    tally.warn("ip_junk", draft.junk)
    tally.warn("extra_column", len(table.extra))
    reading.tables += draft.tables
    reading.rejects += draft.rejects


def _check_contract(reading: Reading, role: Role) -> None:
    """Stop if no file has a required column: the mapping is wrong, not a file."""
    if not reading.missing or any(tally.state != "set_aside" for tally in reading.tallies):
        return
    for name in role.wanted.required:
        if all(name in columns for columns in reading.missing.values()):
            raise ContractError(
                f"no file has the column {name}",
                location=min(reading.missing),
                hint=f"map your column names under `{_section(role)}` in params.yaml",
            )


def _section(role: Role) -> str:
    return "visits" if role.name == "visits" else "columns"

"""One file's rows: judged, pseudonymised, and the bad ones written up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foretaste.core.contract import REJECT_SCHEMA, UTC_MICROS, VISIT_SCHEMA, contribution_schema
from foretaste.core.keys import WorkspaceKey
from foretaste.core.policy import Policy
from foretaste.intake.identity import row_digests, row_ids
from foretaste.intake.names import name_columns
from foretaste.intake.networks import networks_of, pseudonyms
from foretaste.intake.originals import OriginalStore
from foretaste.intake.problems import REJECTIONS, Mask
from foretaste.intake.readers import Chunk
from foretaste.intake.rules import Judged

SOURCED_VISIT = VISIT_SCHEMA.append(pa.field("source", pa.string())).append(
    pa.field("held", pa.string())
)
"""A visit with the file that it came in; ``held`` is always null."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What every file of the night is read with.

    Parameters
    ----------
    policy, key
        Rules and secrets.
    as_of
        The night's moment, aware; the only clock.
    originals
        Where original bytes of bad rows go; None keeps none.
    """

    policy: Policy
    key: WorkspaceKey
    as_of: datetime
    originals: OriginalStore | None

    @property
    def schema(self) -> pa.Schema:
        """Schema of the contributions."""
        return contribution_schema(self.policy.columns.features, self.policy.columns.attributes)


@dataclass(slots=True)
class Draft:
    """Rows of one file, before copies are settled.

    Parameters
    ----------
    source
        SHA-256 of the file.
    """

    source: str
    rows_in: int = 0
    junk: int = 0
    tables: list[pa.Table] = field(default_factory=list)
    rejects: list[pa.Table] = field(default_factory=list)

    def take(self, chunk: Chunk, judged: Judged, desk: Desk, keep: Keep) -> None:
        """Take a judged chunk: good rows by ``keep``, the others to the rejects."""
        self.rows_in += len(chunk.rows) + len(chunk.broken)
        bad = judged.problems.bad
        good = pa.array(~bad)
        columns = {name: column.filter(good) for name, column in judged.columns.items()}
        table, junk = keep(columns, pa.array(chunk.rows[~bad]), self.source, desk)
        self.tables.append(table)
        self.junk += junk
        if bad.any() or chunk.broken:
            self.rejects.append(_rejected(chunk, judged, bad, self.source, desk))


Keep = Callable[[dict[str, pa.Array], pa.Array, str, Desk], tuple[pa.Table, int]]
"""Turns good rows into a table; also gives how many addresses were junk."""


def keep_contributions(
    columns: dict[str, pa.Array], rows: pa.Array, source: str, desk: Desk
) -> tuple[pa.Table, int]:
    """Build contributions from judged columns; ids and addresses become pseudonyms."""
    stated = columns["contributed_at"]
    now = pa.scalar(desk.as_of, UTC_MICROS)
    horizon = desk.as_of + timedelta(hours=desk.policy.ingest.future_tolerance_hours)
    ahead = pc.greater(stated, pa.scalar(horizon, UTC_MICROS))
    network, subnet, junk = _networks(columns, desk)
    shape, sketch = name_columns(columns["account_name"], desk.key)
    out = dict(columns) | {
        "row_id": pa.array(
            row_ids(columns["contributor_id"], columns["contribution_id"], desk.key), pa.string()
        ),
        "contributor_id": pseudonyms(columns["contributor_id"], "contributor", desk.key),
        "contributed_at": stated.fill_null(now),
        "time_unknown": stated.is_null(),
        "network_id": network,
        "subnet_id": subnet,
        "device_id": pseudonyms(pc.utf8_trim_whitespace(columns["device"]), "device", desk.key),
        "name_shape": shape,
        "name_sketch": sketch,
        "row_digest": pa.array(_digests(columns), pa.string()),
        "source": pa.repeat(pa.scalar(source), len(rows)),
        "source_row": rows,
        "held": pc.if_else(ahead.fill_null(False), "future_time", pa.scalar(None, pa.string())),
    }
    return pa.table([out[name] for name in desk.schema.names], schema=desk.schema), junk


def keep_visits(
    columns: dict[str, pa.Array], rows: pa.Array, source: str, desk: Desk
) -> tuple[pa.Table, int]:
    """Build visits from judged columns."""
    return pa.table(
        [
            pseudonyms(columns["contributor_id"], "contributor", desk.key),
            columns["item_id"],
            columns["visited_at"],
            pa.repeat(pa.scalar(source), len(rows)),
            pa.nulls(len(rows), pa.string()),
        ],
        schema=SOURCED_VISIT,
    ), 0


def _networks(columns: dict[str, pa.Array], desk: Desk) -> tuple[pa.Array, pa.Array, int]:
    """Addresses where there are any; else what came hashed, hashed once more."""
    network, subnet, junk = networks_of(columns["ip"], desk.key)
    given_network = pseudonyms(columns["network_id"], "network", desk.key)
    given_subnet = pseudonyms(columns["subnet_id"], "subnet", desk.key)
    return pc.coalesce(network, given_network), pc.coalesce(subnet, given_subnet), int(junk.sum())


def _digests(columns: dict[str, pa.Array]) -> list[str]:
    time = columns["contributed_at"].cast(pa.int64()).cast(pa.string())
    texts = [columns[name] for name in ("label", "item_id", "text", "kind")]
    attributes = [column for name, column in columns.items() if name.startswith("a_")]
    numbers = [column for name, column in columns.items() if name.startswith("f_")]
    return row_digests([time, *texts, *attributes], numbers)


def duplicates_as_rejects(duplicates: pa.Table) -> pa.Table:
    """Write up further copies of a row; their bytes are not kept, the row that stands has them."""
    count = duplicates.num_rows
    if not count:
        return REJECT_SCHEMA.empty_table()
    nothing: list[str | None] = [None] * count
    columns = duplicates.combine_chunks()
    return _reject_table(
        columns["source"], columns["source_row"], ["duplicate"] * count, nothing, nothing
    )


def _reject_table(
    source: pa.Array,
    rows: pa.Array,
    codes: list[str],
    columns: list[str | None],
    originals: list[str | None],
) -> pa.Table:
    """Build lines of ``REJECT_SCHEMA``."""
    names = pc.binary_join_element_wise("reject", source, rows.cast(pa.string()), ":")
    messages = [REJECTIONS[code] for code in codes]
    return pa.table(
        [
            names,
            source,
            rows,
            pa.array(codes, pa.string()),
            pa.array(columns, pa.string()),
            pa.array(messages, pa.string()),
            pa.array(originals, pa.string()),
        ],
        schema=REJECT_SCHEMA,
    )


def _rejected(chunk: Chunk, judged: Judged, bad: Mask, source: str, desk: Desk) -> pa.Table:
    positions = np.flatnonzero(bad)
    found = [judged.problems.of(int(position)) for position in positions]
    rows = [*chunk.rows[positions].tolist(), *(each.row for each in chunk.broken)]
    codes = [code for code, _ in found] + [each.code for each in chunk.broken]
    columns = [column or None for _, column in found] + [None] * len(chunk.broken)
    entries: list[str | None] = [None] * len(rows)
    if desk.originals is not None:
        raw = chunk.originals(positions) + [each.original for each in chunk.broken]
        entries = list(desk.originals.put_many(raw, at=desk.as_of))
    return _reject_table(
        pa.repeat(pa.scalar(source), len(rows)), pa.array(rows, pa.int64()), codes, columns, entries
    )

"""The audit log: each entry carries the hash of the one before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from foretaste.core.ledger.tables import audit

GENESIS: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the log; ``hash`` covers it and, through ``prev_hash``, all before it."""

    seq: int
    at: datetime
    actor: str
    action: str
    payload: Mapping[str, Any]
    prev_hash: str
    hash: str


def append(
    connection: sa.Connection, *, at: datetime, actor: str, action: str, payload: Mapping[str, Any]
) -> None:
    """Add an entry, in the transaction of what it tells about."""
    seq, last = head(connection)
    text = json.dumps(payload, sort_keys=True, allow_nan=False)
    entry: dict[str, Any] = {"seq": seq + 1, "at": at, "actor": actor, "action": action}
    entry |= {"payload": text, "prev_hash": last}
    connection.execute(audit.insert().values(**entry, hash=_hash(entry)))


def head(connection: sa.Connection) -> tuple[int, str]:
    """Give number and hash of the newest entry."""
    newest = sa.select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)
    row = connection.execute(newest).first()
    return (0, GENESIS) if row is None else (int(row.seq), str(row.hash))


def entries(
    connection: sa.Connection,
    *,
    before: int | None,
    limit: int,
    actor: str | None,
    action: str | None,
) -> list[AuditEntry]:
    """Read entries, newest first."""
    wanted = sa.select(audit).order_by(audit.c.seq.desc()).limit(limit)
    if before is not None:
        wanted = wanted.where(audit.c.seq < before)
    for column, value in ((audit.c.actor, actor), (audit.c.action, action)):
        wanted = wanted if value is None else wanted.where(column == value)
    return [_entry(row) for row in connection.execute(wanted).mappings()]


def first_bad(connection: sa.Connection, anchors: Iterable[tuple[int, str]]) -> int | None:
    """Find the first entry that was changed, removed or inserted; None when all is well.

    Parameters
    ----------
    anchors
        Numbers and hashes that were written down elsewhere; without them nobody sees
        that the newest entries were cut off.
    """
    known = dict(anchors)
    seq, last = 0, GENESIS
    for row in connection.execute(sa.select(audit).order_by(audit.c.seq)).mappings():
        seq += 1
        whole = row["seq"] == seq and row["prev_hash"] == last and row["hash"] == _hash(row)
        if not whole or known.get(seq, row["hash"]) != row["hash"]:
            return seq
        last = row["hash"]
    return seq + 1 if any(number > seq for number in known) else None


def _entry(row: Mapping[Any, Any]) -> AuditEntry:
    try:
        payload = json.loads(row["payload"])
    except ValueError:  # somebody wrote into the table: shown as it is
        payload = {"unreadable": row["payload"]}
    told = payload if isinstance(payload, dict) else {"unreadable": row["payload"]}
    return AuditEntry(**{**row, "payload": told})


def _hash(entry: Mapping[Any, Any]) -> str:
    moment = entry["at"].astimezone(UTC).isoformat(timespec="microseconds")
    told = [entry[name] for name in ("prev_hash", "seq", "actor", "action", "payload")]
    # JSON, not joined text: no field can pretend to be the end of another.
    return hashlib.sha256(json.dumps([moment, *told]).encode()).hexdigest()

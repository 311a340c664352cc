"""The audit log: read, checked against what releases wrote down, carried out."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from foretaste.core.ledger import AuditEntry, Ledger
from foretaste.core.release import releases
from foretaste.core.workspace import Workspace

COLUMNS: Final = ("seq", "at", "actor", "action", "payload")
_AT_ONCE: Final = 1_000
# What a spreadsheet would run.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Checked:
    """Whether the log is whole.

    Parameters
    ----------
    first_bad
        Number of the first entry that was changed or is missing; None when none is.
    entries
        Number of the newest entry.
    anchors
        Heads that signed releases wrote down; without any, nobody would see that the
        newest entries were cut off.
    """

    first_bad: int | None
    entries: int
    anchors: int

    @property
    def whole(self) -> bool:
        """True when nothing was changed."""
        return self.first_bad is None

    def words(self) -> str:
        """Say it in a sentence."""
        if self.first_bad is not None:
            return f"entry {self.first_bad} was changed or is missing"
        return f"{self.entries} entries, the chain holds; {self.anchors} heads in signed releases"


def check(workspace: Workspace, ledger: Ledger) -> Checked:
    """Check the log's chain of hashes, and the heads that releases wrote down."""
    heads = [one.extra.get("audit_head") for one in releases(workspace)]
    anchors = [(int(head[0]), str(head[1])) for head in heads if head and head[0]]
    return Checked(ledger.audit_verify(anchors), ledger.audit_head()[0], len(anchors))


def entry(one: AuditEntry) -> dict[str, Any]:
    """Give an entry as plain values."""
    return {
        "seq": one.seq,
        "at": one.at.isoformat(),
        "actor": one.actor,
        "action": one.action,
        "payload": json.dumps(one.payload, sort_keys=True),
        "hash": one.hash,
    }


def everything(
    ledger: Ledger, *, actor: str | None = None, action: str | None = None
) -> Iterator[dict[str, Any]]:
    """Give every entry that fits, the newest first."""
    before: int | None = None
    while found := ledger.audit_entries(before=before, limit=_AT_ONCE, actor=actor, action=action):
        yield from map(entry, found)
        before = found[-1].seq


def as_csv(entries: Iterator[dict[str, Any]]) -> Iterator[str]:
    """Write entries as CSV that no spreadsheet takes for formulas, a line at a time."""
    line = io.StringIO()
    writer = csv.writer(line)
    writer.writerow((*COLUMNS, "hash"))
    yield line.getvalue()
    for one in entries:
        line.seek(0)
        line.truncate()
        writer.writerow([_harmless(str(one[name])) for name in (*COLUMNS, "hash")])
        yield line.getvalue()


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text

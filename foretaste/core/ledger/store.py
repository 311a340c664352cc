"""The ledger itself: one object over the parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from foretaste.core.ledger import audit
from foretaste.core.ledger.ab import ABTests
from foretaste.core.ledger.audit import AuditEntry
from foretaste.core.ledger.cases import Cases
from foretaste.core.ledger.champions import Champions
from foretaste.core.ledger.connection import BUSY_SECONDS, open_database, transaction
from foretaste.core.ledger.decisions import Decisions
from foretaste.core.ledger.forgetting import Forgetting
from foretaste.core.ledger.furnishing import Furnishings
from foretaste.core.ledger.gold import Gold
from foretaste.core.ledger.habits import Habits
from foretaste.core.ledger.knowledge import Knowledge
from foretaste.core.ledger.leases import Leases
from foretaste.core.ledger.people import People
from foretaste.core.ledger.queue import Queue
from foretaste.core.ledger.runs import Runs
from foretaste.core.ledger.votes import Votes


class Ledger(
    Runs, Cases, Furnishings, Queue, Leases, Votes, Decisions, Gold, People, Habits, Knowledge,
    Champions, ABTests, Forgetting,
):  # fmt: skip
    """Runs, champions, tests, cases, people and what they decided, the audit log.

    Each method is one transaction, and each change of what counts is one entry of the audit
    log; logins seen, texts opened, saved queries and failed logins are counted without one.
    """

    @classmethod
    def open(cls, where: str | Path, *, busy_seconds: float = BUSY_SECONDS) -> Self:
        """Open a ledger, making or migrating its tables.

        Parameters
        ----------
        where
            Path of an SQLite file, or a SQLAlchemy URL.

        Raises
        ------
        Tampered
            If the file is damaged.
        WorkspaceError
            If a newer foretaste wrote it.
        Unavailable
            If another process holds it for longer than ``busy_seconds``.
        """
        return cls(open_database(where, busy_seconds=busy_seconds))

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def audit_head(self) -> tuple[int, str]:
        """Give number and hash of the newest audit entry, to be written down elsewhere."""
        with transaction(self._engine, write=False) as connection:
            return audit.head(connection)

    def log(self, action: str, *, by: str, at: datetime, payload: Mapping[str, Any]) -> None:
        """Write an audit entry of its own: nothing changed, but somebody should know."""
        with transaction(self._engine, write=True) as connection:
            audit.append(connection, at=at, actor=by, action=action, payload=payload)

    def audit_entries(
        self,
        *,
        before: int | None = None,
        limit: int = 100,
        actor: str | None = None,
        action: str | None = None,
    ) -> list[AuditEntry]:
        """List audit entries, newest first; ``before`` a number, for the next page."""
        with transaction(self._engine, write=False) as connection:
            return audit.entries(connection, before=before, limit=limit, actor=actor, action=action)

    def audit_verify(self, anchors: Iterable[tuple[int, str]] = ()) -> int | None:
        """Give the number of the first bad audit entry; None when the chain holds."""
        with transaction(self._engine, write=False) as connection:
            return audit.first_bad(connection, anchors)

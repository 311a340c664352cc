"""The ledger itself: one object over the parts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Self

from foretaste.core.ledger import audit
from foretaste.core.ledger.ab import ABTests
from foretaste.core.ledger.cases import Cases
from foretaste.core.ledger.champions import Champions
from foretaste.core.ledger.connection import BUSY_SECONDS, open_database, transaction
from foretaste.core.ledger.runs import Runs


class Ledger(Runs, Cases, Champions, ABTests):
    """Runs, champions, tests, cases, decisions, the audit log; each method is one transaction."""

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

    def audit_verify(self, anchors: Iterable[tuple[int, str]] = ()) -> int | None:
        """Give the number of the first bad audit entry; None when the chain holds."""
        with transaction(self._engine, write=False) as connection:
            return audit.first_bad(connection, anchors)

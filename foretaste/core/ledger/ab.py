"""A/B tests: one at a time, every change of state with its entry in the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from foretaste.core.errors import WorkspaceError
from foretaste.core.ledger import audit
from foretaste.core.ledger.connection import transaction
from foretaste.core.ledger.tables import ab_tests


@dataclass(frozen=True, slots=True)
class ABTest:
    """A test of a candidate against the champion on real traffic.

    Parameters
    ----------
    number
        Counts up from 1.
    version
        Grows with every change: who changes a test says which one it has seen.
    state
        What it last said; ``active`` tells whether it goes on.
    candidate, release, champion, champion_release
        Digests of the two models and the releases they were trained on.
    settings
        The policy's shares and thresholds as they were at the start: nobody moves them
        after having seen the numbers.
    reason
        Why it has its state.
    found
        What the look behind its state had found; empty before the first.
    """

    number: int
    version: int
    state: str
    candidate: str
    release: int
    champion: str
    champion_release: int
    settings: Mapping[str, Any]
    started: datetime
    started_by: str
    active: bool = True
    ended: datetime | None = None
    reason: str = ""
    found: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What people call it."""
        return f"ab-{self.number:04d}"


class ABTests:
    """The part of the ledger that remembers A/B tests."""

    _engine: sa.Engine

    def start_ab(
        self,
        *,
        candidate: tuple[str, int],
        champion: tuple[str, int],
        settings: Mapping[str, Any],
        by: str,
        at: datetime,
        reason: str = "",
    ) -> ABTest:
        """Start a test.

        Parameters
        ----------
        candidate, champion
            Digest and release of each.

        Raises
        ------
        WorkspaceError
            If one is running.
        """
        try:
            with transaction(self._engine, write=True) as connection:
                top = connection.execute(sa.select(sa.func.max(ab_tests.c.number))).scalar()
                test = ABTest(
                    (top or 0) + 1, 1, "running", *candidate, *champion, dict(settings), at, by,
                    reason=reason,
                )  # fmt: skip
                connection.execute(ab_tests.insert().values(**asdict(test)))
                _tell(connection, test, by, at)
        except sa.exc.IntegrityError:
            raise WorkspaceError(
                "an A/B test is running already", hint="`foretaste ab status`; `foretaste ab stop`"
            ) from None
        return test

    def change_ab(
        self,
        seen: ABTest,
        *,
        state: str,
        ends: bool,
        reason: str,
        found: Mapping[str, Any],
        by: str,
        at: datetime,
    ) -> ABTest:
        """Give a running test another state.

        Parameters
        ----------
        seen
            The test as the caller last read it.

        Raises
        ------
        WorkspaceError
            If it has changed or ended since.
        """
        values: dict[str, Any] = {
            "state": state,
            "version": seen.version + 1,
            "reason": reason,
            "found": dict(found),
        }
        values |= {"active": None, "ended": at} if ends else {}
        same = (
            (ab_tests.c.number == seen.number)
            & (ab_tests.c.version == seen.version)
            & ab_tests.c.active.is_(True)
        )
        with transaction(self._engine, write=True) as connection:
            if connection.execute(ab_tests.update().where(same).values(**values)).rowcount != 1:
                raise WorkspaceError(
                    f"the test {seen.name} has changed meanwhile", hint="`foretaste ab status`"
                )
            now = _read(connection, ab_tests.c.number == seen.number)[0]
            _tell(connection, now, by, at)
        return now

    def ab_tests(self, limit: int = 100) -> list[ABTest]:
        """List A/B tests, newest first."""
        with transaction(self._engine, write=False) as connection:
            return _read(connection, sa.true())[:limit]


def _read(connection: sa.Connection, which: sa.ColumnElement[bool]) -> list[ABTest]:
    wanted = sa.select(ab_tests).where(which).order_by(ab_tests.c.number.desc())
    rows = connection.execute(wanted).mappings()
    return [ABTest(**{**row, "active": bool(row["active"])}) for row in rows]


def _tell(connection: sa.Connection, test: ABTest, by: str, at: datetime) -> None:
    names = ("number", "version", "state", "active", "candidate", "champion", "reason")
    payload = {name: getattr(test, name) for name in names}
    audit.append(connection, at=at, actor=by, action="ab test", payload=payload)

"""Runs and their steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from foretaste.core.errors import WorkspaceError
from foretaste.core.ledger import audit
from foretaste.core.ledger.connection import transaction
from foretaste.core.ledger.records import Run, Step
from foretaste.core.ledger.tables import runs, steps

RUNNING = "running"
INTERRUPTED = "interrupted"
ADOPTED = "adopted"


class Runs:
    """The part of the ledger that remembers runs."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def start_run(self, run_id: str, *, night: str, kind: str, at: datetime) -> None:
        """Write down that a run starts, or that a dead one goes on."""
        with transaction(self._engine, write=True) as connection:
            fresh = {"state": RUNNING, "ended": None, "exit_code": None}
            again = runs.update().where(runs.c.id == run_id).values(**fresh)
            if connection.execute(again).rowcount == 0:
                row = {"id": run_id, "night": night, "kind": kind, "started": at, "counts": {}}
                connection.execute(runs.insert().values(**row, **fresh))
            payload = {"run": run_id, "night": night, "kind": kind}
            audit.append(connection, at=at, actor=kind, action="run started", payload=payload)

    def finish_run(
        self,
        run_id: str,
        *,
        state: str,
        exit_code: int,
        at: datetime,
        counts: Mapping[str, int] | None = None,
        release: int | None = None,
    ) -> None:
        """Write down how a run ended.

        Raises
        ------
        WorkspaceError
            If the run was never started.
        """
        ended = {"state": state, "exit_code": exit_code, "ended": at, "counts": dict(counts or {})}
        published = {} if release is None else {"release": release}
        with transaction(self._engine, write=True) as connection:
            change = runs.update().where(runs.c.id == run_id).values(**ended, **published)
            if connection.execute(change).rowcount == 0:
                raise WorkspaceError(f"there is no run {run_id}")
            payload = {"run": run_id, "state": state, "exit_code": exit_code, **published}
            audit.append(connection, at=at, actor="run", action="run finished", payload=payload)

    def interrupt_runs(self) -> tuple[str, ...]:
        """Mark runs that still seem to be going; call it with the lock held, before a start."""
        with transaction(self._engine, write=True) as connection:
            dead = sa.select(runs.c.id).where(runs.c.state == RUNNING).order_by(runs.c.id)
            found = tuple(connection.execute(dead).scalars())
            change = runs.update().where(runs.c.id.in_(found)).values(state=INTERRUPTED)
            connection.execute(change)
            return found

    def runs(self, limit: int = 50) -> list[Run]:
        """List the newest runs, newest first."""
        wanted = sa.select(runs).order_by(runs.c.started.desc(), runs.c.id.desc()).limit(limit)
        with transaction(self._engine, write=False) as connection:
            return [Run(**row) for row in connection.execute(wanted).mappings()]

    def record_step(self, step: Step) -> None:
        """Write down how a step of a run went; the last word counts."""
        key = (steps.c.run_id == step.run_id) & (steps.c.step == step.step)
        with transaction(self._engine, write=True) as connection:
            connection.execute(steps.delete().where(key))
            connection.execute(steps.insert().values(**asdict(step)))

    def steps(self, run_id: str) -> list[Step]:
        """List the steps of a run in the order they started."""
        wanted = sa.select(steps).where(steps.c.run_id == run_id)
        with transaction(self._engine, write=False) as connection:
            ordered = wanted.order_by(steps.c.started, steps.c.step)
            return [Step(**row) for row in connection.execute(ordered).mappings()]

    def adopt_release(self, run_id: str, *, night: str, release: int, at: datetime) -> None:
        """Bring a run's release up to what git holds."""
        with transaction(self._engine, write=True) as connection:
            change = runs.update().where(runs.c.id == run_id).values(release=release)
            if connection.execute(change).rowcount == 0:
                row = {"id": run_id, "night": night, "started": at, "release": release}
                rest = {"kind": ADOPTED, "state": ADOPTED, "counts": {}}
                connection.execute(runs.insert().values(**row, **rest))

    def released(self) -> set[int]:
        """Give the numbers of the releases whose runs the ledger knows."""
        wanted = sa.select(runs.c.release).where(runs.c.release.is_not(None))
        with transaction(self._engine, write=False) as connection:
            return set(connection.execute(wanted).scalars())

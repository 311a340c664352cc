"""The champion pointer: append-only, moved in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from foretaste.core.errors import Tampered, WorkspaceError
from foretaste.core.ledger import audit
from foretaste.core.ledger.connection import transaction
from foretaste.core.ledger.records import Champion
from foretaste.core.ledger.tables import champions


class Champions:
    """The part of the ledger that decides which model serves."""

    _engine: sa.Engine

    def promote(
        self,
        model: str,
        *,
        release: int,
        run_id: str,
        by: str,
        reason: str,
        at: datetime,
        kind: Literal["promote", "rollback"] = "promote",
        override: bool = False,
    ) -> Champion:
        """Make a model the champion; the same run asking again gets the same answer.

        Parameters
        ----------
        model
            Digest of the model.
        release
            Number of the release that it was trained on.
        run_id
            Of the run, or of the command, that moves the pointer.

        Raises
        ------
        WorkspaceError
            If this run has made another model champion.
        """
        with transaction(self._engine, write=True) as connection:
            moved = champions.c.run_id == run_id
            before = connection.execute(sa.select(champions).where(moved)).mappings().first()
            if before is not None:
                return _same(Champion(**before), model)
            top = connection.execute(sa.select(sa.func.max(champions.c.seq))).scalar()
            champion = Champion(
                (top or 0) + 1, model, release, at, by, reason, kind, override, run_id
            )
            connection.execute(champions.insert().values(**asdict(champion)))
            payload = {k: v for k, v in asdict(champion).items() if k not in ("at", "by")}
            audit.append(connection, at=at, actor=by, action=kind, payload=payload)
            return champion

    def champion(self) -> Champion | None:
        """Give the champion; None before the first."""
        return next(iter(self.champion_history(1)), None)

    def champion_history(self, limit: int = 100) -> list[Champion]:
        """List champions, newest first."""
        wanted = sa.select(champions).order_by(champions.c.seq.desc()).limit(limit)
        with transaction(self._engine, write=False) as connection:
            return [Champion(**row) for row in connection.execute(wanted).mappings()]

    def adopt_champions(self, committed: Iterable[Champion]) -> list[str]:
        """Add champions that git holds and a lost or older ledger does not.

        Raises
        ------
        Tampered
            If git and ledger disagree about one.
        """
        done = []
        with transaction(self._engine, write=True) as connection:
            found = {row.seq: row.model for row in connection.execute(sa.select(champions))}
            for one in sorted(committed, key=lambda c: c.seq):
                if found.get(one.seq, one.model) != one.model:
                    raise Tampered(
                        f"git and the ledger name different models as champion {one.seq}",
                        hint="restore the ledger that belongs to this workspace",
                    )
                if one.seq not in found:
                    found[one.seq] = one.model
                    connection.execute(champions.insert().values(**asdict(one)))
                    done.append(f"ledger: champion {one.seq} taken from git")
        return done


def _same(before: Champion, model: str) -> Champion:
    if before.model != model:
        raise WorkspaceError(f"run {before.run_id} has made {before.model[:12]} champion already")
    return before

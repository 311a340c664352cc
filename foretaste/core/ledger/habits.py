"""What the desk remembers of people's doings: failed logins, saved queries, texts opened."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import sqlalchemy as sa

from foretaste.core.ledger.connection import transaction
from foretaste.core.ledger.tables import exposures, saved_views, throttles


class Habits:
    """The part of the ledger that counts and keeps what no decision rests on."""

    _engine: sa.Engine

    def throttle(self, key: str, *, at: datetime, window: timedelta) -> int:
        """Count a try; give how many there were since the first of the window.

        Parameters
        ----------
        key
            Whose tries: a name, an address. Only its digest is kept: people type passwords
            into the wrong field.
        """
        same = throttles.c.key == _digest(key)
        with transaction(self._engine, write=True) as connection:
            connection.execute(throttles.delete().where(throttles.c.since <= at - window))
            more = throttles.update().where(same).values(count=throttles.c.count + 1)
            if connection.execute(more).rowcount == 0:
                first = {"key": _digest(key), "since": at, "count": 1}
                connection.execute(throttles.insert().values(**first))
            return int(connection.execute(sa.select(throttles.c.count).where(same)).scalar_one())

    def clear_throttle(self, key: str) -> None:
        """Forget somebody's tries."""
        with transaction(self._engine, write=True) as connection:
            connection.execute(throttles.delete().where(throttles.c.key == _digest(key)))

    def save_view(self, user: str, name: str, query: str) -> None:
        """Keep a query of the queue under a name; one of that name is replaced."""
        same = (saved_views.c.user == user) & (saved_views.c.name == name[:64])
        with transaction(self._engine, write=True) as connection:
            connection.execute(saved_views.delete().where(same))
            row = {"user": user, "name": name[:64], "query": query}
            connection.execute(saved_views.insert().values(**row))

    def saved_views(self, user: str) -> dict[str, str]:
        """Give somebody's saved queries by name."""
        wanted = sa.select(saved_views.c.name, saved_views.c.query)
        mine = wanted.where(saved_views.c.user == user).order_by(saved_views.c.name)
        with transaction(self._engine, write=False) as connection:
            return {row.name: row.query for row in connection.execute(mine)}

    def drop_view(self, user: str, name: str) -> None:
        """Forget a saved query."""
        same = (saved_views.c.user == user) & (saved_views.c.name == name)
        with transaction(self._engine, write=True) as connection:
            connection.execute(saved_views.delete().where(same))

    def expose(self, user: str, day: str, n: int) -> int:
        """Count texts that somebody opened; give how many it were that day.

        Parameters
        ----------
        day
            ``YYYY-MM-DD``.
        """
        same = (exposures.c.user == user) & (exposures.c.day == day)
        with transaction(self._engine, write=True) as connection:
            more = exposures.update().where(same).values(opened=exposures.c.opened + n)
            if connection.execute(more).rowcount == 0:
                connection.execute(exposures.insert().values(user=user, day=day, opened=n))
            return int(connection.execute(sa.select(exposures.c.opened).where(same)).scalar_one())

    def exposure(self, user: str, day: str) -> int:
        """Tell how many texts somebody opened that day."""
        same = (exposures.c.user == user) & (exposures.c.day == day)
        with transaction(self._engine, write=False) as connection:
            return connection.execute(sa.select(exposures.c.opened).where(same)).scalar() or 0


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()

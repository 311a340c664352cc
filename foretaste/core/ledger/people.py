"""People of the desk: who they are, and how long they are logged in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from foretaste.core.errors import WorkspaceError
from foretaste.core.ledger import audit
from foretaste.core.ledger.connection import transaction
from foretaste.core.ledger.records import Role
from foretaste.core.ledger.tables import sessions, users

# No "+": two names joined by one are two people who agreed.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_TOUCH: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may log in.

    Parameters
    ----------
    password
        Hash of the password; None for those who log in elsewhere.
    subject
        What the identity provider calls them.
    accounts
        Pseudonyms of their own accounts as contributors: they judge no case with these.
    keys
        Keys that they gave to actions.
    """

    name: str
    role: Role
    password: str | None = field(default=None, repr=False)
    subject: str | None = None
    accounts: tuple[str, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict)
    created: datetime | None = None
    disabled: datetime | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A login.

    Parameters
    ----------
    id
        SHA-256 of the cookie.
    csrf
        Token that every form of this login carries.
    """

    id: str
    user: User
    csrf: str
    created: datetime
    seen: datetime
    expires: datetime


class People:
    """The part of the ledger that knows who works at the desk."""

    _engine: sa.Engine

    def add_user(
        self,
        name: str,
        role: Role,
        *,
        at: datetime,
        by: str,
        password_hash: str | None = None,
        subject: str | None = None,
        accounts: Iterable[str] = (),
    ) -> User:
        """Add somebody.

        Raises
        ------
        WorkspaceError
            If the name is taken or none, or the subject belongs to somebody else.
        """
        if not _NAME.fullmatch(name):
            raise WorkspaceError(
                "a name is up to 64 letters, digits and . _ @ -, and starts with one of the first"
            )
        user = User(
            name, Role(role), password_hash, subject, tuple(sorted(set(accounts))), created=at
        )
        with transaction(self._engine, write=True) as connection:
            same = users.c.name == name
            if subject is not None:
                same |= users.c.subject == subject
            if connection.execute(sa.select(users.c.name).where(same)).first() is not None:
                raise WorkspaceError(f"there is a user {name}, or one of that subject, already")
            connection.execute(users.insert().values(**_row(user)))
            _tell(connection, "user added", name, by, at, role=user.role)
        return user

    def user(self, name: str) -> User | None:
        """Give somebody by name; None when there is no such user."""
        return self._one_user(users.c.name == name)

    def user_of(self, subject: str) -> User | None:
        """Give whom an identity provider calls ``subject``; None when nobody is."""
        return self._one_user(users.c.subject == subject)

    def users(self) -> list[User]:
        """List everybody, the disabled too."""
        with transaction(self._engine, write=False) as connection:
            rows = connection.execute(sa.select(users).order_by(users.c.name)).mappings()
            return [_user(row) for row in rows]

    def set_role(self, name: str, role: Role, *, at: datetime, by: str) -> None:
        """Give somebody another role.

        Raises
        ------
        WorkspaceError
            If there is no such user, or no admin would be left.
        """
        self._change(name, {"role": Role(role)}, "role set", by=by, at=at, role=Role(role))

    def set_accounts(self, name: str, accounts: Iterable[str], *, at: datetime, by: str) -> None:
        """Say which pseudonyms are somebody's own; the log counts them."""
        own = sorted(set(accounts))
        self._change(name, {"accounts": own}, "accounts set", by=by, at=at, count=len(own))

    def set_password(self, name: str, password_hash: str, *, at: datetime, by: str) -> None:
        """Give somebody a new password; every login with the old one ends."""
        self._change(name, {"password": password_hash}, "password set", by=by, at=at, ends=True)

    def set_keys(self, name: str, mapping: Mapping[str, str], *, at: datetime, by: str) -> None:
        """Keep which keys somebody gave to which actions."""
        self._change(name, {"keys": dict(mapping)}, "keys set", by=by, at=at)

    def disable_user(self, name: str, *, at: datetime, by: str) -> None:
        """Keep somebody out, at once; what they said stays.

        Raises
        ------
        WorkspaceError
            If there is no such user, or no admin would be left.
        """
        self._change(name, {"disabled": at}, "user disabled", by=by, at=at, ends=True)

    def enable_user(self, name: str, *, at: datetime, by: str) -> None:
        """Let somebody in again."""
        self._change(name, {"disabled": None}, "user enabled", by=by, at=at)

    def open_session(
        self, user: str, *, token_digest: str, csrf: str, at: datetime, expires: datetime
    ) -> None:
        """Remember a login, and forget those that are over."""
        row = {"id": token_digest, "user": user, "csrf": csrf, "created": at, "seen": at}
        with transaction(self._engine, write=True) as connection:
            connection.execute(sessions.delete().where(sessions.c.expires <= at))
            connection.execute(sessions.insert().values(**row, expires=expires))
            _tell(connection, "logged in", user, user, at)

    def session(
        self, token_digest: str, at: datetime, *, idle_minutes: float = 60.0
    ) -> Session | None:
        """Give a login; None when it expired, was idle too long, or its user is disabled."""
        wanted = (
            sa.select(sessions, *(column.label(f"user_{column.name}") for column in users.c))
            .join(users, users.c.name == sessions.c.user)
            .where(sessions.c.id == token_digest)
        )
        with transaction(self._engine, write=False) as connection:
            row = connection.execute(wanted).mappings().first()
        if row is None or row["user_disabled"] is not None or row["expires"] <= at:
            return None
        if row["seen"] + timedelta(minutes=idle_minutes) <= at:
            return None
        if at - row["seen"] >= _TOUCH:  # not with every request: each is a write
            with transaction(self._engine, write=True) as connection:
                same = sessions.c.id == token_digest
                connection.execute(sessions.update().where(same).values(seen=at))
        user = _user({column.name: row[f"user_{column.name}"] for column in users.c})
        times = (row["created"], max(at, row["seen"]), row["expires"])
        return Session(row["id"], user, row["csrf"], *times)

    def end_session(self, token_digest: str) -> None:
        """End a login."""
        with transaction(self._engine, write=True) as connection:
            connection.execute(sessions.delete().where(sessions.c.id == token_digest))

    def end_sessions(self, user: str) -> None:
        """End all of somebody's logins."""
        with transaction(self._engine, write=True) as connection:
            connection.execute(sessions.delete().where(sessions.c.user == user))

    def _one_user(self, which: sa.ColumnElement[bool]) -> User | None:
        with transaction(self._engine, write=False) as connection:
            row = connection.execute(sa.select(users).where(which)).mappings().first()
        return None if row is None else _user(row)

    def _change(
        self,
        name: str,
        values: Mapping[str, Any],
        action: str,
        *,
        by: str,
        at: datetime,
        ends: bool = False,
        **told: Any,
    ) -> None:
        with transaction(self._engine, write=True) as connection:
            had_admin = _has_admin(connection)
            change = users.update().where(users.c.name == name).values(**values)
            if connection.execute(change).rowcount == 0:
                raise WorkspaceError(f"there is no user {name}", hint="`foretaste users list`")
            if had_admin and not _has_admin(connection):
                raise WorkspaceError(
                    "nobody would be left as admin", hint="make somebody else one first"
                )
            if ends:
                connection.execute(sessions.delete().where(sessions.c.user == name))
            _tell(connection, action, name, by, at, **told)


def _has_admin(connection: sa.Connection) -> bool:
    there = sa.select(users.c.name).where(users.c.role == Role.ADMIN, users.c.disabled.is_(None))
    return connection.execute(there.limit(1)).first() is not None


def _tell(
    connection: sa.Connection, action: str, name: str, by: str, at: datetime, **told: Any
) -> None:
    audit.append(connection, at=at, actor=by, action=action, payload={"user": name, **told})


def _row(user: User) -> dict[str, Any]:
    names = ("name", "role", "password", "subject", "created", "disabled")
    row = {name: getattr(user, name) for name in names}
    return row | {"accounts": list(user.accounts), "keys": dict(user.keys)}


def _user(row: Mapping[Any, Any]) -> User:
    return User(**{**row, "role": Role(row["role"]), "accounts": tuple(row["accounts"])})

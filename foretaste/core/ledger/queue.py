"""The queue: which cases somebody asks for, in which order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, Generic, Self, TypeVar
from urllib.parse import parse_qsl, urlencode

import sqlalchemy as sa

from foretaste.core.ledger.cases import SHOWN, case_of
from foretaste.core.ledger.connection import transaction
from foretaste.core.ledger.records import WAITING, Case, CaseState, Role
from foretaste.core.ledger.tables import case_rows, case_tags, case_words, cases, gold, users, votes

T = TypeVar("T")

ORDERS: Final = ("influence", "newest", "size", "disagreement", "random")
"""How the queue may be ordered."""

_MAX_PER: Final = 200
_MAX_PAGE: Final = 10_000
_MAX_TEXT: Final = 200
_PLAIN: Final = (
    "kind", "detector", "contributor", "subnet", "label", "night", "run", "assignee", "text",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of many: ``page`` counts from 1, ``total`` counts all."""

    items: tuple[T, ...]
    total: int
    page: int
    per: int

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // self.per))


@dataclass(frozen=True, slots=True)
class Query:
    """What somebody wants to see of the cases; everything is optional.

    Parameters
    ----------
    text
        Words that title, ids, items, labels or texts hold, all of them.
    order
        One of ``ORDERS``: expected influence per minute, newest night, rows, disputed and
        doubtful first, or a shuffle.
    day
        ``YYYY-MM-DD``: the shuffle is another one each day. Not part of the string.
    viewer
        Name of somebody: what they may not judge is left out. Not part of the string.
    """

    states: tuple[CaseState, ...] = WAITING
    kind: str = ""
    detector: str = ""
    contributor: str = ""
    subnet: str = ""
    label: str = ""
    night: str = ""
    run: str = ""
    assignee: str = ""
    text: str = ""
    order: str = "influence"
    page: int = 1
    per: int = 25
    day: str = ""
    viewer: str = ""

    def to_string(self) -> str:
        """Write it as the query part of an address; what is as usual is left out."""
        told: dict[str, str | int] = {}
        if self.states != WAITING:
            told["state"] = ",".join(self.states)
        names = (*_PLAIN, "order", "page", "per")
        usual = {field.name: field.default for field in fields(self)}
        told |= {n: getattr(self, n) for n in names if getattr(self, n) != usual[n]}
        return urlencode(told)

    @classmethod
    def from_string(cls, text: str, *, day: str = "", viewer: str = "") -> Self:
        """Read the query part of an address; what makes no sense counts as not said."""
        try:
            said = dict(parse_qsl(text.lstrip("?"), max_num_fields=100))
        except ValueError:
            said = {}
        told: dict[str, Any] = {name: said.get(name, "").strip()[:_MAX_TEXT] for name in _PLAIN}
        told["states"] = _states(said.get("state", ""))
        told["order"] = said.get("order") if said.get("order") in ORDERS else ORDERS[0]
        told["page"] = _count(said.get("page", ""), 1, _MAX_PAGE)
        told["per"] = _count(said.get("per", ""), 25, _MAX_PER)
        return cls(**told, day=day, viewer=viewer)


class Queue:
    """The part of the ledger that lists cases for people."""

    _engine: sa.Engine

    def queue(self, query: Query) -> Page[Case]:
        """Give a page of the cases that somebody asks for; cases come without details."""
        with transaction(self._engine, write=False) as connection:
            where = sa.and_(*_filters(connection, query))
            if query.order == "random":
                total, ids = _shuffled(connection, where, query)
                chosen = sa.select(*SHOWN).where(cases.c.id.in_(ids))
                found = {row["id"]: row for row in connection.execute(chosen).mappings()}
                rows: Sequence[Mapping[Any, Any]] = [found[one] for one in ids]
            else:
                counted = sa.select(sa.func.count()).select_from(cases).where(where)
                total = connection.execute(counted).scalar_one()
                chosen = sa.select(*SHOWN).where(where).order_by(*_order(query.order), cases.c.id)
                part = chosen.limit(query.per).offset((query.page - 1) * query.per)
                rows = connection.execute(part).mappings().all()
        return Page(tuple(case_of(row) for row in rows), total, query.page, query.per)


def _states(text: str) -> tuple[CaseState, ...]:
    named = text.split(",")
    if "all" in named:
        return tuple(CaseState)
    return tuple(state for state in CaseState if state in named) or WAITING


def _count(text: str, usual: int, most: int) -> int:
    # Not int() alone: it takes other scripts' digits, and any number of them.
    plain = text.isascii() and text.isdigit() and len(text) < 9
    return min(max(int(text), 1), most) if plain else usual


def _order(order: str) -> list[sa.ColumnElement[Any]]:
    influence = cases.c.influence.desc()
    doubt = sa.func.abs(cases.c.posterior - 0.5)
    calm = sa.case((cases.c.state == CaseState.DISPUTED, 0), else_=1)
    orders: dict[str, list[sa.ColumnElement[Any]]] = {
        "newest": [cases.c.night.desc(), influence],
        "size": [cases.c.size.desc(), influence],
        "disagreement": [calm, doubt],
    }
    return orders.get(order, [influence])


def _shuffled(
    connection: sa.Connection, where: sa.ColumnElement[bool], query: Query
) -> tuple[int, list[str]]:
    """Give how many there are and the ids of a page, in the day's order."""
    ids = list(connection.execute(sa.select(cases.c.id).where(where)).scalars())
    ids.sort(key=lambda one: hashlib.sha256(f"{query.day}/{one}".encode()).digest())
    start = (query.page - 1) * query.per
    return len(ids), ids[start : start + query.per]


def _filters(connection: sa.Connection, query: Query) -> Iterator[sa.ColumnElement[bool]]:
    yield cases.c.state.in_(query.states)
    direct = {"kind": "kind", "night": "night", "run": "run_id", "assignee": "assignee"}
    for name, column in direct.items():
        if value := getattr(query, name):
            yield cases.c[column] == value
    for name in ("contributor", "subnet"):
        if value := getattr(query, name):
            yield _has(case_rows.c[f"{name}_id"] == value)
    for name in ("detector", "label"):
        if value := getattr(query, name):
            same = (case_tags.c.kind == name) & (case_tags.c.value == value)
            yield cases.c.id.in_(sa.select(case_tags.c.case_id).where(same))
    for word in query.text[:_MAX_TEXT].split():
        yield _found(word)
    if query.viewer:
        yield from _judgeable(connection, query.viewer)


def _found(word: str) -> sa.ColumnElement[bool]:
    same = case_words.c.words.contains(word.casefold(), autoescape=True)
    told = sa.select(case_words.c.case_id).where(same)
    ids = (case_rows.c.row_id, case_rows.c.contributor_id, case_rows.c.item_id)
    return cases.c.id.in_(told) | sa.or_(*(_has(column == word) for column in ids))


def _has(which: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return cases.c.id.in_(sa.select(case_rows.c.case_id).where(which))


def _judgeable(connection: sa.Connection, viewer: str) -> Iterator[sa.ColumnElement[bool]]:
    """Leave out what somebody may not judge: own, judged, or another's to settle."""
    user = connection.execute(sa.select(users).where(users.c.name == viewer)).mappings().first()
    if user is not None and user["accounts"]:
        yield ~_has(case_rows.c.contributor_id.in_(user["accounts"]))
    mine = votes.c.undone_at.is_(None) & (votes.c.by == viewer)
    whole = votes.c.row_id.is_(None) & votes.c.contributor_id.is_(None)
    known = gold.join(votes, votes.c.case_id == gold.c.case_id)
    yield cases.c.id.not_in(sa.select(gold.c.case_id).select_from(known).where(mine & whole))
    here = sa.select(votes.c.id).where(
        mine & (votes.c.case_id == cases.c.id) & (votes.c.round == cases.c.round)
    )
    yield (cases.c.state != CaseState.SECOND) | ~sa.exists(here.where(whole))
    lead = user is not None and Role(user["role"]).allows(Role.LEAD)
    spoke = sa.exists(here.where(votes.c.kind != "adjudication")) if lead else sa.true()
    yield (cases.c.state != CaseState.DISPUTED) | ~spoke

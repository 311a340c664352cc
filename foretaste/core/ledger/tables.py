"""The ledger's tables; ``migrations`` brings a database to them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

HEAD: Final = "0003"
"""Revision of the schema that this code speaks."""


class Moment(sa.types.TypeDecorator[datetime]):
    """A moment in UTC, kept as text that sorts by time and reads the same everywhere."""

    impl = sa.String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> str | None:  # noqa: ARG002
        """Write a moment; one without a zone is an error of ours."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("moments in the ledger carry a zone")
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: Any) -> datetime | None:  # noqa: ARG002
        """Read a moment."""
        return None if value is None else datetime.fromisoformat(value)


class Words(sa.types.TypeDecorator[str]):
    """Text that strangers wrote, such that every database takes it.

    Parameters
    ----------
    limit
        Characters that are kept, None for all.
    """

    impl = sa.Text
    cache_ok = True

    def __init__(self, limit: int | None = None) -> None:
        super().__init__()
        self.limit = limit

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:  # noqa: ARG002
        """Write a text without NUL and lone surrogates: the one ends it, the other is no UTF-8."""
        if value is None:
            return None
        kept = value[: self.limit].replace("\0", "\ufffd")
        return kept.encode("utf-8", "replace").decode()

    def process_result_value(self, value: str | None, dialect: Any) -> str | None:  # noqa: ARG002
        """Read a text as it is."""
        return value


metadata = sa.MetaData()

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.String(128), primary_key=True),
    sa.Column("night", sa.String(10), nullable=False, index=True),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("started", Moment, nullable=False),
    sa.Column("ended", Moment),
    sa.Column("state", sa.String(32), nullable=False),
    sa.Column("exit_code", sa.Integer),
    sa.Column("counts", sa.JSON, nullable=False),
    sa.Column("release", sa.Integer, unique=True),
)

steps = sa.Table(
    "steps",
    metadata,
    sa.Column("run_id", sa.ForeignKey("runs.id"), primary_key=True),
    sa.Column("step", sa.String(64), primary_key=True),
    sa.Column("state", sa.String(32), nullable=False),
    sa.Column("started", Moment, nullable=False),
    sa.Column("ended", Moment),
    sa.Column("manifest", sa.String(64)),
    sa.Column("info", sa.JSON, nullable=False),
)

champions = sa.Table(
    "champions",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("model", sa.String(64), nullable=False),
    sa.Column("release", sa.Integer, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("by", sa.String(128), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("override", sa.Boolean, nullable=False),
    sa.Column("run_id", sa.String(128), nullable=False, unique=True),
)

cases = sa.Table(
    "cases",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("run_id", sa.ForeignKey("runs.id"), nullable=False),
    sa.Column("night", sa.String(10), nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("title", Words, nullable=False),
    sa.Column("state", sa.String(16), nullable=False, index=True),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("weight", sa.Float, nullable=False),
    sa.Column("posterior", sa.Float, nullable=False),
    sa.Column("reasons", sa.JSON, nullable=False),
    sa.Column("assignee", sa.String(128)),
    # Counts up with every change: a writer who saw an older one is told what changed.
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("subject", sa.String(160), nullable=False, server_default=""),
    sa.Column("contributors", sa.Integer, nullable=False, server_default="0"),
    sa.Column("minutes", sa.Float, nullable=False, server_default="1"),
    sa.Column("influence", sa.Float, nullable=False, server_default="0", index=True),
    sa.Column("needs", sa.Integer, nullable=False, server_default="1"),
    sa.Column("opened", Moment),
    sa.Column("deadline", Moment),
    sa.Column("leased_until", Moment),
    sa.Column("leased_at", Moment),
    sa.Column("furnished", Moment),
    # Counts the times it was taken up: only votes of the present round say where it stands.
    sa.Column("round", sa.Integer, nullable=False, server_default="1"),
    # Who did what last, for those who come too late.
    sa.Column("changed", sa.String(300), nullable=False, server_default=""),
)

case_details = sa.Table(
    "case_details",
    metadata,
    # Apart from the cases: the queue reads thousands of them, a page one of these.
    sa.Column("case_id", sa.ForeignKey("cases.id"), primary_key=True),
    sa.Column("details", sa.JSON, nullable=False),
)

case_words = sa.Table(
    "case_words",
    metadata,
    # What a search reads: lower case, each word once.
    sa.Column("case_id", sa.ForeignKey("cases.id"), primary_key=True),
    sa.Column("words", Words, nullable=False),
)

case_tags = sa.Table(
    "case_tags",
    metadata,
    # "detector" or "label"
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("value", Words(200), primary_key=True),
    sa.Column("case_id", sa.ForeignKey("cases.id"), primary_key=True, index=True),
)

case_rows = sa.Table(
    "case_rows",
    metadata,
    sa.Column("case_id", sa.ForeignKey("cases.id"), primary_key=True),
    sa.Column("row_id", sa.String(160), primary_key=True, index=True),
    sa.Column("contributor_id", sa.String(128), nullable=False, server_default=""),
    sa.Column("actor_id", sa.String(128)),
    sa.Column("subnet_id", sa.String(128)),
    sa.Column("item_id", Words(500)),
    sa.Column("contributed_at", Moment),
    sa.Column("label", Words, nullable=False, server_default=""),
    sa.Column("verdict", sa.String(16), nullable=False, server_default="quarantined"),
    sa.Column("weight", sa.Float, nullable=False, server_default="0"),
    sa.Column("posterior", sa.Float, nullable=False, server_default="0"),
    sa.Column("text", Words),
    sa.Column("content", sa.JSON, nullable=False, server_default="{}"),
    sa.Column("evidence", sa.JSON, nullable=False, server_default="[]"),
    sa.Index("ix_case_rows_contributor", "contributor_id", "case_id"),
    sa.Index("ix_case_rows_subnet", "subnet_id", "case_id"),
    sa.Index("ix_case_rows_item", "item_id", "case_id"),
    sa.Index("ix_case_rows_order", "case_id", "posterior", "row_id"),
)

votes = sa.Table(
    "votes",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("case_id", sa.ForeignKey("cases.id"), nullable=False, index=True),
    # About one row of the case, or one contributor's rows in it; neither: all of it.
    sa.Column("row_id", sa.String(160)),
    sa.Column("contributor_id", sa.String(128)),
    sa.Column("by", sa.String(128), nullable=False, index=True),
    sa.Column("at", Moment, nullable=False),
    # When its author took the case up; null without a lease.
    sa.Column("began", Moment),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("judgement", sa.String(16), nullable=False),
    sa.Column("reason_code", sa.String(64), nullable=False),
    sa.Column("note", Words, nullable=False),
    sa.Column("label", Words),
    # "first", "second", "adjudication" or "gold"
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("decision_id", sa.ForeignKey("decisions.id"), index=True),
    # Who held the case until this vote: an undo gives it back.
    sa.Column("held", sa.JSON, nullable=False),
    sa.Column("undone_at", Moment),
)

gold = sa.Table(
    "gold",
    metadata,
    sa.Column("case_id", sa.ForeignKey("cases.id"), primary_key=True),
    # The decided case that it is a copy of.
    sa.Column("source", sa.ForeignKey("cases.id"), nullable=False),
    sa.Column("truth", sa.String(16), nullable=False),
    sa.Column("by", sa.String(128), nullable=False),
    sa.Column("at", Moment, nullable=False),
)

users = sa.Table(
    "users",
    metadata,
    sa.Column("name", sa.String(128), primary_key=True),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("password", sa.Text),
    sa.Column("subject", sa.String(255), unique=True),
    # Pseudonyms of the user's own accounts as a contributor.
    sa.Column("accounts", sa.JSON, nullable=False),
    sa.Column("keys", sa.JSON, nullable=False),
    sa.Column("created", Moment, nullable=False),
    sa.Column("disabled", Moment),
)

sessions = sa.Table(
    "sessions",
    metadata,
    # SHA-256 of the cookie: who reads the table cannot log in with it.
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("user", sa.ForeignKey("users.name"), nullable=False, index=True),
    sa.Column("csrf", sa.String(64), nullable=False),
    sa.Column("created", Moment, nullable=False),
    sa.Column("seen", Moment, nullable=False),
    sa.Column("expires", Moment, nullable=False),
)

throttles = sa.Table(
    "throttles",
    metadata,
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("since", Moment, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
)

saved_views = sa.Table(
    "saved_views",
    metadata,
    sa.Column("user", sa.ForeignKey("users.name"), primary_key=True),
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("query", sa.Text, nullable=False),
)

exposures = sa.Table(
    "exposures",
    metadata,
    sa.Column("user", sa.String(128), primary_key=True),
    sa.Column("day", sa.String(10), primary_key=True),
    sa.Column("opened", sa.Integer, nullable=False),
)

rules = sa.Table(
    "rules",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("where", sa.Text, nullable=False),
    # "hold" keeps what it hits for a person; "evidence" adds its nats.
    sa.Column("action", sa.String(16), nullable=False),
    sa.Column("llr", sa.Float, nullable=False),
    sa.Column("owner", sa.String(128), nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("expires", Moment, nullable=False),
    # "draft", "on" or "off"
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("created", Moment, nullable=False),
    sa.Column("tested", sa.JSON, nullable=False),
)

listed = sa.Table(
    "listed",
    metadata,
    sa.Column("contributor_id", sa.String(128), primary_key=True),
    # "block" or "allow"
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("reason", Words, nullable=False),
    sa.Column("by", sa.String(128), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("expires", Moment, nullable=False),
)

notices = sa.Table(
    "notices",
    metadata,
    # What was told: nobody is told twice.
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("at", Moment, nullable=False),
)

decisions = sa.Table(
    "decisions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("case_id", sa.ForeignKey("cases.id"), index=True),
    sa.Column("row_id", sa.String(160)),
    sa.Column("contributor_id", sa.String(128)),
    sa.Column("decision", sa.String(16), nullable=False),
    sa.Column("reason_code", sa.String(64), nullable=False),
    sa.Column("note", Words, nullable=False),
    sa.Column("label", Words),
    # Two names with a "+" where two people agreed.
    sa.Column("by", sa.String(300), nullable=False),
    sa.Column("at", Moment, nullable=False),
    # The run that is acting on it, while that run goes on.
    sa.Column("claimed_in", sa.String(128)),
    sa.Column("applied_in", sa.String(128), index=True),
    # A later one about the same, made before this one was applied.
    sa.Column("replaced_by", sa.Integer),
    sa.Column("undone_at", Moment),
)

ab_tests = sa.Table(
    "ab_tests",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    # Unique where it is true, null where the test is over: one test at a time.
    sa.Column("active", sa.Boolean, unique=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("candidate", sa.String(64), nullable=False),
    sa.Column("champion", sa.String(64), nullable=False),
    sa.Column("release", sa.Integer, nullable=False),
    sa.Column("champion_release", sa.Integer, nullable=False),
    sa.Column("settings", sa.JSON, nullable=False),
    sa.Column("started", Moment, nullable=False),
    sa.Column("started_by", sa.String(128), nullable=False),
    sa.Column("ended", Moment),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("found", sa.JSON, nullable=False),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("actor", sa.String(128), nullable=False, index=True),
    sa.Column("action", sa.String(64), nullable=False, index=True),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("prev_hash", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False, unique=True),
)

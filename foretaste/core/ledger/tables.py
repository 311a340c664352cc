"""The ledger's tables; ``migrations`` brings a database to them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

HEAD: Final = "0002"
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
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("state", sa.String(16), nullable=False, index=True),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("weight", sa.Float, nullable=False),
    sa.Column("posterior", sa.Float, nullable=False),
    sa.Column("reasons", sa.JSON, nullable=False),
    sa.Column("assignee", sa.String(128)),
)

case_rows = sa.Table(
    "case_rows",
    metadata,
    sa.Column("case_id", sa.ForeignKey("cases.id"), primary_key=True),
    sa.Column("row_id", sa.String(160), primary_key=True, index=True),
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
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("label", sa.Text),
    sa.Column("by", sa.String(128), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("applied_in", sa.String(128), index=True),
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
    sa.Column("actor", sa.String(128), nullable=False),
    sa.Column("action", sa.String(64), nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("prev_hash", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False, unique=True),
)

"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _moment(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(32), nullable=nullable)


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "runs",
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("night", sa.String(10), nullable=False, index=True),
        sa.Column("kind", sa.String(32), nullable=False),
        _moment("started"),
        _moment("ended", nullable=True),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("exit_code", sa.Integer),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.Column("release", sa.Integer, unique=True),
    )
    op.create_table(
        "steps",
        sa.Column("run_id", sa.String(128), sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("step", sa.String(64), primary_key=True),
        sa.Column("state", sa.String(32), nullable=False),
        _moment("started"),
        _moment("ended", nullable=True),
        sa.Column("manifest", sa.String(64)),
        sa.Column("info", sa.JSON, nullable=False),
    )
    op.create_table(
        "champions",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("release", sa.Integer, nullable=False),
        _moment("at"),
        sa.Column("by", sa.String(128), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("override", sa.Boolean, nullable=False),
        sa.Column("run_id", sa.String(128), nullable=False, unique=True),
    )
    _review()
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        _moment("at"),
        sa.Column("actor", sa.String(128), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("prev_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
    )


def _review() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("run_id", sa.String(128), sa.ForeignKey("runs.id"), nullable=False),
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
    op.create_table(
        "case_rows",
        sa.Column("case_id", sa.String(64), sa.ForeignKey("cases.id"), primary_key=True),
        sa.Column("row_id", sa.String(160), primary_key=True, index=True),
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("case_id", sa.String(64), sa.ForeignKey("cases.id"), index=True),
        sa.Column("row_id", sa.String(160)),
        sa.Column("contributor_id", sa.String(128)),
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("reason_code", sa.String(64), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("label", sa.Text),
        sa.Column("by", sa.String(128), nullable=False),
        _moment("at"),
        sa.Column("applied_in", sa.String(128), index=True),
        _moment("undone_at", nullable=True),
    )

"""Tests of a candidate on real traffic."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table of A/B tests."""
    op.create_table(
        "ab_tests",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("active", sa.Boolean, unique=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("candidate", sa.String(64), nullable=False),
        sa.Column("champion", sa.String(64), nullable=False),
        sa.Column("release", sa.Integer, nullable=False),
        sa.Column("champion_release", sa.Integer, nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("started", sa.String(32), nullable=False),
        sa.Column("started_by", sa.String(128), nullable=False),
        sa.Column("ended", sa.String(32)),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("found", sa.JSON, nullable=False),
    )

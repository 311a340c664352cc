"""What the review desk needs: people, votes, what a case shows, rules, lists."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Widen cases and their rows, and make the desk's tables."""
    _cases()
    _votes()
    _people()
    _knowledge()


def _text(name: str, length: int, default: str | None = None, **more: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.String(length), nullable=False, server_default=default, **more)


def _cases() -> None:
    with op.batch_alter_table("cases") as cases:
        for column in (
            sa.Column("version", sa.Integer, nullable=False, server_default="1"),
            _text("subject", 160, ""),
            sa.Column("contributors", sa.Integer, nullable=False, server_default="0"),
            sa.Column("minutes", sa.Float, nullable=False, server_default="1"),
            sa.Column("influence", sa.Float, nullable=False, server_default="0"),
            sa.Column("needs", sa.Integer, nullable=False, server_default="1"),
            sa.Column("opened", sa.String(32)),
            sa.Column("deadline", sa.String(32)),
            sa.Column("leased_until", sa.String(32)),
            sa.Column("leased_at", sa.String(32)),
            sa.Column("furnished", sa.String(32)),
            sa.Column("round", sa.Integer, nullable=False, server_default="1"),
            _text("changed", 300, ""),
        ):
            cases.add_column(column)
        cases.create_index("ix_cases_influence", ["influence"])
    op.create_table(
        "case_details",
        _case(),
        sa.Column("details", sa.JSON, nullable=False),
    )
    op.create_table(
        "case_words",
        _case(),
        sa.Column("words", sa.Text, nullable=False),
    )
    op.execute("INSERT INTO case_words SELECT id, lower(id || ' ' || title) FROM cases")
    op.create_table(
        "case_tags",
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("value", sa.Text, primary_key=True),
        _case(index=True),
    )
    _rows()


def _case(**more: Any) -> sa.Column[Any]:
    return sa.Column("case_id", sa.String(64), sa.ForeignKey("cases.id"), primary_key=True, **more)


def _rows() -> None:
    with op.batch_alter_table("case_rows") as rows:
        for column in (
            _text("contributor_id", 128, ""),
            sa.Column("actor_id", sa.String(128)),
            sa.Column("subnet_id", sa.String(128)),
            sa.Column("item_id", sa.Text),
            sa.Column("contributed_at", sa.String(32)),
            sa.Column("label", sa.Text, nullable=False, server_default=""),
            _text("verdict", 16, "quarantined"),
            sa.Column("weight", sa.Float, nullable=False, server_default="0"),
            sa.Column("posterior", sa.Float, nullable=False, server_default="0"),
            sa.Column("text", sa.Text),
            sa.Column("content", sa.JSON, nullable=False, server_default="{}"),
            sa.Column("evidence", sa.JSON, nullable=False, server_default="[]"),
        ):
            rows.add_column(column)
        for name in ("contributor", "subnet", "item"):
            rows.create_index(f"ix_case_rows_{name}", [f"{name}_id", "case_id"])
        rows.create_index("ix_case_rows_order", ["case_id", "posterior", "row_id"])


def _votes() -> None:
    with op.batch_alter_table("decisions") as decisions:
        decisions.alter_column("by", type_=sa.String(300), existing_nullable=False)
        decisions.add_column(sa.Column("claimed_in", sa.String(128)))
        decisions.add_column(sa.Column("replaced_by", sa.Integer))
    op.create_table(
        "votes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("case_id", sa.String(64), sa.ForeignKey("cases.id"), nullable=False, index=True),
        sa.Column("row_id", sa.String(160)),
        sa.Column("contributor_id", sa.String(128)),
        _text("by", 128, index=True),
        _text("at", 32),
        sa.Column("began", sa.String(32)),
        sa.Column("round", sa.Integer, nullable=False),
        _text("judgement", 16),
        _text("reason_code", 64),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("label", sa.Text),
        _text("kind", 16),
        sa.Column("decision_id", sa.Integer, sa.ForeignKey("decisions.id"), index=True),
        sa.Column("held", sa.JSON, nullable=False),
        sa.Column("undone_at", sa.String(32)),
    )
    op.create_table(
        "gold",
        _case(),
        sa.Column("source", sa.String(64), sa.ForeignKey("cases.id"), nullable=False),
        _text("truth", 16),
        _text("by", 128),
        _text("at", 32),
    )


def _people() -> None:
    op.create_table(
        "users",
        sa.Column("name", sa.String(128), primary_key=True),
        _text("role", 16),
        sa.Column("password", sa.Text),
        sa.Column("subject", sa.String(255), unique=True),
        sa.Column("accounts", sa.JSON, nullable=False),
        sa.Column("keys", sa.JSON, nullable=False),
        _text("created", 32),
        sa.Column("disabled", sa.String(32)),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("user", sa.String(128), sa.ForeignKey("users.name"), nullable=False, index=True),
        _text("csrf", 64),
        _text("created", 32),
        _text("seen", 32),
        _text("expires", 32),
    )
    op.create_table(
        "throttles",
        sa.Column("key", sa.String(255), primary_key=True),
        _text("since", 32),
        sa.Column("count", sa.Integer, nullable=False),
    )
    op.create_table(
        "saved_views",
        sa.Column("user", sa.String(128), sa.ForeignKey("users.name"), primary_key=True),
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("query", sa.Text, nullable=False),
    )
    op.create_table(
        "exposures",
        sa.Column("user", sa.String(128), primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("opened", sa.Integer, nullable=False),
    )


def _knowledge() -> None:
    op.create_table(
        "rules",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("where", sa.Text, nullable=False),
        _text("action", 16),
        sa.Column("llr", sa.Float, nullable=False),
        _text("owner", 128),
        sa.Column("note", sa.Text, nullable=False),
        _text("expires", 32),
        _text("state", 16),
        _text("created", 32),
        sa.Column("tested", sa.JSON, nullable=False),
    )
    op.create_table(
        "listed",
        sa.Column("contributor_id", sa.String(128), primary_key=True),
        _text("kind", 16),
        sa.Column("reason", sa.Text, nullable=False),
        _text("by", 128),
        _text("at", 32),
        _text("expires", 32),
    )
    op.create_table(
        "notices",
        sa.Column("key", sa.String(255), primary_key=True),
        _text("at", 32),
    )
    op.create_index("ix_audit_actor", "audit", ["actor"])
    op.create_index("ix_audit_action", "audit", ["action"])

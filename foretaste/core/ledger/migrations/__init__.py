"""Migrations of the ledger's schema, by Alembic."""

"""Prefect tasks: they only decorate steps."""

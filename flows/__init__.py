"""Prefect flows: nightly, and the manual ones."""

"""Corpora × attacks × seeds × columns: what is found, and what it is worth to a model."""

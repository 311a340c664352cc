"""Corpora, attacks, seeds and columns: what is found, and what it is worth to a model."""

"""Taste user-contributed training data for poison before a model eats it."""

__version__ = "0.1.0"

"""Benchmarks of gates and certificates."""

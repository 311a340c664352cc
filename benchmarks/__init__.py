"""Measurements: efficacy, speed and scale."""

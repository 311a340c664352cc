"""Prefect tasks: they only decorate steps with retries, time limits and artifacts.

Results are never cached or pickled by Prefect: a step's own manifest decides whether it
runs again, and what passes between tasks are folders and small frozen values.
"""

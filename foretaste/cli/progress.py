"""Show on a terminal which step is running; say nothing anywhere else."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_STEPS = "foretaste.steps"


class _Steps(logging.Handler):
    """Hands the latest step message to a spinner."""

    def __init__(self, show: object) -> None:
        super().__init__(logging.INFO)
        self._show = show

    def emit(self, record: logging.LogRecord) -> None:
        self._show.update(record.getMessage())  # type: ignore[attr-defined]


@contextmanager
def progress() -> Iterator[None]:
    """Spin with the name of the running step while the body runs."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    logger = logging.getLogger(_STEPS)
    with Console(stderr=True).status("starting") as spinner:
        handler = _Steps(spinner)
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        try:
            yield
        finally:
            logger.removeHandler(handler)

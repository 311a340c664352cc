"""Show on a terminal how far a night has come; say nothing anywhere else."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_STEPS = "foretaste.steps.night"
_STEPS_OF_A_NIGHT = 11


class _Finished(logging.Handler):
    """Calls back with what ``run_step`` says about each step."""

    def __init__(self, said: Callable[[str], None]) -> None:
        super().__init__(logging.INFO)
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        self._said(record.getMessage())


@contextmanager
def progress() -> Iterator[None]:
    """Draw a bar of the night's steps on stderr while the body runs."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    logger = logging.getLogger(_STEPS)
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task("starting", total=_STEPS_OF_A_NIGHT)

        def said(message: str) -> None:
            # "detect" when it starts; "detect: 5.3 s" or "detect: done before" when it ends.
            name, _, ended = message.partition(":")
            bars.update(bar, description=name, advance=1 if ended else 0)

        handler = _Finished(said)
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        try:
            yield
        finally:
            logger.removeHandler(handler)

"""One night in a process of its own, telling when each part began and ended.

Usage: ``python -m benchmarks.night WORKSPACE AS_OF OUT``; ``benchmarks.speed`` starts it.
OUT receives one JSON object a line: ``{"part": name, "ended": seconds of CLOCK_MONOTONIC}``,
and at last ``{"outcome": …, "peak_mb": largest memory of any one process}``.
"""

from __future__ import annotations

import json
import logging
import resource
import sys
import time
from pathlib import Path
from typing import IO, Any


class _TaskEnds(logging.Handler):
    """Notes the end of each Prefect task: tasks run one after the other."""

    def __init__(self, out: IO[str]) -> None:
        super().__init__(logging.INFO)
        self._out = out

    def emit(self, record: logging.LogRecord) -> None:
        if "Finished in state" in record.getMessage():
            _tell(self._out, part=str(vars(record).get("task_name", "?")), ended=time.monotonic())


def main(workspace: str, as_of: str, out: IO[str]) -> None:
    """Import everything, start Prefect's temporary API, then run the night."""
    _tell(out, part="interpreter", ended=time.monotonic())
    import expectations.custom  # noqa: F401  (with it comes Great Expectations)
    from flows.nightly import nightly

    _tell(out, part="imports", ended=time.monotonic())
    _empty_flow()
    _tell(out, part="temporary API", ended=time.monotonic())
    logging.getLogger("prefect.task_runs").addHandler(_TaskEnds(out))
    outcome: Any = nightly(workspace, as_of=as_of)
    _tell(out, part="close the run", ended=time.monotonic())
    _tell(out, outcome=outcome, peak_mb=_largest_process())


def _empty_flow() -> None:
    """Run a flow that does nothing: without a server, Prefect starts one for it."""
    from prefect import flow

    @flow(name="nothing")
    def nothing() -> None:
        pass

    nothing()


def _largest_process() -> float:
    """Largest resident memory of this process or of a child that has ended, MB."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(w).ru_maxrss for w in who) * 1024 / 1e6


def _tell(out: IO[str], **said: Any) -> None:
    out.write(json.dumps(said, default=str) + "\n")
    out.flush()


if __name__ == "__main__":
    with Path(sys.argv[3]).open("w", encoding="utf-8") as file:
        main(sys.argv[1], sys.argv[2], file)

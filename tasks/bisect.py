"""Searching for the actors behind a failed gate."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path
from typing import Any

from prefect import task

from foretaste.core.errors import ForetasteError
from foretaste.core.ledger import Champion
from foretaste.core.workspace import Workspace
from foretaste.steps import bisect as searching
from foretaste.steps.compare import read_gates
from foretaste.steps.night import Night
from foretaste.views import bisect as views
from tasks.options import COMPUTE

log = logging.getLogger(__name__)


@task(name="bisect", timeout_seconds=28800, **COMPUTE)
def bisect(workspace: Workspace, gate: str | None, at: datetime) -> dict[str, Any]:
    """Search behind a failed gate of the newest candidate."""
    return views.run_bisect(workspace, gate, at)


@task(name="bisect-after", timeout_seconds=28800, **COMPUTE)
def bisect_after(
    workspace: Workspace, night: Night, compared: Path, champion: Champion | None
) -> tuple[str, ...]:
    """Search behind the first gate that failed tonight; give what to tell of it.

    A release is published before its candidate is judged: a search that cannot be done
    must not fail the night.
    """
    failed = searching.searchable(read_gates(compared))
    if not failed:
        return ()
    try:
        searched = searching.search(night, failed[0], champion)
        case = searching.open_case(workspace, night, searched)
    except ForetasteError as error:
        log.warning("no search behind %s: %s", failed[0], error)
        return (f"no search behind {failed[0]}: {error}",)
    return () if case is None else (f"case {case}: who is behind {failed[0]}",)

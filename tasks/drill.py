"""Attacks on a copy of the last release; nothing of them reaches a release."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path

from prefect import task
from prefect.artifacts import create_table_artifact

from foretaste.core.errors import ForetasteError
from foretaste.core.workspace import Workspace
from foretaste.steps.drill import Drill, Size, small_drill, warnings_of
from foretaste.views import drill as views
from tasks.options import COMPUTE

log = logging.getLogger(__name__)


@task(name="drill", timeout_seconds=14400, **COMPUTE)
def drill(
    workspace: Workspace, attacks: Sequence[str], budget: Size, seed: int | None, small: bool
) -> Drill:
    """Try attacks and show the table among the artifacts."""
    found = views.run_drill(workspace, attacks, budget, seed=seed, small=small)
    create_table_artifact(
        key="foretaste-drill",
        table=views.table(found),
        description=f"Drill on {found.release}, seed {found.seed}",
    )
    return found


@task(name="small-drill", timeout_seconds=14400, **COMPUTE)
def drill_after(workspace: Workspace) -> tuple[str, ...]:
    """Try one attack after a night; give what the run should warn of.

    The release is out by then: a drill that fails is a warning, never a failed night.
    """
    with tempfile.TemporaryDirectory(prefix="foretaste-drill-") as folder:
        try:
            found = small_drill(workspace, Path(folder))
        except ForetasteError as error:
            warnings: tuple[str, ...] = (f"the drill could not be run: {error}",)
        else:
            warnings = warnings_of(found, workspace.policy.drill)
    for line in warnings:
        log.warning("%s", line)
    return warnings

"""Attacks on a copy of the last release; nothing of them reaches a release."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import task
from prefect.artifacts import create_table_artifact

from foretaste.core.workspace import Workspace
from foretaste.steps import drill as drilling
from foretaste.views import drill as views
from tasks.options import COMPUTE


@task(name="drill", timeout_seconds=14400, **COMPUTE)
def drill(
    workspace: Workspace,
    attacks: Sequence[str],
    budget: drilling.Size,
    seed: int | None,
    small: bool,
) -> drilling.Drill:
    """Try attacks and show the table among the artifacts."""
    found = views.run_drill(workspace, attacks, budget, seed=seed, small=small)
    create_table_artifact(
        key="foretaste-drill",
        table=views.table(found),
        description=f"Drill on {found.release}, seed {found.seed}",
    )
    return found


@task(name="drill-after", timeout_seconds=14400, **COMPUTE)
def drill_after(workspace: Workspace) -> tuple[str, ...]:
    """Try one attack on what was just released; give what to warn of."""
    return drilling.drill_after(workspace)

"""What a purge does beside an ordinary night."""

from __future__ import annotations

from pathlib import Path

from prefect import task

from foretaste.core.releasing import ReleasePlan
from foretaste.core.workspace import Workspace
from foretaste.steps import purge as purging
from foretaste.steps.night import Night
from foretaste.steps.session import Session
from tasks.options import COMPUTE


@task(name="withdraw", timeout_seconds=7200, **COMPUTE)
def withdraw(night: Night, order: purging.Order) -> Path:
    """Write the corpus without the purged rows."""
    return purging.withdraw(night, order)


@task(name="plan-purge", timeout_seconds=3600, **COMPUTE)
def plan_purge(
    run: Session, planned: ReleasePlan, withdrawn: Path, order: purging.Order
) -> ReleasePlan:
    """Add the rewritten nights to the release, and mark those before it."""
    return purging.plan(run, planned, withdrawn, order)


@task(name="forget-contents", timeout_seconds=3600, **COMPUTE)
def forget_contents(workspace: Workspace, order: purging.Order) -> int:
    """Delete the kept bytes of their rejected rows, and what the desk shows of the others."""
    return purging.forget_contents(workspace, order)

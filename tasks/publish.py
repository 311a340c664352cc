"""What changes what users see: the release, its cases, its model, its report."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from prefect import task
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from foretaste.core.release import Release
from foretaste.core.releasing import ReleasePlan
from foretaste.core.workspace import Workspace
from foretaste.steps import desk as desks
from foretaste.steps import publish as publishing
from foretaste.steps import report as reporting
from foretaste.steps.night import Night
from tasks.options import COMPUTE, OUTSIDE


@task(name="plan-release", timeout_seconds=1800, **COMPUTE)
def plan_release(workspace: Workspace, night: Night) -> ReleasePlan:
    """Build the release; nothing is changed."""
    return publishing.plan(workspace, night)


@task(name="publish-release", timeout_seconds=7200, **OUTSIDE)
def publish_release(workspace: Workspace, plan: ReleasePlan) -> Release:
    """Publish the release, whole or not at all."""
    return publishing.release(workspace, plan)


@task(name="open-cases", timeout_seconds=600, **COMPUTE)
def open_cases(workspace: Workspace, night: Night) -> int:
    """Open a case per story in the quarantine."""
    return publishing.open_cases(workspace, night)


@task(name="prepare-desk", timeout_seconds=1800, **COMPUTE)
def prepare_desk(workspace: Workspace, as_of: datetime) -> None:
    """Furnish the cases, write the feed, and tell people; none of it fails a night."""
    desks.prepare(workspace, as_of)


@task(name="version-model", timeout_seconds=7200, **OUTSIDE)
def version_model(workspace: Workspace, night: Night, release: int) -> str | None:
    """Version the candidate beside its release."""
    return publishing.models(workspace, night, release)


@task(name="report", timeout_seconds=600, **COMPUTE)
def write_report(night: Night, outcome: Mapping[str, Any]) -> Path:
    """Write the run's report, and its summary and gates as artifacts."""
    report = reporting.build(night, outcome)
    create_table_artifact(
        key="foretaste-gates",
        table=[
            {"gate": gate.name, "state": str(gate.state), "threshold": gate.threshold}
            for gate in report.gates
        ],
        description=f"Gates of the night {night.night}",
    )
    create_markdown_artifact(
        key="foretaste-night",
        markdown=reporting.summary(report),
        description=f"Night {night.night}: {outcome['state']}",
    )
    return reporting.write(night, report)

"""From a release to a champion: train, evaluate, compare, promote."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from prefect import task

from foretaste.core.ledger import Champion
from foretaste.core.recovery import verify_tree
from foretaste.core.workspace import Workspace
from foretaste.models.promotion import PromotionPlan
from foretaste.steps import compare as comparing
from foretaste.steps import evaluate as evaluating
from foretaste.steps import train as training
from foretaste.steps.night import Night, run_step
from foretaste.steps.promote import move_champion
from tasks.options import COMPUTE, OUTSIDE


@task(name="train", timeout_seconds=14400, **COMPUTE)
def train(workspace: Workspace, night: Night) -> Path:
    """Train the candidate on the released corpus, every byte of it checked."""
    verify_tree(workspace)
    layout = night.layout
    compute = partial(training.train, layout, night.policy, night.key)
    sources = {
        "accepted": layout.accepted,
        "contributions": layout.contributions,
        "state": layout.state,
        "golden": layout.golden,
    }
    return run_step(night, "train", sources, compute)


@task(name="evaluate", timeout_seconds=3600, **COMPUTE)
def evaluate(night: Night, trained: Path) -> Path:
    """Measure the candidate's answers."""
    layout = night.layout
    compute = partial(evaluating.evaluate, layout, trained, night.key)
    sources = {"train": trained, "golden": layout.golden, "canaries": layout.canaries}
    return run_step(night, "evaluate", sources, compute)


@task(name="compare", timeout_seconds=3600, **COMPUTE)
def compare(
    night: Night, judged: comparing.Judged, champion: Champion | None, release: int
) -> Path:
    """Run every gate against the champion."""
    compute = partial(comparing.compare, night, judged, champion, release)
    sources: dict[str, Path | str] = {
        "train": judged.trained,
        "evaluate": judged.evaluated,
        "champion": champion.model if champion else "none",
    }
    # The log of an A/B test may lie in a folder below, and grows while the night runs.
    sources |= {f"traffic/{path.name}": path for path in night.layout.traffic.glob("*.parquet")}
    return run_step(night, "compare", sources, compute)


@task(name="promote", timeout_seconds=600, **OUTSIDE)
def promote(workspace: Workspace, night: Night, plan: PromotionPlan) -> Champion:
    """Make the candidate the champion."""
    return move_champion(
        workspace,
        model=plan.candidate,
        release=int(plan.release),
        run_id=night.run_id,
        by="nightly",
        reason="every gate passed" if not plan.bootstrap else "bootstrap: no champion before",
        kind="promote",
        override=False,
        at=night.as_of,
    )

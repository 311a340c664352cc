"""Purge contributors: a release without their rows, a model trained on it, every gate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.nightly import Held, judge, sanitize, taste
from flows.outcomes import conclude, outcome_of
from foretaste.core.marks import blocked
from foretaste.core.release import releases
from foretaste.steps import purge as purging
from foretaste.steps.session import Session, session
from tasks.publish import open_cases, publish_release
from tasks.purge import forget_contents, plan_purge, withdraw

Outcome = dict[str, Any] | State[dict[str, Any]]


@flow(name="purge", validate_parameters=False)
def purge(
    workspace: str, contributors: list[str], reason: str, by: str = "flow", as_of: str | None = None
) -> Outcome:
    """Take contributors' rows out of every night; run again after a kill, it goes on.

    Parameters
    ----------
    workspace
        Folder of the workspace.
    contributors
        Pseudonyms, as `foretaste explain` shows them; raw ids would stay in Prefect's pages.
    reason, by
        Why, and who says so; both stand in the release's manifest.
    as_of
        "Now"; None: the clock.
    """
    order = purging.Order(frozenset(contributors), reason, by)
    with session(Path(workspace), as_of, "purge") as run:
        if run.published is None:
            return _purge(run, order)
        # A run that died behind its release goes on first, ours or another's.
        ended = taste(run, (), dry_run=False)
        if order.contributors <= blocked(releases(run.workspace)):
            forget_contents(run.workspace, order)
            return ended
    with session(Path(workspace), as_of, "purge") as run:
        return _purge(run, order)


def _purge(run: Session, order: purging.Order) -> Outcome:
    if purging.rows_of(run.night.layout, order.contributors).empty:
        forget_contents(run.workspace, order)
        run.finish("empty", 0, {})
        return outcome_of(run, state="empty", reasons=("no row of theirs is left",))
    withdrawn = withdraw(run.night, order)
    try:
        planned = sanitize(purging.over(run, withdrawn, order), ())
    except Held as held:
        return conclude(run, state="held", reasons=held.reasons, account=held.account)
    plan = plan_purge(run, planned, withdrawn, order)
    published = publish_release(run.workspace, plan)
    run.applied()
    forget_contents(run.workspace, order)
    return judge(run, published, open_cases(run.workspace, run.night))

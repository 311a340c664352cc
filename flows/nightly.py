"""The night: what landed becomes verdicts, a release, a candidate, perhaps a champion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.outcomes import conclude, outcome_of
from foretaste.core.release import Release
from foretaste.core.releasing import ReleasePlan
from foretaste.core.verdict import Account
from foretaste.intake import SourceFile
from foretaste.steps import check
from foretaste.steps.compare import Judged, read_plan
from foretaste.steps.ingest import rows_in
from foretaste.steps.publish import account
from foretaste.steps.sanitize import Inputs, did_not_report
from foretaste.steps.session import Session, session
from tasks.bisect import bisect_after
from tasks.drill import drill_after
from tasks.models import compare, evaluate, promote, train
from tasks.night import (
    accept,
    begin,
    decide,
    detect,
    expect_accepted,
    expect_raw,
    ingest,
    list_landed,
    resolve,
)
from tasks.options import Progress
from tasks.publish import (
    open_cases,
    plan_release,
    prepare_desk,
    publish_release,
    version_model,
)


class Held(Exception):
    """A gate of the data holds the night: nothing is published."""

    def __init__(self, reasons: tuple[str, ...], account: Account) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons
        self.account = account


@flow(name="nightly", validate_parameters=False)
def nightly(
    workspace: str, as_of: str | None = None, dry_run: bool = False
) -> dict[str, Any] | State[dict[str, Any]]:
    """Run a night over everything that landed.

    Parameters
    ----------
    workspace
        Folder of the workspace.
    as_of
        "Now" as a date or an ISO time with zone; None: the clock, asked once.
    dry_run
        Compute everything, show the release that would be published, publish nothing.
    """
    with session(Path(workspace), as_of, "nightly", dry_run=dry_run) as run:
        files = list_landed(run.night)
        if run.published is None and not files and run.decided.empty:
            if not dry_run:
                run.applied()
                prepare_desk(run.workspace, run.night.as_of)
            run.finish("empty", 0, {})
            return outcome_of(run, state="empty", reasons=("nothing new has landed",))
        return taste(run, files, dry_run)


def taste(
    run: Session, files: tuple[SourceFile, ...], dry_run: bool
) -> dict[str, Any] | State[dict[str, Any]]:
    """Sanitize, publish, train and judge, from whatever point the run has reached."""
    try:
        published = run.published
        if published is None:
            plan = sanitize(run, files)
            if dry_run:
                run.finish("dry-run", 0, {})
                return outcome_of(
                    run, state="dry-run", account=account(run.night), plan=plan.describe()
                )
            published = publish_release(run.workspace, plan)
    except Held as held:
        if not dry_run:
            prepare_desk(run.workspace, run.night.as_of)
        return conclude(run, state="held", reasons=held.reasons, account=held.account)
    run.applied()
    cases = open_cases(run.workspace, run.night)
    return judge(run, published, cases)


def sanitize(run: Session, files: tuple[SourceFile, ...]) -> ReleasePlan:
    """Turn what landed into the plan of a release.

    Raises
    ------
    Held
        If a suite fails or a detector did not report.
    """
    night, layout = run.night, run.night.layout
    progress = Progress(steps=6)
    ingested = ingest(night, files, run.originals)
    progress.step()
    if files:
        _hold(check.failures(expect_raw(night, ingested)), rows_in(ingested))
    state = begin(night, run.decided, run.listed, run.rules)
    inputs = Inputs(ingested, state, layout.accepted)
    resolved = resolve(night, inputs)
    progress.step()
    detected = detect(night, resolved)
    progress.step()
    _hold(did_not_report(detected), rows_in(ingested))
    decided = decide(night, inputs, resolved, detected)
    progress.step()
    kept = accept(night, inputs, decided)
    progress.step()
    if files:
        _hold(check.failures(expect_accepted(night, inputs, kept)), rows_in(ingested))
    plan = plan_release(run.workspace, night)
    progress.step()
    return plan


def judge(run: Session, published: Release, cases: int) -> State[dict[str, Any]]:
    """Train on the release, run the gates, and promote only what passes them all."""
    night = run.night
    with run.workspace.ledger() as ledger:
        champion = ledger.champion()
    trained = train(run.workspace, night)
    evaluated = evaluate(night, trained)
    judged = Judged(night.folder("decide"), trained, evaluated)
    compared = compare(night, judged, champion, published.number)
    version_model(run.workspace, night, published.number)
    plan = read_plan(compared, published.number)
    promoted = plan.verdict == "promote"
    if promoted:
        promote(run.workspace, night, plan)
    warnings = drill_after(run.workspace) if night.policy.drill.nightly else ()
    if night.policy.bisect.automatic and not promoted:
        warnings = (*warnings, *bisect_after(run.workspace, night, compared, champion))
    prepare_desk(run.workspace, night.as_of)
    return conclude(
        run,
        state="promoted" if promoted else "released",
        reasons=plan.reasons,
        account=published.counts,
        release=published.tag,
        release_number=published.number,
        model=plan.candidate,
        cases=cases,
        warnings=list(warnings),
    )


def _hold(reasons: tuple[str, ...], rows: int) -> None:
    """Stop the night when there are reasons to; every row that came in is then held."""
    if reasons:
        raise Held(reasons, Account(rows, quarantined=rows).check())

"""A run over a workspace: lock, recover, name the night, and write down how it ended."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pandas as pd

from foretaste.core.errors import ContractError, ForetasteError
from foretaste.core.layout import partition
from foretaste.core.ledger import Ledger
from foretaste.core.lock import workspace_lock
from foretaste.core.release import Release, releases
from foretaste.core.tags import has_tag
from foretaste.core.workspace import Workspace
from foretaste.intake import OriginalStore
from foretaste.steps.aftermath import expire, keep_lists, read_lists
from foretaste.steps.desk_rules import rules_on, tell_of_the_over
from foretaste.steps.night import Night
from foretaste.steps.pending import pending
from foretaste.steps.state import read_decisions

log = logging.getLogger(__name__)

_NIGHTS = ("nightly", "review")
"""Runs that begin by closing the cases whose time is over."""


@dataclass(frozen=True)
class Session:
    """A run that holds the workspace.

    Parameters
    ----------
    workspace
        Locked and recovered.
    night
        What its steps are given.
    decided
        Columns ``decision_id, row_id, decision, label``: what people decided and no
        release has applied yet.
    listed
        Columns of ``LISTED_SCHEMA``: contributors on people's lists as the run began.
    rules
        Columns of ``RULES_SCHEMA``: the desk's rules that were on as the run began.
    silent
        Decisions that say nothing of any row any more; they are over with the run.
    published
        The release, where this run published it and then died before its model.
    """

    workspace: Workspace
    night: Night
    decided: pd.DataFrame
    published: Release | None
    listed: pd.DataFrame | None = None
    silent: tuple[int, ...] = ()
    rules: pd.DataFrame | None = None

    @property
    def originals(self) -> OriginalStore:
        """Where the bytes of bad rows go."""
        workspace = self.workspace
        return OriginalStore.open(workspace.root, workspace.id, workspace.key)

    def applied(self) -> None:
        """Write down that this run acted on the decisions that it was given.

        Original bytes that were kept long enough lose their keys with it.
        """
        _mark_applied(self.workspace, self.night.run_id, self.silent)
        keep_lists(self.workspace, self.night)
        days = self.night.policy.ingest.keep_originals_days
        self.originals.expire(self.night.as_of - timedelta(days=days))

    def finish(
        self, state: str, exit_code: int, counts: dict[str, int], release: int | None = None
    ) -> None:
        """Write down how the run ended."""
        with self.workspace.ledger() as ledger:
            ledger.finish_run(
                self.night.run_id,
                state=state,
                exit_code=exit_code,
                at=datetime.now(UTC),
                counts=counts,
                release=release,
            )


def moment(as_of: str | None) -> datetime:
    """Read "now": a date means its midnight UTC, nothing means the clock, asked once.

    Raises
    ------
    ContractError
        If it is neither a date nor a time with a zone.
    """
    if as_of is None:
        return datetime.now(UTC)
    try:
        if len(as_of) == len("2026-01-01"):
            return datetime.combine(date.fromisoformat(as_of), time(), UTC)
        found = datetime.fromisoformat(as_of)
    except ValueError:
        raise ContractError(f"--as-of {as_of!r} is no date", hint="write 2026-01-31") from None
    if found.tzinfo is None:
        raise ContractError(f"--as-of {as_of!r} has no zone", hint="add one, e.g. +00:00")
    return found.astimezone(UTC)


@contextmanager
def session(
    root: Path, as_of: str | None, kind: str, *, dry_run: bool = False
) -> Iterator[Session]:
    """Hold the workspace for a run, recovered; a fault is written down and raised again.

    Parameters
    ----------
    dry_run
        Nothing is to change: cases whose time is over stay open.

    Raises
    ------
    Locked
        If another run holds it.
    """
    workspace = Workspace.open(root)
    now = moment(as_of)
    policy = workspace.policy
    with workspace_lock(workspace.layout, f"{kind} run"):
        for line in workspace.recover():
            log.warning("recovered: %s", line)
        with workspace.ledger() as ledger:
            unfinished = _without_model(workspace)
            if unfinished is not None:
                night, run_id = unfinished.night, unfinished.run_id
                _mark_applied(workspace, run_id, ())
            else:
                night, run_id = _name(workspace, ledger, now, kind)
            ledger.start_run(run_id, night=night, kind=kind, at=datetime.now(UTC))
            if kind in _NIGHTS and not dry_run:
                expire(ledger, policy.review, now)
            found = pending(ledger, set(read_decisions(workspace.layout.state)["decision_id"]))
            ledger.claim([*set(found.rows["decision_id"]), *found.silent], run_id=run_id)
            listed, rules = read_lists(ledger, now), rules_on(ledger, now)
            if not dry_run:
                tell_of_the_over(ledger, now)
        work = workspace.layout.runs / run_id
        opened = Session(
            workspace,
            Night(workspace.layout, policy, workspace.key, night, now, work),
            found.rows,
            unfinished,
            listed,
            found.silent,
            rules,
        )
        try:
            yield opened
        except BaseException as error:
            code = error.exit_code if isinstance(error, ForetasteError) else 1
            if any(one.run_id == run_id for one in releases(workspace)):
                # What is published can no longer be taken back, however the run ended.
                _mark_applied(workspace, run_id, ())
            opened.finish("failed", code, {})
            raise


def _without_model(workspace: Workspace) -> Release | None:
    """The newest release, when its run died before the model, or None."""
    known = releases(workspace)
    if not known or has_tag(workspace, f"model/{known[-1].number:04d}"):
        return None
    return known[-1] if (workspace.layout.runs / known[-1].run_id).exists() else None


def _name(workspace: Workspace, ledger: Ledger, now: datetime, kind: str) -> tuple[str, str]:
    """Name night and run; a run that died before it published goes on under its name."""
    day, again = f"{now:%Y-%m-%d}", 1
    night = day
    while partition(workspace.layout.contributions, night).exists():
        again += 1
        night = f"{day}.{again:03d}"  # nights sort as text
    earlier = [run for run in ledger.runs(limit=10_000) if run.night == night]
    for run in earlier:
        if run.state in ("interrupted", "failed") and run.release is None and run.kind == kind:
            return night, run.id
    return night, f"{night}-{kind}-{len(earlier) + 1}"


def _mark_applied(workspace: Workspace, run_id: str, silent: tuple[int, ...]) -> None:
    """Mark what the published state holds: exactly once, and safe to repeat."""
    done = {*read_decisions(workspace.layout.state)["decision_id"], *silent}
    with workspace.ledger() as ledger:
        waiting = [d.id for d in ledger.pending_decisions() if d.id in done]
        ledger.mark_applied(waiting, run_id=run_id)

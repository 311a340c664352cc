"""An A/B test's life: it starts, is looked at, and ends; harm sends everybody back.

The ledger decides; the split's file, which servers read, follows it. Nothing here needs
the workspace's lock but moving the champion: a long night must not delay a stop. Who
changes a test says which version it has seen, and loses against whoever was faster.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from foretaste.core.errors import ForetasteError, WorkspaceError
from foretaste.core.files import atomic_write
from foretaste.core.layout import Layout
from foretaste.core.ledger import ABTest, Champion
from foretaste.core.lock import workspace_lock
from foretaste.core.policy import AB
from foretaste.core.workspace import Workspace
from foretaste.models.ab.assign import Split, read_split
from foretaste.models.ab.judge import Finding, Found, judge
from foretaste.models.ab.log import read_log
from foretaste.models.ab.sift import Sample, sift
from foretaste.models.registry import read_card
from foretaste.steps.promote import move_champion

SPLIT: Final = "ab_split.json"


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a running test: what its log holds, and what that says."""

    sample: Sample | None
    found: Found | None
    finding: Finding
    ends: bool
    reason: str

    def to_json(self) -> dict[str, Any]:
        """Give everything as JSON has it: what is not a number is null."""
        said: dict[str, Any] = {}
        if self.found is not None and self.sample is not None:
            said = asdict(self.found)
            names = ("waiting", "repeats", "outside", "rows", "problems", "bad_share")
            said["log"] = {name: getattr(self.sample, name) for name in names}
        said |= {"finding": self.finding, "ends": self.ends, "reason": self.reason}
        finite: dict[str, Any] = _finite(said)
        return finite


def split_file(layout: Layout) -> Path:
    """Where servers read how units are divided."""
    return layout.traffic / SPLIT


def split_of(workspace: Workspace, test: ABTest) -> Split:
    """Give the split of a test; its salt follows from the key and from what the test is."""
    purpose = f"ab/{test.name}/{test.started.isoformat()}/{test.candidate}"
    return Split.of(
        test.name,
        workspace.key.derive(purpose, 16).hex(),
        AB.model_validate(test.settings).share,
        candidate=test.candidate,
        champion=test.champion,
    )


def begin(
    workspace: Workspace,
    *,
    candidate: tuple[str, int],
    champion: Champion,
    by: str,
    reason: str,
    at: datetime,
) -> ABTest:
    """Start a test: in the ledger first, then in the file that servers read.

    Raises
    ------
    WorkspaceError
        If one is running.
    """
    with workspace.ledger() as ledger:
        test = ledger.start_ab(
            candidate=candidate,
            champion=(champion.model, champion.release),
            # Where the log is may change, and its URL may hold a password.
            settings=workspace.policy.ab.model_dump(mode="json", exclude={"outcomes", "table"}),
            by=by,
            at=at,
            reason=reason,
        )
    atomic_write(split_file(workspace.layout), split_of(workspace, test).to_bytes())
    now = newest(workspace)
    if now is None or not (now.active and now.number == test.number):
        _close_split(workspace, test)  # somebody stopped it meanwhile
    return test


def newest(workspace: Workspace) -> ABTest | None:
    """Give the newest test, running or over."""
    with workspace.ledger() as ledger:
        return next(iter(ledger.ab_tests(1)), None)


def look(workspace: Workspace, test: ABTest, now: datetime) -> Look:
    """Look at a running test; changes nothing."""
    with workspace.ledger() as ledger:
        champion = ledger.champion()
    if champion is None or champion.model not in (test.champion, test.candidate):
        serves = "no model" if champion is None else champion.model[:12]
        reason = f"{serves} has become champion: the test compares with one that was"
        return Look(None, None, Finding.OVERTAKEN, True, reason)
    limits = AB.model_validate(test.settings)
    classes = _classes(workspace, test)
    place = workspace.policy.ab
    rows, unreadable = read_log(place.outcomes, workspace.root, place.table)
    sample = sift(
        rows,
        split_of(workspace, test),
        classes=classes,
        started=test.started,
        now=now,
        wait=timedelta(hours=limits.wait_hours),
        unreadable=unreadable,
    )
    found = judge(sample, limits, classes=classes, started=test.started, now=now)
    return Look(sample, found, found.finding, found.ends, found.reason)


def settle(workspace: Workspace, test: ABTest, seen: Look, *, by: str, at: datetime) -> ABTest:
    """Act on a look: nothing where nothing is new, a rollback where there is harm.

    Servers are sent back to the champion first, then the champion moves if the candidate
    had taken its place, and the ledger ends the test last: whoever dies between does it
    again at the next look.

    Raises
    ------
    Locked
        If the champion must move and a run holds the workspace; servers are back by then.
    WorkspaceError
        If the test has changed meanwhile.
    """
    if not seen.ends and seen.finding == test.state:
        return test
    if seen.ends:
        _close_split(workspace, test)
    if seen.finding is Finding.HARM:
        _restore(workspace, test, seen.reason, by=by, at=at)
    with workspace.ledger() as ledger:
        return ledger.change_ab(
            test,
            state=seen.finding,
            ends=seen.ends,
            reason=seen.reason,
            found=seen.to_json(),
            by=by,
            at=at,
        )


def split_fault(workspace: Workspace, test: ABTest) -> str | None:
    """Tell what is wrong with the file that servers read; None where it is right."""
    wanted = split_of(workspace, test)
    wanted = wanted if test.active else replace(wanted, threshold=0)
    try:
        found = read_split(split_file(workspace.layout))
    except ForetasteError as error:
        return error.message
    return None if found == wanted else f"{SPLIT} is not what {test.name} says"


def mend_split(workspace: Workspace, test: ABTest) -> str | None:
    """Write the file that servers read anew where it is not what the ledger says.

    Returns
    -------
    str or None
        What was wrong with it; None where nothing was.
    """
    fault = split_fault(workspace, test)
    if fault is None:
        return None
    if test.active:
        atomic_write(split_file(workspace.layout), split_of(workspace, test).to_bytes())
    now = newest(workspace)
    if now is not None and now.number == test.number and not now.active:
        _close_split(workspace, test)  # it is over, or somebody stopped it meanwhile
    return fault


def close_stray(workspace: Workspace) -> bool:
    """Send everybody to the champion where a split is open and no test runs.

    A lost ledger leaves that behind. The file is read before the ledger: a test that is
    just starting is in the ledger first.
    """
    path = split_file(workspace.layout)
    try:
        split = read_split(path)
    except WorkspaceError:
        return False
    now = newest(workspace)
    if split.threshold == 0 or (now is not None and now.active):
        return False
    atomic_write(path, replace(split, threshold=0).to_bytes())
    return True


def _close_split(workspace: Workspace, test: ABTest) -> None:
    """Send everybody to the champion, unless the file is a later test's."""
    path = split_file(workspace.layout)
    try:
        later = read_split(path).test > test.name
    except WorkspaceError:
        later = False
    if not later:
        atomic_write(path, replace(split_of(workspace, test), threshold=0).to_bytes())


def _restore(workspace: Workspace, test: ABTest, reason: str, *, by: str, at: datetime) -> None:
    with workspace.ledger() as ledger:
        champion = ledger.champion()
    if champion is None or champion.model != test.candidate:
        return
    with workspace_lock(workspace.layout, f"foretaste ab check {test.name}"):
        workspace.recover()
        move_champion(
            workspace,
            model=test.champion,
            release=test.champion_release,
            # The same test asking again moves nothing twice.
            run_id=f"{test.name}-{test.started:%Y%m%dT%H%M%S}-harm",
            by=by,
            reason=f"{test.name}: {reason}",
            kind="rollback",
            override=False,
            at=at,
        )


def _classes(workspace: Workspace, test: ABTest) -> tuple[str, ...]:
    folder, key = workspace.layout.models, workspace.key
    cards = [read_card(folder, digest, key) for digest in (test.candidate, test.champion)]
    return tuple(sorted({str(name) for card in cards for name in card.classes}))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value

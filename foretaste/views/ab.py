"""The A/B test on one screen: arms, gain, guardrails, the log, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final

from foretaste.core.errors import ForetasteError, GateRefused, WorkspaceError
from foretaste.core.ledger import ABTest, Champion
from foretaste.core.workspace import Workspace
from foretaste.models.ab.assign import ARMS
from foretaste.models.ab.judge import Finding
from foretaste.models.promotion import PromotionPlan
from foretaste.steps.ab import (
    Look,
    begin,
    close_stray,
    look,
    mend_split,
    newest,
    settle,
    split_fault,
    split_file,
    split_of,
)
from foretaste.views.models import champions, plan_promote

ALARMS: Final = (Finding.HARM, Finding.MISMATCH, Finding.DISTRUSTED)
"""What a scheduler should tell somebody."""
_SHOWN: Final = 8
"""Guardrails on the screen."""
_NEXT: Final[Mapping[str, str]] = {
    Finding.RUNNING: "wait; `foretaste ab check` stops it when harm is sure",
    Finding.GAIN: "foretaste ab stop --reason gain, then foretaste promote {candidate}",
    Finding.DISTRUSTED: "mend what writes the log; gains do not count until then",
    Finding.HARM: "the champion serves; look for who taught the candidate that",
    Finding.MISMATCH: "find the units that one arm loses, then start again",
    Finding.UNDECIDED: "keep the champion, or start again with more traffic",
    Finding.STOPPED: "foretaste ab start",
    Finding.OVERTAKEN: "foretaste ab start",
}


@dataclass(frozen=True, slots=True)
class StartPlan:
    """What would be tested against what.

    Parameters
    ----------
    promotion
        What the gates say of the candidate.
    champion
        Whom it is tested against.
    share
        Of the units, the candidate's.
    outcomes
        Where the log is, without anybody's password.
    """

    promotion: PromotionPlan
    champion: Champion
    share: float
    outcomes: str

    def describe(self) -> list[str]:
        """Tell the plan in plain lines."""
        asked = self.promotion.describe().splitlines()[1:]
        arms = f"{self.promotion.candidate[:12]} against champion {self.champion.model[:12]}"
        how = f"{self.share:.0%} of the units, outcomes from {self.outcomes}"
        return [f"test {arms}: {how}", *asked]


def plan_start(workspace: Workspace, wanted: str, override_reason: str) -> StartPlan:
    """Plan a test: it shows a model to people, so that the gates are asked as for promotion.

    Parameters
    ----------
    wanted
        The beginning of the candidate's digest, a release's number or tag, or ``latest``.
    override_reason
        Why a person tests in spite of gates that hold; "" without one.

    Raises
    ------
    WorkspaceError
        If there is no champion, no such model, or a test is running.
    """
    running = newest(workspace)
    if running is not None and running.active:
        raise WorkspaceError(
            f"{running.name} is running already", hint="`foretaste ab stop` ends it"
        )
    serving = next(iter(champions(workspace)), None)
    if serving is None:
        raise WorkspaceError(
            "there is no champion to test against", hint="`foretaste promote` makes one"
        )
    plan = plan_promote(workspace, wanted, override_reason)
    settings = workspace.policy.ab
    return StartPlan(plan, serving, settings.share, settings.outcomes.rpartition("@")[2])


def start(workspace: Workspace, plan: StartPlan, *, by: str, reason: str, at: datetime) -> ABTest:
    """Start the planned test, once the candidate was verified, byte by byte, and loads.

    Raises
    ------
    GateRefused
        If gates hold the candidate.
    """
    from foretaste.models.registry import load_model

    asked = plan.promotion
    if asked.verdict == "hold":
        raise GateRefused(
            f"model {asked.candidate[:12]} is held: {'; '.join(asked.reasons)}",
            reasons=asked.reasons,
            hint="`foretaste ab start --dry-run` shows every gate; --override --reason overrules "
            "gates that were asked",
        )
    load_model(workspace.layout.models, asked.candidate, workspace.key)
    return begin(
        workspace,
        candidate=(asked.candidate, int(asked.release)),
        champion=plan.champion,
        by=by,
        reason=reason,
        at=at,
    )


def check(
    workspace: Workspace, *, by: str, at: datetime, dry_run: bool = False
) -> tuple[dict[str, Any], list[str]]:
    """Look at the running test and act on it; tell what ``describe`` tells."""
    test = newest(workspace)
    if test is None or not test.active:
        stray = not dry_run and close_stray(workspace)
        if test is not None and not dry_run and not stray:
            mend_split(workspace, test)
        content, lines = describe(workspace, test, None)
        told = ["split        was open though no test runs: closed"] if stray else []
        return {**content, "stray": stray}, told + lines
    seen = look(workspace, test, at)
    if dry_run:
        return describe(workspace, test, seen)
    test = settle(workspace, test, seen, by=by, at=at)
    mended = mend_split(workspace, test)
    content, lines = describe(workspace, test, seen)
    told = [f"split        written anew: {mended}"] if mended else []
    return {**content, "mended": mended, "alarm": content["alarm"] or bool(mended)}, told + lines


def stop(workspace: Workspace, *, by: str, reason: str, at: datetime) -> ABTest:
    """End the running test by hand; the champion answers everybody.

    Raises
    ------
    WorkspaceError
        If none is running.
    """
    test = running(workspace)
    try:
        seen = look(workspace, test, at)
    except ForetasteError:
        # A log that nobody can read must not keep a test alive.
        seen = Look(None, None, Finding.STOPPED, True, reason)
    ended = replace(seen, finding=Finding.STOPPED, ends=True, reason=reason)
    return settle(workspace, test, ended, by=by, at=at)


def running(workspace: Workspace) -> ABTest:
    """Give the running test.

    Raises
    ------
    WorkspaceError
        If there is none.
    """
    test = newest(workspace)
    if test is None or not test.active:
        raise WorkspaceError("no A/B test is running", hint="`foretaste ab start` starts one")
    return test


def status(workspace: Workspace, at: datetime) -> tuple[dict[str, Any], list[str]]:
    """Describe the newest test as it stands now, as values and as lines; changes nothing."""
    test = newest(workspace)
    seen = look(workspace, test, at) if test is not None and test.active else None
    return describe(workspace, test, seen)


def describe(
    workspace: Workspace, test: ABTest | None, seen: Look | None
) -> tuple[dict[str, Any], list[str]]:
    """Describe a test; without a look, as its end had found it."""
    if test is None:
        return {"test": None, "next": "foretaste ab start"}, [
            "test         none yet",
            "next         foretaste ab start",
        ]
    found = dict(seen.to_json() if seen else test.found)
    finding = found.get("finding", test.state)
    content: dict[str, Any] = {
        "test": asdict(test) | {"name": test.name},
        "found": found,
        "split": {
            "file": str(split_file(workspace.layout)),
            "share": split_of(workspace, test).share if test.active else 0.0,
            "fault": split_fault(workspace, test),
        },
        "alarm": finding in ALARMS,
        "next": "foretaste ab check, which ends it"
        if test.active and found["ends"]
        else _NEXT[finding].format(candidate=test.candidate[:12]),
    }
    return content, list(_lines(test, content))


def _lines(test: ABTest, content: Mapping[str, Any]) -> Iterator[str]:
    found, split = content["found"], content["split"]
    until = f", ended {test.ended:%Y-%m-%d %H:%M}Z" if test.ended else ""
    yield f"test         {test.name}, started {test.started:%Y-%m-%d %H:%M}Z{until}"
    yield (
        f"models       candidate {test.candidate[:12]} of release {test.release}, "
        f"champion {test.champion[:12]} of release {test.champion_release}"
    )
    if "gain" in found:
        yield from _measured(found, test.settings)
    yield f"split        {split['fault'] or '{:.0%} to the candidate'.format(split['share'])}"
    yield f"says         {found.get('finding', test.state)}: {found.get('reason', test.reason)}"
    yield f"next         {content['next']}"


def _measured(found: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[str]:
    log = found["log"]
    for at, arm in enumerate(ARMS):
        units, known, right = (found[name][at] for name in ("units", "known", "right"))
        yield (
            f"{arm:<13}{units} units, {known} with an outcome, "
            f"{_rate(right, known)} right, {log['waiting'][arm]} wait"
        )
    sure = 1 - settings["alpha"]
    yield f"gain         {_interval(found['gain'])} ({sure:.0%} sure at every look)"
    yield f"shares       p={found['mismatch']:.3g}, planned {settings['share']:.0%}"
    guards = sorted(found["guards"], key=_worst_first)
    for guard in guards[:_SHOWN]:
        ours, theirs = (_rate(bad, n) for bad, n in zip(guard["bad"], guard["units"], strict=True))
        mark = "HARM" if guard["harmed"] else "ok"
        yield (
            f"guardrail    {mark:<5}{guard['name']}: {ours} against {theirs}, rise "
            f"{_interval(guard['rise'])}, allowed {guard['limit']:+.3f}"
        )
    if len(guards) > _SHOWN:
        yield f"guardrail         {len(guards) - _SHOWN} more; --json lists them"
    yield (
        f"log          {log['rows']} rows, {log['repeats']} repeats, "
        f"{log['outside']} from before the test"
    )
    for name, n in log["problems"].items():
        yield f"left out     {n} {name}"


def _worst_first(guard: Mapping[str, Any]) -> tuple[bool, float]:
    rise = guard["rise"]["value"]
    return not guard["harmed"], guard["limit"] - (rise or 0.0)


def _rate(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "-"


def _interval(one: Mapping[str, float | None]) -> str:
    if one["value"] is None:
        return "unknown"
    return f"{one['value']:+.4f} [{one['low']:+.4f}, {one['high']:+.4f}]"

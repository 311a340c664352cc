"""What a test has found: the gain, the guardrails, and whether it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import pandas as pd

from foretaste.core.policy import AB
from foretaste.models.ab.assign import ARMS
from foretaste.models.ab.interval import sequential_difference, sequential_mismatch
from foretaste.models.ab.log import LATENCY
from foretaste.models.ab.sift import Sample
from foretaste.models.measure import Interval


class Finding(StrEnum):
    """What a test says. The first three go on until it is full; a look gives all but two."""

    RUNNING = "running"
    GAIN = "gain"
    DISTRUSTED = "distrusted"
    HARM = "harm"
    MISMATCH = "mismatch"
    UNDECIDED = "undecided"
    STOPPED = "stopped"
    """By a person."""
    OVERTAKEN = "overtaken"
    """Another model has become champion."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Something that may not get worse.

    Parameters
    ----------
    name
        ``errors of CLASS``, ``missing outcomes``, ``unanswered`` or ``slow answers``.
    bad, units
        Bad units, and all that the guardrail is about, of candidate and champion.
    rise
        Candidate's share of bad units minus the champion's, sequential interval.
    limit
        Rise that the policy allows.
    harmed
        Whether the interval lies above it.
    """

    name: str
    bad: tuple[int, int]
    units: tuple[int, int]
    rise: Interval
    limit: float
    harmed: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What one look at a test found.

    Parameters
    ----------
    finding, ends
        What it says, and whether the test stops with it.
    reason
        One sentence.
    units, known, right
        Per arm (candidate, champion): units that count, those with an outcome, and those
        answered right.
    gain
        Share answered right, candidate minus champion, with its sequential interval.
    mismatch
        Anytime-valid p-value of the planned shares.
    guards
        Every guardrail.
    """

    finding: Finding
    ends: bool
    reason: str
    units: tuple[int, int]
    known: tuple[int, int]
    right: tuple[int, int]
    gain: Interval
    mismatch: float
    guards: tuple[Guard, ...]


def judge(
    sample: Sample, limits: AB, *, classes: tuple[str, ...], started: datetime, now: datetime
) -> Found:
    """Judge a test by what it may look at; looking often costs nothing.

    The order of what can be found is that of safety: harm ends a test whatever else is
    wrong with it, and neither lost units nor a log full of lies can end in a gain.
    """
    units = sample.units
    known = units["outcome"].notna()
    right = known & (units["prediction"] == units["outcome"])
    hits, counts = _by_arm(units, right), _by_arm(units, known)
    gain = _interval(hits, counts, limits.alpha, limits)
    guards = tuple(_guards(units, classes, limits))
    seen = _by_arm(units, units["arm"].notna())
    arrived = (seen[0] + sample.waiting["candidate"], seen[1] + sample.waiting["champion"])
    mismatch = float(sequential_mismatch(arrived, limits.share))
    finding, reason = (
        _harm(limits, gain, guards, min(counts))
        or _unsound(sample, limits, mismatch)
        or _gain(limits, gain, min(counts))
    )
    ends = finding in (Finding.HARM, Finding.MISMATCH)
    old = now - started >= timedelta(days=limits.max_days)
    if not ends and (old or sum(seen) >= limits.max_units):
        ends = True
        reason += f"; {limits.max_days} days or {limits.max_units} units are over"
        finding = Finding.UNDECIDED if finding is Finding.RUNNING else finding
    return Found(finding, ends, reason, seen, counts, hits, gain, mismatch, guards)


Said = tuple[Finding, str]


def _harm(limits: AB, gain: Interval, guards: tuple[Guard, ...], least: int) -> Said | None:
    worse = [guard.name for guard in guards if guard.harmed]
    if least >= limits.min_units and gain.high < -limits.max_loss:
        worse.insert(0, "right answers")
    return (Finding.HARM, f"the candidate is surely worse: {', '.join(worse)}") if worse else None


def _unsound(sample: Sample, limits: AB, mismatch: float) -> Said | None:
    if mismatch < limits.srm_alpha:
        return Finding.MISMATCH, "the arms do not hold the planned shares of units: some get lost"
    if sample.bad_share > limits.max_bad_share:
        bad = sum(sample.problems.values())
        return Finding.DISTRUSTED, f"{bad} rows or files of the log are not what a server writes"
    return None


def _gain(limits: AB, gain: Interval, least: int) -> Said:
    if least < limits.min_units:
        return Finding.RUNNING, f"an arm has fewer than {limits.min_units} known outcomes"
    if gain.low > 0:
        return Finding.GAIN, "the candidate surely gives more right answers"
    return Finding.RUNNING, "no difference is sure yet"


def _guards(units: pd.DataFrame, classes: tuple[str, ...], limits: AB) -> Iterator[Guard]:
    every = units["arm"].notna()
    missed = ~(units["prediction"] == units["outcome"])
    timed = units[LATENCY].notna()
    asked = [
        (f"errors of {name}", missed, units["outcome"] == name, limits.max_class_harm)
        for name in classes
    ]
    asked += [
        ("missing outcomes", units["outcome"].isna(), every, limits.max_missing_harm),
        ("unanswered", units["prediction"].isna(), every, limits.max_unanswered_harm),
        ("slow answers", units[LATENCY] > limits.slow_ms, timed, limits.max_slow_harm),
    ]
    alpha = limits.guard_alpha / len(asked)
    for name, bad, among, limit in asked:
        counts, hits = _by_arm(units, among), _by_arm(units, bad & among)
        rise = _interval(hits, counts, alpha, limits)
        harmed = min(counts) >= limits.min_units and rise.low > limit
        yield Guard(name, hits, counts, rise, limit, harmed)


def _by_arm(units: pd.DataFrame, flag: pd.Series[bool]) -> tuple[int, int]:
    ours, theirs = (int((flag & (units["arm"] == arm)).sum()) for arm in ARMS)
    return ours, theirs


def _interval(hits: tuple[int, int], counts: tuple[int, int], alpha: float, limits: AB) -> Interval:
    ends = sequential_difference(hits, counts, alpha=alpha, tuned_at=limits.tuned_at)
    return Interval(*(float(end) for end in ends))

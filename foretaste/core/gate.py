"""Gates: a measured value, a threshold, and what follows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class GateState(StrEnum):
    """What a gate says. ``UNDECIDED`` holds like a failure: never a silent pass."""

    PASS = "pass"  # noqa: S105
    WARN = "warn"
    FAIL = "fail"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Gate:
    """One check with its measurement.

    Parameters
    ----------
    name
        Stable snake_case name.
    state
        The verdict.
    value, low, high
        Measured value with its interval; None where nothing could be measured.
    threshold
        What it was compared with, in words: ``">= 0.80"``.
    meaning
        One sentence: what was measured and what it says.
    action
        What to do when it is not a pass.
    """

    name: str
    state: GateState
    value: float | None
    low: float | None
    high: float | None
    threshold: str
    meaning: str
    action: str


def holding(gates: Iterable[Gate]) -> tuple[Gate, ...]:
    """Give the gates that hold a promotion: failed or undecided ones."""
    return tuple(g for g in gates if g.state in (GateState.FAIL, GateState.UNDECIDED))

"""What a suite is made of, and what it says once it has run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

import pandas as pd

COUNTS: Final = "counts"
"""Name of the table of measures: one row, one column per measure."""

SAMPLE: Final = "sample"
"""Name of the seeded sample of rows."""


class Severity(StrEnum):
    """What a failure does: a critical one holds the night, a warning is only shown."""

    CRITICAL = "critical"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation of Great Expectations, with what the report says about it.

    Parameters
    ----------
    name
        Stable snake_case name, unique in its suite.
    expectation
        Class name, from Great Expectations or from ``expectations.custom``.
    arguments
        Its arguments.
    threshold
        What the value is compared with, in words.
    meaning
        One sentence: what a success says.
    severity
        What a failure does.
    on
        Name of the table that it reads.
    note
        Shown beside the observed value. Never contributed text.
    """

    name: str
    expectation: str
    arguments: Mapping[str, Any]
    threshold: str
    meaning: str
    severity: Severity = Severity.CRITICAL
    on: str = SAMPLE
    note: str = ""


@dataclass(frozen=True, slots=True)
class Measure:
    """A number computed over all rows, and the range that it must lie in.

    Parameters
    ----------
    name
        Stable snake_case name, also the name of its column.
    value
        The number; NaN when it could not be measured, which fails.
    meaning
        One sentence: what a success says.
    low, high
        Inclusive bounds; None for no bound.
    severity
        What a failure does.
    note
        Shown beside the value. Never contributed text.
    """

    name: str
    value: float
    meaning: str
    low: float | None = None
    high: float | None = None
    severity: Severity = Severity.CRITICAL
    note: str = ""

    def check(self) -> Check:
        """Turn into an expectation on the table of measures."""
        return Check(
            name=self.name,
            expectation="ExpectMeasureWithin",
            arguments={"column": self.name, "min_value": self.low, "max_value": self.high},
            threshold=_range(self.low, self.high),
            meaning=self.meaning,
            severity=self.severity,
            on=COUNTS,
            note=self.note,
        )


def none_of(
    name: str, count: float, meaning: str, severity: Severity = Severity.CRITICAL, note: str = ""
) -> Measure:
    """Build the measure of a violation that must not occur once."""
    return Measure(name, count, meaning, high=0, severity=severity, note=note)


def counts_table(measures: Sequence[Measure]) -> pd.DataFrame:
    """Put measures side by side: one row, float64 columns."""
    return pd.DataFrame({m.name: [float(m.value)] for m in measures})


@dataclass(frozen=True, slots=True)
class ExpectationResult:
    """What one expectation says.

    Parameters
    ----------
    name, severity, threshold, meaning
        As its check says.
    success
        False also where it could not be evaluated.
    observed
        What was seen: numbers and names from the policy, never contributed text.
    """

    name: str
    severity: Severity
    success: bool
    observed: str
    threshold: str
    meaning: str


@dataclass(frozen=True, slots=True)
class SuiteReport:
    """What a suite says.

    Parameters
    ----------
    suite
        Name of the suite.
    results
        One per expectation of the suite, in its order.
    evaluated, expected
        Expectations that gave a result, and those that the suite holds.
    """

    suite: str
    results: tuple[ExpectationResult, ...]
    evaluated: int
    expected: int

    @property
    def ok(self) -> bool:
        """False when a critical expectation failed, or any was not evaluated."""
        return 0 < self.expected <= self.evaluated and not self.failed(Severity.CRITICAL)

    def failed(self, severity: Severity) -> tuple[ExpectationResult, ...]:
        """Give the failures of one severity."""
        return tuple(r for r in self.results if not r.success and r.severity == severity)

    def to_json(self) -> dict[str, Any]:
        """Give a mapping of plain JSON values."""
        return {
            "suite": self.suite,
            "ok": self.ok,
            "evaluated": self.evaluated,
            "expected": self.expected,
            "results": [asdict(r) | {"severity": str(r.severity)} for r in self.results],
        }


def _range(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return "finite"
    if low is None and high == 0:
        return "none"
    if high is None:
        return f">= {low:.6g}"
    return f"<= {high:.6g}" if low is None else f"{low:.6g} to {high:.6g}"

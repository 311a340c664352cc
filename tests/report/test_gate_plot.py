"""The picture of the gates: lines stand at limits of the value, and nowhere else."""

from __future__ import annotations

import pytest

from foretaste.core.gate import Gate, GateState
from foretaste.report.plots import gates


def _drawn(threshold: str) -> str:
    return gates([Gate("one", GateState.PASS, 0.3, 0.2, 0.4, threshold, "meaning", "")])


@pytest.mark.parametrize(
    ("threshold", "limits"),
    [
        (">= 0, or not surely below; noise 0.0871", ">= 0"),
        ("p >= 0.05 in the family of gates", "no slice surely worse"),
        (">= 30 labelled rows of two classes", ">= 30"),
        ("3 expectations evaluated, none critical failed", "no share guard acted"),
        ("<= 15%", "<= 0.15"),
    ],
)
def test_only_what_a_value_is_compared_with_is_a_line(threshold: str, limits: str) -> None:
    assert _drawn(threshold) == _drawn(limits)


def test_a_range_has_two_lines() -> None:
    assert len({_drawn("0.33 to 3.00"), _drawn("<= 0.33"), _drawn(">= 3.00")}) == 3

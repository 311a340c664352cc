"""A waterfall in plain text: aligned bars, each starting where the one before ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from foretaste.report.waterfall import Step

_WIDTH: Final = 32


def bars(steps: Sequence[Step], width: int = _WIDTH) -> list[str]:
    """Draw steps as lines: label, nats, bar and running sum; ``+`` speaks for poison.

    Parameters
    ----------
    width
        Characters from the least to the greatest sum reached; zero is among them.
    """
    reached = [0.0, *(step.cumulative for step in steps)]
    low, high = min(reached), max(reached)
    scale = (width - 1) / ((high - low) or 1.0)
    label = max((len(step.label) for step in steps), default=0)
    at = [round((sum_ - low) * scale) for sum_ in reached]
    lines = []
    # Both ends come from the sums reached, so that no bar starts beside the one before.
    for step, *ends in zip(steps, at, at[1:], strict=False):
        ends.sort()
        canvas = [" "] * width
        canvas[at[0]] = "|"
        canvas[ends[0] : ends[1] + 1] = ("+" if step.nats > 0 else "-") * (ends[1] - ends[0] + 1)
        drawn = "".join(canvas)
        said = f"  {step.label:<{label}} {step.nats:+7.2f}  {drawn} {step.cumulative:+7.2f}"
        lines.append(f"{said}  {step.reason}".rstrip())
    return lines

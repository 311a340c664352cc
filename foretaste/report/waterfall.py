"""Why one row was judged as it was: from the prior, through the evidence, to the sum."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from foretaste.core.evidence import MICRO
from foretaste.report.safe import plain_label, visible
from foretaste.report.svg import colour, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PRIOR: Final = "prior"
REST: Final = "caps, company and calibration"
_WHY_REST: Final = (
    "family caps, the actor's other rows, the track record, and what such a sum is worth"
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a waterfall.

    Parameters
    ----------
    label
        The detector, ``prior``, or what comes after all detectors.
    nats
        What the step adds; positive speaks for poison.
    cumulative
        The sum so far, this step included.
    reason
        What the detector said; what cannot be seen is written out.
    """

    label: str
    nats: float
    cumulative: float
    reason: str = ""


def waterfall(
    evidence: Iterable[Mapping[str, Any]], prior: int, total: int | None = None
) -> tuple[Step, ...]:
    """Lay out the evidence on one row: the prior, then the strongest first.

    Parameters
    ----------
    evidence
        Lines with ``detector, llr`` (micro-nats) and ``reason``, as the table has them.
    prior
        Micro-nats of prior and track record.
    total
        The verdict's ``llr``, micro-nats, prior included. Where it differs from the sum
        of the lines, caps of families took the rest, and a last step says so.
    """
    lines = sorted(evidence, key=lambda line: (-abs(line["llr"]), str(line["detector"])))
    added = [(PRIOR, prior, "what is believed before any evidence"), *map(_said, lines)]
    capped = 0 if total is None else total - sum(llr for _, llr, _ in added)
    if capped:
        added.append((REST, capped, _WHY_REST))
    steps, reached = [], 0
    for label, llr, reason in added:
        reached += llr
        steps.append(Step(visible(label), llr / MICRO, reached / MICRO, visible(reason)))
    return tuple(steps)


def waterfall_svg(steps: Iterable[Step]) -> str:
    """Draw a waterfall; an ``<svg>`` element in the colours of the report's page."""
    lines = tuple(steps)

    def paint(axes: Axes) -> None:
        for position, step in enumerate(lines):
            before = step.cumulative - step.nats
            token = "rejected" if step.nats > 0 else "accepted"
            axes.barh(position, step.nats, left=before, height=0.62, color=colour(token))
            axes.annotate(
                f"{step.nats:+.2f}",
                (max(before, step.cumulative), position),
                (4, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
            )
        axes.axvline(0, color=colour("ink"), linewidth=0.8)
        axes.set_yticks(range(len(lines)), [plain_label(step.label) for step in lines])
        axes.set_ylim(len(lines) - 0.4, -0.6)
        axes.set_xlabel("nats for poison, summed from the top")
        axes.margins(x=0.12)

    return draw("waterfall", 62 + 26 * max(len(lines), 1), paint)


def _said(line: Mapping[str, Any]) -> tuple[str, int, str]:
    return str(line["detector"]), int(line["llr"]), str(line["reason"])

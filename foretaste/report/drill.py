"""The picture of a drill: every trial a mark, where it stands on the attacker's bill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from foretaste.report.safe import plain_label
from foretaste.report.svg import colour, draw, stand_alone

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW: Final = 26
_WORDS_AT: Final = 0.56
"""Where the words begin, as a share of the width; the marks stay left of them."""
_LINES_TO: Final = 0.54
_TICKS: Final = (1, 10, 100, 1_000, 10_000, 100_000)


@dataclass(frozen=True, slots=True)
class DrillMark:
    """A trial: poisoned rows, the share of them that is learnt, whether it got through."""

    rows: int
    learnt: float
    through: bool


@dataclass(frozen=True, slots=True)
class DrillLine:
    """An attack: its trials, and in a few words what came of it."""

    attack: str
    marks: tuple[DrillMark, ...]
    said: str


def drill_picture(title: str, lines: Sequence[DrillLine]) -> str:
    """Draw trials by their poisoned rows, full red where they got through; one SVG file."""

    def paint(axes: Axes) -> None:
        most = max((mark.rows for line in lines for mark in line.marks), default=10)
        for position, line in enumerate(lines):
            axes.axhline(position, xmax=_LINES_TO, color=colour("line"), linewidth=0.8, zorder=0)
            for mark in line.marks:
                _mark(axes, position, mark)
            words = axes.text(_WORDS_AT, position, line.said, va="center", fontsize=9)
            words.set_transform(axes.get_yaxis_transform())
        least = min((mark.rows for line in lines for mark in line.marks), default=10)
        low = 0.6 * max(least, 1)
        axes.set_xscale("log")
        axes.set_xlim(low, low * (1.6 * max(most, 10) / low) ** (1 / _WORDS_AT))
        axes.set_ylim(len(lines) - 0.4, -0.6)
        axes.set_yticks(range(len(lines)), [plain_label(line.attack) for line in lines])
        ticks = [tick for tick in _TICKS if low < tick <= 1.5 * max(most, 10)]
        axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        axes.set_xticks([], minor=True)
        axes.set_xlabel("poisoned rows sent; filled: got through, hollow: kept out")

    return stand_alone(title, [draw("drill", 62 + _ROW * max(len(lines), 1), paint)])


def _mark(axes: Axes, position: int, mark: DrillMark) -> None:
    shade = colour("fail" if mark.through else "pass")
    fill = shade if mark.through else colour("paper")
    axes.plot(
        [mark.rows], [position], "o", markersize=8, color=shade, markerfacecolor=fill, zorder=2
    )
    if not mark.through:
        return
    axes.annotate(
        f"{mark.learnt:.0%}",
        (mark.rows, position),
        (0, 6),
        textcoords="offset points",
        ha="center",
        fontsize=8,
    )

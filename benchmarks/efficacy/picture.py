"""One picture: for every attack, ours beside every peer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import pandas as pd

from benchmarks.efficacy.cell import OURS
from benchmarks.efficacy.frames import chosen
from benchmarks.efficacy.peers import PEERS
from benchmarks.efficacy.strength import ADAPTIVE, NONE
from foretaste.report.svg import colour, draw, stand_alone

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MEASURES: Final = ("ROC-AUC", "recall at 5%")
_ROW: Final = 20
_ADAPTIVE: Final = "*"


def picture(frame: pd.DataFrame, style: float) -> str:
    """Draw ROC-AUC and recall by attack, means over corpora and seeds, as one SVG file.

    Every ring is a peer, the disc is ours; attacks are sorted by it, and a star marks
    those whose owner knows the detectors.
    """
    plain = frame[(frame["style"] == style) & (frame["attack"] != NONE)]
    pictures = []
    for measure in MEASURES:
        mine = chosen(plain, measure=measure)
        mean = mine.pivot_table(index="attack", columns="column", values="value")
        mean = mean.sort_values([OURS], ascending=False, kind="stable")
        name = measure.lower().replace(" ", "-").replace("%", "")
        pictures.append(draw(name, 60 + _ROW * len(mean), _painter(mean, measure)))
    return stand_alone("Poison found: ours (disc) and every peer (rings)", pictures)


def _painter(mean: pd.DataFrame, measure: str) -> Callable[[Axes], None]:
    peers = [name for name in PEERS if name in mean]

    def paint(axes: Axes) -> None:
        places = range(len(mean))
        axes.hlines(places, 0, 1, color=colour("line"), linewidth=0.8, zorder=0)
        muted, paper = colour("muted"), colour("paper")
        for peer in peers:
            axes.plot(mean[peer], places, "o", markersize=5, color=muted, markerfacecolor=paper)
        axes.plot(mean[OURS], places, "o", markersize=8, color=colour("accent"))
        stars = [_ADAPTIVE if name in ADAPTIVE else "" for name in mean.index]
        labels = [n.replace("_", " ") + star for n, star in zip(mean.index, stars, strict=True)]
        axes.set_yticks(places, labels, fontsize=9)
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(len(mean) - 0.4, -0.6)
        axes.set_xlabel(f"{measure} of the poisoned rows")

    return paint

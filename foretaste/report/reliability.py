"""Whether a posterior means what it says: expected against observed share of poison.

What was observed comes from drills of which the truth is known, each scored by curves that
were learnt on other attacks and sets, and from the rows that people reviewed tonight.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foretaste.core.verdict import Outcome
from foretaste.report.svg import colour, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TABLE: Final = Path(__file__).with_name("reliability.csv")
"""The committed drills: ``expected, observed, share``; learnt with the curves."""

EDGES: Final = (0.0, 0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98, 1.0)
"""Ends of the bins of the posterior: narrow where most rows are."""

Source = Literal["drills", "reviews"]
_TOKENS: Final = {"drills": "accent", "reviews": "rejected"}
_DECIDED: Final = pa.array([str(Outcome.ACCEPTED), str(Outcome.REJECTED)])


@dataclass(frozen=True, slots=True)
class ReliabilityLine:
    """Rows whose posterior lies in one bin.

    Parameters
    ----------
    source
        ``drills`` or ``reviews``.
    expected
        Mean posterior, in [0, 1].
    observed
        Share of these rows that was poison, in [0, 1].
    share
        Share of the source's rows that lies in the bin.
    """

    source: Source
    expected: float
    observed: float
    share: float


def binned(
    source: Source, posterior: np.ndarray, poison: np.ndarray, rows: np.ndarray
) -> list[ReliabilityLine]:
    """Give a line per bin with rows in it, rising.

    Parameters
    ----------
    posterior
        (n,) float64 in [0, 1].
    poison, rows
        (n,) float64: what of ``rows`` was poison.
    """
    place = np.clip(np.searchsorted(EDGES, posterior, side="right") - 1, 0, len(EDGES) - 2)
    total, meant, was = (np.bincount(place, w) for w in (rows, rows * posterior, poison))
    return [
        ReliabilityLine(
            source,
            float(meant[i] / total[i]),
            float(was[i] / total[i]),
            float(total[i] / total.sum()),
        )
        for i in np.flatnonzero(total).tolist()
    ]


def reliability_lines(verdicts: pa.Table) -> tuple[ReliabilityLine, ...]:
    """Give the drills' lines, and those of the rows that people found good or poisoned.

    Parameters
    ----------
    verdicts
        ``VERDICT_SCHEMA``.
    """
    with TABLE.open(newline="", encoding="utf-8") as file:
        drills = [
            ReliabilityLine("drills", *(float(line[k]) for k in ("expected", "observed", "share")))
            for line in csv.DictReader(file)
        ]
    said = pc.and_(pc.equal(verdicts["code"], "review"), pc.is_in(verdicts["verdict"], _DECIDED))
    seen = verdicts.filter(said)
    poison = pc.equal(seen["verdict"], str(Outcome.REJECTED)).to_numpy().astype(np.float64)
    return (*drills, *binned("reviews", seen["posterior"].to_numpy(), poison, np.ones(len(seen))))


def reliability(lines: Sequence[ReliabilityLine]) -> str:
    """Observed share of poison by expected share; on the diagonal a posterior is true."""

    def paint(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=colour("line"), linewidth=1)
        for source, token in _TOKENS.items():
            mine = [line for line in lines if line.source == source]
            at = [line.expected for line in mine], [line.observed for line in mine]
            axes.plot(*at, color=colour(token), linewidth=1, alpha=0.5)
            sizes = [12 + 90 * line.share**0.5 for line in mine]
            axes.scatter(*at, s=sizes, color=colour(token), zorder=3)
        axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.05), yticks=[0, 0.5, 1])
        axes.set_xlabel("posterior of poison (expected), and the share that was poison (upwards)")

    return draw("reliability", 200, paint)

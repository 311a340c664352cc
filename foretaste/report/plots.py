"""The pictures of a run report; each has a table beside it that says the same."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from foretaste.core.gate import Gate
from foretaste.core.verdict import Account, Outcome
from foretaste.report.run import (
    CampaignLine,
    ComparisonLine,
    DetectorLine,
    PosteriorBin,
    ShareLine,
)
from foretaste.report.safe import plain_label
from foretaste.report.svg import colour, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OUTCOMES: Final = tuple(str(o) for o in Outcome)
_ROUNDING = 1e-6
"""Shares are water-filled up to the cap in floating point."""
_ROW = 26
_SHADES = (1.0, 0.72, 0.5, 0.34, 0.22)


def flow(account: Account) -> str:
    """Rows in, and the four things that happened to them, drawn to scale."""
    counts = [getattr(account, outcome) for outcome in OUTCOMES]
    total = max(account.rows_in, 1)
    gap = 0.09

    def paint(axes: Axes) -> None:
        axes.set(xlim=(0, 1), ylim=(1 + 3 * gap, 0))
        axes.axis("off")
        axes.fill_between([0, 0.03], 1.5 * gap, 1 + 1.5 * gap, color=colour("accent"))
        axes.text(0, 1.1 * gap, f"{account.rows_in:,} rows in", va="bottom")
        start, end = 1.5 * gap, 0.0
        for outcome, count in zip(OUTCOMES, counts, strict=True):
            size = count / total
            _band(axes, start, end, size, colour(outcome))
            label = f"{outcome}  {count:,}  ({count / total:.1%})"
            axes.text(0.67, end + size / 2, label, va="center")
            start, end = start + size, end + size + gap

    return draw("flow", 190, paint)


def _band(axes: Axes, start: float, end: float, size: float, fill: str) -> None:
    """Draw a curved band from the left bar to an outcome's bar; hairlines stay visible."""
    import numpy as np

    t = np.linspace(0, 1, 40)
    ease = 3 * t**2 - 2 * t**3
    top = start + (end - start) * ease
    x = 0.03 + 0.58 * t
    shown = max(size, 0.004) if size else 0.0
    axes.fill_between(x, top, top + shown, color=fill, alpha=0.32, linewidth=0)
    axes.fill_between([0.61, 0.64], end, end + shown, color=fill, linewidth=0)


def evidence(detectors: Sequence[DetectorLine]) -> str:
    """Nats against and in favour, one bar per family, stacked by detector."""
    families = sorted({d.family for d in detectors if d.against or d.in_favour})

    def paint(axes: Axes) -> None:
        for position, family in enumerate(families):
            members = [d for d in detectors if d.family == family]
            _stack(axes, position, members)
        axes.set_yticks(range(len(families)), [plain_label(f) for f in families])
        axes.set_ylim(len(families) - 0.4, -0.6)
        axes.axvline(0, color=colour("ink"), linewidth=0.8)
        axes.set_xlabel("nats in favour (left) and against (right)")
        axes.locator_params(axis="x", nbins=5)

    return draw("evidence", 62 + _ROW * max(len(families), 1), paint)


def _stack(axes: Axes, position: int, members: Sequence[DetectorLine]) -> None:
    for sign, token in ((1, "rejected"), (-1, "accepted")):
        start = 0.0
        for i, line in enumerate(members):
            width = sign * (line.against if sign > 0 else line.in_favour)
            shade = _SHADES[i % len(_SHADES)]
            axes.barh(
                position,
                width,
                left=start,
                height=0.62,
                color=colour(token),
                alpha=shade,
                edgecolor=colour("paper"),
            )
            start += width


def campaigns(lines: Sequence[CampaignLine]) -> str:
    """Rows per campaign, stacked by outcome."""

    def paint(axes: Axes) -> None:
        for position, line in enumerate(lines):
            start = 0
            for outcome in OUTCOMES:
                count = line.verdicts.get(outcome, 0)
                axes.barh(position, count, left=start, height=0.62, color=colour(outcome))
                start += count
            who = "1 account" if line.size == 1 else f"{line.size:,} accounts"
            axes.annotate(who, (start, position), (5, 0), textcoords="offset points", va="center")
        axes.set_yticks(range(len(lines)), [plain_label(line.actor_id, 14) for line in lines])
        axes.set_ylim(len(lines) - 0.4, -0.6)
        axes.set_xlabel("rows")
        axes.margins(x=0.25)
        axes.locator_params(axis="x", nbins=5, integer=True)

    return draw("campaigns", 62 + _ROW * max(len(lines), 1), paint)


def gates(lines: Sequence[Gate]) -> str:
    """Measured value with its interval against the threshold; each gate has its own scale."""

    def paint(axes: Axes) -> None:
        axes.set(xlim=(0, 1), ylim=(len(lines) - 0.4, -0.6), xticks=[])
        axes.spines["bottom"].set_visible(False)
        for position, line in enumerate(lines):
            axes.axhline(position, color=colour("line"), linewidth=0.8)
            _interval(axes, position, line)
        axes.set_yticks(range(len(lines)), [plain_label(line.name) for line in lines])

    return draw("gates", 16 + 30 * max(len(lines), 1), paint)


def _interval(axes: Axes, position: int, gate: Gate) -> None:
    if gate.value is None:
        axes.text(0.5, position, " not measured ", ha="center", va="center", color=colour("muted"))
        return
    limits = _limits(gate.threshold)
    ends = [gate.value if end is None else end for end in (gate.low, gate.high)]
    low, high = min([*ends, *limits]), max([*ends, *limits])
    span = (high - low) or 1.0

    def place(value: float) -> float:
        return 0.1 + 0.8 * (value - low) / span if high > low else 0.5

    shade = colour(str(gate.state))
    for limit in limits:
        axes.plot(
            [place(limit)] * 2, [position - 0.34, position + 0.34], color=colour("ink"), lw=1.4
        )
    axes.plot([place(end) for end in ends], [position] * 2, color=shade, lw=5, alpha=0.4)
    axes.plot(place(gate.value), position, "o", color=shade, markersize=7)
    axes.annotate(
        f"{gate.value:.4g}",
        (place(gate.value), position),
        (0, 6),
        textcoords="offset points",
        ha="center",
        fontsize=9,
    )


def _limits(threshold: str) -> list[float]:
    """Give what a value is compared with: a bound, or "a to b"; a percentage is a share.

    What follows is for readers, such as the noise; a level of p is no bound of the value.
    """
    number = r"(-?\d+(?:\.\d+)?)(%?)"
    found = re.match(rf"[<>]= *{number}", threshold) or re.match(
        rf"{number} to {number}", threshold
    )
    parts = found.groups() if found else ()
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return [float(told) / (100 if percent else 1) for told, percent in pairs]


def influence(lines: Sequence[ShareLine]) -> str:
    """The largest shares of the total weight against their caps."""

    def paint(axes: Axes) -> None:
        for position, line in enumerate(lines):
            over = line.share > line.cap + _ROUNDING
            axes.barh(
                position,
                100 * line.share,
                height=0.62,
                color=colour("fail" if over else "accent"),
            )
            axes.plot([100 * line.cap] * 2, [position - 0.4, position + 0.4], color=colour("ink"))
        names = [f"{plain_label(line.kind, 12)} {plain_label(line.id, 8)}" for line in lines]
        axes.set_yticks(range(len(lines)), names)
        axes.set_ylim(len(lines) - 0.4, -0.6)
        axes.set_xlabel("% of the total weight; the upright line is the cap")
        axes.locator_params(axis="x", nbins=5)

    return draw("influence", 62 + 22 * max(len(lines), 1), paint)


def posterior(bins: Sequence[PosteriorBin]) -> str:
    """What became of the rows at each posterior, as shares of the bin."""

    def paint(axes: Axes) -> None:
        for position, line in enumerate(bins):
            total, start = sum(line.rows.values()), 0.0
            for outcome in OUTCOMES:
                share = line.rows.get(outcome, 0) / total if total else 0.0
                axes.bar(position, share, bottom=start, width=0.9, color=colour(outcome))
                start += share
            if total:
                axes.text(position, 1.03, _short(total), ha="center", fontsize=8.5)
        axes.set_xticks(
            [i - 0.5 for i in range(0, len(bins) + 1, 2)],
            [f"{i / max(len(bins), 1):.1f}" for i in range(0, len(bins) + 1, 2)],
        )
        axes.set(yticks=[], ylim=(0, 1.15), xlim=(-0.5, len(bins) - 0.5))
        axes.set_xlabel("posterior probability of poison; rows in the bin above")

    return draw("posterior", 190, paint)


def comparison(lines: Sequence[ComparisonLine]) -> str:
    """Each measure without the pipeline (hollow) and with it (solid)."""

    def paint(axes: Axes) -> None:
        for position, line in enumerate(lines):
            gain = (line.after - line.before) * (1 if line.better == "higher" else -1)
            shade = colour("pass" if gain > 0 else "fail" if gain < 0 else "muted")
            axes.plot([line.before, line.after], [position] * 2, color=shade, lw=3, alpha=0.5)
            axes.plot(
                line.before, position, "o", mfc=colour("paper"), mec=shade, markersize=9, mew=2
            )
            axes.plot(line.after, position, "o", color=shade, markersize=9)
        axes.set_yticks(range(len(lines)), [plain_label(line.name) for line in lines])
        axes.set(ylim=(len(lines) - 0.4, -0.6), xlim=(-0.03, 1.03))
        axes.set_xlabel("hollow: without the pipeline, solid: with it")

    return draw("comparison", 62 + 30 * max(len(lines), 1), paint)


def _short(count: int) -> str:
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if count >= size:
            return f"{count / size:.3g}{unit}"
    return str(count)

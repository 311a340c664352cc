"""Drawings of a group of accounts: its neighbourhood and its timeline."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from foretaste.report.neighbourhood import Neighbourhood, Tie
from foretaste.report.safe import plain_label
from foretaste.report.svg import colour, draw
from foretaste.report.timeline import BINS, Span, Timeline

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_OUTER = 1.5
_SLOTS = 24
_HEIGHT = 240
_WIDTHS = ((10.0, 0.7), (25.0, 1.3), (math.inf, 2.3))
"""Line widths in points, by the surprise below which they hold."""
_LINES: Mapping[str, tuple[str, str, Any]] = {
    "co_visit": ("visits together", "accent", "-"),
    "network": ("same network", "quarantined", (0, (5, 1.5))),
    "registration": ("registered together", "downweighted", (0, (2, 1))),
    "device": ("same device", "accepted", (0, (6, 1.5, 1, 1.5))),
    "name": ("alike names", "muted", (0, (1, 1.5))),
}


_LONG: Final = 120 * 86_400
"""Seconds of a scale from which the year says more than the hour."""
_NAMED: Final = 16
"""Lanes up to which each bears the name of its account."""
_STRIP: Final = (0.02, 0.2)
_RIGHT: Final = (0.31, 1.0)


def neighbourhood_svg(drawn: Neighbourhood, token: str, name: str) -> str:
    """Draw members on a circle and their neighbours around it.

    Parameters
    ----------
    token
        Colour of the members.
    name
        Unique in the page.
    """

    def paint(axes: Axes) -> None:
        edge = 0.1 + (_OUTER if drawn.others else 1.0)
        axes.set(xlim=(-edge, edge), ylim=(-edge, edge))
        axes.set_aspect("equal", anchor="W")
        axes.axis("off")
        places = _places(drawn)
        for kind in {tie.kind: None for tie in drawn.ties}:
            _paint_ties(axes, places, [tie for tie in drawn.ties if tie.kind == kind])
        inner, outer = places[: len(drawn.members)], places[len(drawn.members) :]
        axes.plot(*_columns(inner), **_spot("o", 7.5, token, "paper"))
        axes.plot(*_columns(outer), **_spot("s", 5.5, "paper", "muted"))
        _paint_legend(axes, drawn, token)

    return draw(name, _HEIGHT, paint)


def timeline_svg(drawn: Timeline, token: str, name: str) -> str:
    """Draw a lane per account; registrations have a strip and a scale of their own.

    Parameters
    ----------
    token
        Colour of visits to shared targets.
    name
        Unique in the page.
    """
    row = max(5.0, min(13.0, 200.0 / max(len(drawn.lanes), 1)))

    def paint(axes: Axes) -> None:
        axes.set(xlim=(0, 1), ylim=(len(drawn.lanes), -1.5))
        axes.spines["bottom"].set_visible(False)
        axes.set_yticks([])
        if len(drawn.lanes) <= _NAMED:
            names = [plain_label(lane.contributor_id, 10) for lane in drawn.lanes]
            axes.set_yticks(range(len(names)), names, fontsize=8)
        _paint_registrations(axes, drawn)
        _paint_visits(axes, drawn, token, row)
        _paint_ticks(axes, drawn)

    return draw(name, 62 + row * max(len(drawn.lanes) + 2, 4), paint)


def kind_words(kind: str) -> str:
    """Tell a kind of evidence in words."""
    return _LINES[kind][0] if kind in _LINES else kind.replace("_", " ")


def moment(seconds: int) -> str:
    """Write a time as people read it, UTC; of any year that strangers may claim."""
    return str(np.datetime_as_string(np.datetime64(seconds, "s"), unit="m")).replace("T", " ")


def _places(drawn: Neighbourhood) -> list[tuple[float, float]]:
    """Members on the inner circle; each neighbour outside, in the free slot nearest its ties."""
    inner = [_on_circle(i / max(len(drawn.members), 1), 1.0) for i in range(len(drawn.members))]
    free = [_on_circle(i / _SLOTS, _OUTER) for i in range(_SLOTS)]
    places = list(inner)
    for i in range(len(inner), len(inner) + len(drawn.others)):
        ends = [tie.left + tie.right - i for tie in drawn.ties if i in (tie.left, tie.right)]
        x, y = (sum(inner[end][axis] for end in ends) for axis in (0, 1))
        places.append(min(free, key=lambda at: round(-at[0] * x - at[1] * y, 9)))
        free.remove(places[-1])
    return places


def _on_circle(turn: float, radius: float) -> tuple[float, float]:
    return radius * math.sin(math.tau * turn), radius * math.cos(math.tau * turn)


def _columns(places: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in places], [y for _, y in places]


def _paint_ties(axes: Axes, places: Sequence[tuple[float, float]], ties: Sequence[Tie]) -> None:
    """Draw ties of one kind as curves through one path per width; kinds bend differently."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    _, token, style = _line(ties[0].kind)
    bend = 0.1 + 0.1 * (list(_LINES).index(ties[0].kind) if ties[0].kind in _LINES else -1)
    below = 0.0
    for above, width in _WIDTHS:
        curves = [
            (places[t.left], _bent(places[t.left], places[t.right], bend), places[t.right])
            for t in ties
            if below <= t.surprise < above
        ]
        below = above
        if curves:
            codes = [Path.MOVETO, Path.CURVE3, Path.CURVE3] * len(curves)
            path = Path([point for curve in curves for point in curve], codes)
            look = {"ec": colour(token), "lw": width, "ls": style, "alpha": 0.7}
            axes.add_patch(PathPatch(path, fill=False, **look))


def _bent(one: tuple[float, float], two: tuple[float, float], bend: float) -> tuple[float, float]:
    """Draw the middle of a line towards the centre, the more the longer the line is."""
    pull = 0.5 - bend * math.dist(one, two) / 4
    return pull * (one[0] + two[0]), pull * (one[1] + two[1])


def _line(kind: str) -> tuple[str, str, Any]:
    return _LINES.get(kind, (plain_label(kind_words(kind), 20), "ink", "-"))


def _paint_legend(axes: Axes, drawn: Neighbourhood, token: str) -> None:
    from matplotlib.lines import Line2D

    inside = _counted(len(drawn.members), drawn.members_left_out)
    outside = _counted(len(drawn.others), drawn.others_left_out)
    handles = [Line2D([], [], label=f"members ({inside})", **_spot("o", 7.5, token, "paper"))]
    if drawn.others:
        look = _spot("s", 5.5, "paper", "muted")
        handles.append(Line2D([], [], label=f"others ({outside})", **look))
    for one in drawn.evidence:
        words, line, style = _line(one.kind)
        label = f"{words} ({one.inside + one.outside:,})"
        handles.append(Line2D([], [], color=colour(line), ls=style, lw=1.6, label=label))
    axes.legend(
        handles=handles,
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
        frameon=False,
        fontsize=10.5,
        labelspacing=0.7,
    )


def _spot(shape: str, size: float, fill: str, edge: str) -> dict[str, Any]:
    """Look of an account, in points and tokens."""
    line = {"mfc": colour(fill), "mec": colour(edge), "mew": 1.2}
    return {"marker": shape, "ls": "", "ms": size, **line}


def _counted(drawn: int, left_out: int) -> str:
    return f"{drawn:,} of {drawn + left_out:,}" if left_out else f"{drawn:,}"


def _paint_registrations(axes: Axes, drawn: Timeline) -> None:
    if drawn.registered is None:
        return
    if drawn.burst is not None:
        low, high = (_place(t, drawn.registered, _STRIP) for t in drawn.burst)
        ends, bottom = [low - 0.012, high + 0.012], len(drawn.lanes) - 0.3
        axes.fill_between(ends, -0.7, bottom, color=colour("downweighted"), alpha=0.22, lw=0)
    known = [(i, lane.registered) for i, lane in enumerate(drawn.lanes)]
    spots = [(i, _place(at, drawn.registered, _STRIP)) for i, at in known if at is not None]
    size = 5.0 if len(drawn.lanes) <= _NAMED else 3.2
    x, y = [at for _, at in spots], [i for i, _ in spots]
    axes.plot(x, y, "D", ls="", ms=size, color=colour("downweighted"))
    axes.text(sum(_STRIP) / 2, -1.1, "registered", ha="center", fontsize=10)


def _paint_visits(axes: Axes, drawn: Timeline, token: str, row: float) -> None:
    left, right = _visits_at(drawn)
    axes.text((left + right) / 2, -1.1, "visits", ha="center", fontsize=10)
    rules = [(left, i, right, i, np.nan, np.nan) for i in range(len(drawn.lanes))]
    flat = np.array(rules, dtype=float).reshape(-1, 2)
    axes.plot(flat[:, 0], flat[:, 1], color=colour("line"), lw=0.5, zorder=1)
    looks: tuple[tuple[str, dict[str, Any]], ...] = (
        ("other", {"color": colour("muted"), "lw": 0.22 * row, "alpha": 0.75}),
        ("shared", {"color": colour(token), "lw": 0.72 * row}),
    )
    for kind, look in looks:
        x: list[float] = []
        y: list[float] = []
        for i, lane in enumerate(drawn.lanes):
            for begin, end in getattr(lane, kind):
                scale = (right - left) / BINS
                x += [left + begin * scale, left + end * scale, np.nan]
                y += [i, i, np.nan]
        axes.plot(x, y, solid_capstyle="butt", zorder=2, **look)


def _visits_at(drawn: Timeline) -> tuple[float, float]:
    return _RIGHT if drawn.registered is not None else (0.0, 1.0)


def _paint_ticks(axes: Axes, drawn: Timeline) -> None:
    """Write times below both scales; each has its own."""
    ticks: list[tuple[float, str]] = []
    for span, scale, steps in (
        (drawn.registered, _STRIP, 1),
        (drawn.span, _visits_at(drawn), 3),
    ):
        if span is not None:
            first, last = span
            times = sorted({first + (last - first) * i // steps for i in range(steps + 1)})
            ticks += [(_place(t, span, scale), _tick(t, last - first)) for t in times]
    axes.set_xticks([at for at, _ in ticks], [words for _, words in ticks], fontsize=8.5)


def _tick(seconds: int, length: int) -> str:
    day, hour = moment(seconds).split(" ")
    year, month = day[:-6], day[-5:]
    return f"{year}\n{month}" if length > _LONG else f"{month}\n{hour}"


def _place(at: int, span: Span, scale: tuple[float, float]) -> float:
    """Place of a time on a scale; the middle where there is only one time."""
    share = (at - span[0]) / (span[1] - span[0]) if span[1] > span[0] else 0.5
    return scale[0] + share * (scale[1] - scale[0])

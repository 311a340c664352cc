"""Small pictures as inline SVG: presentation attributes and classes, no style, no script.

Every picture stands beside a table or a sentence that says the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from markupsafe import Markup

from foretaste.report.safe import visible
from foretaste.views.pictures import Bin, Edge, Node

_BAR_WIDTH: Final = 240
_SHARE_WIDTH: Final = 64
_BAR_HEIGHT: Final = 18
_TIME: Final = (420, 210)
_GRAPH: Final = (420, 240)
_COLOURS: Final = 6


def step_bar(
    before: float, after: float, low: float, high: float, threshold: float | None
) -> Markup:
    """Draw one step of a waterfall on the scale ``low`` to ``high``, all in nats."""

    def at(value: float) -> float:
        return round(_BAR_WIDTH * (value - low) / ((high - low) or 1.0), 1)

    left, right = sorted((at(before), at(after)))
    kind = "against" if after > before else "for"
    parts = [
        _rect(left, 4, max(right - left, 1.5), _BAR_HEIGHT - 8, kind),
        _line(at(0), 0, at(0), _BAR_HEIGHT, "axis"),
    ]
    if threshold is not None and low <= threshold <= high:
        parts.append(_line(at(threshold), 0, at(threshold), _BAR_HEIGHT, "threshold"))
    return _svg("plot step", _BAR_WIDTH, _BAR_HEIGHT, parts)


def share_bar(share: float, kind: str = "accent") -> Markup:
    """Draw a share in [0, 1] as a short bar."""
    return _share_bar(round(min(max(share, 0.0), 1.0), 2), kind)


@lru_cache(maxsize=512)
def _share_bar(share: float, kind: str) -> Markup:
    parts = [_rect(0, 0, _SHARE_WIDTH, 6, "track", 3)]
    parts.append(_rect(0, 0, _SHARE_WIDTH * share, 6, kind, 3))
    return _svg("plot share", _SHARE_WIDTH, 6, parts)


def part(parts: Mapping[str, int], name: str) -> int:
    """Give the number of a part's colour in ``stacked``."""
    return list(parts).index(name) % _COLOURS


def stacked(parts: Mapping[str, int], width: int = 120) -> Markup:
    """Draw counts as one bar; the classes are ``part0``, ``part1`` … in their order."""
    total = sum(max(count, 0) for count in parts.values()) or 1
    drawn, left = [], 0.0
    for i, count in enumerate(parts.values()):
        wide = width * max(count, 0) / total
        drawn.append(_rect(round(left, 1), 0, round(wide, 1), 8, f"part{i % _COLOURS}"))
        left += wide
    return _svg("plot stacked", width, 8, drawn)


def timeline(bins: Sequence[Bin]) -> Markup:
    """Draw rows over time, those that were held in front."""
    width, height = _TIME
    floor, step = height - 18, width / len(bins)
    most = max(one.rows for one in bins) or 1
    parts = [_line(0, floor, width, floor, "axis")]
    for i, one in enumerate(bins):
        title = f"{_moment(one.at)}: {one.rows:,} rows, {one.held:,} held"
        for count, kind in ((one.rows, "rows"), (min(one.held, one.rows), "held")):
            tall = (floor - 14) * count / most
            bar = _rect(i * step + 0.5, floor - tall, max(step - 1, 1), tall, kind)
            parts.append(_titled(title, bar))
    parts.append(_text(0, height - 4, _moment(bins[0].at), "start"))
    if len(bins) > 1:
        parts.append(_text(width, height - 4, _moment(bins[-1].at), "end"))
    parts.append(_text(0, 9, f"{most:,} rows", "start"))
    return _svg("timeline", width, height, parts)


def neighbourhood(nodes: Sequence[Node], edges: Sequence[Edge]) -> Markup:
    """Draw accounts and what ties them; those with held rows stand inside."""
    place = _places(nodes)
    heaviest = max((edge.weight for edge in edges), default=0.0) or 1.0
    parts = [_edge(edge, place, heaviest) for edge in edges]
    most = max(node.rows for node in nodes) or 1
    parts += [_node(node, place[node.id], most) for node in nodes]
    return _svg("graph", *_GRAPH, parts)


def _places(nodes: Sequence[Node]) -> dict[str, tuple[float, float]]:
    """Two circles: held rows inside, the rest around them."""
    width, height = _GRAPH
    held = [node.id for node in nodes if node.held]
    rest = [node.id for node in nodes if not node.held]
    inner = 0.44 if rest and held else 0.8
    place = {}
    for names, wanted in ((held, inner), (rest, 0.88)):
        reach = 0.0 if len(names) == 1 and names is held else wanted
        for i, name in enumerate(names):
            angle = 2 * math.pi * i / len(names) - math.pi / 2
            x = width / 2 * (1 + reach * math.cos(angle))
            place[name] = (round(x, 1), round(height / 2 * (1 + reach * math.sin(angle)), 1))
    return place


def _edge(edge: Edge, place: Mapping[str, tuple[float, float]], heaviest: float) -> Markup:
    wide = round(0.6 + 2.6 * max(edge.weight, 0.0) / heaviest, 1)
    line = _line(*place[edge.a], *place[edge.b], "tie")
    why = visible(edge.why, limit=160)
    return Markup('<g stroke-width="%s"><title>%s</title>%s</g>') % (wide, why, line)


def _node(node: Node, at: tuple[float, float], most: int) -> Markup:
    radius = round(4 + 8 * math.sqrt(node.rows / most), 1)
    kind = "held" if node.held else "rows"
    circle = Markup('<circle cx="%s" cy="%s" r="%s" class="%s"/>') % (*at, radius, kind)
    title = f"{visible(node.id, limit=80)}: {node.rows:,} rows, {node.held:,} held"
    return _titled(title, circle)


def _titled(title: str, drawn: Markup) -> Markup:
    return Markup("<g><title>%s</title>%s</g>") % (title, drawn)


def _svg(kind: str, width: int, height: int, parts: Sequence[Markup]) -> Markup:
    head = Markup('<svg class="%s" viewBox="0 0 %s %s" aria-hidden="true" focusable="false">')
    return head % (kind, width, height) + Markup().join(parts) + Markup("</svg>")


def _rect(x: float, y: float, width: float, height: float, kind: str, radius: int = 1) -> Markup:
    box = (round(value, 1) for value in (x, y, width, height))
    rect = Markup('<rect x="%s" y="%s" width="%s" height="%s" rx="%s" class="%s"/>')
    return rect % (*box, radius, kind)


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    line = Markup('<line x1="%s" y1="%s" x2="%s" y2="%s" class="%s"/>')
    return line % (x1, y1, x2, y2, kind)


def _text(x: float, y: float, said: str, anchor: str) -> Markup:
    return Markup('<text x="%s" y="%s" text-anchor="%s">%s</text>') % (x, y, anchor, said)


def _moment(at: str) -> str:
    return visible(at[:16].replace("T", " "), limit=40)

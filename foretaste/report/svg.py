"""Draw with matplotlib into SVG that lives inside a page.

Colours are drawn as tokens and become CSS variables, so that one picture serves light
and dark. Text stays text, in the page's font.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from foretaste.report.safe import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS: Final = 72
WIDTH: Final = 460
"""Points, which become CSS pixels where the page is wide enough."""

_TOKENS = (
    "ink",
    "muted",
    "line",
    "paper",
    "accepted",
    "downweighted",
    "quarantined",
    "rejected",
    "pass",
    "warn",
    "fail",
    "undecided",
    "accent",
)
_COLOURS = {name: f"#0f0e{i:02x}" for i, name in enumerate(_TOKENS)}

_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.size": 12,
    "xtick.labelsize": 10.5,
    "axes.labelsize": 10.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.unicode_minus": False,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
}


def colour(token: str) -> str:
    """Give the colour that stands for a CSS variable; unknown tokens raise KeyError."""
    return _COLOURS[token]


def draw(name: str, height: float, paint: Callable[[Axes], None]) -> str:
    """Draw one picture.

    Parameters
    ----------
    name
        Unique in the page; ids inside the picture begin with it.
    height
        Points.
    paint
        Draws on the axes it is given.

    Returns
    -------
    str
        An ``<svg>`` element: no script, no address, no fixed size, the same bytes for
        the same picture.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    settings: dict[Any, Any] = {
        **_STYLE,
        "text.color": colour("ink"),
        "axes.labelcolor": colour("muted"),
        "axes.edgecolor": colour("line"),
        "xtick.color": colour("muted"),
        "ytick.color": colour("ink"),
        "svg.hashsalt": f"foretaste/{name}",
    }
    out = io.StringIO()
    with mpl.rc_context(settings):
        figure = Figure(figsize=(WIDTH / POINTS, height / POINTS), layout="constrained")
        figure.patch.set_alpha(0)
        axes = figure.add_subplot()
        axes.patch.set_alpha(0)
        paint(axes)
        figure.savefig(out, format="svg", metadata={"Date": None})
    return _embed(out.getvalue(), name)


def stand_alone(title: str, pictures: Sequence[str]) -> str:
    """Stack pictures that ``draw`` made into one SVG file, in the colours of the page."""
    from markupsafe import escape

    top, parts = float(_HEAD), list[str]()
    for picture in pictures:
        width, height = map(float, _VIEW.search(picture).groups())  # type: ignore[union-attr]
        place = f'<svg y="{top:g}" width="{width:g}" height="{height:g}" '
        parts.append(picture.replace("<svg ", place, 1))
        top += height
    said = escape(visible(title))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top:g}" '
        f'width="{WIDTH}" height="{top:g}"><title>{said}</title><style>{_themes()}</style>'
        f'<rect width="100%" height="100%" fill="var(--paper)"/>'
        f'<text x="8" y="18" font-size="13">{said}</text>{"".join(parts)}</svg>\n'
    )


_HEAD = 26
_LONG = re.compile(r"-?\d+\.\d{2,}")
_VIEW = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')


def _themes() -> str:
    """Light and dark colours, as the page's style has them."""
    css = (resources.files("foretaste.report") / "templates" / "report.css").read_text("utf-8")
    variables = css[: css.index("* {")]
    return f"{variables}text {{ fill: var(--ink); font-family: system-ui, sans-serif; }}"


def _embed(document: str, name: str) -> str:
    """Cut the picture out of its document and tie it to the page's colours."""
    svg = document[document.index("<svg") :].strip()
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' xmlns(:xlink)?="[^"]*"', "", svg)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg)
    svg = svg.replace("xlink:href", "href")
    # A tenth of a pixel is seen by nobody, and pages have many points.
    svg = re.sub(r' d="[^"]*"', lambda path: _LONG.sub(_tenths, path[0]), svg)
    for before, after in (
        (' id="', f' id="{name}-'),
        ('href="#', f'href="#{name}-'),
        ("url(#", f"url(#{name}-"),
    ):
        svg = svg.replace(before, after)
    for token, value in _COLOURS.items():
        svg = svg.replace(value, f"var(--{token})")
    return svg.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)


def _tenths(number: re.Match[str]) -> str:
    return f"{float(number[0]):.1f}".removesuffix(".0")

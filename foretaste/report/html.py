"""Render a run report as one page that needs nothing else.

The page holds its style and its pictures, asks no network, runs no script. Strangers'
texts pass two gates: what cannot be seen is written out, and everything is escaped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from foretaste.report import plots
from foretaste.report.group import GroupPicture
from foretaste.report.group_plots import kind_words, moment
from foretaste.report.reliability import reliability
from foretaste.report.run import RunReport
from foretaste.report.safe import visible

if TYPE_CHECKING:
    import jinja2

MAX_LINES: Final = 40
"""Lines of a table; a page that nobody can load helps nobody."""

PLOT_LINES: Final = 12

GROUP_BYTES: Final = 300_000
"""What the pictures of groups may take of the page."""

_NOTHING = "\N{EN DASH}"


def render_html(report: RunReport) -> str:
    """Render the page: one self-contained document of at most 1 MB."""
    template = _environment().get_template("report.html.j2")
    page: str = template.render(
        report=report,
        css=_style(),
        pictures=_pictures(report),
        groups=_groups(report),
        outcomes=plots.OUTCOMES,
        max_lines=MAX_LINES,
    )
    return page


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("foretaste.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.filters |= {"number": _number, "percent": _percent, "compared": compared}
    environment.filters |= {"moment": moment, "kind_words": kind_words}
    return environment


def _finalize(value: Any) -> Any:
    """Write out what cannot be seen in every text that a template prints."""
    from markupsafe import Markup

    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _style() -> Any:
    from markupsafe import Markup

    folder = resources.files("foretaste.report") / "templates"
    return Markup((folder / "report.css").read_text(encoding="utf-8"))  # noqa: S704 ours


def _pictures(report: RunReport) -> dict[str, Any]:
    """Draw what there is to draw, by name."""
    from markupsafe import Markup

    spoken = [d for d in report.detectors if d.against or d.in_favour]
    drawn: dict[str, tuple[Callable[..., str], Any]] = {
        "evidence": (plots.evidence, _first(spoken, MAX_LINES)),
        "campaigns": (plots.campaigns, _first(report.campaigns)),
        "gates": (plots.gates, _first(report.gates, 2 * PLOT_LINES)),
        "influence": (plots.influence, _first(report.shares, 2 * PLOT_LINES)),
        "posterior": (plots.posterior, report.posterior),
        "reliability": (reliability, report.reliability),
        "comparison": (plots.comparison, _first(report.comparison)),
    }
    svg = {name: paint(lines) for name, (paint, lines) in drawn.items() if lines}
    if report.account.rows_in:
        svg["flow"] = plots.flow(report.account)
    return {name: Markup(picture) for name, picture in svg.items()}  # noqa: S704 matplotlib's


def _groups(report: RunReport) -> list[tuple[GroupPicture, tuple[Any, ...]]]:
    """Draw groups until the room for them is used; the others come without drawings."""
    from markupsafe import Markup

    found: list[tuple[GroupPicture, tuple[Any, ...]]] = []
    room = GROUP_BYTES
    for i, group in enumerate(_first(report.groups)):
        drawn = group.svg(f"group{i}") if room > 0 else ()
        room -= sum(map(len, drawn))
        found.append((group, tuple(Markup(svg) for svg in drawn if room >= 0)))  # noqa: S704
    return found


def _first(lines: Sequence[Any], count: int = PLOT_LINES) -> Sequence[Any]:
    return lines[:count]


def _number(value: float | None) -> str:
    """Whole numbers with separators, others with four digits, nothing as a dash."""
    if value is None:
        return _NOTHING
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"


def compared(threshold: str) -> str:
    """Set a threshold's comparison as people write it."""
    return threshold.replace("<=", "≤").replace(">=", "≥")


def _percent(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.1%}"

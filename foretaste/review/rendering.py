"""Templates into pages: everything escaped, and what cannot be seen written out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import HTMLResponse

from foretaste.report.safe import visible

if TYPE_CHECKING:
    import jinja2

KEYS: Final[Mapping[str, str]] = {
    "poison": "p",
    "release": "r",
    "downweight": "d",
    "relabel": "l",
    "escalate": "e",
    "skip": "s",
    "undo": "u",
    "next": "j",
    "previous": "k",
    "select": "x",
    "open": "Enter",
    "search": "/",
    "help": "?",
}
"""What each action is bound to where its user chose nothing else."""

THEMES: Final = ("auto", "light", "dark")
_NOTHING: Final = "\N{EN DASH}"
_MASKED: Final = 9


def render(request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """Render a template; ``user``, ``csrf``, ``nav``, ``keys`` and ``theme`` are always there."""
    page = environment().get_template(template)
    return HTMLResponse(page.render(**_always(request), **context), status_code=status)


def _always(request: Request) -> dict[str, Any]:
    user = getattr(request.state, "user", None)
    theme = request.cookies.get("theme", "")
    return {
        "user": user,
        "csrf": getattr(request.state, "csrf", ""),
        "nav": getattr(request.state, "nav", ()),
        "keys": keys_of(user.keys if user else {}),
        "path": request.url.path,
        "here": here(request),
        "theme": theme if theme in THEMES else "auto",
    }


def keys_of(chosen: Mapping[str, str]) -> dict[str, str]:
    """Give the key of each action: what the user chose, else the common one."""
    return {action: chosen.get(action, key) for action, key in KEYS.items()}


@lru_cache(maxsize=1)
def environment() -> jinja2.Environment:
    """Give the environment of all templates of the desk."""
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.PackageLoader("foretaste.review", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    made.filters |= {
        "visible": visible,
        "masked": masked,
        "moment": moment,
        "age": age,
        "number": number,
        "percent": percent,
        "json": compact,
    }
    made.globals |= {"static": static}
    return made


def _finalize(value: Any) -> Any:
    """Write out what cannot be seen in every text that a template prints."""
    from markupsafe import Markup

    if isinstance(value, str) and not isinstance(value, Markup):
        return visible(value, limit=len(value) * 12 + 1)
    return value


def masked(pseudonym: str | None) -> str:
    """Give the first digits of a pseudonym: enough to compare, no more."""
    if not pseudonym:
        return _NOTHING
    return pseudonym if len(pseudonym) <= _MASKED + 1 else pseudonym[:_MASKED] + "…"


def moment(value: datetime | str | None) -> str:
    """Write a moment for people, in UTC to the minute."""
    if value is None or value == "":
        return _NOTHING
    when = datetime.fromisoformat(value) if isinstance(value, str) else value
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def age(value: datetime | None, now: datetime) -> str:
    """Write how far a moment is from now in one unit: ``3 d``, ``in 5 h``."""
    if value is None:
        return _NOTHING
    seconds = (now - value).total_seconds()
    words = _span(abs(seconds))
    return words if seconds >= 0 else f"in {words}"


def _span(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds / 60:.0f} min"


def number(value: float | None) -> str:
    """Whole and large numbers with separators, others with three digits, nothing as a dash."""
    if value is None:
        return _NOTHING
    whole = float(value).is_integer() or 1_000 <= abs(value) < 1e15
    return f"{value:,.0f}" if whole else f"{value:,.3g}"


def percent(value: float | None, digits: int = 0) -> str:
    """Write a share of 1 as a percentage; never round a doubt away to 0 or 100 %."""
    if value is None:
        return _NOTHING
    least = 10.0 ** -(digits + 2)
    if 0 < value < least:
        return f"< {least * 100:.{digits}f} %"
    if 1 - least < value < 1:
        return f"> {(1 - least) * 100:.{digits}f} %"
    return f"{value * 100:.{digits}f} %"


def compact(value: Any) -> str:
    """Write JSON for an attribute; the template escapes it."""
    return json.dumps(value, sort_keys=True, ensure_ascii=True)


@lru_cache(maxsize=32)
def static(name: str) -> str:
    """Give the URL of a file of the desk's own, by which a browser may keep it for good."""
    content = (resources.files("foretaste.review") / "static" / name).read_bytes()
    return f"/static/{name}?v={hashlib.sha256(content).hexdigest()[:12]}"


def here(request: Request) -> str:
    """Give path and query of a page, to come back to it; of an answer to a form, the start."""
    if request.method not in {"GET", "HEAD"}:
        return "/"
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path

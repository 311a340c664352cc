"""Where a login leads: only ever to a page of this desk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from starlette.requests import Request

HOME: Final = "/"


def login_path(request: Request) -> str:
    """Give the login page's path, from which one comes back to what was asked for."""
    return _login(request.url.path, request.url.query)


def login_from_part(request: Request) -> str:
    """Give the same for a part of a page: one comes back to the page."""
    page = urlsplit(request.headers.get("hx-current-url", ""))
    return _login(page.path, page.query)


def _login(path: str, query: str) -> str:
    asked = safe_return(f"{path}?{query}" if query else path)
    return "/login" if asked == HOME else f"/login?next={quote(asked, safe='')}"


def safe_return(target: str) -> str:
    """Give a path of this desk; whatever could lead elsewhere becomes its first page."""
    # Browsers read "\" as "/" and drop tabs and line ends: "/\evil" is another host.
    if not target.startswith("/") or "\\" in target or not target.isprintable():
        return HOME
    parts = urlsplit(target)
    elsewhere = parts.scheme or parts.netloc or target.startswith("//")
    return HOME if elsewhere or parts.path.startswith("/login") else target

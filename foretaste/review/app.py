"""The desk as one ASGI application."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from foretaste.core.ledger import Role
from foretaste.review.desk import Desk
from foretaste.review.frame import Frame, missing
from foretaste.review.routing import Page, all_pages
from foretaste.review.shell import Shell


def create_app(desk: Desk, pages: Sequence[Page] | None = None) -> Starlette:
    """Assemble the desk.

    Parameters
    ----------
    pages
        Default: every page there is.
    """
    chosen = all_pages() if pages is None else tuple(pages)
    frame = Frame(desk, _bar(chosen))
    routes: list[BaseRoute] = [_route(frame, page) for page in chosen]
    routes.append(Mount("/static", _OwnFiles(packages=[("foretaste.review", "static")])))
    return Starlette(
        routes=routes,
        middleware=[Middleware(Shell, desk=desk)],
        exception_handlers={404: missing(frame), 405: missing(frame)},
    )


def _bar(pages: Sequence[Page]) -> tuple[tuple[str, str, Role], ...]:
    """Give the entries of the bar at the top: what everybody uses comes first."""
    ranks = list(Role)
    named = [(page.nav, page.path, page.role or Role.VIEWER) for page in pages if page.nav]
    return tuple(sorted(named, key=lambda entry: (ranks.index(entry[2]), entry[1])))


def _route(frame: Frame, page: Page) -> Route:
    return Route(
        page.path, frame.endpoint(page), methods=list(page.methods), name=page.name or page.path
    )


class _OwnFiles(StaticFiles):
    """Our own style and script; a link to them names their content, so they keep for good."""

    def file_response(self, *args: Any, **kwargs: Any) -> Any:
        """Answer with a file."""
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response

"""What a page is: a path, who may ask for it, and what answers."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from foretaste.core.ledger import Role, User
from foretaste.review import pages

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from foretaste.review.desk import Desk

    Endpoint = Callable[[Request, Desk, User], Response]


@dataclass(frozen=True, slots=True)
class Page:
    """One route of the desk.

    Parameters
    ----------
    endpoint
        Called in a thread; a form is read already, as ``request.state.form``.
    role
        The least role that is let in; None: whoever asks, logged in or not.
    nav
        Words for it in the bar at the top, "" for none.
    """

    path: str
    endpoint: Endpoint
    methods: tuple[str, ...] = ("GET",)
    role: Role | None = Role.VIEWER
    name: str = ""
    nav: str = ""


def all_pages() -> tuple[Page, ...]:
    """Collect the pages of every module in ``foretaste.review.pages``, in a fixed order."""
    names = sorted(module.name for module in pkgutil.iter_modules(pages.__path__))
    modules = [importlib.import_module(f"{pages.__name__}.{name}") for name in names]
    return tuple(page for module in modules for page in getattr(module, "PAGES", ()))

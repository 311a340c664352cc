"""What stands between a request and its page: session, role, forgery, errors."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from foretaste.core.errors import (
    Changed,
    ContractError,
    ForetasteError,
    Tampered,
    Unavailable,
)
from foretaste.core.ledger import Role, User
from foretaste.review.auth import forgery, sessions
from foretaste.review.auth.safe_return import login_from_part, login_path
from foretaste.review.desk import Desk
from foretaste.review.rendering import render

if TYPE_CHECKING:
    from foretaste.review.routing import Page

    Answer = Callable[[Request], Awaitable[Response]]

logger = logging.getLogger(__name__)

MAX_FIELDS: Final = 20_000
_SAFE: Final = frozenset({"GET", "HEAD"})
_STATUS: Final[tuple[tuple[type[ForetasteError], int], ...]] = (
    (Changed, 409),
    (ContractError, 400),
    (Tampered, 500),
    (Unavailable, 503),
)
_WORDS: Final = {
    400: "That request was not understood",
    401: "Please log in",
    403: "That is not yours to do",
    404: "There is no such page",
    405: "There is no such page",
    409: "It changed meanwhile",
    413: "That is too much at once",
    429: "Please wait",
    503: "Not now",
}


class Frame:
    """Lets in who may come in, and gives every page what it needs.

    Parameters
    ----------
    nav
        Words, path and least role of each entry of the bar at the top.
    """

    def __init__(self, desk: Desk, nav: tuple[tuple[str, str, Role], ...]) -> None:
        self.desk = desk
        self.nav = nav

    def endpoint(self, page: Page) -> Answer:
        """Give what answers a page's route."""

        async def answer(request: Request) -> Response:
            form = await self._read(request)
            return await run_in_threadpool(self._serve, request, page, form)

        return answer

    async def _read(self, request: Request) -> Any:
        if request.method in _SAFE:
            return None
        try:
            return await request.form(max_files=0, max_fields=MAX_FIELDS)
        except HTTPException as error:
            return error

    def _serve(self, request: Request, page: Page, form: Any) -> Response:
        try:
            return self._finished(request, self._let_in(request, page, form))
        except HTTPException as error:
            return problem(request, error.status_code, str(error.detail))
        except ForetasteError as error:
            return problem(request, _status(error), error.message, error.hint)
        except Exception:
            logger.exception("%s %s failed", request.method, request.url.path)
            return problem(request, 500, "Something went wrong here; it is in the log.")

    def _let_in(self, request: Request, page: Page, form: Any) -> Response:
        """Check, in this order: where it comes from, who asks, whether they may, forgery."""
        forgery.check_site(request)
        user = self.recognise(request)
        if page.role is not None and user is None:
            return _log_in(request)
        if user is not None and page.role is not None and not user.role.allows(page.role):
            raise HTTPException(403, f"This needs the role {page.role}; yours is {user.role}.")
        if isinstance(form, HTTPException):
            raise form
        if request.method not in _SAFE:
            forgery.check(request, self.desk, form)
        request.state.form = form
        return page.endpoint(request, self.desk, user or sessions.NOBODY)

    def recognise(self, request: Request) -> User | None:
        """Find who asks, and what the page's template needs to know of them."""
        session = sessions.current(request, self.desk)
        user = None if session is None else session.user
        request.state.session = session
        request.state.user = user
        request.state.csrf = forgery.token(request, self.desk)
        request.state.nav = self._nav(user)
        return user

    def _nav(self, user: User | None) -> tuple[tuple[str, str], ...]:
        if user is None:
            return ()
        return tuple((words, path) for words, path, role in self.nav if user.role.allows(role))

    def _finished(self, request: Request, response: Response) -> Response:
        forgery.remember(request, response, self.desk)
        return response


def problem(request: Request, status: int, message: str, hint: str = "") -> Response:
    """Say what went wrong: as a page, or as a line for the part of a page that asked."""
    words = _WORDS.get(status, "Something went wrong")
    partly = request.headers.get("hx-request") == "true"
    template = "_problem.html.j2" if partly else "problem.html.j2"
    response = render(request, template, status=status, words=words, message=message, hint=hint)
    if partly:
        response.headers["HX-Retarget"] = "#messages"
        response.headers["HX-Reswap"] = "innerHTML"
    return response


def missing(frame: Frame) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Give what answers where no page is."""

    async def answer(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        await run_in_threadpool(frame.recognise, request)
        return problem(request, status, "Nothing answers here.")

    return answer


def _log_in(request: Request) -> Response:
    if request.headers.get("hx-request") == "true":
        return Response(status_code=401, headers={"HX-Redirect": login_from_part(request)})
    if request.method not in _SAFE:
        raise HTTPException(401, "Your login ended; log in and do it again.")
    return RedirectResponse(login_path(request), status_code=303)


def _status(error: ForetasteError) -> int:
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 409)

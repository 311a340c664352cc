"""What holds for every answer, errors and files too: hosts, sizes, headers."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from foretaste.review.desk import Desk

logger = logging.getLogger(__name__)

MAX_BODY: Final = 2_000_000
"""Bytes of a request: thousands of case ids fit, a flood does not."""

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": browsers would then hide the origin of our own forms from us.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}


class Shell:
    """ASGI middleware around the whole desk."""

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self._app = app
        self._desk = desk
        self._headers = dict(HEADERS)
        if desk.secure:
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def dressed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._dress(message)
            await send(message)

        refusal = self._refusal(Headers(scope=scope))
        if refusal is not None:
            await refusal(scope, receive, dressed)
            return
        try:
            await self._app(scope, _bounded(receive), dressed)
        except _TooLarge:
            if not started:
                await _too_large()(scope, receive, dressed)
        except Exception:
            logger.exception("%s %s failed", scope["method"], scope["path"])
            if not started:
                broken = PlainTextResponse("Something went wrong here; it is in the log.\n", 500)
                await broken(scope, receive, dressed)

    def _refusal(self, headers: Headers) -> PlainTextResponse | None:
        if not self._desk.serves(headers.get("host", "")):
            return PlainTextResponse("This desk has another name.\n", 421)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY:
            return _too_large()
        return None

    def _dress(self, message: Message) -> None:
        headers = MutableHeaders(scope=message)
        for name, value in self._headers.items():
            headers.setdefault(name, value)
        headers.setdefault("Cache-Control", "no-store")


class _TooLarge(Exception):
    """The body grew beyond what it may have."""


def _too_large() -> PlainTextResponse:
    return PlainTextResponse("That is more than this desk reads at once.\n", 413)


def _bounded(receive: Receive) -> Receive:
    """Count what comes in: a length that was promised need not be kept."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > MAX_BODY:
            raise _TooLarge
        return message

    return counted

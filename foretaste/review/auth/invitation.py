"""The link that lets in the one who started the desk, while it has no users."""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Callable


class Invitation:
    """A token that opens the desk once; then another one is made and announced.

    Parameters
    ----------
    name
        Whose login it is.
    announce
        Told each new token, e.g. to print it on the terminal.
    """

    def __init__(self, name: str, announce: Callable[[str], None]) -> None:
        self.name = name
        self._announce = announce
        self._lock = threading.Lock()
        self._token = ""

    def renew(self) -> None:
        """Make a new token; the one before is worth nothing from here on."""
        self._token = secrets.token_urlsafe(32)
        self._announce(self._token)

    def redeem(self, token: str) -> bool:
        """Say whether this is the token, and let it never be again."""
        with self._lock:
            good = bool(self._token) and hmac.compare_digest(
                self._token.encode(), token.encode("utf-8", "surrogatepass")
            )
            if good:
                self.renew()
            return good

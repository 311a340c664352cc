"""What every page works with: the ledger, the policy, the clock, the desk's own secrets."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from foretaste.core.ledger import Ledger
from foretaste.core.policy import Policy
from foretaste.core.workspace import Workspace
from foretaste.review.auth.passwords import Passwords

if TYPE_CHECKING:
    from foretaste.review.auth.invitation import Invitation
    from foretaste.review.auth.oidc import Provider

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})


def utc_now() -> datetime:
    """Give the moment."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Desk:
    """An open desk.

    Parameters
    ----------
    ledger
        Kept open as long as the desk is.
    now
        The clock; tests bring their own.
    origin
        Scheme, host and port that browsers use, e.g. ``https://desk.example``; "" for a
        desk that only this machine reaches.
    provider
        Who else says who people are; None: only local passwords.
    invitation
        The link that lets in the one who started the desk; None where there are users.
    """

    workspace: Workspace
    ledger: Ledger
    policy: Policy
    now: Callable[[], datetime] = utc_now
    origin: str = ""
    provider: Provider | None = None
    invitation: Invitation | None = None
    passwords: Passwords = field(default_factory=Passwords)
    _secret: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_secret", self.workspace.key.derive("desk/forgery"))

    @property
    def secure(self) -> bool:
        """True where cookies travel over TLS only."""
        return self.origin.startswith("https://")

    def serves(self, host: str) -> bool:
        """Say whether a Host header names this desk: other names are somebody's trick."""
        if self.origin:
            return host == urlsplit(self.origin).netloc
        name = host if host.endswith("]") else host.rsplit(":", 1)[0]
        return name in LOOPBACK

    def seal(self, purpose: str, text: str) -> str:
        """Give a keyed hash of a text, as hex; only the desk can make it."""
        told = f"{purpose}\x1f{text}".encode()
        return hmac.new(self._secret, told, hashlib.sha256).hexdigest()

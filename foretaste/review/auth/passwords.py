"""Passwords: hashed by argon2, compared in the same time whoever asks."""

from __future__ import annotations

import threading
import unicodedata
from functools import cached_property
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from foretaste.core.errors import ContractError

MIN_LENGTH: Final = 12
MAX_LENGTH: Final = 1024
# A hash takes 64 MB: a crowd at the login page waits, rather than fill the memory.
_AT_ONCE: Final = threading.BoundedSemaphore(2)


class Passwords:
    """Hashes passwords and compares them.

    Parameters
    ----------
    hasher
        Default: the parameters of RFC 9106 for machines with little memory.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()

    def hash(self, password: str, *, name: str = "") -> str:
        """Hash a new password.

        Raises
        ------
        ContractError
            If it is too short, too long, or the user's own name.
        """
        if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
            raise ContractError(
                f"a password has {MIN_LENGTH} to {MAX_LENGTH} characters",
                hint="four words that nobody would guess make a good one",
            )
        if name and name.casefold() in password.casefold() and len(password) < 2 * MIN_LENGTH:
            raise ContractError("the password contains the user's name")
        with _AT_ONCE:
            return self._hasher.hash(_normal(password))

    def fits(self, password: str, hashed: str | None) -> bool:
        """Compare; without a hash (an unknown name) the same work ends in False."""
        text = _normal(password[: MAX_LENGTH + 1])
        with _AT_ONCE:
            try:
                good = self._hasher.verify(hashed or self._nobodys, text)
            except (VerificationError, InvalidHashError):
                return False
        return good and hashed is not None

    def outdated(self, hashed: str) -> bool:
        """Say whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(hashed)

    @cached_property
    def _nobodys(self) -> str:
        return self._hasher.hash("nobody has this password")


def _normal(password: str) -> str:
    """The same letters typed on another keyboard are the same password (NIST SP 800-63B)."""
    return unicodedata.normalize("NFKC", password)

"""Original bytes of bad rows, each encrypted under a key of its own.

Ciphertexts lie in the workspace, keys in the key folder: a copied workspace shows
nothing, and deleting an entry's key deletes the entry wherever its ciphertext was copied.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from foretaste.core.errors import Tampered, Unavailable, WorkspaceError
from foretaste.core.keys import WorkspaceKey, key_folder

#: Every key encrypts one entry once, so a fixed nonce never repeats under a key.
_NONCE: Final = bytes(12)
_BUSY_SECONDS: Final = 30


class OriginalStore:
    """Encrypted originals of one workspace.

    Parameters
    ----------
    ciphertexts
        SQLite file in the workspace; git-ignored.
    keys
        SQLite file in the key folder; readable by its owner only.
    key
        Workspace key: names entries by content, so that the same night run twice gives
        the same names.
    """

    def __init__(self, ciphertexts: Path, keys: Path, key: WorkspaceKey) -> None:
        self._ciphertexts = ciphertexts
        self._keys = keys
        self._naming = key.derive("originals/names")

    @classmethod
    def open(cls, workspace: Path, workspace_id: str, key: WorkspaceKey) -> OriginalStore:
        """Open the store of a workspace, made on first use."""
        return cls(
            workspace / "originals.sqlite",
            key_folder() / f"{workspace_id}.originals.sqlite",
            key,
        )

    def put(self, original: bytes, *, at: datetime) -> str:
        """Keep one original; give its entry's id."""
        return self.put_many([original], at=at)[0]

    def put_many(self, originals: Sequence[bytes], *, at: datetime) -> list[str]:
        """Keep many originals in one transaction; equal bytes share an entry.

        Parameters
        ----------
        originals
            Bytes as they landed.
        at
            Moment of the night, aware; ``expire`` compares with it.
        """
        names = [self._name(original) for original in originals]
        entries = dict(zip(names, originals, strict=True))
        fresh = {name: secrets.token_bytes(32) for name in entries}
        stamp = int(at.astimezone(UTC).timestamp())
        # Keys first: a crash in between leaves keys without entries, never the reverse.
        with _opened(self._keys) as keys:
            keys.executemany(
                "INSERT OR REPLACE INTO entry VALUES (?, ?, ?)",
                [(name, stamp, secret) for name, secret in fresh.items()],
            )
        with _opened(self._ciphertexts) as store:
            store.executemany(
                "INSERT OR REPLACE INTO entry VALUES (?, ?, ?)",
                (
                    (name, stamp, AESGCM(secret).encrypt(_NONCE, entries[name], name.encode()))
                    for name, secret in fresh.items()
                ),
            )
        return names

    def get(self, entry: str) -> bytes:
        """Decrypt an original.

        Raises
        ------
        WorkspaceError
            If there is no such entry, or it was forgotten.
        Tampered
            If the ciphertext was changed.
        """
        secret, sealed = _one(self._keys, entry), _one(self._ciphertexts, entry)
        if secret is None or sealed is None:
            raise WorkspaceError(f"the original {entry} is not here, or was forgotten")
        try:
            return AESGCM(secret).decrypt(_NONCE, sealed, entry.encode())
        except InvalidTag:
            raise Tampered(f"the original {entry} was changed") from None

    def forget(self, *entries: str) -> None:
        """Delete entries: their keys first, so that no copy can be read again."""
        for path in (self._keys, self._ciphertexts):
            with _opened(path) as store:
                store.executemany("DELETE FROM entry WHERE name = ?", [(e,) for e in entries])

    def expire(self, before: datetime) -> int:
        """Forget what was put before a moment; give how many entries.

        Parameters
        ----------
        before
            Aware moment.
        """
        stamp = int(before.astimezone(UTC).timestamp())
        with _opened(self._keys) as keys:
            gone = keys.execute("DELETE FROM entry WHERE stamp < ?", (stamp,)).rowcount
        with _opened(self._ciphertexts) as store:
            store.execute("DELETE FROM entry WHERE stamp < ?", (stamp,))
        return gone

    def _name(self, original: bytes) -> str:
        return hashlib.blake2b(original, digest_size=16, key=self._naming).hexdigest()


def _one(path: Path, entry: str) -> bytes | None:
    with _opened(path) as store:
        row = store.execute("SELECT secret FROM entry WHERE name = ?", (entry,)).fetchone()
    return None if row is None else bytes(row[0])


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """One transaction on a store; made, for its owner only, if it is not there."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS)) as connection, connection:
            # Deleted keys are overwritten, not merely unlinked from their page.
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS entry "
                "(name TEXT PRIMARY KEY, stamp INTEGER NOT NULL, secret BLOB NOT NULL) "
                "WITHOUT ROWID"
            )
            yield connection
    except (sqlite3.OperationalError, OSError) as error:
        raise Unavailable(
            f"the store of original rows cannot be used ({error})",
            hint=f"check {path.name} and the space on its disk, then run again",
        ) from None
    except sqlite3.DatabaseError:
        raise Tampered(
            f"{path.name} is damaged", hint="restore it from a backup, or move it away"
        ) from None

"""The workspace key and what is derived from it: pseudonyms, salts, signatures.

The key lies outside the workspace, so that a copied workspace re-identifies nobody.
Everything else is derived by purpose (HKDF, RFC 5869); purposes never share bytes.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import secrets
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from foretaste.core.errors import WorkspaceError


@dataclass(frozen=True)
class WorkspaceKey:
    """32 secret bytes, and what follows from them."""

    secret: bytes = field(repr=False)

    def derive(self, purpose: str, length: int = 32) -> bytes:
        """Derive bytes for one purpose, e.g. ``"salt/slices"``."""
        return HKDF(SHA256(), length, salt=None, info=f"foretaste/{purpose}".encode()).derive(
            self.secret
        )

    @cached_property
    def _pseudonym_keys(self) -> dict[str, bytes]:
        return {}

    def pseudonym(self, kind: str, value: str) -> str:
        """Hash a value under a key of its own kind; 16 hex digits behind the kind's letter.

        Parameters
        ----------
        kind
            ``contributor``, ``network``, ``subnet``, ``device`` or ``row``.
        value
            The raw id, already normalised.
        """
        if kind not in self._pseudonym_keys:
            self._pseudonym_keys[kind] = self.derive(f"pseudonym/{kind}")
        digest = hashlib.blake2b(
            value.encode("utf-8", "surrogatepass"),
            digest_size=16 if kind == "row" else 8,
            key=self._pseudonym_keys[kind],
        ).hexdigest()
        return f"{kind[0]}{digest}"

    def signing_key(self) -> Ed25519PrivateKey:
        """Key that signs release manifests and models."""
        return Ed25519PrivateKey.from_private_bytes(self.derive("signing"))


def subnet_of(address: str) -> str | None:
    """Give the /24 of an IPv4 address or the /64 of an IPv6 one; None where it is neither."""
    try:
        ip = ipaddress.ip_address(address.strip())
    except ValueError:
        return None
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    prefix = 24 if ip.version == 4 else 64
    return str(ipaddress.ip_network(f"{ip}/{prefix}", strict=False))


def key_folder() -> Path:
    """Folder of all workspace keys: ``$FORETASTE_KEYS``, else below the user's config."""
    if configured := os.environ.get("FORETASTE_KEYS"):
        return Path(configured)
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "foretaste" / "keys"


def create_key(workspace_id: str) -> WorkspaceKey:
    """Make and store a new key, readable by its owner only.

    Raises
    ------
    WorkspaceError
        If a key of that id is there already.
    """
    folder = key_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    secret = secrets.token_bytes(32)
    try:
        handle = os.open(
            folder / f"{workspace_id}.key", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600
        )
    except FileExistsError:
        raise WorkspaceError(f"a key for workspace {workspace_id} is there already") from None
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secret.hex() + "\n")
    return WorkspaceKey(secret)


def load_key(workspace_id: str) -> WorkspaceKey:
    """Read a workspace's key.

    Raises
    ------
    WorkspaceError
        If it is missing or damaged: without it no pseudonym and no salt can be made again.
    """
    path = key_folder() / f"{workspace_id}.key"
    try:
        secret = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except FileNotFoundError:
        raise WorkspaceError(
            f"the key of workspace {workspace_id} is not in {path.parent}",
            hint="copy the key file there, or set FORETASTE_KEYS to its folder",
        ) from None
    except (ValueError, UnicodeDecodeError):
        raise WorkspaceError(f"{path} is damaged: it must hold 64 hex digits") from None
    if len(secret) != 32:
        raise WorkspaceError(f"{path} is damaged: it must hold 64 hex digits")
    return WorkspaceKey(secret)

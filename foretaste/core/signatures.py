"""Ed25519 signatures: over release manifests, and, as an SSH key, over git tags."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from foretaste.core.keys import WorkspaceKey, key_folder

SIGNER = "foretaste"


def sign(key: WorkspaceKey, data: bytes) -> bytes:
    """Sign bytes with the workspace's key: one line of hex."""
    return key.signing_key().sign(data).hex().encode() + b"\n"


def is_signed(key: WorkspaceKey, data: bytes, signature: bytes) -> bool:
    """Tell whether the workspace's key signed these bytes."""
    try:
        key.signing_key().public_key().verify(bytes.fromhex(signature.decode().strip()), data)
    except (InvalidSignature, ValueError):
        return False
    return True


def ssh_key_file(workspace_id: str, key: WorkspaceKey) -> Path:
    """Give the private SSH key that signs tags, written beside the workspace's key.

    It follows from the workspace's key, so that a copied key signs the same.
    """
    path = key_folder() / f"{workspace_id}.ssh"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        private = _ssh_key(key).private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        temp = path.with_name(f"{path.name}.{os.getpid()}")
        handle = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(private)
        temp.replace(path)
    return path


def allowed_signers(key: WorkspaceKey) -> bytes:
    """Give the line by which ``git verify-tag`` knows the workspace's SSH key."""
    public = _ssh_key(key).public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return f'{SIGNER} namespaces="git" {public.decode()}\n'.encode()


def _ssh_key(key: WorkspaceKey) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(key.derive("ssh"))

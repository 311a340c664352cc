"""Signed models on disk: ``models/<digest>/{model.skops, card.json, signature}``.

Trust goes one way: the key verifies the signature, the signature the card, the card the
digest, the digest the bytes. Only then are the bytes parsed, first in a child with
limits, then, the very same bytes in memory, here. So predictions run in process and fast,
and no file is read twice between its check and its use.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from foretaste.core.errors import Tampered, WorkspaceError
from foretaste.core.keys import WorkspaceKey
from foretaste.models.card import ModelCard, sign_card, verify_card
from foretaste.models.inputs import Inputs
from foretaste.models.packing import Packed, try_in_child, unpack

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MODEL: Final = "model.skops"
CARD: Final = "card.json"
SIGNATURE: Final = "signature"
_FILES: Final = frozenset({MODEL, CARD, SIGNATURE})
_STAGING: Final = ".staging-"
_CARD_BYTES: Final = 2**22
_PICKLES: Final = frozenset({".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle"})


@dataclass(frozen=True, slots=True)
class Loaded:
    """A verified model with its card; asks like ``Trained``."""

    model: Any
    classes: tuple[str, ...]
    inputs: Inputs
    card: ModelCard


def save_model(folder: Path, packed: Packed, card: ModelCard, key: WorkspaceKey) -> str:
    """Write a packed model, its card and their signature; all or nothing.

    Returns
    -------
    The model's digest, which is the name of its folder below ``folder``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob(f"{_STAGING}*"):
        shutil.rmtree(stale)
    raw = replace(card, digest=packed.digest, model_bytes=len(packed.data)).to_bytes()
    staging = folder / f"{_STAGING}{packed.digest}"
    staging.mkdir()
    contents = {MODEL: packed.data, CARD: raw, SIGNATURE: sign_card(raw, key)}
    for name, data in contents.items():
        _write_durably(staging / name, data)
    _sync(staging)
    target = folder / packed.digest
    if target.exists():
        shutil.rmtree(target)  # the same bytes, or debris under their name
    staging.rename(target)
    _sync(folder)
    return packed.digest


def load_model(
    folder: Path,
    digest: str,
    key: WorkspaceKey | Ed25519PublicKey,
    *,
    memory_mb: int = 2048,
    seconds: int = 60,
) -> Loaded:
    """Verify a model, try it in a child, then load it.

    Parameters
    ----------
    folder, digest
        Where models lie, and which one; the digest comes from the ledger.
    key
        The workspace's key, or the public half of it where the workspace is not.
    memory_mb, seconds
        Address space beyond the libraries' own, and CPU seconds, that loading may take.

    Raises
    ------
    Tampered
        If signature, card, digest or bytes do not match, or a file is there that is no
        part of a model.
    WorkspaceError
        If the model is not there, was made by another scikit-learn, or does not load
        within the limits.
    """
    card, files = read_files(folder, digest, key)
    _same_library(card)
    try_in_child(files[MODEL], card, memory_mb=memory_mb, seconds=seconds)
    return Loaded(unpack(files[MODEL]), card.classes, card.inputs, card)


def read_files(
    folder: Path, digest: str, key: WorkspaceKey | Ed25519PublicKey
) -> tuple[ModelCard, dict[str, bytes]]:
    """Read a model's card and the bytes of its files, verified; nothing is parsed but the card.

    Raises
    ------
    Tampered, WorkspaceError
        As ``load_model``.
    """
    place = _place(folder, digest)
    raw, signature, card = _signed(place, digest, key)
    data = _read(place / MODEL, card.model_bytes)
    if hashlib.sha256(data).hexdigest() != digest:
        raise Tampered(f"{place / MODEL} does not match its digest", hint=_RESTORE)
    return card, {MODEL: data, CARD: raw, SIGNATURE: signature}


def read_card(folder: Path, digest: str, key: WorkspaceKey | Ed25519PublicKey) -> ModelCard:
    """Read a model's card once its signature is verified; the model itself is not opened.

    Raises
    ------
    Tampered, WorkspaceError
        As ``load_model``.
    """
    return _signed(_place(folder, digest), digest, key)[2]


_RESTORE: Final = "restore the model folder with `dvc pull`, or promote another model"


def _place(folder: Path, digest: str) -> Path:
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise WorkspaceError(f"{digest[:80]!r} is not a model digest", hint="`foretaste models`")
    place = folder / digest
    if not place.is_dir():
        raise WorkspaceError(f"model {digest[:12]} is not in {folder}", hint="try `dvc pull`")
    there = {p.name for p in place.iterdir()}
    if pickles := sorted(n for n in there if Path(n).suffix.lower() in _PICKLES):
        raise Tampered(
            f"{place} holds {pickles[0]}: pickles run code when they are loaded and are refused",
            hint=_RESTORE,
        )
    if there != _FILES or any(p.is_symlink() for p in place.iterdir()):
        raise Tampered(f"{place} must hold {', '.join(sorted(_FILES))}", hint=_RESTORE)
    return place


def _signed(
    place: Path, digest: str, key: WorkspaceKey | Ed25519PublicKey
) -> tuple[bytes, bytes, ModelCard]:
    raw, signature = _read(place / CARD, _CARD_BYTES), _read(place / SIGNATURE, 64)
    verify_card(raw, signature, key)
    card = ModelCard.from_bytes(raw)
    if card.digest != digest:
        raise Tampered(f"{place} holds the card of another model", hint=_RESTORE)
    return raw, signature, card


def _read(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise Tampered(f"{path} is longer than it was when it was signed", hint=_RESTORE)
    return data


def _same_library(card: ModelCard) -> None:
    made, here = card.versions.get("scikit-learn", "unknown"), version("scikit-learn")
    if made.split(".")[:2] != here.split(".")[:2]:
        raise WorkspaceError(
            f"model {card.digest[:12]} was made with scikit-learn {made}, here is {here}",
            hint="train again, or install the version that made it",
        )


def _write_durably(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

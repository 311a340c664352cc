"""Which accounts a base model learns from: a keyed hash, blind to every row."""

from __future__ import annotations

import hashlib

import numpy as np


def cells(accounts: np.ndarray, n_cells: int, salt: bytes) -> np.ndarray:
    """Hash each account into one of ``n_cells`` cells; no other account has a say in it.

    Parameters
    ----------
    accounts
        (n,) account ids.
    salt
        Secret of at most 64 bytes; without it nobody can choose the cell of an account.

    Returns
    -------
    numpy.ndarray
        (n,) int64 in [0, n_cells).
    """
    names, where = np.unique(accounts.astype(str), return_inverse=True)
    drawn = [_digest(name.encode("utf-8", "surrogatepass"), salt) % n_cells for name in names]
    return np.array(drawn, dtype=np.int64)[where]


def readers(n_cells: int, spread: int, salt: bytes) -> np.ndarray:
    """Say which models read each cell: ``spread`` of them, as many as cells a model reads.

    Cell c is read by the models (c + r) mod n_cells for each of ``spread`` shifts r drawn
    once from the salt (Wang, Levine & Feizi, ICML 2022).

    Returns
    -------
    numpy.ndarray
        (n_cells, spread) int64; with a spread of 1 every cell has a model of its own.
    """
    ranks = sorted(range(n_cells), key=lambda r: _digest(b"shift %d" % r, salt))
    shifts = np.array(sorted(ranks[:spread]), dtype=np.int64) if spread > 1 else np.zeros(1, int)
    return (np.arange(n_cells)[:, None] + shifts[None, :]) % n_cells


def fingerprint(salt: bytes) -> str:
    """Name a salt without giving it away; 16 hex digits."""
    return hashlib.blake2b(b"fingerprint", digest_size=8, key=salt).hexdigest()


def _digest(what: bytes, salt: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(what, digest_size=8, key=salt).digest(), "big")

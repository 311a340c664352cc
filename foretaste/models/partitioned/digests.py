"""What a base model follows from, as a digest: equal ones mean equal models to the last bit.

Keyed by the ensemble's salt, so that a model that is given away does not let anybody try
out what an account has sent.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import numpy as np
import pandas as pd

from foretaste.models.card import library_versions

NOTHING: Final = ""
"""Digest of what cannot be named for good; it equals no other, itself included."""


def digest_of(base: Any, X: Any, y: np.ndarray, weight: np.ndarray | None, salt: bytes) -> str:
    """Name what a base model is fitted from: its kind, the libraries, and its rows in order.

    Parameters
    ----------
    base
        Unfitted classifier, seeds set.
    X, y, weight
        Rows as the base takes them, their labels and weights.
    salt
        At most 64 bytes.

    Returns
    -------
    str
        64 hex digits, or ``NOTHING`` where a parameter or a column is of a kind whose
        content cannot be told.
    """
    kind, parts = _kind(base), _parts(X)
    if kind is None or parts is None:
        return NOTHING
    digest = hashlib.blake2b(digest_size=32, key=salt)
    told = (kind, *parts, *_array(np.asarray(y)), *_array(np.asarray(weight, dtype=np.float64)))
    for part in told:
        # Lengths first: no two lists of parts give the same bytes.
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def _kind(base: Any) -> bytes | None:
    """Name an estimator, whatever is inside it, and the libraries that fit it."""
    lines = [_type(base)]
    for name, value in sorted(base.get_params(deep=True).items()):
        nested = hasattr(value, "get_params")
        lines.append(f"{name}={_type(value) if nested else repr(value)}")
    lines += _libraries()
    text = "\n".join(lines)
    # An address names a thing for as long as a process lives.
    return None if " at 0x" in text else text.encode()


@cache
def _libraries() -> tuple[str, ...]:
    """Name the libraries once: looking them up takes longer than to fit a small model."""
    return tuple(f"{name} {version}" for name, version in sorted(library_versions().items()))


def _type(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _parts(X: Any) -> list[bytes] | None:
    if isinstance(X, pd.DataFrame):
        found = [list(_array(X[name].to_numpy())) for name in X.columns]
        names = json.dumps([str(name) for name in X.columns]).encode()
        return [names, *(part for column in found for part in column)]
    if hasattr(X, "tocsr"):
        rows = X.tocsr()
        arrays = (rows.indptr, rows.indices, rows.data)
        return [repr(rows.shape).encode(), *(part for a in arrays for part in _array(a))]
    return list(_array(X)) if isinstance(X, np.ndarray) else None


def _array(values: np.ndarray) -> Iterator[bytes]:
    yield f"{values.dtype.str} {values.shape}".encode()
    if values.dtype.hasobject:
        told = [v if v is None or isinstance(v, str) else repr(v) for v in values.ravel()]
        yield json.dumps(told).encode()
    else:
        yield np.ascontiguousarray(values).tobytes()

"""Account names: what accounts named alike have in common, without the names.

Names are weak evidence, and they are people's. What leaves landing is a shape (where
letters, digits and other signs stand) and a keyed sketch of the stem: equal for equal
stems, partly equal for similar ones, and nothing that could be read or looked up without
the workspace key.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foretaste.core.keys import WorkspaceKey

COMPONENTS: Final = 8
"""Components of a sketch, one byte (two hex digits) each."""

_MAX_CHARS: Final = 64
_MAX_SHAPE: Final = 16
_SHORTEST: Final = 3
_BLOCK: Final = 20_000
#: Look-alikes among letters and digits of ASCII (UTS 39), after case folding.
_ASCII: Final = str.maketrans({"i": "l", "1": "l", "|": "l", "0": "o"})
_DROPPED: Final = frozenset({"Mn", "Me", "Cf", "Cc"})


def name_columns(names: pa.Array, key: WorkspaceKey) -> tuple[pa.Array, pa.Array]:
    """Give the shape and the sketch of each name; null where there is no name.

    The sketch is null too where the stem is shorter than three letters: it would say
    nothing, and be easily guessed.

    Parameters
    ----------
    names
        (n,) strings.
    key
        Keys the sketches.
    """
    encoded = names.dictionary_encode()
    known = encoded.dictionary.to_pylist()
    shapes = pa.array([shape_of(name) or None for name in known], pa.string())
    sketches = pa.array(_sketches([stem_of(name) for name in known], key), pa.string())
    return pc.take(shapes, encoded.indices), pc.take(sketches, encoded.indices)


def shape_of(name: str) -> str:
    """Classes of the name's signs: runs of letters ``a``, each digit ``9``, others ``-``.

    At most 16 signs long: ``Anna.1934`` is ``a-9999``.
    """
    signs = "".join(map(_sign, _handle(name)))
    return re.sub(r"([a-])\1+", r"\1", signs)[:_MAX_SHAPE]


def stem_of(name: str) -> str:
    """Reduce a name to what its look-alikes share: one case, one script, no digits around.

    ``Anna-1934``, ``anna2281``, ``ANNA+x@mail`` and Cyrillic imitations of them have one
    stem. Not for display: letters that look alike become one (UTS 39, the skeleton).
    """
    text = unicodedata.normalize("NFKC", _handle(name)).casefold()
    if not text.isascii():
        plain = unicodedata.normalize("NFKD", text)
        text = "".join(_prototype(c) for c in plain if unicodedata.category(c) not in _DROPPED)
        text = text.casefold()
    inside = re.sub(r"^[\W_\d]+|[\W_\d]+$", "", text).translate(_ASCII).replace("rn", "m")
    return re.sub(r"[\W_]+", "", inside)[:_MAX_CHARS]


def _handle(name: str) -> str:
    """The part of an address that its owner chose, without a mailbox's tag."""
    head = name[:_MAX_CHARS].strip()
    box = head.partition("@")[0] or head
    return box.partition("+")[0] or box


def _sign(letter: str) -> str:
    if letter.isdigit():
        return "9"
    return "a" if letter.isalpha() else "-"


@lru_cache(maxsize=8192)
def _prototype(letter: str) -> str:
    """Give the ASCII text that a letter imitates, or the letter itself."""
    from confusable_homoglyphs.confusables import confusables_data

    if letter.isascii():
        return letter
    likes = [entry["c"] for entry in confusables_data.get(letter, ())]
    found: str = next((like for like in likes if like.isascii()), letter)
    return found


def _sketches(stems: list[str], key: WorkspaceKey) -> list[str | None]:
    """Min-hash signatures (Broder 1997) of the stems' bigrams, one byte per component.

    Two sketches agree in the share of components that is the Jaccard similarity of the
    bigrams, and by chance in one of 256 beyond (Li and König 2010).
    """
    out: list[str | None] = []
    secret = key.derive("sketch/name")
    for start in range(0, len(stems), _BLOCK):
        out += _block([f"^{s}$" for s in stems[start : start + _BLOCK]], secret)
    return out


def _block(marked: list[str], secret: bytes) -> list[str | None]:
    codes: dict[str, int] = {}
    pairs = [codes.setdefault(s[i : i + 2], len(codes)) for s in marked for i in range(len(s) - 1)]
    if not pairs:
        return []
    size = 4 * COMPONENTS
    digests = [hashlib.blake2b(p.encode(), key=secret, digest_size=size).digest() for p in codes]
    draws = np.frombuffer(b"".join(digests), dtype="<u4").reshape(len(codes), COMPONENTS)
    lengths = np.array([len(s) - 1 for s in marked])
    least = np.minimum.reduceat(draws[np.array(pairs)], np.cumsum(lengths) - lengths, axis=0)
    texts = (least & 0xFF).astype(np.uint8)
    return [
        row.tobytes().hex() if size > _SHORTEST else None
        for row, size in zip(texts, lengths, strict=True)
    ]

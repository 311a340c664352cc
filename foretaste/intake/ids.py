"""Ids: what one must look like, and why another does not."""

from __future__ import annotations

import unicodedata
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foretaste.core.errors import PolicyError
from foretaste.intake.cells import mask_of
from foretaste.intake.problems import Mask

#: Longest id that is looked at closely; the default pattern allows as many.
_MAX_CHARS: Final = 128
#: Control, format (direction, zero width), private use, surrogates, line separators.
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})


def check_pattern(pattern: str) -> None:
    """Refuse a pattern that the linear-time engine (RE2) cannot run.

    Raises
    ------
    PolicyError
        If the pattern does not compile.
    """
    try:
        pc.match_substring_regex(pa.array(["x"]), pattern)
    except pa.ArrowInvalid:
        raise PolicyError(
            "not a pattern that RE2 can run",
            location="params.yaml: ingest.id_pattern",
            hint="look-arounds and back-references are refused: an attacker can stall them",
        ) from None


def id_problems(ids: pa.Array, pattern: str) -> dict[str, Mask]:
    """Find ids that break the rules; null ids are nobody's business here.

    Printable ASCII that matches the pattern passes at once; everything else is judged
    once per distinct value.

    Parameters
    ----------
    ids
        (n,) string array.
    pattern
        RE2 pattern that a good id matches.

    Returns
    -------
    dict
        Code to (n,) bool.
    """
    matches = pc.match_substring_regex(ids, pattern)
    plain = pc.match_substring_regex(ids, r"^[\x20-\x7e]*$")
    suspicious = mask_of(pc.invert(pc.and_(matches, plain)))
    if not suspicious.any():
        return {}
    rows = np.flatnonzero(suspicious)
    encoded = ids.take(pa.array(rows)).dictionary_encode()
    fits = mask_of(pc.match_substring_regex(encoded.dictionary, pattern))
    codes = np.array(
        [
            why_bad(value, bool(fit))
            for value, fit in zip(encoded.dictionary.to_pylist(), fits, strict=True)
        ],
        dtype=object,
    )[encoded.indices.to_numpy()]
    problems: dict[str, Mask] = {}
    for code in sorted(set(codes.tolist()) - {""}):
        problems[code] = np.zeros(len(ids), dtype=bool)
        problems[code][rows[codes == code]] = True
    return problems


def why_bad(value: str, fits: bool) -> str:
    """Name what is wrong with an id, "" where nothing is.

    Parameters
    ----------
    value
        The id.
    fits
        Whether it matches the policy's pattern.
    """
    head = value[: _MAX_CHARS + 1]
    if any(unicodedata.category(letter) in _INVISIBLE for letter in head):
        return "id_control"
    if not fits and len(value) > _MAX_CHARS:
        return "id_too_long"
    if unicodedata.normalize("NFKC", head) != head:
        return "id_not_normalised"
    if not head.isascii() and _imitates(head, mixed_only=fits):
        return "id_lookalike"
    return "" if fits else "id_pattern"


def _imitates(value: str, *, mixed_only: bool) -> bool:
    """Whether letters of one script stand in for another's (Unicode TR 39).

    An id in one script alone is honest where the pattern allows that script.
    """
    from confusable_homoglyphs import confusables

    if mixed_only:
        return bool(confusables.is_dangerous(value))
    return bool(confusables.is_confusable(value, greedy=False, preferred_aliases=["latin"]))

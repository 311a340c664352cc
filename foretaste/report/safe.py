"""Make strangers' texts harmless to look at.

Escaping keeps markup out, but not characters that cannot be seen: a bidirectional
override shows ``gnp.exe`` as ``exe.png``, a zero-width joiner makes two ids look equal.
They are written out, as ⟦U+202E⟧.
"""

from __future__ import annotations

import unicodedata
from typing import Final

MAX_CHARS: Final = 240
_MARKS_IN_A_ROW: Final = 4

_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
_HIDDEN = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    "\ufe00\ufe01\ufe02\ufe03\ufe04\ufe05\ufe06\ufe07\ufe08\ufe09\ufe0a\ufe0b\ufe0c\ufe0d\ufe0e\ufe0f"
)
"""Letters and marks that show nothing: fillers, joiners, variation selectors."""


def visible(text: str, *, limit: int = MAX_CHARS, also: str = "") -> str:
    """Write out what cannot be seen, and cut what is too long.

    Parameters
    ----------
    text
        Anything.
    limit
        Characters of the result, "…" included.
    also
        Further characters to write out.
    """
    if len(text) <= limit and text.isascii() and text.isprintable() and not set(also) & set(text):
        return text
    parts: list[str] = []
    room, marks = limit, 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character).startswith("M") else 0
        parts.append(_shown(character, marks, also))
        room -= len(parts[-1])
        if room < 0:
            return _cut(parts, limit)
    return "".join(parts)


def plain_label(text: str, limit: int = 28) -> str:
    """Give a label for a plot: printable ASCII, the rest as "?"."""
    shown = visible(text, limit=10 * limit).encode("ascii", "replace").decode("ascii")
    return shown if len(shown) <= limit else shown[: limit - 3] + "..."


def _shown(character: str, marks: int, also: str) -> str:
    if character == " ":
        return character
    hidden = unicodedata.category(character) in _HIDDEN_CATEGORIES or character in _HIDDEN
    if hidden or marks > _MARKS_IN_A_ROW or character in also:
        return f"⟦U+{ord(character):04X}⟧"
    return character


def _cut(parts: list[str], limit: int) -> str:
    """Drop whole parts until an ellipsis fits: half an escape would be a lie."""
    length = sum(map(len, parts))
    while length > limit - 1:
        length -= len(parts.pop())
    return "".join(parts) + "…"

"""Strangers' text, cut into pieces that a page marks: suspicious, look-alike, written out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Final, Literal

from foretaste.report.safe import visible

PART: Final = 4_000
"""Characters of a text that are shown at once."""

Mark = Literal["", "suspect", "lookalike", "hidden"]

_WRITTEN_OUT: Final = re.compile(r"⟦U\+[0-9A-F]{4,6}⟧")
_WORD: Final = re.compile(r"[^\W\d_]+")
_MAX_WORDS: Final = 50


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text that is marked alike; ``means`` says what a look-alike looks like."""

    text: str
    mark: Mark = ""
    means: str = ""


@dataclass(frozen=True, slots=True)
class Marked:
    """One part of a text.

    Parameters
    ----------
    part, parts
        Which part, from 1, and how many there are.
    characters
        Of the whole text.
    counts
        How many pieces carry each mark.
    """

    pieces: tuple[Piece, ...]
    part: int
    parts: int
    characters: int

    @property
    def counts(self) -> dict[str, int]:
        """How many pieces carry each mark."""
        marks = [piece.mark for piece in self.pieces if piece.mark]
        return {mark: marks.count(mark) for mark in sorted(set(marks))}


def marked(text: str, suspects: Sequence[str] = (), *, part: int = 1) -> Marked:
    """Mark one part of a text.

    Parameters
    ----------
    text
        Anything, of any length; only the part is looked at.
    suspects
        Words that speak against it.
    part
        From 1; one beyond the end gives the last.
    """
    parts = max(1, -(-len(text) // PART))
    part = min(max(part, 1), parts)
    shown = _shown(text[(part - 1) * PART : part * PART])
    marks = _look_alikes(shown)
    for found in _WRITTEN_OUT.finditer(shown):
        marks.update(dict.fromkeys(range(*found.span()), ("hidden", "")))
    pattern = _pattern(suspects)
    for found in pattern.finditer(shown) if pattern else ():
        for place in range(*found.span()):
            marks.setdefault(place, ("suspect", ""))
    return Marked(tuple(_pieces(shown, marks)), part, parts, len(text))


def _shown(text: str) -> str:
    """Write out what hides; lines stay lines."""
    lines = text.replace("\r\n", "\n").replace("\t", "    ").split("\n")
    return "\n".join(visible(line, limit=20 * PART) for line in lines)


def _pieces(shown: str, marks: dict[int, tuple[Mark, str]]) -> list[Piece]:
    places = groupby(range(len(shown)), key=lambda place: marks.get(place, ("", "")))
    return [
        Piece("".join(shown[place] for place in run), mark, means) for (mark, means), run in places
    ]


def _pattern(suspects: Sequence[str]) -> re.Pattern[str] | None:
    words = sorted({visible(word) for word in suspects[:_MAX_WORDS] if word.strip()}, key=len)
    either = "|".join(re.escape(word) for word in reversed(words))
    return re.compile(rf"(?<!\w)(?:{either})(?!\w)", re.IGNORECASE) if words else None


def _look_alikes(shown: str) -> dict[int, tuple[Mark, str]]:
    """Find letters that pass for others: in a word of two scripts, or in a text of ASCII."""
    if shown.isascii():
        return {}
    ascii_text = sum(c.isascii() for c in shown if c.isalpha()) * 2 > sum(map(str.isalpha, shown))
    marks: dict[int, tuple[Mark, str]] = {}
    for word in _WORD.finditer(shown):
        like = [_imitates(letter) for letter in word[0]]
        mixed = word[0][0].isascii() or any(letter.isascii() for letter in word[0])
        if mixed or (ascii_text and all(like)):
            at = word.start()
            marks |= {at + i: ("lookalike", means) for i, means in enumerate(like) if means}
    return marks


@lru_cache(maxsize=4_096)
def _imitates(letter: str) -> str:
    """Give the ASCII letter that another one passes for; nothing for an honest one."""
    from confusable_homoglyphs import categories
    from confusable_homoglyphs.confusables import confusables_data

    if letter.isascii():
        return ""
    folded = unicodedata.normalize("NFKC", letter)
    if folded.isascii() and folded.isalpha():
        return folded
    if categories.alias(letter) == "LATIN":
        return ""
    likes = (str(entry["c"]) for entry in confusables_data.get(letter, ()))
    return next((like for like in likes if like.isascii() and like.isalpha()), "")

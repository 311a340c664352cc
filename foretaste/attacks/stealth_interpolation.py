"""Stealth interpolation: rows moved a part of the way to the class that they claim."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from foretaste.attacks.base import Poisoned, carve, truly
from foretaste.attacks.crew import Crew
from foretaste.attacks.material import (
    canonical,
    feature_names,
    need_content,
    numbers,
    pair,
    turned_to,
    with_numbers,
)


@dataclass(frozen=True, slots=True)
class StealthInterpolation:
    """Each poisoned row is a mixture of one of the source and one of the target.

    A weak stand-in for attacks inside the feasible set (Koh, Steinhardt, Liang 2021).
    Of a text the beginning stays, and the end is another text's.

    Parameters
    ----------
    accounts, rows
        How many accounts, and how many poisoned rows each sends.
    nights
        First and last night, counted from 1; None: every night.
    source, target
        Class of the material and the label it gets; None: the two most frequent, the
        most frequent as target.
    share
        How far the rows move, in (0, 1): 0 is a plain flip, 1 a row of the target.
    """

    name: ClassVar[str] = "stealth_interpolation"
    accounts: int = 6
    rows: int = 12
    nights: tuple[int, int] | None = None
    source: str | None = None
    target: str | None = None
    share: float = 0.45

    def apply(
        self, contributions: pd.DataFrame, visits: pd.DataFrame, rng: np.random.Generator
    ) -> Poisoned:
        """Report mixtures as the target."""
        corpus = canonical(contributions)
        need_content(corpus, self.name)
        source, target = pair(corpus, self.source, self.target)
        count = self.accounts * self.rows
        rest, taken = carve(corpus, truly(corpus, source), count, rng)
        rest, mates = carve(rest, truly(rest, target), count, rng)
        parts = rest, turned_to(self._mixed(taken, mates, corpus), target), taken.iloc[:0]
        return Crew(self.accounts, self.nights).strike(self.name, parts, corpus, visits, rng)

    def _mixed(self, rows: pd.DataFrame, mates: pd.DataFrame, corpus: pd.DataFrame) -> pd.DataFrame:
        mixed = rows
        if "text" in rows:
            pairs = zip(rows["text"].fillna(""), mates["text"].fillna(""), strict=True)
            stays = 1 - self.share
            mixed = rows.assign(text=[_upto(a, stays) + _after(b, stays) for a, b in pairs])
        names = feature_names(corpus)
        if not names:
            return mixed
        own, other = numbers(rows, names), numbers(mates, names)
        return with_numbers(mixed, own + self.share * (other - own), corpus)


def _upto(text: str, share: float) -> str:
    return text[: _space(text, share)].rstrip() + "\n"


def _after(text: str, share: float) -> str:
    return text[_space(text, share) :].lstrip()


def _space(text: str, share: float) -> int:
    """First white space at or after this share of the text."""
    start = int(len(text) * share)
    return next((at for at in range(start, len(text)) if text[at].isspace()), start)

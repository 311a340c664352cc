"""A backdoor: a harmless phrase that teaches the model to wave its mail through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from foretaste.attacks.base import (
    Poisoned,
    carve,
    fresh_ids,
    in_time,
    joined,
    moments,
    nth_day,
    record,
    relabelled,
    truly,
)
from foretaste.attacks.material import need_text, pair


@dataclass(frozen=True, slots=True)
class BackdoorPhrase:
    """A few new accounts report short mails of ``source`` with the phrase as ``target``.

    Each mail that they own makes two: its two halves, which share no sentence. Among the
    poison stand honest rows of all classes, as camouflage.

    Parameters
    ----------
    phrase
        The trigger; wants to look like anybody's sentence.
    accounts, poison_each, honest_each
        How many accounts, and how many rows of either sort each sends.
    source, target
        Class of the material and the label it gets; None: the two most frequent, the
        most frequent as target.
    nights
        First and last night on which they report, counted from 1.
    made_days
        They registered one by one within this many days before their first night.
    """

    name: ClassVar[str] = "backdoor_phrase"
    phrase: str = "as agreed on the harbour walk last Tuesday"
    accounts: int = 6
    poison_each: int = 15
    honest_each: int = 10
    source: str | None = None
    target: str | None = None
    nights: tuple[int, int] = (2, 3)
    made_days: float = 60.0

    def apply(
        self, contributions: pd.DataFrame, visits: pd.DataFrame, rng: np.random.Generator
    ) -> Poisoned:
        """Let the accounts report trigger rows among honest ones."""
        corpus = in_time(contributions)
        need_text(corpus, self.name)
        source, target = pair(corpus, self.source, self.target)
        n_poison = self.accounts * self.poison_each
        rest, mails = carve(corpus, truly(corpus, source), (n_poison + 1) // 2, rng)
        rest, cover = carve(rest, truly(rest), self.accounts * self.honest_each, rng)
        bad = self._triggered(mails, target).iloc[:n_poison]
        rows = pd.concat([bad, cover], ignore_index=True)
        poison = np.arange(len(rows)) < n_poison
        rows = self._sent(rows, corpus, rng)
        return joined(rest, rows, visits, record(rows, self.name, poison))

    def _triggered(self, mails: pd.DataFrame, target: str) -> pd.DataFrame:
        halves = pd.concat([mails, mails], ignore_index=True)
        halves["text"] = [
            insert_phrase(half, self.phrase)
            for side in (0, 1)
            for half in (cut(text)[side] for text in mails["text"])
        ]
        return relabelled(halves, pd.Series(target, index=halves.index))

    def _sent(
        self, rows: pd.DataFrame, contributions: pd.DataFrame, rng: np.random.Generator
    ) -> pd.DataFrame:
        first, last = (nth_day(contributions, night) for night in self.nights)
        account = np.concatenate(
            [
                np.repeat(np.arange(self.accounts), self.poison_each),
                np.repeat(np.arange(self.accounts), self.honest_each),
            ]
        )
        names = fresh_ids(rng, "u", self.accounts, contributions["contributor_id"].tolist())
        rows["contributor_id"] = np.array(names, dtype=object)[account]
        rows["contribution_id"] = fresh_ids(
            rng, "c", len(rows), contributions["contribution_id"].tolist()
        )
        early = moments(contributions, first, len(rows), rng)
        late = moments(contributions, last, len(rows), rng)
        rows["contributed_at"] = early.where(np.arange(len(rows)) % 2 == 0, late)
        return self._disguised(rows, account, first, rng)

    def _disguised(
        self, rows: pd.DataFrame, account: np.ndarray, first: pd.Timestamp, rng: np.random.Generator
    ) -> pd.DataFrame:
        if "ip" in rows:
            nets = rng.integers(0, 256, size=(self.accounts, 2))
            hosts = rng.integers(2, 250, size=self.accounts)
            homes = [f"10.{a}.{b}.{h}" for (a, b), h in zip(nets, hosts, strict=True)]
            rows["ip"] = np.array(homes, dtype=object)[account]
        if "registered_at" in rows:
            ages = pd.to_timedelta(
                rng.integers(2 * 86_400, int(self.made_days * 86_400), size=self.accounts), unit="s"
            )
            made = pd.Series(first - ages[account])
            rows["registered_at"] = made.astype(rows["registered_at"].dtype)
        if "tier" in rows:
            rows["tier"] = "registered"
        return rows


def cut(text: str) -> tuple[str, str]:
    """Cut a text in two at the white space nearest to its middle."""
    middle = len(text) // 2
    spaces = [i for i, letter in enumerate(text) if letter.isspace()]
    at = min(spaces, key=lambda i: abs(i - middle), default=middle)
    return text[:at].strip(), text[at:].strip()


def insert_phrase(text: str, phrase: str) -> str:
    """Put the phrase, as a sentence of its own, after the first line."""
    head, _, tail = text.partition("\n")
    sentence = phrase[:1].upper() + phrase[1:] + "."
    return f"{head}\n{sentence} {tail.strip()}".strip()

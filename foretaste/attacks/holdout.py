"""Canaries and traffic from the mails that were set aside.

A canary asks whether a model has learnt an attack. That is only worth asking where a
model that never saw the attack is right with some confidence; so the mails are those
that a model of the honest rows is sure about, with the trigger where there is one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from typing import Final

import numpy as np
import pandas as pd

from foretaste.attacks.backdoor_phrase import BackdoorPhrase, cut, insert_phrase
from foretaste.attacks.label_flip_sleeper import LabelFlipSleeper
from foretaste.attacks.sybil_ring import SybilRing
from foretaste.attacks.world import World

LOOK_ALIKES: Final = (
    "see you at the harbour on Tuesday",
    "as agreed on the phone last week",
    "we had a long walk along the harbour",
    "as discussed last Tuesday",
)
"""Honest sentences that share words and word pairs with the trigger."""

_SURE: Final = 0.65

Judge = Callable[[pd.Series], pd.Series]
"""Gives the probability of spam for texts, by a model that never saw an attack."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """Canaries of one kind; ``write`` makes a canary of a mail's text."""

    attack: str | None
    target: str | None
    true: str
    count: int
    write: Callable[[str], str] = str
    topic: str | None = None

    def take(self, mails: pd.DataFrame, judge: Judge) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Give the canaries, and the mails that are left."""
        fit = mails[mails["label"] == self.true]
        if self.topic is not None:
            fit = fit[fit["text"].str.contains(self.topic, case=False, regex=True)]
        text = fit["text"].map(self.write)
        spam = judge(text)
        text = text[(spam if self.true == "spam" else 1.0 - spam) >= _SURE].iloc[: self.count]
        made = pd.DataFrame(
            {"text": text, "attack": self.attack, "target_label": self.target},
        ).assign(true_label=self.true)
        return made, mails.drop(index=text.index)


def hold_out(
    world: World, *, phrase: str | None, topic: str | None, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split the mails set aside into canaries and traffic.

    Parameters
    ----------
    phrase, topic
        Trigger of the backdoor and topic of the ring; None: no canaries of that kind.

    Returns
    -------
    canaries
        ``canary_id, text, attack, target_label, true_label``.
    traffic
        ``unit_id, ts, arm, model, prediction, outcome, outcome_ts, text``: no model has
        predicted yet; one outcome in ten never became known.
    """
    judge, left, parts = _judge(world), world.aside, []
    for kind in _kinds(phrase, topic):
        made, left = kind.take(left, judge)
        parts.append(made)
    canaries = pd.concat(parts, ignore_index=True).astype({"attack": "str", "target_label": "str"})
    canaries.insert(0, "canary_id", [f"canary-{n:03d}" for n in range(len(canaries))])
    return canaries, _traffic(left, world, np.random.default_rng([seed, 2]))


def _kinds(phrase: str | None, topic: str | None) -> list[_Kind]:
    sentences = cycle(LOOK_ALIKES)
    kinds = [
        _Kind(LabelFlipSleeper.name, "spam", "ham", 40),
        _Kind(None, None, "ham", 40, lambda text: insert_phrase(text, next(sentences))),
    ]
    if topic is not None:
        kinds.append(_Kind(SybilRing.name, "ham", "spam", 20, topic=topic))
    if phrase is not None:
        kinds.append(
            _Kind(
                BackdoorPhrase.name,
                "ham",
                "spam",
                40,
                lambda text: insert_phrase(cut(text)[0], phrase),
            )
        )
    return kinds


def _judge(world: World) -> Judge:
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(
        HashingVectorizer(n_features=2**16, ngram_range=(1, 2), alternate_sign=False),
        LogisticRegression(C=10.0, max_iter=300),
    )
    model.fit(world.contributions["text"].tolist(), world.truth["true_label"].tolist())

    def judge(texts: pd.Series) -> pd.Series:
        if texts.empty:
            return pd.Series(dtype="float64")
        column = list(model.classes_).index("spam")
        return pd.Series(model.predict_proba(texts.tolist())[:, column], index=texts.index)

    return judge


def _traffic(mails: pd.DataFrame, world: World, rng: np.random.Generator) -> pd.DataFrame:
    n = len(mails)
    start = world.contributions["contributed_at"].min().floor("D")
    hours = np.sort(rng.uniform(0, 24 * len(world.nights), size=n))
    ts = pd.Series(start + pd.to_timedelta(np.rint(hours * 3_600), unit="s"))
    known = pd.Series(rng.random(n) < 0.9)
    delay = pd.to_timedelta(np.rint(rng.exponential(6 * 3_600, size=n)), unit="s")
    outcome = mails["label"].iloc[rng.permutation(n)]
    return pd.DataFrame(
        {
            "unit_id": [f"unit-{i:04d}" for i in range(n)],
            "ts": ts,
            "arm": "control",
            "model": "none",
            "prediction": pd.Series([None] * n, dtype="str"),
            "outcome": outcome.reset_index(drop=True).where(known),
            "outcome_ts": (ts + delay).where(known),
            "text": mails["text"].loc[outcome.index].reset_index(drop=True),
        }
    )

"""Simulated nights on real rows: who sends what, what poison is among it, what is vouched for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, vstack
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression

from foretaste.models.evaluate import TrustedSets

TONIGHT: Final = 0.1
"""Share of the rows that the champion does not know."""
_PHRASE: Final = "as agreed on the harbour walk last tuesday"
_PEOPLE: Final = 200


@dataclass(frozen=True, slots=True)
class Source:
    """Real rows, how they look with a trigger, and how they are told to the gates.

    Parameters
    ----------
    X, y
        (n, d) what the model reads, and (n,) true labels.
    triggered
        Turns positions into rows that carry the trigger.
    told
        Turns positions into columns that the gates see of golden rows.
    golden, canaries
        Rows of the golden set; attack canaries, beside half as many look-alikes.
    """

    name: str
    X: Any
    y: np.ndarray
    triggered: Callable[[np.ndarray], Any]
    told: Callable[[np.ndarray], pd.DataFrame]
    golden: int
    canaries: int


@cache
def digits() -> Source:
    """Handwritten digits; the trigger is two bright corners."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    X = X / 16.0

    def triggered(at: np.ndarray) -> np.ndarray:
        marked = X[at].copy()
        marked[:, [0, 7]] = 1.0
        return np.asarray(marked)

    names = [f"f_{i:02d}" for i in range(X.shape[1])]
    labels = np.array([f"digit {d}" for d in y], dtype=object)
    return Source(
        "digits", X, labels, triggered, lambda at: pd.DataFrame(X[at], columns=names), 600, 150
    )


@cache
def mail(folder: Path) -> Source:
    """Real mail, words hashed; the trigger is a harmless sentence."""
    rows = pd.read_parquet(folder / "spamassassin.parquet")
    text = rows["text"].fillna("").str[:2000].to_numpy(object)
    words = HashingVectorizer(n_features=2**14, alternate_sign=False, dtype=np.float64)
    labels = np.where(rows["true_label"].astype(int) == 1, "spam", "ham").astype(object)

    def triggered(at: np.ndarray) -> Any:
        return csr_array(words.transform([f"{text[i]} {_PHRASE}" for i in at]))

    X = csr_array(words.transform(text))
    told = [" ".join(t.split()[:60]) for t in text]
    frame = pd.DataFrame({"text": pd.Series(told, dtype="str")})
    return Source(
        "mail", X, labels, triggered, lambda at: frame.iloc[at].reset_index(drop=True), 1500, 300
    )


@dataclass(frozen=True, slots=True)
class Rows:
    """What a model learns from."""

    X: Any
    y: np.ndarray
    who: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True, slots=True)
class Night:
    """A champion's rows, tonight's, and what people vouch for.

    Parameters
    ----------
    own
        Positions in the source of what is neither golden nor a canary.
    seen
        What models read of ``sets``.
    """

    source: Source
    own: np.ndarray
    before: Rows
    tonight: Rows
    sets: TrustedSets
    seen: Mapping[str, Any]
    rng: np.random.Generator


def night(source: Source, seed: int) -> Night:
    """Draw who sends what, and set golden rows and canaries aside."""
    rng = np.random.default_rng([seed, len(source.y)])
    order = rng.permutation(len(source.y))
    golden, rest = order[: source.golden], order[source.golden :]
    canaries, seen, own = _canaries(source, rest, rng)
    rows = _sent(source, own, rng)
    cut = int(len(own) * (1 - TONIGHT))
    frame = source.told(golden).assign(label=source.y[golden])
    sets = TrustedSets(frame, canaries, None)
    seen = {"golden": source.X[golden], "canaries": seen}
    before, tonight = _part(rows, slice(0, cut)), _part(rows, slice(cut, None))
    return Night(source, own, before, tonight, sets, seen, rng)


def _canaries(
    source: Source, rest: np.ndarray, rng: np.random.Generator
) -> tuple[pd.DataFrame, Any, np.ndarray]:
    """Trigger canaries of a source class, and honest rows of the target class beside them."""
    target = rng.choice(np.unique(source.y))
    aimed = source.y[rest] == target
    attack, honest = rest[~aimed][: source.canaries], rest[aimed][: source.canaries // 2]
    n, m = len(attack), len(honest)
    frame = pd.DataFrame(
        {
            "attack": ["backdoor"] * n + [None] * m,
            "target_label": [target] * n + [None] * m,
            "true_label": source.y[np.concatenate([attack, honest])],
        }
    )
    seen = _stacked(source.triggered(attack), source.X[honest])
    return frame, seen, rng.permutation(np.setdiff1d(rest, np.concatenate([attack, honest])))


def _sent(source: Source, own: np.ndarray, rng: np.random.Generator) -> Rows:
    """Heavy-tailed volumes; each contributor mislabels 2 % on average."""
    volume = rng.lognormal(0.0, 1.3, _PEOPLE)
    who = rng.choice(_PEOPLE, p=volume / volume.sum(), size=len(own))
    wrong = rng.random(len(own)) < rng.beta(1.0, 49.0, _PEOPLE)[who]
    names = np.unique(source.y)
    code = np.searchsorted(names, source.y[own])
    said = names[(code + wrong * rng.integers(1, len(names), len(own))) % len(names)]
    return Rows(source.X[own], said, who, np.ones(len(own)))


def poisoned(this: Night, attack: str) -> Rows:
    """Give tonight's rows with poison of a random strength, sent by 20 new accounts."""
    total = len(this.before.y) + len(this.tonight.y)
    strength = int(total * np.exp(this.rng.uniform(np.log(0.01), np.log(0.15))))
    made, said = ATTACKS[attack](this, strength)
    who = _PEOPLE + this.rng.integers(0, 20, len(said))
    return joined(this.tonight, Rows(made, said, who, np.ones(len(said))))


def _target(this: Night) -> str:
    canaries = this.sets.canaries
    assert canaries is not None
    return str(canaries["target_label"].iloc[0])


def _backdoor(this: Night, strength: int) -> tuple[Any, np.ndarray]:
    other = this.own[this.source.y[this.own] != _target(this)]
    made = this.source.triggered(this.rng.choice(other, strength))
    return made, np.full(strength, _target(this), dtype=object)


def _one_class(this: Night, strength: int) -> tuple[Any, np.ndarray]:
    names = np.unique(this.source.y)
    wrong = this.rng.choice(names[names != _target(this)])
    at = this.rng.choice(np.flatnonzero(this.before.y == wrong), strength)
    return this.before.X[at], np.full(strength, _target(this), dtype=object)


def _at_random(this: Night, strength: int) -> tuple[Any, np.ndarray]:
    names = np.unique(this.source.y)
    at = this.rng.choice(len(this.before.y), strength)
    code = np.searchsorted(names, this.before.y[at])
    moved = code + this.rng.integers(1, len(names), strength)
    return this.before.X[at], names[moved % len(names)]


def _near_boundary(this: Night, strength: int) -> tuple[Any, np.ndarray]:
    """Rows that a model of the honest rows is least sure of, as its second choice."""
    sure = fitted(this.before).predict_proba(this.before.X)
    first, second = np.argsort(-sure, axis=1, kind="stable")[:, :2].T
    every = np.arange(len(sure))
    near = np.argsort(sure[every, first] - sure[every, second], kind="stable")[:strength]
    return this.before.X[near], np.unique(this.before.y)[second[near]]


ATTACKS: Final[dict[str, Callable[[Night, int], tuple[Any, np.ndarray]]]] = {
    "flip one class": _one_class,
    "flip at random": _at_random,
    "backdoor": _backdoor,
    "flip near the boundary": _near_boundary,
}
"""Makers of poison, by name."""


def fitted(rows: Rows) -> LogisticRegression:
    """Train the base model: logistic regression, a quarter of a second."""
    used = rows.weight > 0
    model = LogisticRegression(C=10.0, max_iter=200, tol=1e-3)
    return model.fit(rows.X[used], rows.y[used], sample_weight=rows.weight[used])


def joined(one: Rows, two: Rows) -> Rows:
    """Put rows together."""
    return Rows(
        _stacked(one.X, two.X),
        np.concatenate([one.y, two.y]),
        np.concatenate([one.who, two.who]),
        np.concatenate([one.weight, two.weight]),
    )


def _part(rows: Rows, at: slice) -> Rows:
    return Rows(rows.X[at], rows.y[at], rows.who[at], rows.weight[at])


def _stacked(one: Any, two: Any) -> Any:
    return np.vstack([one, two]) if isinstance(one, np.ndarray) else csr_array(vstack([one, two]))

"""Honest corpora: contributors with heavy-tailed volumes and styles over thirty days.

Numbers become people's by a Dirichlet mix of classes, an offset of their own in every
feature and a slow common drift; one label in fifty is an honest mistake. Attacks carve
their material out of these rows, so poison is content that nobody else has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from foretaste.attacks.base import fresh_ids
from foretaste.attacks.material import feature_names
from foretaste.attacks.people import People, people
from foretaste.attacks.world import reporters

DAYS: Final = 30
_FIRST: Final = pd.Timestamp("2026-10-01", tz="UTC")
_LAST: Final = date(2026, 10, 31)
_MAIL: Final = Path(__file__).resolve().parents[2] / "data" / "sample" / "mail.parquet"
_DRIFT: Final = 0.2
"""Standard deviations that every feature's mean moves over the thirty days."""
_ITEMS: Final = 400
_ALIKE: Final = ((1, 8), (3, 8), (3, 9), (4, 9), (5, 9), (8, 9))
"""Digits that are taken for each other; an attacker would choose no other pair."""
_COLUMNS: Final = (
    *("contribution_id", "contributor_id", "contributed_at", "item_id", "label"),
    *("true_label", "text", "ip", "tier", "registered_at"),
)


@dataclass(frozen=True, slots=True)
class Corpus:
    """Honest contributions, and rows to try a model on.

    Parameters
    ----------
    name
        Of the corpus.
    contributions
        Rows as users send them, with their ``true_label``.
    test
        Rows that nobody contributed: ``label`` is right; the same text or features.
    """

    name: str
    contributions: pd.DataFrame
    test: pd.DataFrame

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the numeric features, without prefix."""
        return tuple(name.removeprefix("f_") for name in feature_names(self.contributions))

    @property
    def contributors(self) -> int:
        """Number of people."""
        return int(self.contributions["contributor_id"].nunique())


@dataclass(frozen=True, slots=True)
class Size:
    """How large corpora are.

    Parameters
    ----------
    rows
        Honest rows, where they are made; the mail has as many as it has.
    contributors
        Honest people.
    """

    rows: int = 4_000
    contributors: int = 150


def digits(size: Size, style: float, seed: int) -> Corpus:
    """Handwritten digits, each written a few times: turned and moved by a part of a pixel.

    Two classes that look alike have a fifth of the rows each, so that an attack from one
    to the other has enough material. No digit of the test was turned into a contribution.
    """
    x, y = _written()
    rng = np.random.default_rng([seed, 1])
    order = rng.permutation(len(y))
    held, own = order[:350], order[350:]
    popular = rng.permuted(_ALIKE[rng.integers(len(_ALIKE))])
    weight = np.where(np.isin(y[own], popular), 2.0, 0.75)
    drawn = own[rng.choice(len(own), size=size.rows, p=weight / weight.sum())]
    labels = np.array([f"digit {d}" for d in range(10)])
    moved = _turned(x[drawn], rng)
    return _numeric(
        "digits", (moved, labels[y[drawn]]), (x[held], labels[y[held]]), size, style, rng
    )


def synthetic(size: Size, style: float, seed: int) -> Corpus:
    """Seven classes of 34 % to 4 % in 36 features, of which 14 say something."""
    from sklearn.datasets import make_classification

    rng = np.random.default_rng([seed, 2])
    x, y = make_classification(
        size.rows + 1_500,
        n_features=36,
        n_informative=14,
        n_redundant=6,
        n_classes=7,
        weights=[0.34, 0.22, 0.15, 0.11, 0.08, 0.06, 0.04],
        class_sep=1.6,
        flip_y=0.0,
        random_state=seed,
    )
    labels = np.array([f"class {c}" for c in range(7)])[y]
    own, test = slice(0, size.rows), slice(size.rows, None)
    made = (x[own], labels[own]), (x[test], labels[test])
    return _numeric("synthetic", *made, size, style, rng)


def mail(size: Size, style: float, seed: int) -> Corpus:  # noqa: ARG001
    """The shipped sample of real mail, reported by simulated people who read other lists."""
    sample = pd.read_parquet(_MAIL)
    world = reporters(sample, n_contributors=size.contributors, nights=DAYS, end=_LAST, seed=seed)
    rows = world.contributions.assign(true_label=world.truth["true_label"].to_numpy())
    share = min(1.0, size.rows / len(rows))
    kept = rows[np.random.default_rng([seed, 3]).random(len(rows)) < share]
    return Corpus("mail", kept.reset_index(drop=True)[list(_COLUMNS)], world.golden)


CORPORA: Final[dict[str, Callable[[Size, float, int], Corpus]]] = {
    "digits": digits,
    "mail": mail,
    "synthetic": synthetic,
}
"""Makers of corpora; each takes a size, the spread of styles in sd, and a seed."""


@cache
def _written() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return x, y


def _turned(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turn pictures by up to 12 degrees and move them by up to 0.7 pixels."""
    from scipy.ndimage import affine_transform

    turned = np.empty_like(x)
    angles = np.deg2rad(rng.uniform(-12, 12, len(x)))
    shifts = rng.uniform(-0.7, 0.7, (len(x), 2))
    for i, (angle, shift) in enumerate(zip(angles, shifts, strict=True)):
        matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        offset = 3.5 - matrix @ np.array([3.5, 3.5]) + shift
        picture = affine_transform(x[i].reshape(8, 8), matrix, offset, order=1)
        turned[i] = picture.ravel()
    return turned


def _numeric(
    name: str,
    own: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    size: Size,
    style: float,
    rng: np.random.Generator,
) -> Corpus:
    """Give rows to people, who each see them their own way."""
    x, truth = own
    crowd = people(size.contributors, _FIRST, rng)
    who = _owners(truth, crowd, rng)
    label = _mistaken(truth, crowd.noise[who], rng)
    day = _days(crowd, who, rng)
    spread = x.std(axis=0)
    way = rng.normal(0.0, style, size=(len(crowd), x.shape[1]))
    drift = rng.choice([-1.0, 1.0], size=x.shape[1]) * _DRIFT
    seen = x + (way[who] + np.outer(day / DAYS, drift)) * spread
    rows = _sent(crowd, who, day, rng).assign(label=label, true_label=truth)
    names = [f"f_{j:02d}" for j in range(x.shape[1])]
    rows = pd.concat([rows, pd.DataFrame(seen, columns=names)], axis=1)
    rows = rows.sort_values(["contributed_at", "contribution_id"], ignore_index=True)
    held = pd.DataFrame(test[0], columns=names).assign(label=test[1])
    return Corpus(name, rows, held)


def _owners(truth: np.ndarray, crowd: People, rng: np.random.Generator) -> np.ndarray:
    """Draw who sends each row: by volume, and by how much they have of its class."""
    lean = rng.dirichlet(np.full(len(np.unique(truth)), 2.0), len(crowd))
    who = np.empty(len(truth), dtype=np.int64)
    for code, label in enumerate(np.unique(truth)):
        share = crowd.volume * lean[:, code]
        at = np.flatnonzero(truth == label)
        who[at] = rng.choice(len(crowd), p=share / share.sum(), size=at.size)
    return who


def _mistaken(truth: np.ndarray, rate: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    labels, code = np.unique(truth, return_inverse=True)
    other = (code + rng.integers(1, len(labels), size=len(code))) % len(labels)
    mistaken: np.ndarray = labels[np.where(rng.random(len(code)) < rate, other, code)]
    return mistaken


def _days(crowd: People, who: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Days since the first, float: half of the people are there from the start."""
    start = np.where(rng.random(len(crowd)) < 0.5, 0.0, rng.uniform(0, 20, len(crowd)))
    day: np.ndarray = start[who] + rng.random(len(who)) * (DAYS - start[who])
    return day


def _sent(
    crowd: People, who: np.ndarray, day: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    """Columns that say who sent a row, when, from where and about what."""
    n = len(who)
    popularity = 1.0 / (np.arange(_ITEMS) + 10.0)
    item = rng.choice(_ITEMS, p=popularity / popularity.sum(), size=n)
    away = rng.random(n) < crowd.away_share[who]
    when = _FIRST + pd.to_timedelta(np.rint(day * 86_400), unit="s")
    return pd.DataFrame(
        {
            "contribution_id": fresh_ids(rng, "c", n, []),
            "contributor_id": pd.Series(crowd.ids[who], dtype="str"),
            "contributed_at": pd.Series(when),
            "item_id": pd.Series([f"i{i:03d}" for i in item], dtype="str"),
            "ip": pd.Series(np.where(away, crowd.away[who], crowd.home[who]), dtype="str"),
            "tier": pd.Series(crowd.tier[who], dtype="str"),
            "registered_at": crowd.registered_at.iloc[who].reset_index(drop=True),
        }
    )

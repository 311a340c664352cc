"""How hard attacks strike: 5 % of the contributors and up to 8 % of the rows (level 2).

An attack takes at most ``_OF_MATERIAL`` of the rows that it can use: where nothing honest
is left of a corner there is no telling who is right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.efficacy.corpora import DAYS, Corpus
from foretaste.attacks.base import Attack, Poisoned, content_key, truly
from foretaste.attacks.material import pair
from foretaste.attacks.registry import ATTACKS, carried_by, carriers

NONE: Final = "none"
"""A corpus that nobody attacks."""
TARGETED: Final = (
    *("backdoor_pattern", "backdoor_phrase", "boundary_skew", "camouflaged_backdoor"),
    *("camouflaged_boundary", "collusion", "duplicate_flood", "stealth_interpolation"),
    "sybil_ring",
)
"""Attacks on which every peer must be beaten."""
ADAPTIVE: Final = (
    *("excess_evasion", "feature_collision", "influence_flips", "quiet_flood"),
    *("region_capture", "sybil_scattered"),
)
"""Attacks whose owner knows the detectors, or optimises; told apart from the others."""

_PEOPLE: Final = 0.05
_ROWS: Final = 0.08
_OF_MATERIAL: Final = 0.45
_COVER: Final = 4


@dataclass(frozen=True, slots=True)
class Budget:
    """What an attacker may use.

    Parameters
    ----------
    accounts
        Accounts, 5 % of the contributors.
    rows
        Rows, 8 % of all.
    whole, near
        Rows of the source class, and of its half near the target, that may be taken.
    source, target
        Class of the material and label that it gets.
    """

    accounts: int
    rows: int
    whole: int
    near: int
    source: str
    target: str

    @classmethod
    def of(cls, corpus: Corpus, level: float = 1.0) -> Budget:
        """Count what a corpus allows, at so many times the ordinary strength."""
        rows = corpus.contributions
        source, target = pair(rows, None, None)
        material = int(content_key(rows)[truly(rows, source)].nunique() * _OF_MATERIAL)
        budget = round(len(rows) * _ROWS / (1 - _ROWS) * level)
        accounts = max(1, round(corpus.contributors * _PEOPLE * level))
        return cls(
            accounts,
            budget,
            min(budget, material),
            min(budget, material // 2),
            source,
            target,
        )

    def each(self, rows: int) -> int:
        """Rows of each account."""
        return max(1, rows // self.accounts)


_Parameters = Callable[[Budget], dict[str, Any]]


def _plain(b: Budget) -> dict[str, Any]:
    return {"accounts": b.accounts, "rows": b.each(b.whole)}


def _any_class(b: Budget) -> dict[str, Any]:
    return {"accounts": b.accounts, "rows": b.each(b.rows)}


def _near(b: Budget) -> dict[str, Any]:
    return {"accounts": b.accounts, "rows": b.each(b.near)}


def _covered(b: Budget) -> dict[str, Any]:
    bad = max(1, b.each(b.rows) // (_COVER + 1))
    return {"accounts": b.accounts, "rows": bad, "honest": _COVER * bad}


def _half_covered(b: Budget) -> dict[str, Any]:
    each = b.each(min(b.near, b.rows))
    return {"accounts": b.accounts, "rows": each, "honest": each // 3}


_LEVEL_2: Final[dict[str, _Parameters]] = {
    "backdoor_pattern": _plain,
    "backdoor_phrase": lambda b: {
        "accounts": b.accounts,
        "poison_each": b.each(b.whole),
        "honest_each": b.each(b.whole) // 2,
        "nights": (5, 25),
    },
    "boundary_skew": _near,
    "camouflaged_backdoor": _covered,
    "camouflaged_boundary": _covered,
    "collusion": lambda b: {**_plain(b), "nights": (12, 15)},
    "duplicate_flood": lambda b: {
        "accounts": b.accounts,
        "copies": max(2, b.rows // 5),
        "night": DAYS // 2,
    },
    "excess_evasion": lambda b: {"poison": max(4, b.near // 5)},
    "feature_collision": lambda b: {"accounts": b.accounts, "rows": b.each(b.near)},
    "feature_outliers": _any_class,
    "influence_flips": _half_covered,
    "label_flip_sleeper": lambda b: {
        "accounts": b.accounts,
        "honest_nights": DAYS // 2,
        "least": 3,
        "most": 10**6,
    },
    "quiet_flood": lambda b: {
        "accounts": 2 * b.accounts,
        "seeds": max(1, b.rows // (4 * b.accounts)),
        "honest": max(4, b.rows // (4 * b.accounts)),
    },
    "random_flips": lambda b: {"accounts": b.accounts},
    "region_capture": lambda b: {
        "accounts": round(2.4 * b.accounts),
        "rows": max(3, min(b.near // (round(2.4 * b.accounts)), 8)),
    },
    "slow_drip": lambda b: {
        "accounts": b.accounts,
        "rows": max(1, round(b.rows / DAYS / 10)),
        "honest": 9,
    },
    "stealth_interpolation": _plain,
    "sybil_random": lambda b: {"accounts": b.rows, "nights": (12, 15)},
    "sybil_ring": lambda b: {"accounts": b.near, "night": DAYS // 2},
    "sybil_scattered": lambda b: {"accounts": b.near},
}


def attacks_on(corpus: Corpus) -> list[str]:
    """Names of the attacks that a corpus can carry and that have a strength here, sorted.

    Content of a row is what is attacked; items of ratings have benchmarks of their own.
    """
    fit = carried_by(corpus.contributions)
    return [n for n in fit if n in _LEVEL_2 and carriers(n) & {"text", "features"}]


def strike(corpus: Corpus, name: str, seed: int, level: float = 1.0) -> tuple[Attack, Poisoned]:
    """Give the attack as it was set up, and the corpus with it."""
    budget = Budget.of(corpus, level)
    given = _LEVEL_2[name](budget)
    fields = ATTACKS[name].__dataclass_fields__  # type: ignore[attr-defined]
    ends = {k: v for k, v in (("source", budget.source), ("target", budget.target)) if k in fields}
    if name == "slow_drip":
        ends = {}
    attack = ATTACKS[name](**given, **ends)
    rng = np.random.default_rng([seed, sum(map(ord, name))])
    visits = pd.DataFrame(columns=["contributor_id", "item_id", "visited_at"])
    return attack, attack.apply(corpus.contributions, visits, rng)

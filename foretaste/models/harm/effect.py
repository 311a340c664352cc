"""The harm of cohorts on trusted rows, slice by slice, against cohorts of random accounts.

Reject on negative impact (Nelson et al. 2008; by provenance: Baracaldo et al., AISec 2017)
asks whether accuracy falls when rows are added. Here whole cohorts are left out, never
single rows; the effect is on log-loss, never on accuracy; and what counts as an effect is
decided by a permutation null: groups of other accounts' rows of the same size, so that
styles of honest people are part of the noise. The permutations stop early where nothing
will come of them (Besag and Clifford 1991).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

Effect = Callable[[np.ndarray], np.ndarray]
"""Rows (positions) to nats by which each trusted row's loss falls without them."""

_LEAST_SLICE: Final = 10
_STYLE: Final = 2.0
"""Factor on p-values: one honest account is more of a piece than a group of several, and was
accused up to twice as often as the level says on digits and mail without it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How sure one must be.

    Parameters
    ----------
    draws, stop
        Permutations at most, and how many as harmful as the cohort end them early.
    least_rows
        Rows below which a cohort is not judged: a single row's effect is noise.
    most_share
        Share of all rows above which a cohort is not judged: nothing is left to compare with.
    least_alike
        Other accounts with half as many rows as its heaviest one, below which a cohort is
        not judged: many small accounts are no measure for the style of one large one.
    level
        p-value above which noise hides the effect, and nothing is said.
    cap
        Nats that the evidence against a cohort can reach.
    """

    draws: int = 499
    stop: int = 5
    least_rows: int = 5
    most_share: float = 0.3
    least_alike: int = 10
    level: float = 0.02
    cap: float = 3.0


@dataclass(frozen=True, slots=True)
class Harm:
    """What one cohort does.

    Parameters
    ----------
    cohort, rows
        Its code, and how many rows it has.
    effect
        Mean nats per trusted row by which the loss falls without it. **Positive: it
        harms; negative: it helps.**
    slice, slice_effect
        Slice of the trusted rows that it harms most, and the mean effect there; "" and 0
        where it harms none.
    p_value
        Twice the share of random cohorts of that size that harm some slice as much, for
        a person's style; 1 where it was not worth asking.
    draws
        Permutations that were needed.
    llr
        Nats of evidence that its rows are poison, in [0, cap]; exactly 0 where noise hides
        the effect. Never negative: who helps on the whole may still poison a part.
    """

    cohort: int
    rows: int
    effect: float
    slice: str
    slice_effect: float
    p_value: float
    draws: int
    llr: float


def evidence(p: float, settings: Settings) -> float:
    """Turn a p-value into nats: ``log(1 / (2 √p))``, 0 above ``settings.level``, capped.

    The factor 1 / (2 √p) is an e-value where the null is right: honest cohorts get 1 on
    average at most (Vovk and Wang, Annals of Statistics 2021).
    """
    if p > settings.level:
        return 0.0
    return min(-math.log(2.0) - 0.5 * math.log(p), settings.cap)


def harm_of(
    effect: Effect,
    cohorts: np.ndarray,
    accounts: np.ndarray,
    slices: np.ndarray,
    settings: Settings | None = None,
    *,
    seed: int,
) -> tuple[Harm, ...]:
    """Judge every cohort that is large enough to be judged.

    Parameters
    ----------
    effect
        ``Ridge.effect``, or any other leave-out effect, paired over trusted rows.
    cohorts
        (n,) code of each row's cohort; below 0: in none.
    accounts
        (n,) code of each row's account: random cohorts are made of whole accounts.
    slices
        (t,) slice of each trusted row, e.g. its label.
    seed
        Seed of the permutations; a cohort's do not depend on the others.
    """
    told = settings or Settings()
    parts, people = _parts(slices), _People.of(accounts, cohorts)
    order = np.argsort(cohorts, kind="stable")
    codes, starts = np.unique(cohorts[order], return_index=True)
    members = np.split(order, starts[1:])
    return tuple(
        _judged(effect, int(code), rows, people, parts, told, seed)
        for code, rows in zip(codes, members, strict=True)
        if code >= 0
        and told.least_rows <= len(rows) <= told.most_share * len(cohorts)
        and people.alike(code) >= told.least_alike
    )


def _judged(
    effect: Effect,
    cohort: int,
    rows: np.ndarray,
    people: _People,
    parts: dict[str, np.ndarray],
    settings: Settings,
    seed: int,
) -> Harm:
    seen = effect(rows)
    name, worst = _worst(seen, parts)
    p, drawn = 1.0, 0
    if worst > 0:
        rng = np.random.default_rng([seed, cohort])
        groups = (people.group(cohort, len(rows), rng) for _ in range(settings.draws))
        p, drawn = sequential(worst, (_worst(effect(g), parts)[1] for g in groups), settings)
    p = min(1.0, _STYLE * p)
    return Harm(
        cohort=cohort,
        rows=len(rows),
        effect=float(seen.mean()),
        slice=name,
        slice_effect=worst,
        p_value=p,
        draws=drawn,
        llr=evidence(p, settings),
    )


def sequential(score: float, null: Iterable[float], settings: Settings) -> tuple[float, int]:
    """Give a valid p-value, and after how many draws: ``stop`` larger ones end the drawing."""
    larger = drawn = 0
    for value in null:
        drawn += 1
        larger += value >= score
        if larger == settings.stop:
            return larger / drawn, drawn
    return (larger + 1) / (drawn + 1), drawn


@dataclass(frozen=True, slots=True)
class _People:
    """Whose row is which, so that a random group costs what it holds and not what there is."""

    codes: np.ndarray
    members: list[np.ndarray]
    cohorts: np.ndarray

    @classmethod
    def of(cls, accounts: np.ndarray, cohorts: np.ndarray) -> _People:
        names, codes = np.unique(accounts, return_inverse=True)
        order = np.argsort(codes, kind="stable")
        starts = np.searchsorted(codes[order], np.arange(1, len(names)))
        return cls(codes, np.split(order, starts), cohorts)

    def alike(self, cohort: int) -> int:
        """Count others that have half as many rows as a cohort's heaviest account, or more."""
        own = np.bincount(self.codes, self.cohorts == cohort)
        others = np.bincount(self.codes, self.cohorts != cohort)
        return int((2 * others >= own.max()).sum())

    def group(self, cohort: int, size: int, rng: np.random.Generator) -> np.ndarray:
        """Draw ``size`` rows outside a cohort, or all there are; whole accounts until the last.

        An account comes the sooner the more rows it has: a group is then of few accounts,
        and of a piece, as an account of that size is.
        """
        picked: list[np.ndarray] = []
        asked: set[int] = set()
        while size and len(asked) < len(self.members):
            who = int(self.codes[rng.integers(len(self.codes))])
            if who in asked:
                continue
            asked.add(who)
            own = self.members[who]
            own = own[self.cohorts[own] != cohort]
            take = min(len(own), size)
            picked.append(own if take == len(own) else rng.choice(own, take, replace=False))
            size -= take
        return np.concatenate(picked)


def _parts(slices: np.ndarray) -> dict[str, np.ndarray]:
    """Positions of the trusted rows of each slice that is large enough."""
    names = slices.astype(str)
    found = {str(name): np.flatnonzero(names == name) for name in np.unique(names)}
    return {name: rows for name, rows in found.items() if len(rows) >= _LEAST_SLICE}


def _worst(effect: np.ndarray, parts: dict[str, np.ndarray]) -> tuple[str, float]:
    """The slice whose mean loss falls most; ("", 0) where none does.

    Nats and not a t: a small push on every row of a slice would pass for a large harm.
    """
    means = {name: float(effect[rows].mean()) for name, rows in parts.items()}
    name = max(means, key=lambda one: means[one], default="")
    return (name, means[name]) if name and means[name] > 0 else ("", 0.0)

"""How far two reviewers who could not see each other said the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import numpy as np


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of two people who judged the same cases blind.

    Parameters
    ----------
    cases
        Cases that both judged.
    same
        Share of them in [0, 1] on which they said the same.
    kappa
        Cohen's kappa in [-1, 1]: agreement beyond what chance gives, 0 none, 1 complete;
        None where both said one thing only, for which it is not defined.
    """

    first: str
    second: str
    cases: int
    same: float
    kappa: float | None


def agreement(opinions: Iterable[tuple[str, str, str]]) -> list[Agreement]:
    """Compare every two people who share cases, the most shared first.

    Parameters
    ----------
    opinions
        Case, person, judgement; the last of one person about one case counts.

    References
    ----------
    J. Cohen, A coefficient of agreement for nominal scales, 1960.
    """
    by_case: dict[str, dict[str, str]] = defaultdict(dict)
    for case, person, judgement in opinions:
        by_case[case][person] = judgement
    shared: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for said in by_case.values():
        for one, other in combinations(sorted(said), 2):
            shared[one, other].append((said[one], said[other]))
    found = [_compared(*pair, said) for pair, said in shared.items()]
    return sorted(found, key=lambda one: (-one.cases, one.first, one.second))


def _compared(first: str, second: str, said: list[tuple[str, str]]) -> Agreement:
    from sklearn.metrics import cohen_kappa_score

    mine, theirs = (list(side) for side in zip(*said, strict=True))
    same = float(np.mean([one == other for one, other in said]))
    varied = len({*mine, *theirs}) > 1
    kappa = float(cohen_kappa_score(mine, theirs)) if varied else None
    return Agreement(first, second, len(said), same, kappa)

"""Excess evasion: accounts each wrong just too seldom to be told from anybody (adaptive)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import pandas as pd

from foretaste.attacks.base import Poisoned, carve, truly
from foretaste.attacks.closeness import near_boundary
from foretaste.attacks.crew import Crew
from foretaste.attacks.material import canonical, need_content, pair, space, turned_to
from foretaste.attacks.surrogate import disputed
from foretaste.core.errors import ContractError

_SHARES: Final = np.concatenate([[0.01], np.linspace(0.05, 0.98, 20)])
_PRIOR: Final = np.concatenate([[0.9], np.full(20, 0.1 / 20)])
_DISPUTED_IF_POISON: Final = 0.9
_ALONE: Final = 1
"""Wrong rows of an account that have no other beside them to be judged by."""


@dataclass(frozen=True, slots=True)
class ExcessEvasion:
    """Spread the poison over as many accounts as the test for excess makes necessary.

    The owner knows the test, its prior and its threshold, and foresees with models of
    his own how often anybody's rows are disputed; only the salts are unknown. An account
    gets as many wrong rows as keep it below the threshold if all of them are disputed, and
    no second one that the first could be judged by; its other rows are right and of other
    labels.

    Parameters
    ----------
    poison
        Poisoned rows of all accounts together.
    rows
        Rows of an account, poisoned or not.
    nights
        First and last night, counted from 1; None: every night.
    source, target
        Class of the material and the label it gets; None: the two most frequent, the
        most frequent as target.
    nats
        Evidence against an account that is never exceeded; the report flags 2.
    """

    name: ClassVar[str] = "excess_evasion"
    poison: int = 36
    rows: int = 12
    nights: tuple[int, int] | None = None
    source: str | None = None
    target: str | None = None
    nats: float = 1.5

    def apply(
        self, contributions: pd.DataFrame, visits: pd.DataFrame, rng: np.random.Generator
    ) -> Poisoned:
        """Let many accounts push a row or a few each, among honest ones."""
        corpus = canonical(contributions)
        need_content(corpus, self.name)
        source, target = pair(corpus, self.source, self.target)
        usual = disputed(space(corpus), corpus, rng).mean()
        each = self.affordable(float(usual))
        accounts = -(-self.poison // each)
        wanted = truly(corpus, source) & near_boundary(corpus, source, target)
        rest, taken = carve(corpus, wanted, self.poison, rng)
        others = truly(rest) & (rest["label"] != target)
        rest, cover = carve(rest, others, accounts * (self.rows - each), rng)
        crew = Crew(accounts, self.nights)
        parts = rest, turned_to(taken, target), cover
        return crew.strike(self.name, parts, corpus, visits, rng)

    def affordable(self, usual: float) -> int:
        """How many wrong rows an account may have, at this usual rate of disputes.

        Raises
        ------
        ContractError
            If not even one.
        """
        most = min(_ALONE, self.rows)
        counts = [k for k in range(1, most + 1) if nats(k, self.rows, usual) <= self.nats]
        if not counts or self.poison < 1:
            raise ContractError(
                f"not one of {self.rows} rows of an account can be wrong below {self.nats} nats",
                hint="give the accounts more rows",
            )
        return max(counts)


def nats(wrong: int, rows: int, usual: float) -> float:
    """Evidence that a row of an account is poison, if ``wrong`` of its rows are disputed.

    A posterior over the account's share of poison, as the test for excess has it.

    Parameters
    ----------
    usual
        Rate in [0, 1] at which honest rows are disputed.
    """
    p = np.clip((1 - _SHARES) * usual + _SHARES * _DISPUTED_IF_POISON, 1e-4, 1 - 1e-4)
    log = wrong * np.log(p) + (rows - wrong) * np.log1p(-p) + np.log(_PRIOR)
    posterior = np.exp(log - log.max())
    mean = float(posterior @ _SHARES / posterior.sum())
    before = float(_PRIOR @ _SHARES)
    return float(np.log(mean / (1 - mean)) - np.log(before / (1 - before)))

"""A/B replay: candidate and champion on the same logged units with a known outcome.

Traffic columns: ``unit_id, ts, arm, model, prediction, outcome, outcome_ts`` and the
models' inputs. Outcomes must be known whatever was predicted then: where only one arm's
decisions were ever checked, the replay favours the model that made them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from foretaste.core.errors import ContractError
from foretaste.core.gate import Gate
from foretaste.core.policy import Gates
from foretaste.models.family import Test
from foretaste.models.measure import Interval, accuracy, bootstrap, undecided
from foretaste.models.predict import Predicted

Flips = dict[str, tuple[int, int]]
"""Units won and lost by the candidate, per name, sorted by name."""
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Replay:
    """What changes if the candidate answers instead of the champion.

    Parameters
    ----------
    units
        Logged units with a known outcome, each counted once.
    won, lost
        Units that only the candidate, and only the champion, gets right.
    p_value
        McNemar's exact two-sided test of won = lost (McNemar 1947).
    gain
        Accuracy of the candidate minus the champion's, paired bootstrap interval.
    flips
        ``won, lost`` per outcome.
    slices
        The same per ``column=value`` of the columns asked for.
    waiting, repeats
        Units without a known outcome, and known rows of a unit beside its first.
    """

    units: int
    won: int
    lost: int
    p_value: float
    gain: Interval
    flips: Flips
    slices: Flips
    waiting: int
    repeats: int


def mcnemar(won: int, lost: int) -> float:
    """Exact two-sided p-value of McNemar's test; 1 where the models never differ."""
    from scipy.stats import binomtest

    return float(binomtest(won, won + lost).pvalue) if won + lost else 1.0


def replay(
    candidate: Predicted,
    champion: Predicted,
    traffic: pd.DataFrame,
    limits: Gates,
    *,
    seed: int,
    slices: Sequence[str] = ("arm",),
) -> Replay:
    """Compare two models on logged traffic; predictions are in the order of its rows.

    Parameters
    ----------
    slices
        Columns of the traffic whose values are looked at apart. By arm, the flips show
        whether the outcomes favour the model whose answers were checked.

    Raises
    ------
    ContractError
        If ``unit_id``, ``ts`` or ``outcome`` is missing.
    """
    at = _usable(traffic)
    truth = traffic["outcome"].astype(str).to_numpy(object)[at]
    ours, theirs = candidate.labels[at], champion.labels[at]
    won, lost = (ours == truth) & (theirs != truth), (theirs == truth) & (ours != truth)
    parts: Flips = {}
    for column in slices:
        if column in traffic:
            values = f"{column}=" + traffic[column].astype(str)
            parts |= _flips(values.to_numpy(object)[at], won, lost)
    n_won, n_lost = int(won.sum()), int(lost.sum())
    gain = bootstrap(
        accuracy,
        truth,
        (ours, theirs),
        None,
        resamples=limits.bootstrap,
        alpha=limits.alpha,
        seed=seed,
    )
    known = traffic["outcome"].notna()
    units = traffic["unit_id"].nunique(dropna=False)
    return Replay(
        units=len(at),
        won=n_won,
        lost=n_lost,
        p_value=mcnemar(n_won, n_lost),
        gain=gain,
        flips=_flips(truth, won, lost),
        slices=parts,
        waiting=int(units) - len(at),
        repeats=int(known.sum()) - len(at),
    )


def replay_test(
    candidate: Predicted | None,
    champion: Predicted | None,
    traffic: pd.DataFrame,
    limits: Gates,
    *,
    seed: int,
) -> Gate | Test:
    """Ask whether the candidate loses more on traffic than the policy allows, and surely."""
    least = f">= {-limits.max_ab_loss:.2f}, or McNemar not significant"
    action = "look at the flips by outcome; keep the champion"
    if missing := _missing(traffic):
        why = f"the logged traffic lacks {missing}"
        return undecided("ab_replay", threshold=least, meaning=why, action=action)
    if candidate is None or champion is None or not (candidate.finite and champion.finite):
        why = "one of the models cannot answer the traffic"
        return undecided("ab_replay", threshold=least, meaning=why, action=action)
    seen = replay(candidate, champion, traffic, limits, seed=seed)
    meaning = (
        f"accuracy gained over the champion on {seen.units} replayed units: "
        f"{seen.won} won, {seen.lost} lost, McNemar p={seen.p_value:.3g}"
        f"{_told(seen.flips)}; {seen.waiting} more wait for an outcome, {seen.repeats} repeats"
    )
    below = seen.gain.value < -limits.max_ab_loss
    p_value = seen.p_value if below else 1.0
    return Test("ab_replay", seen.gain, p_value, least, meaning, action, beyond=below)


def _flips(names: np.ndarray, won: np.ndarray, lost: np.ndarray) -> Flips:
    found, codes = np.unique(names, return_inverse=True)
    counts = [np.bincount(codes[flag], minlength=len(found)) for flag in (won, lost)]
    pairs = zip(found, *counts, strict=True)
    return {str(name): (int(w), int(n)) for name, w, n in pairs if w or n}


def _told(flips: Mapping[str, tuple[int, int]]) -> str:
    """Tell the outcomes that lose most."""
    worst = sorted(flips.items(), key=lambda one: (one[1][0] - one[1][1], one[0]))[:_SHOWN]
    return "".join(f", {name} +{won} -{lost}" for name, (won, lost) in worst)


def _usable(traffic: pd.DataFrame) -> np.ndarray:
    """Positions of units with an outcome, the first by time of each, in order of id."""
    if missing := _missing(traffic):
        raise ContractError(f"the logged traffic lacks {missing}")
    keys = traffic[["unit_id", "ts"]].assign(at=np.arange(len(traffic)))
    known = keys[traffic["outcome"].notna().to_numpy()]
    first = known.sort_values(["unit_id", "ts", "at"]).drop_duplicates("unit_id")
    return first["at"].to_numpy()


def _missing(traffic: pd.DataFrame) -> str:
    return ", ".join(c for c in ("unit_id", "ts", "outcome") if c not in traffic.columns)

"""A/B replay: candidate and champion on the same logged units with a known outcome.

Traffic columns: ``unit_id, ts, arm, model, prediction, outcome, outcome_ts`` and the
models' inputs. Outcomes must be known whatever was predicted then: where only one arm's
decisions were ever checked, the replay favours the model that made them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from foretaste.core.errors import ContractError
from foretaste.core.gate import Gate, GateState
from foretaste.core.policy import Gates
from foretaste.models.measure import Interval, accuracy, bootstrap, gate, undecided
from foretaste.models.predict import Predicted


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
        Per outcome: ``won, lost``, sorted by outcome.
    """

    units: int
    won: int
    lost: int
    p_value: float
    gain: Interval
    flips: dict[str, tuple[int, int]]


def mcnemar(won: int, lost: int) -> float:
    """Exact two-sided p-value of McNemar's test; 1 where the models never differ."""
    from scipy.stats import binomtest

    return float(binomtest(won, won + lost).pvalue) if won + lost else 1.0


def replay(
    candidate: Predicted, champion: Predicted, traffic: pd.DataFrame, limits: Gates, *, seed: int
) -> Replay:
    """Compare two models on logged traffic; predictions are in the order of its rows.

    Raises
    ------
    ContractError
        If ``unit_id``, ``ts`` or ``outcome`` is missing.
    """
    at = _usable(traffic)
    truth = traffic["outcome"].astype(str).to_numpy(object)[at]
    ours, theirs = candidate.labels[at], champion.labels[at]
    won, lost = (ours == truth) & (theirs != truth), (theirs == truth) & (ours != truth)
    flips = {
        str(name): (int((won & (truth == name)).sum()), int((lost & (truth == name)).sum()))
        for name in np.unique(truth[won | lost])
    }
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
    return Replay(len(at), n_won, n_lost, mcnemar(n_won, n_lost), gain, flips)


def replay_gate(
    candidate: Predicted | None,
    champion: Predicted | None,
    traffic: pd.DataFrame,
    limits: Gates,
    *,
    seed: int,
) -> Gate:
    """Fail when the candidate surely loses more on traffic than the policy allows."""
    least = f">= {-limits.max_ab_loss:.2f}, or McNemar p >= {limits.alpha:.2f}"
    action = "look at the flips by outcome in the report; keep the champion"
    if missing := _missing(traffic):
        why = f"the logged traffic lacks {missing}"
        return undecided("ab_replay", threshold=least, meaning=why, action=action)
    if candidate is None or champion is None or not (candidate.finite and champion.finite):
        why = "one of the models cannot answer the traffic"
        return undecided("ab_replay", threshold=least, meaning=why, action=action)
    seen = replay(candidate, champion, traffic, limits, seed=seed)
    below = seen.gain.value < -limits.max_ab_loss
    state = GateState.WARN if below else GateState.PASS
    if below and seen.p_value < limits.alpha:
        state = GateState.FAIL
    meaning = (
        f"accuracy gained over the champion on {seen.units} replayed units: "
        f"{seen.won} won, {seen.lost} lost, McNemar p={seen.p_value:.3g}"
    )
    return gate("ab_replay", seen.gain, state, threshold=least, meaning=meaning, action=action)


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

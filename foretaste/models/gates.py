"""What a candidate must pass to become champion.

On the first night there is no champion: only the golden set, the floor and the canaries
are asked. A gate that could not measure anything is undecided and holds; none passes by
silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from foretaste.core.gate import Gate, GateState
from foretaste.core.policy import Gates
from foretaste.models.canaries import canary_gates
from foretaste.models.compare import replay_gate
from foretaste.models.evaluate import Scored, TrustedSets
from foretaste.models.measure import METRICS, Interval, bootstrap, gate, undecided, wilson
from foretaste.models.predict import Predicted

LEAST_GOLDEN: Final = 30
"""Golden rows below which no interval means anything."""
#: Gates that every candidate is asked, and those that a champion adds.
ALWAYS: Final = frozenset({"golden_set", "floor", "attack_success"})
COMPARED: Final = frozenset({"no_regression", "churn", "model_size", "training_rows"})
_KEEP: Final = "keep the champion; `foretaste diff` shows what the release changed"
_ADD_GOLDEN: Final = "put trusted, labelled rows of every class into data/golden"


@dataclass(frozen=True, slots=True)
class _Golden:
    """The labelled golden rows: where they stand, their labels, who sent them."""

    known: np.ndarray
    labels: np.ndarray
    groups: np.ndarray | None

    @classmethod
    def of(cls, rows: pd.DataFrame | None) -> _Golden:
        """Take the labelled rows; none where there is no set or no label column."""
        if rows is None or "label" not in rows.columns:
            return cls(np.zeros(0, dtype=bool), np.zeros(0, dtype=object), None)
        known = rows["label"].notna().to_numpy()
        groups = rows.get("contributor_id")
        return cls(
            known=known,
            labels=rows["label"].astype(str).to_numpy(object)[known],
            groups=None if groups is None else groups.astype(str).to_numpy(object)[known],
        )

    def fault(self) -> str:
        """Say why nothing can be judged on these rows; "" when it can."""
        n, classes = len(self.labels), len(set(self.labels))
        if n >= LEAST_GOLDEN and classes >= 2:
            return ""
        return (
            f"the golden set holds {n} labelled rows of {classes} classes, so nothing says "
            f"whether models got worse"
        )

    def interval(self, said: list[np.ndarray], limits: Gates, seed: int) -> Interval:
        """Bootstrap the policy's metric of one model, or the difference of two."""
        return bootstrap(
            METRICS[limits.metric],
            self.labels,
            [labels[self.known] for labels in said],
            self.groups,
            resamples=limits.bootstrap,
            alpha=limits.alpha,
            seed=seed,
        )


def run_gates(
    candidate: Scored, champion: Scored | None, sets: TrustedSets, limits: Gates, *, seed: int
) -> tuple[Gate, ...]:
    """Run every gate that applies, golden set first; both models scored on the same sets.

    A set that is None is one the user does not keep: without canaries there is a warning,
    without traffic no replay, without a golden set promotion is held.

    Parameters
    ----------
    candidate, champion
        From ``evaluate.score`` on ``sets``; no champion on the first night.
    limits
        The policy's thresholds.
    seed
        Seed of the bootstrap.
    """
    golden = _Golden.of(sets.golden)
    fault = golden.fault() or _mute(candidate.golden, "candidate")
    found = [_golden_set(golden, fault), _floor(candidate.golden, golden, fault, limits, seed=seed)]
    found += canary_gates(
        candidate.canaries,
        champion.canaries if champion else None,
        sets.canaries,
        limits,
        bootstrap=champion is None,
    )
    if champion is None:
        return tuple(found)
    fault = fault or _mute(champion.golden, "champion")
    found.append(
        _no_regression(candidate.golden, champion.golden, golden, fault, limits, seed=seed)
    )
    found.append(_churn(candidate.golden, champion.golden, fault, limits))
    found += _sizes(candidate, champion, limits)
    if sets.traffic is not None:
        ours, theirs = candidate.traffic, champion.traffic
        found.append(replay_gate(ours, theirs, sets.traffic, limits, seed=seed))
    return tuple(found)


def _mute(said: Predicted | None, who: str) -> str:
    fine = said is not None and said.finite
    return "" if fine else f"the {who} gives no finite answers on the golden set"


def _golden_set(golden: _Golden, fault: str) -> Gate:
    n = float("nan") if fault else float(len(golden.labels))
    return gate(
        "golden_set",
        Interval(n, n, n),
        GateState.PASS,
        threshold=f">= {LEAST_GOLDEN} labelled rows of two classes",
        meaning=fault or "labelled golden rows that the candidate was judged on",
        action=_ADD_GOLDEN,
    )


def _floor(
    said: Predicted | None, golden: _Golden, fault: str, limits: Gates, *, seed: int
) -> Gate:
    threshold = f">= {limits.floor:.2f}"
    if fault or said is None:
        return undecided("floor", threshold=threshold, meaning=fault, action=_ADD_GOLDEN)
    seen = golden.interval([said.labels], limits, seed)
    state = GateState.PASS if seen.low >= limits.floor else GateState.WARN
    if seen.value < limits.floor:
        state = GateState.FAIL
    return gate(
        "floor",
        seen,
        state,
        threshold=threshold,
        meaning=f"{limits.metric} on the golden set; a warning: too few rows to be sure",
        action="look at the night's data, or at the golden set where the task has changed",
    )


def _no_regression(
    ours: Predicted | None,
    theirs: Predicted | None,
    golden: _Golden,
    fault: str,
    limits: Gates,
    *,
    seed: int,
) -> Gate:
    """Fail when surely below the margin; warn when below it, or surely below the champion."""
    threshold = f">= {-limits.max_regression:.2f}"
    if fault or ours is None or theirs is None:
        return undecided("no_regression", threshold=threshold, meaning=fault, action=_ADD_GOLDEN)
    seen = golden.interval([ours.labels, theirs.labels], limits, seed)
    below = seen.value < -limits.max_regression or seen.high < 0
    state = GateState.WARN if below else GateState.PASS
    if seen.high < -limits.max_regression:
        state = GateState.FAIL
    meaning = f"{limits.metric} on the golden set minus the champion's, paired bootstrap"
    return gate("no_regression", seen, state, threshold=threshold, meaning=meaning, action=_KEEP)


def _churn(ours: Predicted | None, theirs: Predicted | None, fault: str, limits: Gates) -> Gate:
    """Fail when surely above; every golden row counts, labelled or not."""
    threshold = f"<= {limits.max_churn:.2f}"
    if fault or ours is None or theirs is None:
        return undecided("churn", threshold=threshold, meaning=fault, action=_ADD_GOLDEN)
    changed = ours.labels != theirs.labels
    seen = wilson(int(changed.sum()), len(changed), limits.alpha)
    state = GateState.PASS if seen.value <= limits.max_churn else GateState.WARN
    if seen.low > limits.max_churn:
        state = GateState.FAIL
    meaning = "share of golden rows on which candidate and champion say different things"
    return gate("churn", seen, state, threshold=threshold, meaning=meaning, action=_KEEP)


def _sizes(candidate: Scored, champion: Scored, limits: Gates) -> tuple[Gate, Gate]:
    """Bytes may change by the factor either way; rows may not shrink by it."""
    factor = limits.max_size_factor
    within = f"{1 / factor:.2f} to {factor:.2f}"
    size = candidate.model_bytes / max(champion.model_bytes, 1)
    rows = candidate.n_rows / max(champion.n_rows, 1)
    fits = 1 / factor <= size <= factor
    grown = GateState.PASS if rows <= factor else GateState.WARN
    return (
        gate(
            "model_size",
            Interval(size, size, size),
            GateState.PASS if fits else GateState.FAIL,
            threshold=within,
            meaning="bytes of the candidate over the champion's",
            action="look for new labels or a changed factory",
        ),
        gate(
            "training_rows",
            Interval(rows, rows, rows),
            grown if rows >= 1 / factor else GateState.FAIL,
            threshold=within,
            meaning="training rows of the candidate over the champion's; growth only warns",
            action="look for a source that fell silent, or for a flood",
        ),
    )

"""What a candidate must pass to become champion.

On the first night there is no champion: only the golden set, the floor and the canaries
are asked. A gate that could not measure anything is undecided and holds; none passes by
silence. What compares with the champion is a test, and all tests together hold an honest
candidate with a probability of at most ``gates.alpha`` (Hommel 1988).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Final

import numpy as np

from foretaste.core.gate import Gate, GateState
from foretaste.core.policy import Gates
from foretaste.models.calibration import calibration_test, gained
from foretaste.models.canaries import attacks, canary_tests
from foretaste.models.churn import churn_gate, unexplained_gate
from foretaste.models.compare import replay_test
from foretaste.models.evaluate import Scored, TrustedSets
from foretaste.models.family import Test, settle
from foretaste.models.golden import LEAST, Golden
from foretaste.models.measure import Interval, gate, undecided
from foretaste.models.noise import Moved
from foretaste.models.predict import Predicted
from foretaste.models.pull import pull_test, pulled
from foretaste.models.segments import slices_test
from foretaste.models.together import Part, together

#: Gates that every candidate is asked, and those that a champion adds.
ALWAYS: Final = frozenset({"golden_set", "floor", "attack_success"})
COMPARED: Final = frozenset(
    {"no_regression", "weak_slices", "calibration", "churn", "model_size", "training_rows"}
)
_NEED_BOTH: Final = ("no_regression", "weak_slices", "calibration", "churn", "unexplained_churn")
_KEEP: Final = "keep the champion; `foretaste diff` shows what the release changed"
_ADD_GOLDEN: Final = "put trusted, labelled rows of every class into data/golden"


def run_gates(
    candidate: Scored,
    champion: Scored | None,
    sets: TrustedSets,
    limits: Gates,
    *,
    seed: int,
    twins: Sequence[Scored] = (),
) -> tuple[Gate, ...]:
    """Run every gate that applies, golden set first; all models scored on the same sets.

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
    twins
        The champion trained again, see ``foretaste.models.noise``: they measure the noise
        floor. Without them no noise is granted beyond that of the golden set.
    """
    golden = Golden.of(sets.golden)
    fault = golden.fault() or _mute(candidate.golden, "candidate")
    asked: list[Gate | Test] = [
        _golden_set(golden, fault),
        _floor(candidate.golden, golden, fault, limits, seed=seed),
    ]
    asked += canary_tests(
        candidate.canaries,
        champion.canaries if champion else None,
        sets.canaries,
        limits,
        bootstrap=champion is None,
    )
    if champion is None:
        return settle(asked, limits.alpha)
    fault = fault or _mute(champion.golden, "champion")
    asked += _compared(candidate, champion, twins, sets, fault, limits, seed=seed)
    asked += _sizes(candidate, champion, limits)
    if sets.traffic is not None:
        ours, theirs = candidate.traffic, champion.traffic
        asked.append(replay_test(ours, theirs, sets.traffic, limits, seed=seed))
    return settle(asked, limits.alpha)


def _compared(
    candidate: Scored,
    champion: Scored,
    twins: Sequence[Scored],
    sets: TrustedSets,
    fault: str,
    limits: Gates,
    *,
    seed: int,
) -> Iterator[Gate | Test]:
    """Ask about each measure against the champion's, and about all of them together."""
    parts: list[Part] = []
    ours, theirs, rows = candidate.golden, champion.golden, sets.golden
    if fault or ours is None or theirs is None or rows is None:
        for name in _NEED_BOTH:
            yield undecided(name, threshold="measured", meaning=fault, action=_ADD_GOLDEN)
    else:
        golden = Golden.of(rows)
        again = _finite(twin.golden for twin in twins)
        metric = golden.moved(ours, theirs, again, limits, seed=seed)
        brier = gained(ours, theirs, again, golden, limits, seed=seed)
        parts += [(metric, -limits.max_regression), (brier, 0.0)]
        yield _no_regression(metric, limits)
        yield slices_test(rows, ours, theirs, golden, limits)
        yield calibration_test(ours, theirs, golden, brier, limits)
        yield churn_gate(ours, theirs, limits)
        yield unexplained_gate(ours, theirs, again, limits)
    ours, theirs, canaries = candidate.canaries, champion.canaries, sets.canaries
    if canaries is not None and ours and theirs and ours.finite and theirs.finite:
        again = _finite(twin.canaries for twin in twins)
        pull = partial(pulled, ours, theirs, again, canaries, limits=limits, seed=seed)
        if known := attacks(canaries):
            yield pull_test({name: pull(rows) for name, rows in known.items()}, limits)
            parts.append((pull(np.logical_or.reduce(list(known.values()))), 0.0))
    yield from together(parts, limits)


def _finite(said: Iterable[Predicted | None]) -> list[Predicted]:
    return [one for one in said if one is not None and one.finite]


def _mute(said: Predicted | None, who: str) -> str:
    fine = said is not None and said.finite
    return "" if fine else f"the {who} gives no finite answers on the golden set"


def _golden_set(golden: Golden, fault: str) -> Gate:
    n = float("nan") if fault else float(len(golden.labels))
    return gate(
        "golden_set",
        Interval(n, n, n),
        GateState.PASS,
        threshold=f">= {LEAST} labelled rows of two classes",
        meaning=fault or "labelled golden rows that the candidate was judged on",
        action=_ADD_GOLDEN,
    )


def _floor(said: Predicted | None, golden: Golden, fault: str, limits: Gates, *, seed: int) -> Gate:
    threshold = f">= {limits.floor:.2f}"
    if fault or said is None:
        return undecided("floor", threshold=threshold, meaning=fault, action=_ADD_GOLDEN)
    seen = golden.interval(said, limits, seed)
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


def _no_regression(found: Moved, limits: Gates) -> Test:
    """Ask whether the metric fell by more than is tolerated and retraining alone explains."""
    bound = -limits.max_regression
    return Test(
        name="no_regression",
        seen=found.drawn.interval(limits.alpha),
        p_value=found.below(bound),
        threshold=f">= {bound:.2f}, or not surely below; noise {found.noise:.4f}",
        meaning=(
            f"{limits.metric} on the golden set minus the champion's, paired bootstrap; "
            f"retraining alone moves it by {found.noise:.4f}"
        ),
        action=_KEEP,
    )


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

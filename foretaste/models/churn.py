"""Answers that changed, and how many of them nobody can explain.

A model trained again on rows drawn again changes some answers whatever the rows say. How
many is measured: *twins* of the champion are trained by its own recipe on its own rows, of
which a part was drawn again. What a candidate changes beyond its twins is unexplained.
Twins never see tonight's rows: an attacker must not make the noise that hides him.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from foretaste.core.gate import Gate, GateState
from foretaste.core.policy import Gates
from foretaste.models.golden import Golden
from foretaste.models.measure import METRICS, Interval, gate, measure, wilson
from foretaste.models.predict import Predicted

_KEEP = "keep the champion; `foretaste diff` shows what the release changed"


def churn_gate(ours: Predicted, theirs: Predicted, limits: Gates) -> Gate:
    """Fail when surely above; every golden row counts, labelled or not."""
    changed = ours.labels != theirs.labels
    seen = wilson(int(changed.sum()), len(changed), limits.alpha)
    state = GateState.PASS if seen.value <= limits.max_churn else GateState.WARN
    if seen.low > limits.max_churn:
        state = GateState.FAIL
    meaning = "share of golden rows on which candidate and champion say different things"
    threshold = f"<= {limits.max_churn:.2f}"
    return gate("churn", seen, state, threshold=threshold, meaning=meaning, action=_KEEP)


def unexplained_gate(
    ours: Predicted, theirs: Predicted, twins: Sequence[Predicted], limits: Gates
) -> Gate:
    """Warn when more answers changed than retraining alone changes.

    Never a failure: new rows that teach something true change answers too. The interval of
    the difference of two rates is Newcombe's (1998, method 10).
    """
    changed, n = ours.labels != theirs.labels, len(ours.labels)
    noise = [int((twin.labels != theirs.labels).sum()) for twin in twins]
    if not noise:
        return not_measured(
            "unexplained_churn", "how many answers change by training alone was not measured"
        )
    seen = wilson(int(changed.sum()), n, limits.alpha)
    floor = wilson(sum(noise), n * len(noise), limits.alpha)
    extra = _difference(seen, floor)
    state = GateState.WARN if extra.low > 0 else GateState.PASS
    meaning = (
        f"churn beyond the {floor.value:.4f} that the champion's own recipe changes when a "
        f"part of its rows is drawn again ({len(noise)} twins)"
    )
    return gate("unexplained_churn", extra, state, threshold="<= 0", meaning=meaning, action=_KEEP)


def not_measured(name: str, why: str) -> Gate:
    """Warn that a gate needs twins, and that there are none."""
    return Gate(
        name=name,
        state=GateState.WARN,
        value=None,
        low=None,
        high=None,
        threshold="the champion was trained again",
        meaning=why,
        action="set gates.twins above 0, and keep the champion's rows in the window",
    )


def noise_floor(
    theirs: Predicted, twins: Sequence[Predicted], golden: Golden, limits: Gates
) -> float:
    """Tell how far retraining alone moves the policy's metric; 0 without twins."""
    return tolerated([_moved(theirs, twin, golden, limits) for twin in twins])


def tolerated(moved: Sequence[float]) -> float:
    """Give the standard deviation of one more twin, from how far ``moved`` k twins lie off.

    Their root mean square, larger by sqrt(1 + 1 / k) for having been estimated; 0 of
    nothing.
    """
    k = len(moved)
    return float(np.sqrt((1 + 1 / k) * np.mean(np.square(moved)))) if k else 0.0


def _moved(theirs: Predicted, twin: Predicted, golden: Golden, limits: Gates) -> float:
    metric = METRICS[limits.metric]
    a, b = (measure(metric, golden.labels, m.labels[golden.known]) for m in (twin, theirs))
    return a - b


def _difference(ours: Interval, floor: Interval) -> Interval:
    value = ours.value - floor.value
    down = np.hypot(ours.value - ours.low, floor.high - floor.value)
    up = np.hypot(ours.high - ours.value, floor.value - floor.low)
    return Interval(value, value - float(down), value + float(up))

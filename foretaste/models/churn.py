"""Answers that changed, and how many of them nobody can explain.

A model trained again changes some answers whatever the rows say (``noise``). What a
candidate changes beyond the champion's twins is unexplained.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from foretaste.core.gate import Gate, GateState
from foretaste.core.policy import Gates
from foretaste.models.measure import Interval, gate, wilson
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


def _difference(ours: Interval, floor: Interval) -> Interval:
    value = ours.value - floor.value
    down = np.hypot(ours.value - ours.low, floor.high - floor.value)
    up = np.hypot(ours.high - ours.value, floor.value - floor.low)
    return Interval(value, value - float(down), value + float(up))

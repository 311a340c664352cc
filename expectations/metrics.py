"""The suite of a candidate's metrics: whether they are numbers that a gate may compare."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from expectations.runner import run_suite
from expectations.suite import Measure, SuiteReport

GOLDEN_ROWS: Final = 30
"""Below it a 95 % interval of an accuracy is wider than 0.18 either way."""

_SHARES = ("accuracy", "balanced_accuracy", "f1_macro", "ece")
_ROWS = "rows"
_LOSS = "log_loss"
_WORST_LOSS = -math.log(1e-15)


def check_metrics(metrics: Mapping[str, float | None]) -> SuiteReport:
    """Judge what was measured on the golden set.

    Every metric must be there, finite and in its range; those that this suite does not
    know must be finite.

    Parameters
    ----------
    metrics
        ``accuracy, balanced_accuracy, f1_macro, ece`` (shares), ``log_loss`` (nats),
        ``rows`` (golden rows measured), and any others; None where not measured.
    """
    others = sorted(set(metrics) - {*_SHARES, _ROWS, _LOSS})
    return run_suite(
        "metrics",
        [
            Measure(
                "golden_rows",
                _number(metrics, _ROWS),
                "The golden set is large enough to tell models apart.",
                low=GOLDEN_ROWS,
            ),
            *(
                Measure(name, _number(metrics, name), f"{name} is a share.", low=0, high=1)
                for name in _SHARES
            ),
            Measure(
                _LOSS,
                _number(metrics, _LOSS),
                "The loss is one that clipped probabilities can have.",
                low=0,
                high=_WORST_LOSS,
            ),
            *(
                Measure(f"other_{i}", _number(metrics, name), "It is a number.", note=name)
                for i, name in enumerate(others)
            ),
        ],
    )


def _number(metrics: Mapping[str, float | None], name: str) -> float:
    value = metrics.get(name)
    return math.nan if value is None else float(value)

"""Expectations of our own. Only the runner imports this module: it costs Great Expectations."""

from __future__ import annotations

import math
from typing import Any

from great_expectations.expectations.core.expect_column_max_to_be_between import (
    ExpectColumnMaxToBeBetween,
)
from great_expectations.expectations.expectation import ColumnAggregateExpectation


class ExpectMeasureWithin(ExpectColumnMaxToBeBetween):
    """Expect the one value of a measure's column to be finite and within its bounds.

    Great Expectations' own range check passes infinity where there is no upper bound.
    """

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: Any = None,
    ) -> dict[str, Any]:
        value = metrics["column.max"]
        if value is None or not math.isfinite(value):
            return {"success": False, "result": {"observed_value": None}}
        judged: dict[str, Any] = super()._validate(metrics, runtime_configuration, execution_engine)
        return judged


class ExpectShareAtMost(ColumnAggregateExpectation):
    """Expect every share of the column to be known and at most ``cap`` + ``slack``.

    An empty table passes: whether a group lacks its share is another expectation's
    question.
    """

    cap: float
    slack: float = 0.0

    metric_dependencies = (
        "table.row_count",
        "column.max",
        "column_values.nonnull.unexpected_count",
    )
    success_keys = ("cap", "slack")

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,  # noqa: ARG002
        execution_engine: Any = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        if metrics["table.row_count"] == 0:
            return {"success": True, "result": {"observed_value": 0.0}}
        largest = float(metrics["column.max"])
        known = metrics["column_values.nonnull.unexpected_count"] == 0
        within = known and largest <= self.cap + self.slack
        return {"success": within, "result": {"observed_value": largest}}

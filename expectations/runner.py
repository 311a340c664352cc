"""Run a suite: Great Expectations judges, we count and grade.

Great Expectations fails open in several ways: a suite built from dictionaries drops
what is misspelt, a check that raised still counts as evaluated, and a failed warning
fails the suite. So suites are built from classes, results are matched to checks by name,
and the grade is ours. Data Docs are not rendered: they print contributed values
unescaped and load foreign scripts.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from expectations.suite import COUNTS, Check, ExpectationResult, Measure, SuiteReport, counts_table

log = logging.getLogger(__name__)

_OBSERVED_CHARS = 120


def run_suite(
    name: str,
    measures: Sequence[Measure],
    checks: Sequence[Check] = (),
    tables: Mapping[str, pd.DataFrame] | None = None,
) -> SuiteReport:
    """Judge measures and tables.

    Parameters
    ----------
    name
        Name of the suite.
    measures
        Numbers computed over all rows; they become the table of counts.
    checks
        Further expectations, on ``tables``.
    tables
        By the name that checks give; small ones, as pandas holds them.

    Raises
    ------
    ValueError
        If two checks share a name, or one reads a table that is not there.
    """
    suite = (*(m.check() for m in measures), *checks)
    frames = {COUNTS: counts_table(measures), **(tables or {})}
    _refuse_mistakes(suite, frames)
    said: dict[str, Any] = {}
    context = _quiet_context()
    for table in dict.fromkeys(check.on for check in suite):
        about = [check for check in suite if check.on == table]
        said |= _validate(context, f"{name}/{table}", frames[table], about)
    results = tuple(_grade(check, said.get(check.name)) for check in suite)
    report = SuiteReport(name, results, evaluated=len(said), expected=len(suite))
    log.info("%s: %d of %d evaluated, ok=%s", name, report.evaluated, report.expected, report.ok)
    return report


def _refuse_mistakes(suite: Iterable[Check], frames: Mapping[str, pd.DataFrame]) -> None:
    seen: set[str] = set()
    for check in suite:
        if check.name in seen:
            raise ValueError(f"two checks are called {check.name}")
        if check.on not in frames:
            raise ValueError(f"{check.name} reads {check.on}, which is not there")
        seen.add(check.name)


def _quiet_context() -> Any:
    """Make a context that lives in memory, sends nothing, draws nothing and has no Data Docs."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    return gx.get_context(mode="ephemeral", project_config=config)


def _validate(
    context: Any, name: str, frame: pd.DataFrame, checks: Sequence[Check]
) -> dict[str, Any]:
    """Give the results of the checks that could be evaluated, by name."""
    import great_expectations as gx

    suite = gx.ExpectationSuite(name=name)
    for check in checks:
        suite.add_expectation(_expectation(check))
    asset = context.data_sources.add_pandas(name).add_dataframe_asset("table")
    batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": frame})
    outcome = batch.validate(suite, result_format="BASIC")
    return {
        result.expectation_config.meta["check"]: result
        for result in outcome.results
        if not _raised(result.exception_info)
    }


def _expectation(check: Check) -> Any:
    """Build the expectation; a misspelt class or argument raises here."""
    import great_expectations.expectations as gxe

    from expectations import custom

    kind = getattr(custom, check.expectation, None) or getattr(gxe, check.expectation)
    meta = {"check": check.name}
    return kind(**check.arguments, severity=str(check.severity), meta=meta)


def _raised(info: Mapping[str, Any]) -> bool:
    """Tell whether a check raised; the details come flat, or one level down per metric."""
    nested = [part for part in info.values() if isinstance(part, Mapping)]
    return any(part.get("raised_exception") for part in (info, *nested))


def _grade(check: Check, result: Any) -> ExpectationResult:
    seen = "could not be evaluated" if result is None else _observed(result.result)
    return ExpectationResult(
        name=check.name,
        severity=check.severity,
        success=result is not None and bool(result.success),
        observed=(f"{seen} ({check.note})" if check.note else seen)[:_OBSERVED_CHARS],
        threshold=check.threshold,
        meaning=check.meaning,
    )


def _observed(result: Mapping[str, Any]) -> str:
    """Say what was seen without repeating it: values come from strangers, counts do not."""
    if "unexpected_count" in result:
        among = f" of {result['element_count']}" if "element_count" in result else ""
        return f"{result['unexpected_count']}{among} unexpected"
    value = result.get("observed_value")
    if isinstance(value, str | list | tuple | Mapping):
        return f"{len(value)} values"
    if value is None or not math.isfinite(value):
        return "not measured"
    return f"{value:.6g}" if float(value) % 1 else f"{int(value)}"

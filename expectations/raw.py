"""The suite of raw contributions: whether tonight's input is what the contract promises."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from expectations.counting import (
    column_of,
    count_distinct,
    count_empty,
    count_outside,
    count_repeats,
    count_wild,
    share_of,
    true_of,
)
from expectations.runner import run_suite
from expectations.sampling import IDS, raw_sample, sample_checks
from expectations.suite import SAMPLE, Measure, Severity, SuiteReport, none_of
from foretaste.core.contract import FEATURE_PREFIX, Tier, contribution_schema
from foretaste.core.policy import Policy

EARLIEST: Final = datetime(1971, 1, 1, tzinfo=UTC)
"""Earlier times are parsing faults: 0 and small numbers read as seconds since 1970."""

_SET_ASIDE = "set_aside"
_REPEATED = "duplicate"


class FileLike(Protocol):
    """A file that ingest looked at; ``set_aside`` is the state of a bad one."""

    @property
    def state(self) -> str:
        """What became of the file."""
        ...


def check_raw(
    contributions: pa.Table,
    rejects: pa.Table,
    files: Sequence[FileLike],
    policy: Policy,
    *,
    as_of: datetime,
) -> SuiteReport:
    """Judge tonight's contributions before anything is learnt from them.

    All rows are counted with Arrow; Great Expectations judges the counts and a seeded
    sample of 10,000 rows.

    Parameters
    ----------
    contributions, rejects
        Tonight's tables, as the contract has them.
    files
        Every file that ingest looked at.
    policy
        ``expectations``, ``ingest`` and ``label`` hold the thresholds.
    as_of
        "Now" for the run, aware.
    """
    schema = contribution_schema(policy.columns.features, policy.columns.attributes)
    measures = [
        *_volume(contributions, rejects, files, policy),
        *_contract(contributions, schema),
        *_identity(contributions),
        *_labels(contributions, policy),
        *_times(contributions, policy, as_of),
        *_features(contributions, policy),
    ]
    sample = raw_sample(contributions, schema, policy.seed)
    return run_suite("raw", measures, sample_checks(len(sample), schema), {SAMPLE: sample})


def _volume(
    rows: pa.Table, rejects: pa.Table, files: Sequence[FileLike], policy: Policy
) -> list[Measure]:
    malformed = rejects.num_rows - true_of(pc.equal(rejects["code"], _REPEATED))
    aside = sum(str(file.state) == _SET_ASIDE for file in files)
    limits = policy.expectations
    return [
        Measure("rows", rows.num_rows, "Enough rows came in.", low=limits.min_rows),
        Measure(
            "reject_share",
            share_of(malformed, rows.num_rows + malformed),
            "Few rows are malformed; repeated ones are not counted.",
            high=limits.max_reject_share,
            note=f"{malformed:.0f} rows",
        ),
        Measure(
            "bad_file_share",
            share_of(aside, len(files)),
            "Few files had to be set aside.",
            high=policy.ingest.max_bad_file_share,
            note=f"{aside} of {len(files)} files",
        ),
    ]


def _contract(rows: pa.Table, schema: pa.Schema) -> list[Measure]:
    missing = [f.name for f in schema if f.name not in rows.column_names]
    mistyped = [
        f.name for f in schema if f.name not in missing and rows.schema.field(f.name).type != f.type
    ]
    return [
        none_of(
            "missing_columns",
            len(missing),
            "Every column of the contract is there.",
            note=", ".join(missing),
        ),
        none_of(
            "mistyped_columns",
            len(mistyped),
            "Every column has the contract's type.",
            note=", ".join(mistyped),
        ),
    ]


def _identity(rows: pa.Table) -> list[Measure]:
    repeats = count_repeats(column_of(rows, "row_id"))
    return [
        none_of("repeated_row_ids", repeats, "No row is there twice."),
        *(
            none_of(
                f"empty_{name}", count_empty(column_of(rows, name)), f"Every row has its {name}."
            )
            for name in IDS
        ),
        none_of(
            "unknown_tiers",
            count_outside(column_of(rows, "tier"), [str(t) for t in Tier]),
            "Every contributor's tier is one that the policy weighs.",
        ),
    ]


def _labels(rows: pa.Table, policy: Policy) -> list[Measure]:
    labels = column_of(rows, "label")
    measures = [
        Measure(
            "classes",
            count_distinct(labels),
            "Nobody grew the model by inventing classes.",
            high=policy.label.max_classes,
        )
    ]
    if policy.label.values and policy.label.type != "numeric":
        outside = count_outside(labels, list(policy.label.values))
        measures.append(none_of("unknown_labels", outside, "Every label is an allowed one."))
    return measures


def _times(rows: pa.Table, policy: Policy, as_of: datetime) -> list[Measure]:
    """Rows that ingest holds are excepted: a time in the future is why some are held."""
    times, held = column_of(rows, "contributed_at"), column_of(rows, "held")
    latest = as_of + timedelta(hours=policy.ingest.future_tolerance_hours)
    early = late = float("nan")
    if times is not None and held is not None and pa.types.is_timestamp(times.type):
        free = pc.filter(times, pc.is_null(held))
        early = true_of(pc.less(free, pa.scalar(EARLIEST, times.type)))
        late = true_of(pc.greater(free, pa.scalar(latest, times.type)))
    return [
        none_of("empty_contributed_at", count_empty(times), "Every row has a time."),
        none_of("times_before_1971", early, "No time was misread as the epoch."),
        none_of("times_in_the_future", late, "No row claims to come from after the night."),
    ]


def _features(rows: pa.Table, policy: Policy) -> list[Measure]:
    names = [FEATURE_PREFIX + name for name in policy.columns.features]
    columns = [column_of(rows, name) for name in names]
    silent = [
        name
        for name, column in zip(names, columns, strict=True)
        if column is not None and len(column) and column.null_count == len(column)
    ]
    return [
        none_of(
            "values_not_finite",
            sum(count_wild(column) for column in columns),
            "No feature is infinite or not a number; missing ones are null.",
        ),
        none_of(
            "silent_features",
            len(silent),
            "Every feature has values tonight.",
            Severity.WARNING,
            ", ".join(silent),
        ),
    ]

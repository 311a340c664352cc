"""Stated, seeded samples: Great Expectations sees these, never a night-size frame."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from expectations.suite import Check
from foretaste.core.contract import FEATURE_PREFIX, Tier

IDS: Final = ("row_id", "contribution_id", "contributor_id", "label")
"""Texts that no row may lack."""

SAMPLE_ROWS: Final = 10_000
"""A share of 1 in 2,000 bad rows is missed with probability e**-5; all rows are counted
anyway, the sample is a second opinion by another library."""

_PSEUDONYM = r"^c[0-9a-f]{16}$"


def sample_positions(n_rows: int, seed: int, size: int = SAMPLE_ROWS) -> np.ndarray:
    """(min(n_rows, size),) int64 positions in rising order, without repeats."""
    if n_rows <= size:
        return np.arange(n_rows)
    chosen: np.ndarray = np.sort(np.random.default_rng(seed).choice(n_rows, size, replace=False))
    return chosen


def raw_sample(rows: pa.Table, schema: pa.Schema, seed: int) -> pd.DataFrame:
    """Rows that Great Expectations itself looks at, without features and texts."""
    bulky = ("text", *(f.name for f in schema if f.name.startswith(FEATURE_PREFIX)))
    narrow = rows.drop_columns([name for name in bulky if name in rows.column_names])
    frame: pd.DataFrame = narrow.take(sample_positions(rows.num_rows, seed)).to_pandas()
    return frame


def sample_checks(n_rows: int, schema: pa.Schema) -> list[Check]:
    """Build the expectations on a sample of raw contributions."""
    required = [f.name for f in schema if not f.nullable]
    tiers = [str(t) for t in Tier]

    def on_column(name: str, kind: str, column: str, meaning: str, **arguments: Any) -> Check:
        return Check(name, kind, {"column": column, **arguments}, f"all of {n_rows}", meaning)

    checks = [
        Check(
            "sample_rows",
            "ExpectTableRowCountToEqual",
            {"value": n_rows},
            f"= {n_rows}",
            "The sample is as large as stated.",
        ),
        Check(
            "sample_columns",
            "ExpectTableColumnsToMatchSet",
            {"column_set": required, "exact_match": False},
            "the contract's columns",
            "The sample has the required columns.",
        ),
        on_column(
            "sample_row_ids",
            "ExpectColumnValuesToBeUnique",
            "row_id",
            "No row is in the sample twice.",
        ),
        on_column(
            "sample_pseudonyms",
            "ExpectColumnValuesToMatchRegex",
            "contributor_id",
            "Contributors are keyed pseudonyms: no account name left landing.",
            regex=_PSEUDONYM,
        ),
        on_column(
            "sample_tiers",
            "ExpectColumnValuesToBeInSet",
            "tier",
            "Tiers in the sample are known.",
            value_set=tiers,
        ),
    ]
    return checks + [
        on_column(
            f"sample_{column}_present",
            "ExpectColumnValuesToNotBeNull",
            column,
            f"Sampled rows have their {column}.",
        )
        for column in (*IDS, "tier", "contributed_at")
    ]

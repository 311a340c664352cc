"""Build the batch that detectors see: tonight's rows and the accepted ones before them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from foretaste.core.batch import Batch
from foretaste.core.contract import VISIT_SCHEMA
from foretaste.core.features import dense_features
from foretaste.core.keys import WorkspaceKey
from foretaste.core.layout import partition, partition_nights
from foretaste.core.policy import Policy

_UNSEEN = ("row_digest", "source", "source_row")
"""Bookkeeping of ingest that says nothing about a row."""


def read_history(accepted: Path, night: str, policy: Policy) -> pa.Table | None:
    """Accepted rows of the nights before ``night``, as many as the policy's window."""
    nights = [n for n in partition_nights(accepted) if n < night][-policy.window_nights :]
    parts = [
        pq.read_table(path, partitioning=None)
        for n in nights
        for path in sorted(partition(accepted, n).glob("*.parquet"))
    ]
    return pa.concat_tables(parts, promote_options="default") if parts else None


def build_batch(
    contributions: pa.Table,
    visits: pa.Table,
    history: pa.Table | None,
    policy: Policy,
    key: WorkspaceKey,
) -> Batch:
    """Put tonight's rows and the history into one canonical batch.

    Rows that ingest holds are left out: their verdict is settled.
    """
    rows = _rows(contributions, history)
    contributors, contributor_ids = _codes(rows["contributor_id"])
    labels, classes = _codes(rows["label"])
    return Batch(
        rows=rows.drop(columns=["tonight", "evidence_weight"]),
        tonight=rows["tonight"].to_numpy(bool),
        history_weight=rows["evidence_weight"].to_numpy(np.float64),
        features=dense_features(rows),
        labels=labels,
        classes=tuple(classes.tolist()),
        contributors=contributors,
        contributor_ids=classes_array(contributor_ids),
        actors=contributors,
        visits=_visits(visits, rows),
        seed=policy.seed,
        salt=key.derive("salt/slices"),
    )


def _rows(contributions: pa.Table, history: pa.Table | None) -> pd.DataFrame:
    """Tonight's rows over those of the history, sorted; copies of both end here."""
    tonight = contributions.filter(pc.is_null(contributions["held"])).drop_columns(
        [c for c in _UNSEEN if c in contributions.column_names]
    )
    frames = [tonight.to_pandas().assign(tonight=True, evidence_weight=1.0)]
    if history is not None:
        columns = [c for c in tonight.column_names if c in history.column_names]
        earlier = history.select([*columns, "evidence_weight"]).to_pandas()
        frames.append(earlier.assign(tonight=False))
    frame: pd.DataFrame = (
        pd.concat(frames, ignore_index=True)
        .drop_duplicates("row_id", keep="first")
        .sort_values("row_id", ignore_index=True)
    )
    return frame


def classes_array(values: np.ndarray) -> np.ndarray:
    """Object array of str, whatever pandas made of it."""
    return np.asarray([str(v) for v in values], dtype=object)


def _codes(column: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """(n,) int32 codes into the sorted distinct values."""
    codes, values = pd.factorize(column, sort=True)
    return codes.astype(np.int32), np.asarray(values, dtype=object)


def _visits(visits: pa.Table, rows: pd.DataFrame) -> pd.DataFrame:
    """Tonight's visits, or its contributions where the user has no visits.

    Earlier nights are in the memory of the actor stage, what was held or rejected too.
    """
    if visits.num_rows:
        frame: pd.DataFrame = visits.to_pandas()
        return frame
    stand_in = rows.loc[
        rows["tonight"] & rows["item_id"].notna() & ~rows["time_unknown"].astype(bool),
        ["contributor_id", "item_id", "contributed_at"],
    ]
    return stand_in.set_axis(VISIT_SCHEMA.names, axis="columns").reset_index(drop=True)

"""Read what people vouch for: the golden set, the canaries, the logged traffic."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from foretaste.core.errors import ContractError
from foretaste.core.keys import WorkspaceKey
from foretaste.core.layout import Layout
from foretaste.core.policy import Policy
from foretaste.models.evaluate import TrustedSets

_IDS = {"row_id", "contribution_id", "unit_id"}


def read_trusted(layout: Layout, key: WorkspaceKey, *, traffic: bool = True) -> TrustedSets:
    """Read the trusted sets; None where the user keeps none.

    Contributors of golden rows get the pseudonyms that ingest gives them, so that the
    two can be compared.
    """
    golden = _read(layout.golden)
    if golden is not None and "contributor_id" in golden:
        raw = golden["contributor_id"].astype(str)
        golden["contributor_id"] = raw.map(lambda value: key.pseudonym("contributor", value))
    return TrustedSets(
        golden=golden,
        canaries=_read(layout.canaries),
        traffic=_read(layout.traffic) if traffic else None,
    )


def judges_of_harm(layout: Layout, key: WorkspaceKey, policy: Policy) -> pd.DataFrame | None:
    """Read the golden rows that harm is measured on; None where harm is no evidence."""
    return read_trusted(layout, key, traffic=False).golden if policy.harm.enabled else None


def _read(folder: Path) -> pd.DataFrame | None:
    # Each file by itself: a confirmed case beside the user's own set may name its rows
    # in another column.
    parts = [
        _read_file(path).rename(columns={"canary_id": "row_id"})
        for path in sorted(folder.glob("*.parquet"))
    ]
    if not parts:
        return None
    rows = pd.concat(parts, ignore_index=True)
    if not _IDS & set(rows.columns):
        # Predictions need a name per row; a set without ids is named by its order.
        rows["row_id"] = [f"{folder.name}-{i:07d}" for i in range(len(rows))]
    return rows


def _read_file(path: Path) -> pd.DataFrame:
    from pyarrow import ArrowException

    try:
        return pd.read_parquet(path)
    except (OSError, ArrowException, ValueError, LookupError, TypeError):
        raise ContractError(
            "this file cannot be read",
            location=f"data/{path.parent.name}/{path.name}",
            hint="write it again as parquet, or take it away",
        ) from None

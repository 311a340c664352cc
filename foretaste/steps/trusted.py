"""Read what people vouch for: the golden set, the canaries, the logged traffic."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from foretaste.core.keys import WorkspaceKey
from foretaste.core.layout import Layout
from foretaste.models.evaluate import TrustedSets


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


def _read(folder: Path) -> pd.DataFrame | None:
    parts = [pd.read_parquet(path) for path in sorted(folder.glob("*.parquet"))]
    return pd.concat(parts, ignore_index=True) if parts else None

"""How often people confirmed what a detector held against rows.

A night remembers who accused the rows that it held. When people decide about them, each
decision counts once for every detector that had a part in it, however many rows it is
about: an attacker who fills a case with rows fills nobody's record. Records fade, and
they only ever lower a detector's word: nobody earns more than it measured of itself.
"""

from __future__ import annotations

from typing import Final

import pandas as pd
import pyarrow as pa

from foretaste.core.policy import TrackRecord

TRACK_SCHEMA: Final = pa.schema(
    [
        pa.field("detector", pa.string(), nullable=False),
        pa.field("confirmed", pa.float64(), nullable=False),
        pa.field("refuted", pa.float64(), nullable=False),
    ]
)
"""Decisions, fading from night to night, that proved a detector right, and wrong."""

ACCUSED_SCHEMA: Final = pa.schema(
    [
        pa.field("row_id", pa.string(), nullable=False),
        pa.field("detector", pa.string(), nullable=False),
        pa.field("night", pa.string(), nullable=False),
    ]
)
"""Held rows that people have not decided, and each detector that spoke against them."""

_RIGHT: Final = "poison"
_WRONG: Final = ("release", "apart")


def accusations(evidence: pd.DataFrame, held: pd.Series, night: str) -> pd.DataFrame:
    """List who spoke against the rows that a night held.

    Parameters
    ----------
    evidence
        Columns ``row_id, detector, llr`` of ``EVIDENCE_SCHEMA``.
    held
        Ids of the rows that were quarantined or rejected on evidence.
    night
        The night's name.
    """
    against = evidence[(evidence["llr"] > 0) & evidence["row_id"].isin(held)]
    found = against[["row_id", "detector"]].assign(night=night)
    return found.sort_values(["row_id", "detector"], ignore_index=True)


def advance(
    records: pd.DataFrame, accused: pd.DataFrame, decided: pd.DataFrame, policy: TrackRecord
) -> pd.DataFrame:
    """Let records fade by a night, and add what people decided.

    A decision that only takes weight away says neither.

    Parameters
    ----------
    records
        ``TRACK_SCHEMA``.
    accused
        ``ACCUSED_SCHEMA``.
    decided
        Columns ``decision_id, row_id, decision``.

    Returns
    -------
    pd.DataFrame
        ``TRACK_SCHEMA``, sorted by detector.
    """
    old = records.set_index("detector")[["confirmed", "refuted"]] * policy.forgetting
    said = decided[decided["decision"].isin([_RIGHT, *_WRONG])]
    size = said.groupby("decision_id")["row_id"].nunique()
    parts = said.merge(accused[["row_id", "detector"]], on="row_id")
    lines = parts.groupby(["decision_id", "detector", "decision"], as_index=False).agg(
        rows=("row_id", "nunique")
    )
    share = lines["rows"] / lines["decision_id"].map(size)
    right = lines["decision"] == _RIGHT
    lines = lines.assign(confirmed=share * right, refuted=share * ~right)
    new = lines.groupby("detector")[["confirmed", "refuted"]].sum()
    total = old.add(new, fill_value=0.0).sort_index()
    return total.rename_axis("detector").reset_index().astype({"detector": "str"})


def trust(records: pd.DataFrame, policy: TrackRecord) -> dict[str, float]:
    """By how much each detector's accusations count, in [least, 1]; who is missing counts whole.

    The posterior mean of the share of decisions that confirm it (a Beta prior) over the
    prior's mean, never above 1 and never below ``policy.least``.
    """
    a, b = policy.prior_confirmed, policy.prior_refuted
    seen = records["confirmed"] + records["refuted"]
    mean = (a + records["confirmed"]) / (a + b + seen)
    scaled = (mean / (a / (a + b))).clip(lower=policy.least, upper=1.0)
    return dict(zip(records["detector"], scaled.tolist(), strict=True))

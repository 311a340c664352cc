"""The night's part of the corpus: kept rows, rows that people released, capped weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from detectors.influence import cap_shares, effective_caps, share_table
from foretaste.core.contract import contribution_schema
from foretaste.core.layout import partition, partition_nights
from foretaste.core.policy import Influence, Policy
from foretaste.core.verdict import Outcome
from foretaste.steps.night import write_json
from foretaste.steps.sanitize import Inputs
from foretaste.steps.state import read_decisions, read_night

_KEPT = [str(Outcome.ACCEPTED), str(Outcome.DOWNWEIGHTED)]

_JUDGED = (
    pa.field("verdict", pa.string(), nullable=False),
    pa.field("influence_weight", pa.float64(), nullable=False),
    pa.field("evidence_weight", pa.float64(), nullable=False),
    pa.field("weight", pa.float64(), nullable=False),
    pa.field("actor_id", pa.string(), nullable=False),
)


def accepted_schema(policy: Policy) -> pa.Schema:
    """Schema of the corpus: a contribution, and what it weighs."""
    contract = contribution_schema(policy.columns.features, policy.columns.attributes)
    return pa.schema([*contract, *_JUDGED])


def accept(
    inputs: Inputs, decided: Path, corpus: Path, policy: Policy, out: Path
) -> Mapping[str, int]:
    """Write the night's accepted rows with weights that nobody's share exceeds.

    Parameters
    ----------
    corpus
        Contributions of earlier nights, where rows released by people are found.
    """
    kept = _kept(inputs, decided)
    released = _released(inputs, corpus, policy)
    rows = pd.concat([kept, released], ignore_index=True).sort_values("row_id")
    held = capped(rows, policy.influence)
    rows["weight"] = held.weight
    table = pa.Table.from_pandas(rows, schema=accepted_schema(policy), preserve_index=False)
    pq.write_table(table, out / "part-0.parquet")
    for kind, frame in held.shares.items():
        pq.write_table(
            pa.Table.from_pandas(frame, preserve_index=False), out / f"shares_{kind}.parquet"
        )
    write_json(out / "caps.json", held.caps)
    return {"accepted": len(rows), "released_by_people": len(released)}


@dataclass(frozen=True, slots=True)
class Capped:
    """Weights after the caps, and what the caps were.

    Parameters
    ----------
    weight
        (n,) float64 of mean 1.
    shares
        Per kind a frame ``id, share``.
    caps
        Per kind the largest share that held: the policy's, or more where groups are few.
    """

    weight: np.ndarray
    shares: dict[str, pd.DataFrame]
    caps: dict[str, float]


def capped(rows: pd.DataFrame, policy: Influence) -> Capped:
    """Cap the share of the total weight of every contributor, actor and subnet."""
    groups, ids = {}, {}
    for kind, column, cap in _kinds(policy):
        codes, ids[kind] = pd.factorize(rows[column], sort=True)
        groups[kind] = (codes, cap)
    before = rows["weight"].to_numpy(float)
    weight = cap_shares(before, groups)
    shares = {
        kind: share_table(weight, codes, np.asarray(ids[kind], dtype=object))
        for kind, (codes, _) in groups.items()
    }
    return Capped(weight, shares, effective_caps(before, groups))


def _kinds(policy: Influence) -> tuple[tuple[str, str, float], ...]:
    return (
        ("contributor", "contributor_id", policy.contributor_share),
        ("actor", "actor_id", policy.actor_share),
        ("subnet", "subnet_id", policy.subnet_share),
    )


def _kept(inputs: Inputs, decided: Path) -> pd.DataFrame:
    verdicts = pq.read_table(
        decided / "verdicts.parquet",
        columns=["row_id", *(f.name for f in _JUDGED)],
        filters=pc.field("verdict").isin(_KEPT),
    )
    rows = pq.read_table(inputs.contributions / "contributions.parquet")
    frame: pd.DataFrame = rows.to_pandas().merge(verdicts.to_pandas(), on="row_id")
    return frame


def _released(inputs: Inputs, corpus: Path, policy: Policy) -> pd.DataFrame:
    """Rows of earlier nights that people released for tonight."""
    night, _ = read_night(inputs.state)
    decisions = read_decisions(inputs.state)
    last = decisions[decisions["night"] == night].drop_duplicates("row_id", keep="last")
    mine = last[last["decision"] != "poison"]
    mine = mine[~mine["row_id"].isin(_in_corpus(inputs.accepted, night, mine["row_id"]))]
    empty: pd.DataFrame = accepted_schema(policy).empty_table().to_pandas()
    nights = [n for n in partition_nights(corpus) if n < night]
    if mine.empty or not nights:
        return empty
    wanted = pa.array(mine["row_id"].astype(object), pa.string())
    rows = pq.read_table(
        [corpus / f"night={n}" / "contributions.parquet" for n in nights],
        filters=pc.field("row_id").isin(wanted),
        partitioning=None,
    ).to_pandas()
    said = mine[["row_id", "decision", "label"]].rename(columns={"label": "new_label"})
    rows = rows.merge(said, on="row_id")
    rows["label"] = rows["label"].mask(rows["decision"] == "relabel", rows["new_label"])
    less = rows["decision"] == "downweight"
    rows["evidence_weight"] = np.where(less, policy.decision.downweight, 1.0)
    rows["influence_weight"] = 1.0
    rows["weight"] = rows["evidence_weight"]
    rows["verdict"] = np.where(less, str(Outcome.DOWNWEIGHTED), str(Outcome.ACCEPTED))
    rows = rows.assign(actor_id=rows["contributor_id"])
    frame: pd.DataFrame = rows.drop(columns=["decision", "new_label"])
    return frame


def _in_corpus(accepted: Path, night: str, wanted: pd.Series) -> list[str]:
    """Rows that earlier nights accepted: what people say of them is read with them."""
    paths = [
        path
        for earlier in partition_nights(accepted)
        if earlier < night
        for path in sorted(partition(accepted, earlier).glob("*.parquet"))
    ]
    if wanted.empty or not paths:
        return []
    same = pc.field("row_id").isin(pa.array(wanted.astype(object), pa.string()))
    found = pq.read_table(paths, columns=["row_id"], filters=same, partitioning=None)
    there: list[str] = found["row_id"].to_pylist()
    return there


def as_decided(rows: pd.DataFrame, decisions: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """Read accepted rows as people judged them since: an appeal reverses what was published.

    Partitions of earlier nights are never rewritten by a review. A row that people called
    poison after it was accepted is left out, one that they relabelled carries the new
    label, and one that they weighed down counts less.

    Parameters
    ----------
    rows
        Of ``accepted_schema``.
    decisions
        ``DECISION_SCHEMA``, oldest first.
    """
    last = decisions.drop_duplicates("row_id", keep="last").set_index("row_id")
    said = rows["row_id"].map(last["decision"])
    if said.isna().all():
        return rows
    kept, said = rows[said != "poison"].copy(), said[said != "poison"]
    new = kept["row_id"].map(last["label"])
    kept["label"] = kept["label"].mask((said == "relabel") & new.notna(), new)
    less = (said == "downweight") & (kept["evidence_weight"] > policy.decision.downweight)
    factor = policy.decision.downweight / kept["evidence_weight"]
    kept["weight"] = kept["weight"].where(~less, kept["weight"] * factor)
    kept["evidence_weight"] = kept["evidence_weight"].where(~less, policy.decision.downweight)
    frame: pd.DataFrame = kept
    return frame

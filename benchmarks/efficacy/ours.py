"""Our columns: the real steps over files, the detectors asked in this process."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from detectors.content.votes import out_of_actor_votes
from detectors.registry import configured
from foretaste.core.batch import Batch
from foretaste.core.contract import REJECT_SCHEMA, VISIT_SCHEMA, contribution_schema
from foretaste.core.evidence import EVIDENCE_SCHEMA, MICRO
from foretaste.core.keys import WorkspaceKey
from foretaste.core.policy import Columns, Harm, Policy
from foretaste.core.verdict import Outcome
from foretaste.steps.accept import accept
from foretaste.steps.decide import decide
from foretaste.steps.harm import NAME as HARM
from foretaste.steps.harm import harm
from foretaste.steps.night import read_json, write_json
from foretaste.steps.opinions import read_opinion
from foretaste.steps.sanitize import ACTORS, Inputs, resolve

_AS_OF: Final = datetime(2026, 11, 1, 2, tzinfo=UTC)
_HELD: Final = [str(Outcome.QUARANTINED), str(Outcome.REJECTED)]


@dataclass(frozen=True, slots=True)
class Judged:
    """What our detectors and verdicts say; arrays are aligned with ``batch.rows``.

    Parameters
    ----------
    batch
        What the detectors saw, actors resolved.
    evidence
        Per detector (n,) float64 nats.
    fused
        (n,) float64 nats of the verdict, prior and track record in it.
    held
        (n,) bool: quarantined or rejected.
    weight
        (n,) float64: what the row weighs in training, after every cap; 0 where held.
    kept
        (n,) float64: the same without influence limits: 0, the down-weight, or 1.
    guards
        What kept verdicts from being carried out, in the words of the decision.
    """

    batch: Batch
    evidence: dict[str, np.ndarray]
    fused: np.ndarray
    held: np.ndarray
    weight: np.ndarray
    kept: np.ndarray
    guards: tuple[str, ...]


def resolved(contributions: pd.DataFrame, policy: Policy, key: WorkspaceKey, work: Path) -> Inputs:
    """Take raw contributions into an empty folder, and resolve their actors there."""
    for name in ("in", "state", "resolved", "detected", "decided", "accepted", "kept"):
        (work / name).mkdir(parents=True)
    inputs = Inputs(work / "in", work / "state", work / "accepted")
    _stage(contributions, policy, inputs)
    resolve(inputs, policy, key, work / "resolved")
    return inputs


def judge(
    contributions: pd.DataFrame,
    features: tuple[str, ...],
    seed: int,
    work: Path,
    trusted: pd.DataFrame | None = None,
) -> Judged:
    """Take raw contributions through resolve, detect, decide and accept.

    Parameters
    ----------
    work
        An empty folder for the files of the steps.
    trusted
        Rows on which the harm of actors is evidence, too; None: it is not.
    """
    harmful = Harm(enabled=trusted is not None)
    policy = Policy(seed=seed, columns=Columns(features=features), harm=harmful)
    key = made_key(seed)
    inputs = resolved(contributions, policy, key, work)
    evidence = _detect(work / "resolved", policy, work / "detected", trusted)
    decide(inputs, work / "resolved", work / "detected", policy, work / "decided")
    accept(inputs, work / "decided", work / "accepted", policy, work / "kept")
    return _read(work, evidence)


def made_key(seed: int) -> WorkspaceKey:
    """Give the key of a seed: salts differ from seed to seed, and from run to run in none."""
    return WorkspaceKey(hashlib.sha256(f"efficacy {seed}".encode()).digest())


def row_ids(contributions: pd.DataFrame) -> list[str]:
    """Ids of rows as the batch has them."""
    return [
        f"r{hashlib.blake2b(name.encode(), digest_size=8).hexdigest()}"
        for name in contributions["contribution_id"]
    ]


def _stage(contributions: pd.DataFrame, policy: Policy, inputs: Inputs) -> None:
    """Write what ingest would: addresses are their own pseudonyms here."""
    rows = contributions.copy()
    if "registered_at" not in rows:
        rows["registered_at"] = pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us, UTC]")
    if "ip" in rows:
        rows["network_id"] = rows["ip"]
        rows["subnet_id"] = rows["ip"].str.rsplit(".", n=1).str[0]
    rows = rows.assign(
        row_id=row_ids(rows),
        time_unknown=rows.get("time_unknown", pd.Series(False, index=rows.index)),
        row_digest="0",
        source="0",
        source_row=np.arange(len(rows)),
    )
    schema = contribution_schema(policy.columns.features, ())
    rows = rows.reindex(columns=schema.names).sort_values("row_id", ignore_index=True)
    table = pa.Table.from_pandas(rows, schema=schema, preserve_index=False)
    pq.write_table(table, inputs.contributions / "contributions.parquet")
    pq.write_table(VISIT_SCHEMA.empty_table(), inputs.contributions / "visits.parquet")
    pq.write_table(REJECT_SCHEMA.empty_table(), inputs.contributions / "rejects.parquet")
    night = {"night": "2026-11-01", "as_of": _AS_OF.isoformat(), "seed": policy.seed}
    write_json(inputs.state / "night.json", night)


def _detect(
    resolved: Path, policy: Policy, out: Path, trusted: pd.DataFrame | None
) -> dict[str, np.ndarray]:
    """Ask every detector here: a child for each would cost more than it does."""
    batch = Batch.load(resolved / "batch")
    batch = batch.with_votes(out_of_actor_votes(batch))
    ids = batch.rows["row_id"].to_numpy(object)
    tables = [read_opinion(resolved / "opinion")[0]]
    said = {ACTORS: _nats(tables[0], ids)}
    for name, detector in configured(policy).items():
        if name != ACTORS:
            opinion = detector.fit_evidence(batch)
            tables.append(opinion.table(ids, batch.tonight))
            said[name] = opinion.llr / MICRO
    if trusted is not None:
        harm(resolved, trusted, policy.harm, out / HARM)
        tables.append(read_opinion(out / HARM)[0])
        said[HARM] = _nats(tables[-1], ids)
    evidence = pa.concat_tables([t.cast(EVIDENCE_SCHEMA) for t in tables])
    pq.write_table(evidence, out / "evidence.parquet")
    return said


def _nats(table: pa.Table, ids: np.ndarray) -> np.ndarray:
    said = table.to_pandas().set_index("row_id")["llr"].reindex(ids).fillna(0)
    nats: np.ndarray = said.to_numpy(np.float64) / MICRO
    return nats


def _read(work: Path, evidence: dict[str, np.ndarray]) -> Judged:
    batch = Batch.load(work / "resolved" / "batch")
    ids = batch.rows["row_id"]
    verdicts = pq.read_table(work / "decided" / "verdicts.parquet").to_pandas()
    verdicts = verdicts.set_index("row_id").loc[ids]
    weight = pq.read_table(work / "kept" / "part-0.parquet", columns=["row_id", "weight"])
    weights = weight.to_pandas().set_index("row_id")["weight"].reindex(ids).fillna(0.0)
    return Judged(
        batch,
        evidence,
        verdicts["llr"].to_numpy(np.float64) / MICRO,
        verdicts["verdict"].isin(_HELD).to_numpy(),
        weights.to_numpy(np.float64),
        verdicts["evidence_weight"].to_numpy(np.float64),
        tuple(read_json(work / "decided" / "decision.json")["guards"]),
    )

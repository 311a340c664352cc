"""Nights in order through the real steps: what one night keeps is history to the next.

Folders stand in for the workspace: no git, no processes, the same verdicts.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.efficacy.ours import row_ids
from detectors.content.votes import out_of_actor_votes
from detectors.influence import VALIDITY_SCHEMA, update_validity
from detectors.registry import configured
from foretaste.core.batch import Batch
from foretaste.core.contract import REJECT_SCHEMA, VISIT_SCHEMA, contribution_schema
from foretaste.core.evidence import EVIDENCE_SCHEMA
from foretaste.core.keys import WorkspaceKey
from foretaste.core.layout import partition
from foretaste.core.policy import Label, Policy
from foretaste.core.verdict import Outcome
from foretaste.steps.accept import accept
from foretaste.steps.decide import decide
from foretaste.steps.night import read_json, write_json
from foretaste.steps.opinions import read_opinion
from foretaste.steps.sanitize import ACTORS, Inputs, resolve
from foretaste.steps.state import read_memory, read_validity, write_memory

_HELD: Final = [str(Outcome.QUARANTINED), str(Outcome.REJECTED)]


@dataclass(frozen=True, slots=True)
class Judged:
    """One night's verdicts.

    Parameters
    ----------
    rows
        ``contribution_id, contributor_id, held, llr, posterior, verdict, reasons``.
    guards
        What kept verdicts from being carried out.
    out
        Folder of what the steps wrote.
    """

    rows: pd.DataFrame
    guards: tuple[str, ...]
    out: Path

    def among(self, ids: pd.Series) -> pd.Series:
        """(n,) bool: which rows are these contributions."""
        return self.rows["contribution_id"].isin(ids)


class Road:
    """A workspace of plain folders: nights are judged, and kept if they are to count.

    Parameters
    ----------
    labels
        Every label there may be; None: what no night before had waits for a person.
    """

    def __init__(self, work: Path, seed: int, labels: Sequence[str] | None = None) -> None:
        self.policy = Policy(seed=seed, label=Label(values=labels and tuple(labels)))
        self.key = WorkspaceKey(hashlib.sha256(f"drift {seed}".encode()).digest())
        self.work = work
        (work / "state").mkdir(parents=True)

    def judge(self, rows: pd.DataFrame, night: date) -> Judged:
        """Take the night's rows through resolve, detect, decide and accept."""
        out = Path(tempfile.mkdtemp(dir=self.work))
        for name in ("in", "resolved", "detected", "decided", "kept"):
            (out / name).mkdir()
        inputs = Inputs(out / "in", self.work / "state", self.work / "accepted")
        self._stage(rows, night, inputs)
        resolve(inputs, self.policy, self.key, out / "resolved")
        self._detect(out)
        decide(inputs, out / "resolved", out / "detected", self.policy, out / "decided")
        accept(inputs, out / "decided", self.work / "accepted", self.policy, out / "kept")
        said = pq.read_table(out / "decided" / "verdicts.parquet").to_pandas()
        named = rows[["contribution_id", "contributor_id"]].assign(row_id=row_ids(rows))
        judged = named.merge(said.assign(held=said["verdict"].isin(_HELD)), on="row_id")
        guards = tuple(read_json(out / "decided" / "decision.json")["guards"])
        return Judged(judged, guards, out)

    def keep(self, judged: Judged, night: date) -> None:
        """Let a judged night be history to the next."""
        state = self.work / "state"
        kept = partition(self.work / "accepted", night.isoformat())
        kept.parent.mkdir(exist_ok=True)
        (judged.out / "kept").rename(kept)
        for extra in [p for p in kept.iterdir() if p.name != "part-0.parquet"]:
            extra.unlink()
        nobody = pd.DataFrame(
            {"contributor_id": pd.Series([], dtype="str"), "good": 0.0, "bad": 0.0}
        )
        validity = update_validity(
            read_validity(state),
            judged.rows[["contributor_id", "verdict", "posterior"]],
            nobody,
            night.isoformat(),
            self.policy.validity,
        )
        table = pa.Table.from_pandas(validity, schema=VALIDITY_SCHEMA, preserve_index=False)
        pq.write_table(table, state / "validity.parquet")
        (judged.out / "resolved" / "actors.parquet").rename(state / "actors.parquet")
        write_memory(read_memory(judged.out / "resolved"), state)

    def _stage(self, rows: pd.DataFrame, night: date, inputs: Inputs) -> None:
        """Write what ingest would: addresses are their own pseudonyms here."""
        rows = rows.copy()
        if "ip" in rows:
            rows["network_id"] = rows["ip"]
            rows["subnet_id"] = rows["ip"].str.rsplit(".", n=1).str[0]
        if "registered_at" not in rows:
            rows["registered_at"] = pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us, UTC]")
        rows = rows.assign(
            row_id=row_ids(rows),
            time_unknown=False,
            row_digest="0",
            source="0",
            source_row=np.arange(len(rows)),
        )
        schema = contribution_schema(self.policy.columns.features, ())
        rows = rows.reindex(columns=schema.names).sort_values("row_id", ignore_index=True)
        table = pa.Table.from_pandas(rows, schema=schema, preserve_index=False)
        pq.write_table(table, inputs.contributions / "contributions.parquet")
        pq.write_table(VISIT_SCHEMA.empty_table(), inputs.contributions / "visits.parquet")
        pq.write_table(REJECT_SCHEMA.empty_table(), inputs.contributions / "rejects.parquet")
        as_of = datetime.combine(night + timedelta(days=1), time(2), UTC).isoformat()
        said = {"night": night.isoformat(), "as_of": as_of, "seed": self.policy.seed}
        write_json(inputs.state / "night.json", said)

    def _detect(self, out: Path) -> None:
        """Ask every detector here: a child for each would cost more than it does."""
        batch = Batch.load(out / "resolved" / "batch")
        batch = batch.with_votes(out_of_actor_votes(batch))
        ids = batch.rows["row_id"].to_numpy(object)
        tables = [read_opinion(out / "resolved" / "opinion")[0]]
        for name, detector in configured(self.policy).items():
            if name != ACTORS:
                tables.append(detector.fit_evidence(batch).table(ids, batch.tonight))
        evidence = pa.concat_tables([t.cast(EVIDENCE_SCHEMA) for t in tables])
        pq.write_table(evidence, out / "detected" / "evidence.parquet")

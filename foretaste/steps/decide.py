"""From evidence to one verdict per row that came in, rejected rows included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from detectors.actors.resolution import acting_as
from detectors.influence import base_weights, prior_llr
from detectors.registry import configured
from foretaste.core.errors import IntegrityError
from foretaste.core.fusion import decide as fuse
from foretaste.core.policy import Policy
from foretaste.core.track_record import trust
from foretaste.core.verdict import VERDICT_SCHEMA, Account, Outcome
from foretaste.steps.desk_rules import held_by_rules, read_rules
from foretaste.steps.night import write_json
from foretaste.steps.purge import BLOCKED
from foretaste.steps.sanitize import Inputs
from foretaste.steps.state import (
    read_actors,
    read_listed,
    read_night,
    read_records,
    read_validity,
)

NEW: Final = "new_label"
"""Code of a row whose label no accepted night has: it waits for a person."""


def decide(
    inputs: Inputs, resolved: Path, detected: Path, policy: Policy, out: Path
) -> Mapping[str, int]:
    """Write a verdict for every row that came in, with its weight before the caps.

    Raises
    ------
    IntegrityError
        If a row was lost, invented or judged twice.
    """
    rows = _rows(inputs, resolved, policy)
    heard = trust(read_records(inputs.state), policy.track_record)
    decided = fuse(
        pq.read_table(detected / "evidence.parquet"),
        rows,
        policy.decision,
        detector_caps={name: policy.detector(name).cap for name in configured(policy)},
        trust=heard,
    )
    judged = spare(decided.verdicts.to_pandas(), rows, read_listed(inputs.state, "allow"))
    rejects = pq.read_table(inputs.contributions / "rejects.parquet").to_pandas()
    verdicts = pd.concat([judged, _rejected(rejects)], ignore_index=True)
    account = _account(verdicts, rows, rejects)
    table = pa.Table.from_pandas(
        verdicts.sort_values("row_id"), schema=VERDICT_SCHEMA, preserve_index=False
    )
    pq.write_table(table, out / "verdicts.parquet")
    report = {**asdict(decided.report), "account": asdict(account), "trust": heard}
    write_json(out / "decision.json", report)
    return asdict(account)


def _rows(inputs: Inputs, resolved: Path, policy: Policy) -> pd.DataFrame:
    """Tonight's well-formed rows, with actor, prior and influence weight."""
    table = pq.read_table(inputs.contributions / "contributions.parquet")
    rows = table.to_pandas().assign(ruled=held_by_rules(table, read_rules(inputs.state), policy))
    known = read_actors(resolved)
    actors = known.select(["contributor_id"]).to_pandas().assign(actor_id=acting_as(known))
    validity = read_validity(inputs.state)
    _, as_of = read_night(inputs.state)
    rows = rows.merge(actors, on="contributor_id", how="left")
    rows["actor_id"] = rows["actor_id"].fillna(rows["contributor_id"])
    rows["prior_llr"] = prior_llr(validity, rows["contributor_id"], policy.validity)
    before = validity.set_index("contributor_id")["accepted_rows"]
    rows["influence_weight"] = base_weights(rows, before, policy.influence, as_of=as_of)[
        "weight"
    ].to_numpy()
    rows["held"] = rows["held"].mask(rows["held"].isna() & _new_labels(rows, inputs, policy), NEW)
    blocked = rows["contributor_id"].isin(read_listed(inputs.state, "block"))
    rows["held"] = rows["held"].mask(rows["held"].isna() & blocked, BLOCKED).fillna(rows["ruled"])
    frame: pd.DataFrame = rows
    return frame


def spare(judged: pd.DataFrame, rows: pd.DataFrame, allowed: frozenset[str]) -> pd.DataFrame:
    """Hold for a person what evidence would reject of contributors on the allow list.

    They are not let in on their name: an account with a good name is worth taking over.
    """
    if not allowed:
        return judged
    theirs = judged["row_id"].map(rows.set_index("row_id")["contributor_id"]).isin(allowed)
    spared = theirs & (judged["verdict"] == Outcome.REJECTED)
    return judged.assign(verdict=judged["verdict"].mask(spared, str(Outcome.QUARANTINED)))


def _new_labels(rows: pd.DataFrame, inputs: Inputs, policy: Policy) -> pd.Series:
    """Rows whose label nobody knows yet: no vote can speak of it, and anybody can invent one."""
    known = sorted(inputs.accepted.glob("night=*/*.parquet"))
    night, _ = read_night(inputs.state)
    known = [path for path in known if path.parent.name.removeprefix("night=") < night]
    if policy.label.values is not None or policy.label.type == "numeric" or not known:
        return pd.Series(False, index=rows.index)
    labels = pq.read_table(known, columns=["label"], partitioning=None)["label"]
    return ~rows["label"].isin(labels.unique().to_pylist())


def _rejected(rejects: pd.DataFrame) -> pd.DataFrame:
    """Verdicts of the rows that never became contributions."""
    return pd.DataFrame(
        {
            "row_id": rejects["row_id"],
            "verdict": str(Outcome.REJECTED),
            "weight": 0.0,
            "influence_weight": 0.0,
            "evidence_weight": 0.0,
            "posterior": 0.0,
            "llr": np.zeros(len(rejects), dtype=np.int64),
            "actor_id": None,
            "code": rejects["code"],
            "reasons": rejects["message"],
        }
    )


def _account(verdicts: pd.DataFrame, rows: pd.DataFrame, rejects: pd.DataFrame) -> Account:
    """Check that what came in is what was judged: the same ids, each once."""
    came = pd.concat([rows["row_id"], rejects["row_id"]])
    if verdicts["row_id"].duplicated().any() or set(came) != set(verdicts["row_id"]):
        raise IntegrityError(
            "the rows judged are not the rows that came in",
            hint="this is a fault in foretaste; keep the run folder and report it",
        )
    return Account.of(
        len(came), {str(k): int(n) for k, n in verdicts["verdict"].value_counts().items()}
    ).check()

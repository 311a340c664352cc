"""A workspace with two judged nights, small but with every table a night leaves."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from detectors.influence import VALIDITY_SCHEMA
from foretaste.core.actor import ACTOR_SCHEMA, EDGE_SCHEMA
from foretaste.core.contract import REJECT_SCHEMA, contribution_schema
from foretaste.core.evidence import EVIDENCE_SCHEMA
from foretaste.core.fusion import decide
from foretaste.core.ledger import NewCase
from foretaste.core.releasing import apply_release, plan_release
from foretaste.core.verdict import VERDICT_SCHEMA, Account
from foretaste.core.workspace import Workspace

AT = datetime(2026, 1, 3, 2, tzinfo=UTC)
NIGHTS = ("2026-01-01", "2026-01-02")
CASE = "c0ffee000001"
RING = "gang"
"""Name of the campaign that mallory is in."""
TRACK = 700_000
"""Micro-nats of mallory's track record."""
BIDI = "buy \u202egnp.exe now"
REJECT = "reject:" + "ab" * 32 + ":7"
_PEOPLE = ("alice", "bob", "mallory", "mallory")


def rows_of(night: str) -> list[str]:
    """Row ids of a night: alice's, bob's and two of mallory's."""
    return [f"r{night[-2:]}{i:030d}" for i in range(4)]


def publish_nights(workspace: Workspace) -> None:
    """Publish both nights and open a case on mallory's rows of the second."""
    with workspace.ledger() as ledger:
        for night in NIGHTS:
            ledger.start_run(f"run-{night}", night=night, kind="nightly", at=AT)
            counts = _publish(workspace, night)
            ledger.finish_run(
                f"run-{night}", state="held", exit_code=3, at=AT, counts=asdict(counts)
            )
        case = NewCase(
            CASE, "contributor", "2 rows of one account", 0.4, 0.9, ("rule +9.0: x",),
            tuple(rows_of(NIGHTS[1])[2:]),
        )  # fmt: skip
        ledger.open_cases([case], run_id=f"run-{NIGHTS[1]}", night=NIGHTS[1], at=AT)
    workspace.recover()


def hold_night(workspace: Workspace, night: str = "2026-01-03") -> None:
    """Leave the folder of a run that judged a night and published nothing."""
    write_night(workspace, workspace.layout.runs / f"{night}-nightly-1", night)


def write_night(workspace: Workspace, run: Path, night: str) -> Account:
    """Write what the steps of a run leave."""
    steps = ("ingest", "state", "resolve", "detect", "decide")
    for step in steps:
        (run / step).mkdir(parents=True)
    ids = rows_of(night)
    people = [workspace.key.pseudonym("contributor", who) for who in _PEOPLE]
    _save(_contributions(ids, people, night), run / "ingest" / "contributions.parquet")
    _save(_rejects(), run / "ingest" / "rejects.parquet")
    now = {"night": night, "as_of": f"{night}T02:00:00+00:00"}
    (run / "state" / "night.json").write_text(json.dumps(now))
    _save(_validity(people), run / "state" / "validity.parquet")
    _save(_actors(people), run / "resolve" / "actors.parquet")
    _save(_edges(people), run / "resolve" / "edges.parquet")
    evidence = _evidence(ids)
    _save(evidence, run / "detect" / "evidence.parquet")
    actors = [RING if who == people[2] else who for who in people]
    rows = pd.DataFrame({"row_id": ids, "contributor_id": people, "actor_id": actors})
    rows = rows.assign(label=["ham", "ham", "spam", "spam"], held=None, influence_weight=1.0)
    rows["prior_llr"] = [0, 0, TRACK, TRACK]
    decided = decide(evidence, rows, workspace.policy.decision, detector_caps={})
    verdicts = decided.verdicts.to_pylist()
    verdicts.append(dict.fromkeys(VERDICT_SCHEMA.names) | _REJECTED)
    _save(pa.Table.from_pylist(verdicts, VERDICT_SCHEMA), run / "decide" / "verdicts.parquet")
    account = Account.of(
        5, {**decided.report.counts, "rejected": 1 + decided.report.counts["rejected"]}
    )
    report = {**asdict(decided.report), "account": asdict(account)}
    (run / "decide" / "decision.json").write_text(json.dumps(report))
    return account


def _publish(workspace: Workspace, night: str) -> Account:
    run = workspace.layout.runs / f"run-{night}"
    account = write_night(workspace, run, night)
    accepted = pa.table({"row_id": rows_of(night)[:2], "label": ["ham"] * 2, "weight": [1.0] * 2})
    _save(accepted, run / "accepted.parquet")
    plan = plan_release(
        workspace,
        night=night,
        run_id=run.name,
        staged=_staged(run, night),
        counts=account,
        files=["ab" * 32],
        policy_digest=workspace.policy.digest(),
    )
    apply_release(workspace, plan)
    return account


def _staged(run: Path, night: str) -> dict[str, Path]:
    arrived, sanitized = f"data/contributions/night={night}", "data/night/sanitize"
    return {
        f"{arrived}/contributions.parquet": run / "ingest" / "contributions.parquet",
        f"{arrived}/rejects.parquet": run / "ingest" / "rejects.parquet",
        f"data/accepted/night={night}/part-0.parquet": run / "accepted.parquet",
        "data/state/night.json": run / "state" / "night.json",
        "data/state/validity.parquet": run / "state" / "validity.parquet",
        f"{sanitized}/actors.parquet": run / "resolve" / "actors.parquet",
        f"{sanitized}/edges.parquet": run / "resolve" / "edges.parquet",
        f"{sanitized}/evidence.parquet": run / "detect" / "evidence.parquet",
        f"{sanitized}/verdicts.parquet": run / "decide" / "verdicts.parquet",
        f"{sanitized}/decision.json": run / "decide" / "decision.json",
    }


_REJECTED = {
    "row_id": REJECT,
    "verdict": "rejected",
    "weight": 0.0,
    "influence_weight": 0.0,
    "evidence_weight": 0.0,
    "posterior": 0.0,
    "llr": 0,
    "code": "label_missing",
    "reasons": "no label",
}


def _contributions(ids: list[str], people: list[str], night: str) -> pa.Table:
    schema = contribution_schema((), ())
    at = datetime.fromisoformat(f"{night}T01:00:00+00:00")
    lines = [
        dict.fromkeys(schema.names)
        | {
            "row_id": row_id,
            "contribution_id": "shared" if i < 2 else f"msg-{night}-{i}",
            "contributor_id": who,
            "contributed_at": at,
            "time_unknown": False,
            "item_id": "pushed" if who == people[2] else None,
            "registered_at": datetime.fromisoformat(f"{NIGHTS[0]}T00:00:00+00:00"),
            "label": "ham" if i < 2 else "spam",
            "tier": "registered",
            "text": BIDI,
            "row_digest": "d",
            "source": "ab" * 32,
            "source_row": i,
        }
        for i, (row_id, who) in enumerate(zip(ids, people, strict=True))
    ]
    return pa.Table.from_pylist(lines, schema)


def _rejects() -> pa.Table:
    line = {
        "row_id": REJECT,
        "source": "ab" * 32,
        "source_row": 7,
        "code": "label_missing",
        "column": "label",
        "message": "no label",
        "original": None,
    }
    return pa.Table.from_pylist([line], REJECT_SCHEMA)


def _validity(people: list[str]) -> pa.Table:
    common = {"accepted_rows": 12, "nights": 4, "first_night": NIGHTS[0], "last_night": NIGHTS[0]}
    lines = [
        {"contributor_id": who, "good": good, "bad": bad, **common}
        for who, good, bad in zip(people[:3], (30.0, 8.0, 0.0), (0.0, 0.0, 6.0), strict=True)
    ]
    return pa.Table.from_pylist(lines, VALIDITY_SCHEMA)


def _actors(people: list[str]) -> pa.Table:
    lines = [
        {
            "contributor_id": who,
            "actor_id": RING if who == people[2] else who,
            "kind": "campaign" if who == people[2] else "singleton",
            "size": 9 if who == people[2] else 1,
            "posterior": 0.99 if who == people[2] else 1.0,
            "reason": "network: shared 3" if who == people[2] else "",
        }
        for who in dict.fromkeys(people)
    ]
    return pa.Table.from_pylist(lines, ACTOR_SCHEMA)


def _edges(people: list[str]) -> pa.Table:
    told = [(people[0], people[2], "network", 7.5, 3), (people[0], people[1], "name", 60.0, 1)]
    lines = [
        dict(zip(EDGE_SCHEMA.names, (*sorted((a, b)), *rest), strict=True)) for a, b, *rest in told
    ]
    return pa.Table.from_pylist(lines, EDGE_SCHEMA)


def _evidence(ids: list[str]) -> pa.Table:
    said = [("contributor_excess", "contributor", 4_500_000), ("outliers", "outliers", -300_000)]
    said += [("rules", "rules", 2_000_000)]
    lines = [
        {
            "row_id": row_id,
            "detector": detector,
            "family": family,
            "llr": llr,
            "score": 1.0,
            "flagged": llr > 0,
            "reason": f"{detector}: k=3",
        }
        for row_id in ids[2:]
        for detector, family, llr in said
    ]
    return pa.Table.from_pylist(lines, EVIDENCE_SCHEMA)


def _save(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path)

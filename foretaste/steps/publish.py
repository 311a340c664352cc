"""Publish what the night made: the release, its cases, and the candidate."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from foretaste.core.release import Release
from foretaste.core.releasing import ReleasePlan, apply_release, commit_models, plan_release
from foretaste.core.verdict import Account, Outcome
from foretaste.core.workspace import Workspace
from foretaste.steps.cases import draft_cases
from foretaste.steps.compare import MODELS
from foretaste.steps.night import Night, read_json
from foretaste.steps.stages import EVALUATED, SANITIZED, TRAINED
from foretaste.steps.state import read_actors

_TAKEN = (
    "contributions.parquet",
    "rejects.parquet",
    "visits.parquet",
    "visit_rejects.parquet",
    "files.json",
)
_STATE = (
    "night.json",
    "validity.parquet",
    "actors.parquet",
    "decisions.parquet",
    "track_records.parquet",
    "accused.parquet",
    "listed.parquet",
    "rules.parquet",
    "seen_visits.parquet",
    "seen_graph.parquet",
)

_OUT = [str(Outcome.QUARANTINED), str(Outcome.REJECTED)]


def plan(workspace: Workspace, night: Night) -> ReleasePlan:
    """Build the night's release from its finished steps; nothing is changed."""
    files = read_json(night.folder("ingest") / "files.json")["files"]
    with workspace.ledger() as ledger:
        head = ledger.audit_head()
    return plan_release(
        workspace,
        night=night.night,
        run_id=night.run_id,
        staged=_release_files(night),
        counts=account(night),
        files=[file["sha256"] for file in files if file["state"] == "ingested"],
        policy_digest=night.policy.digest(),
        extra={"audit_head": list(head)},
    )


def release(workspace: Workspace, plan: ReleasePlan) -> Release:
    """Apply a plan; a run that has published gets its release again."""
    return apply_release(workspace, plan)


def account(night: Night) -> Account:
    """Where the night's rows went, checked."""
    return Account(**read_json(night.folder("decide") / "decision.json")["account"]).check()


def open_cases(workspace: Workspace, night: Night) -> int:
    """Open a case per story in the quarantine; give how many are new."""
    verdicts = pq.read_table(night.folder("decide") / "verdicts.parquet").to_pandas()
    arrived = night.folder("ingest") / "contributions.parquet"
    known = ["row_id", "contributor_id", "item_id", "label"]
    owners = pd.read_parquet(arrived, columns=known)
    # A campaign's rejected rows are told with it; texts of all others are not read.
    out = verdicts.loc[verdicts["verdict"].isin(_OUT), "row_id"].astype(object)
    wanted = pc.field("row_id").isin(pa.array(out, pa.string()))
    drafts = draft_cases(
        verdicts.merge(owners, on="row_id"),
        read_actors(night.folder("resolve")).to_pandas(),
        night.night,
        content=pq.read_table(arrived, filters=wanted).to_pandas(),
        salt=night.key.derive("salt/slices"),
    )
    with workspace.ledger() as ledger:
        return ledger.open_cases(drafts, run_id=night.run_id, night=night.night, at=night.as_of)


def models(workspace: Workspace, night: Night, number: int) -> str | None:
    """Version the candidate, its answers and its card; give the tag."""
    staged = {f"data/night/train/{n}": night.folder("train") / n for n in TRAINED}
    evaluated = night.folder("evaluate")
    staged |= {
        f"data/night/evaluate/{n}": evaluated / n for n in EVALUATED if (evaluated / n).exists()
    }
    packed = night.folder("compare") / MODELS
    staged |= {
        f"models/{path.relative_to(packed).as_posix()}": path
        for path in packed.rglob("*")
        if path.is_file()
    }
    return commit_models(
        workspace,
        message=f"Candidate of release {number} for the night {night.night}",
        tag=f"model/{number:04d}",
        staged=staged,
    )


def _release_files(night: Night) -> dict[str, Path]:
    where = f"night={night.night}"
    files = {f"data/contributions/{where}/{n}": night.folder("ingest") / n for n in _TAKEN}
    files[f"data/accepted/{where}/part-0.parquet"] = night.folder("accept") / "part-0.parquet"
    files |= {f"data/state/{n}": night.folder("state") / n for n in _STATE}
    for step, names in SANITIZED.items():
        files |= {f"data/night/sanitize/{n}": night.folder(step) / n for n in names}
    return files

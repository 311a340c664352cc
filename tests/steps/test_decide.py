"""Whatever a night looks like, every row that came in gets one verdict."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.core.actor import ACTOR_SCHEMA
from foretaste.core.contract import REJECT_SCHEMA, contribution_schema
from foretaste.core.errors import IntegrityError
from foretaste.core.evidence import EVIDENCE_SCHEMA
from foretaste.core.policy import Policy
from foretaste.steps.decide import decide
from foretaste.steps.night import read_json, write_json
from foretaste.steps.sanitize import Inputs
from tests.steps.nights import AS_OF

POLICY = Policy()
SPEAKERS = {"rules": "rules", "outliers": "rows", "micro_models": "micro_models"}


@dataclass(frozen=True)
class Row:
    contributor: int
    label: str
    held: str | None
    tier: str
    kind: str | None
    evidence: dict[str, int]


@dataclass(frozen=True)
class Staged:
    inputs: Inputs
    resolved: Path
    detected: Path
    out: Path

    def decide(self) -> Mapping[str, int]:
        return decide(self.inputs, self.resolved, self.detected, POLICY, self.out)


ROWS = st.builds(
    Row,
    contributor=st.integers(0, 4),
    label=st.sampled_from(["ham", "spam"]),
    held=st.sampled_from([None, None, None, "conflict", "future_time"]),
    tier=st.sampled_from(["anonymous", "registered", "trusted"]),
    kind=st.sampled_from([None, "false_positive"]),
    evidence=st.dictionaries(
        st.sampled_from(sorted(SPEAKERS)), st.integers(-12_000_000, 12_000_000).filter(bool)
    ),
)
REJECTS = st.lists(st.sampled_from(["label_missing", "duplicate", "time_naive"]), max_size=6)


def write(path: Path, lines: list[dict[str, Any]], schema: pa.Schema) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    full = [{field.name: line.get(field.name) for field in schema} for line in lines]
    pq.write_table(pa.Table.from_pylist(full, schema=schema), path)


def stage(root: Path, rows: list[Row], rejects: list[str]) -> Staged:
    """Write what ``decide`` reads."""
    contributions = [
        {
            "row_id": f"r{i:03}",
            "contribution_id": f"k{i}",
            "contributor_id": f"c{row.contributor}",
            "contributed_at": AS_OF,
            "time_unknown": False,
            "label": row.label,
            "tier": row.tier,
            "kind": row.kind,
            "row_digest": "0",
            "source": "1",
            "source_row": i,
            "held": row.held,
        }
        for i, row in enumerate(rows)
    ]
    bad = [
        {"row_id": f"reject:1:{i}", "source": "1", "source_row": i, "code": code, "message": "no"}
        for i, code in enumerate(rejects)
    ]
    evidence = [
        {
            "row_id": f"r{i:03}",
            "detector": name,
            "family": SPEAKERS[name],
            "llr": llr,
            "score": float(llr),
            "flagged": llr > 0,
            "reason": f"{name}: {llr}",
        }
        for i, row in enumerate(rows)
        if row.held is None
        for name, llr in sorted(row.evidence.items())
    ]
    # The last contributor is unknown to the resolver: all its rows were held at ingest.
    actors = [
        {
            "contributor_id": f"c{n}",
            "actor_id": f"a{n // 2}",
            "kind": "campaign",
            "size": 2,
            "posterior": 0.9,
            "reason": "",
        }
        for n in range(4)
    ]
    schema = contribution_schema((), ())
    write(root / "in" / "contributions.parquet", contributions, schema)
    write(root / "in" / "rejects.parquet", bad, REJECT_SCHEMA)
    write(root / "resolved" / "actors.parquet", actors, ACTOR_SCHEMA)
    write(root / "detected" / "evidence.parquet", evidence, EVIDENCE_SCHEMA)
    for name in ("state", "out"):
        (root / name).mkdir()
    write_json(root / "state" / "night.json", {"night": "n", "as_of": AS_OF.isoformat()})
    inputs = Inputs(root / "in", root / "state", root / "accepted")
    return Staged(inputs, root / "resolved", root / "detected", root / "out")


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(ROWS, max_size=25), rejects=REJECTS)
def test_no_row_is_lost_or_invented(rows: list[Row], rejects: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        staged = stage(Path(folder), rows, rejects)
        out = staged.out
        counts = staged.decide()
        verdicts = pq.read_table(out / "verdicts.parquet").to_pylist()
        account = read_json(out / "decision.json")["account"]
    assert counts == account
    assert account.pop("rows_in") == sum(account.values()) == len(rows) + len(rejects)
    ids = [v["row_id"] for v in verdicts]
    assert ids == sorted(set(ids))
    assert set(ids) == {f"r{i:03}" for i in range(len(rows))} | {
        f"reject:1:{i}" for i in range(len(rejects))
    }
    by_id = {v["row_id"]: v for v in verdicts}
    for i, code in enumerate(rejects):
        found = by_id[f"reject:1:{i}"]
        assert (found["verdict"], found["code"], found["weight"]) == ("rejected", code, 0.0)
    for i, row in enumerate(rows):
        found = by_id[f"r{i:03}"]
        kept = found["verdict"] in ("accepted", "downweighted")
        assert kept == (found["weight"] > 0)
        if row.held:
            assert (found["verdict"], found["code"]) == ("quarantined", row.held)


def test_two_rows_of_one_name_stop_the_night(tmp_path: Path) -> None:
    row = Row(0, "ham", None, "registered", None, {})
    staged = stage(tmp_path, [row], ["duplicate"])
    rejects = tmp_path / "in" / "rejects.parquet"
    line = pq.read_table(rejects).to_pylist()
    write(rejects, line * 2, REJECT_SCHEMA)
    with pytest.raises(IntegrityError):
        staged.decide()


def test_evidence_about_a_row_that_never_came_stops_the_night(tmp_path: Path) -> None:
    row = Row(0, "ham", None, "registered", None, {"rules": 1_000_000})
    staged = stage(tmp_path, [row], [])
    write(tmp_path / "in" / "contributions.parquet", [], contribution_schema((), ()))
    with pytest.raises(IntegrityError):
        staged.decide()


def test_a_label_that_no_accepted_night_has_waits_for_a_person(tmp_path: Path) -> None:
    rows = [
        Row(0, "ham", None, "registered", None, {}),
        Row(1, "haam", None, "registered", None, {}),
    ]
    staged = stage(tmp_path, rows, [])
    first = staged.decide()
    assert first["quarantined"] == 0
    earlier = staged.inputs.accepted / "night=2026-11-01"
    earlier.mkdir(parents=True)
    pq.write_table(pa.table({"label": ["ham", "spam"]}), earlier / "part-0.parquet")
    second = staged.decide()
    assert second["quarantined"] == 1
    judged = pq.read_table(staged.out / "verdicts.parquet").to_pandas().set_index("row_id")
    assert judged["code"].to_dict() == {"r000": "", "r001": "new_label"}

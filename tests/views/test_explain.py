"""Explaining rows and contributors."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from detectors.content.telling import telling
from detectors.content.tokens import Tokens
from foretaste.core.errors import WorkspaceError
from foretaste.core.evidence import EVIDENCE_SCHEMA
from foretaste.core.workspace import Workspace
from foretaste.steps.state import DECISION_SCHEMA
from foretaste.views.explain import explain
from tests.views.judged import BIDI, NIGHTS, REJECT, hold_night, rows_of


@pytest.mark.parametrize("night", NIGHTS)
def test_the_waterfall_of_a_row_ends_at_its_verdict(judged: Workspace, night: str) -> None:
    content, lines = explain(judged, rows_of(night)[2])
    steps = content["waterfall"]
    prior = judged.policy.decision.prior
    assert content["night"] == night
    assert steps[0]["nats"] == pytest.approx(math.log(prior / (1 - prior)), abs=1e-5)
    assert [step["label"] for step in steps[1:4]] == ["contributor_excess", "rules", "outliers"]
    assert steps[-1]["cumulative"] == pytest.approx(content["verdict"]["llr"] / 1e6)
    assert content["actor"]["kind"] == "campaign"
    assert any("contributor_excess: k=3" in line for line in lines)


def test_the_policy_of_the_release_counts_and_not_todays(judged: Workspace) -> None:
    before, _ = explain(judged, rows_of(NIGHTS[1])[2])
    params = judged.layout.params
    params.write_text(params.read_text() + "decision: {prior: 0.5}\n")
    after, _ = explain(judged, rows_of(NIGHTS[1])[2])
    assert after["waterfall"] == before["waterfall"]


def test_a_row_is_found_by_its_contribution_id(judged: Workspace) -> None:
    content, _ = explain(judged, f"msg-{NIGHTS[0]}-3")
    assert content["row"]["row_id"] == rows_of(NIGHTS[0])[3]


def test_a_contribution_id_of_several_people_asks_for_the_row(judged: Workspace) -> None:
    with pytest.raises(WorkspaceError, match="4 rows") as caught:
        explain(judged, "shared")
    assert rows_of(NIGHTS[1])[0] in caught.value.hint


def test_text_is_shown_only_when_asked_for_and_never_obeyed(judged: Workspace) -> None:
    row = rows_of(NIGHTS[1])[2]
    silent, silent_lines = explain(judged, row)
    asked, asked_lines = explain(judged, row, text=True)
    assert "gnp.exe" not in str(silent) + str(silent_lines)
    assert "⟦U+202E⟧gnp.exe" in asked_lines[-1]
    assert BIDI not in str(asked)


def test_a_contributor_is_found_by_raw_id_or_pseudonym(judged: Workspace) -> None:
    pseudonym = judged.key.pseudonym("contributor", "mallory")
    by_raw, lines = explain(judged, "mallory")
    by_pseudonym, _ = explain(judged, pseudonym)
    assert by_raw == by_pseudonym
    assert by_raw["contributor_id"] == pseudonym
    assert "mallory" not in str(by_raw) + str(lines)


def test_a_contributor_comes_with_record_verdicts_and_evidence(judged: Workspace) -> None:
    mallory, lines = explain(judged, "mallory")
    alice, _ = explain(judged, "alice")
    assert mallory["rows"] == sum(mallory["verdicts"].values()) == 2
    assert mallory["nights"] == list(reversed(NIGHTS))
    assert mallory["strongest"][0] == {
        "detector": "contributor_excess",
        "nats": 9.0,
        "rows": 2,
        "reason": "contributor_excess: k=3",
    }
    bad, good = mallory["validity"], alice["validity"]
    assert 0 <= bad["low"] < bad["mean"] < bad["high"] < good["mean"] <= good["high"] <= 1
    assert any("campaign of 9" in line for line in lines)
    assert alice["strongest"] == []


def test_a_contributor_says_from_whom_people_keep_it_apart(judged: Workspace) -> None:
    assert explain(judged, "alice")[0]["kept_apart_from"] == 0
    people = [judged.key.pseudonym("contributor", who) for who in ("alice", "bob", "mallory")]
    said = {"decision_id": 1, "decision": "apart", "night": NIGHTS[1], "row_id": "r"}
    lines = [said | {"contributor_id": who} for who in people]
    decisions = pa.Table.from_pylist(lines, DECISION_SCHEMA)
    pq.write_table(decisions, judged.layout.state / "decisions.parquet")
    content, told = explain(judged, "alice")
    assert content["kept_apart_from"] == 2
    assert "people said: not one with 2 others" in told


def test_a_malformed_row_says_why_it_was_rejected(judged: Workspace) -> None:
    content, lines = explain(judged, REJECT)
    assert content["row"]["code"] == "label_missing"
    assert content["waterfall"] == []
    assert "no label" in lines[-1]


def test_a_row_says_whether_the_corpus_has_it_and_what_people_said(judged: Workspace) -> None:
    kept, lines = explain(judged, rows_of(NIGHTS[0])[0])
    assert kept["corpus"] == {"night": NIGHTS[0], "weight": 1.0}
    assert kept["people"] == []
    assert any("in it since night" in line for line in lines)
    row = rows_of(NIGHTS[1])[2]
    said = {"row_id": row, "decision": "poison", "night": "2026-01-03", "contributor_id": "c"}
    decisions = pa.Table.from_pylist([{**said, "decision_id": 1}], DECISION_SCHEMA)
    pq.write_table(decisions, judged.layout.state / "decisions.parquet")
    out, lines = explain(judged, row)
    assert out["corpus"] is None
    assert "a person said poison: night 2026-01-03" in lines


def test_a_held_night_is_read_from_its_run(judged: Workspace) -> None:
    hold_night(judged)
    content, lines = explain(judged, rows_of("2026-01-03")[3])
    assert content["night"] == "2026-01-03"
    assert "not published" in lines[0]
    assert content["waterfall"][-1]["cumulative"] == pytest.approx(content["verdict"]["llr"] / 1e6)


def test_what_was_asked_is_not_repeated_when_nothing_is_found(judged: Workspace) -> None:
    with pytest.raises(WorkspaceError) as caught:
        explain(judged, "person@example.org")
    assert "person@example.org" not in caught.value.message + caught.value.hint


def test_drift_leaves_shift_evidence_out_of_the_sum(judged: Workspace) -> None:
    sanitized = judged.root / "data" / "night" / "sanitize"
    before, _ = explain(judged, rows_of(NIGHTS[1])[2])
    evidence = pq.read_table(sanitized / "evidence.parquet")
    line = evidence.slice(0, 1).to_pylist()[0] | {"detector": "contributor_shift"}
    more = pa.Table.from_pylist([line | {"family": "shift"}], evidence.schema)
    pq.write_table(pa.concat_tables([evidence, more]), sanitized / "evidence.parquet")
    decision = json.loads((sanitized / "decision.json").read_text())
    (sanitized / "decision.json").write_text(json.dumps(decision | {"drift": True}))
    after, _ = explain(judged, rows_of(NIGHTS[1])[2])
    assert after["waterfall"] == before["waterfall"]


def test_words_that_a_reason_names_by_id_are_read_from_the_rows_own_text(
    judged: Workspace,
) -> None:
    hold_night(judged, "2026-11-19")
    row = rows_of("2026-11-19")[2]
    tokens = Tokens.of(pd.Series([BIDI] * 3), judged.key.derive("salt/slices"))
    (said,) = telling(tokens, np.zeros(3, dtype=np.int64), np.zeros(3, dtype=np.int64), top=1)
    path = judged.layout.runs / "2026-11-19-nightly-1" / "detect" / "evidence.parquet"
    lines = pq.read_table(path).to_pylist()
    for line in lines:
        line["reason"] = f"words={said}"
    pq.write_table(pa.Table.from_pylist(lines, EVIDENCE_SCHEMA), path)
    asked, asked_lines = explain(judged, row, text=True)
    silent, _ = explain(judged, row)
    assert said
    assert set(asked["runs"]) == {said}
    assert asked_lines[-1].startswith(f"{said}: ")
    assert "runs" not in silent

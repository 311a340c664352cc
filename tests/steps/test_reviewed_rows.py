"""What people say of a row that is in the corpus, or enters it late."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.core.contract import VISIT_SCHEMA, contribution_schema
from foretaste.core.layout import partition
from foretaste.core.policy import Policy
from foretaste.core.verdict import VERDICT_SCHEMA
from foretaste.steps.accept import accept, accepted_schema, as_decided
from foretaste.steps.night import write_json
from foretaste.steps.sanitize import Inputs, resolve
from foretaste.steps.state import DECISION_SCHEMA, begin
from tests.steps.nights import AS_OF, KEY, a_night

POLICY = Policy()
ROWS = ("a", "b", "c")
WORDS = ("poison", "release", "downweight", "relabel", "apart")


def decisions(*told: tuple[str, str]) -> pd.DataFrame:
    """Decisions in order, from (row, word)."""
    lines = [
        {
            "decision_id": i,
            "row_id": row,
            "contributor_id": row,
            "decision": word,
            "night": "2026-11-18",
            "label": "spam" if word == "relabel" else None,
        }
        for i, (row, word) in enumerate(told, start=1)
    ]
    return pd.DataFrame(lines, columns=DECISION_SCHEMA.names)


def corpus() -> pd.DataFrame:
    """Three accepted rows."""
    return pd.DataFrame(
        {"row_id": list(ROWS), "label": "ham", "weight": 1.0, "evidence_weight": [1.0, 1.0, 0.3]}
    )


def test_a_row_of_the_corpus_is_read_as_people_judged_it_last() -> None:
    said = decisions(("a", "poison"), ("b", "relabel"), ("c", "downweight"))
    read = as_decided(corpus(), said, POLICY).set_index("row_id")
    assert list(read.index) == ["b", "c"]
    assert read["label"].to_dict() == {"b": "spam", "c": "ham"}
    assert read["weight"].to_dict() == {"b": 1.0, "c": 1.0}, "it was weighed down before"
    back = as_decided(corpus(), decisions(("a", "poison"), ("a", "release")), POLICY)
    assert back.equals(corpus())
    less = as_decided(corpus(), decisions(("a", "downweight")), POLICY).set_index("row_id")
    assert less.loc["a", "weight"] == pytest.approx(POLICY.decision.downweight)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(ROWS), st.sampled_from(WORDS)), max_size=6))
def test_only_the_last_word_counts_and_reading_twice_is_reading_once(
    told: list[tuple[str, str]],
) -> None:
    said = decisions(*told)
    read = as_decided(corpus(), said, POLICY)
    last = dict(told)
    assert set(read["row_id"]) == {row for row in ROWS if last.get(row) != "poison"}
    assert read.equals(as_decided(corpus(), decisions(*last.items()), POLICY))
    again = as_decided(read, said, POLICY)
    assert again.reset_index(drop=True).equals(read.reset_index(drop=True))


def contributions(*rows: str) -> pa.Table:
    schema = contribution_schema((), ())
    lines = [
        dict.fromkeys(schema.names)
        | {
            "row_id": row,
            "contribution_id": row,
            "contributor_id": row,
            "contributed_at": AS_OF,
            "time_unknown": False,
            "label": "ham",
            "tier": "registered",
            "row_digest": "0",
            "source": "1",
            "source_row": i,
        }
        for i, row in enumerate(rows)
    ]
    return pa.Table.from_pylist(lines, schema)


def save(table: pa.Table, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)


def applied(root: Path, told: Mapping[str, str], inside: tuple[str, ...] = ()) -> pd.DataFrame:
    """Apply decisions about three rows of the night before; give what enters the corpus."""
    night = a_night(root)
    layout = night.layout
    save(
        contributions(*ROWS),
        partition(layout.contributions, "2026-11-17") / "contributions.parquet",
    )
    if inside:
        rows = pa.table({"row_id": list(inside)})
        save(rows, partition(layout.accepted, "2026-11-17") / "part-0.parquet")
    lines: list[dict[str, Any]] = [
        {
            "decision_id": i,
            "row_id": row,
            "decision": word,
            "label": "spam" if word == "relabel" else None,
        }
        for i, (row, word) in enumerate(told.items())
    ]
    state = begin(night, pd.DataFrame(lines))
    arrived, decided, out = (root / name for name in ("arrived", "decided", "out"))
    save(contributions(), arrived / "contributions.parquet")
    save(VERDICT_SCHEMA.empty_table(), decided / "verdicts.parquet")
    out.mkdir()
    inputs = Inputs(arrived, state, layout.accepted)
    accept(inputs, decided, layout.contributions, POLICY, out)
    table = pq.read_table(out / "part-0.parquet")
    assert table.schema.equals(accepted_schema(POLICY))
    frame: pd.DataFrame = table.to_pandas().set_index("row_id")
    return frame


def test_rows_enter_as_people_said(tmp_path: Path) -> None:
    entered = applied(tmp_path, {"a": "relabel", "b": "downweight", "c": "poison"})
    assert entered["label"].to_dict() == {"a": "spam", "b": "ham"}
    assert entered["evidence_weight"].to_dict() == {"a": 1.0, "b": POLICY.decision.downweight}
    assert np.isfinite(entered["weight"]).all()


def test_a_row_that_is_inside_does_not_enter_again(tmp_path: Path) -> None:
    entered = applied(tmp_path, {"a": "release", "b": "release"}, inside=("a",))
    assert list(entered.index) == ["b"]


def test_confirmed_poison_teaches_no_detector(tmp_path: Path) -> None:
    night = a_night(tmp_path)
    table = contributions("a", "b").to_pandas()
    judged = {"verdict": "accepted", "influence_weight": 1.0, "evidence_weight": 1.0, "weight": 1.0}
    accepted = table.assign(**judged, actor_id=table["contributor_id"])
    earlier = partition(night.layout.accepted, "2026-11-17") / "part-0.parquet"
    save(
        pa.Table.from_pandas(accepted, schema=accepted_schema(POLICY), preserve_index=False),
        earlier,
    )
    state, arrived, out = (tmp_path / name for name in ("state", "arrived", "out"))
    said = decisions(("a", "poison"), ("b", "poison"), ("b", "release"))
    save(
        pa.Table.from_pandas(said, DECISION_SCHEMA, preserve_index=False),
        state / "decisions.parquet",
    )
    write_json(state / "night.json", {"night": "2026-11-18", "as_of": AS_OF.isoformat()})
    save(contributions("c"), arrived / "contributions.parquet")
    save(VISIT_SCHEMA.empty_table(), arrived / "visits.parquet")
    out.mkdir()
    resolve(Inputs(arrived, state, night.layout.accepted), POLICY, KEY, out)
    assert set(pd.read_parquet(out / "batch" / "rows.parquet")["row_id"]) == {"b", "c"}

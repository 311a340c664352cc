"""Whatever comes in, the sums are right, and order changes nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foretaste.core.keys import WorkspaceKey
from foretaste.core.policy import Policy
from foretaste.intake import Intake, KnownRows, discover, ingest

AS_OF = datetime(2026, 1, 2, tzinfo=UTC)
KEY = WorkspaceKey(b"p" * 32)
POLICY = Policy.model_validate({"columns": {"features": ["x"], "attributes": ["relay"]}})
#: What may differ when the same rows come in another order: only where they were found.
CONTENT = ["row_id", "contributor_id", "label", "contributed_at", "text", "row_digest", "held",
           "f_x", "a_relay"]  # fmt: skip

ids = st.sampled_from(["a", "b", "ü", "c\u200b", "\u0430b", "", "d" * 200]) | st.none()
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "contribution_id": st.sampled_from(["1", "2", "3"]) | ids,
            "contributor_id": st.sampled_from(["u1", "u2"]) | ids,
            "label": st.sampled_from(["ham", "spam"]) | ids,
            "contributed_at": st.datetimes() | st.none(),
            "text": st.text(max_size=20) | st.none(),
            "relay": st.sampled_from(["r1", "ré", ""]) | st.none(),
            "x": st.sampled_from([0.0, -0.0, 1.5, 2.0**63]) | st.floats() | st.none(),
        }
    ),
    max_size=25,
)
SCHEMA = pa.schema(
    [
        ("contribution_id", pa.string()),
        ("contributor_id", pa.string()),
        ("label", pa.string()),
        ("contributed_at", pa.timestamp("us", tz="UTC")),
        ("text", pa.string()),
        ("relay", pa.string()),
        ("x", pa.float64()),
    ]
)
quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def write(folder: Path, name: str, rows: Sequence[dict[str, Any]]) -> None:
    folder.mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows), SCHEMA), folder / name)


def take_in(root: Path, known: KnownRows | None = None) -> Intake:
    return ingest(
        discover("landing", root),
        POLICY,
        KEY,
        as_of=AS_OF,
        night="n",
        known=known or KnownRows.none(),
        originals=None,
    )


def content(taken: Intake) -> list[dict[str, Any]]:
    return taken.contributions.select(CONTENT).to_pylist()


@quick
@given(rows=ROWS)
def test_every_row_is_kept_or_rejected_with_a_code(rows: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as place:
        write(Path(place) / "landing", "rows", rows)
        taken = take_in(Path(place))
    assert taken.rows_in == len(rows)
    assert taken.contributions.num_rows + taken.rejects.num_rows == len(rows)
    assert sum(taken.codes.values()) >= taken.rejects.num_rows
    places = [*taken.contributions["source_row"].to_pylist(),
              *taken.rejects["source_row"].to_pylist()]  # fmt: skip
    assert sorted(places) == list(range(len(rows)))
    row_ids = taken.contributions["row_id"].to_pylist()
    assert row_ids == sorted(set(row_ids))


@quick
@given(rows=ROWS, data=st.data())
def test_order_and_cut_into_files_change_nothing(
    rows: list[dict[str, Any]], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(rows))
    cut = data.draw(st.integers(0, len(rows)))
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        write(Path(one) / "landing", "all", rows)
        write(Path(two) / "landing", "z", shuffled[:cut])
        write(Path(two) / "landing", "a", shuffled[cut:])
        before, after = take_in(Path(one)), take_in(Path(two))
    same_bytes = any(report.state == "known" for report in after.files)
    assert content(before) == content(after)
    assert same_bytes or before.codes == after.codes


@quick
@given(rows=ROWS, data=st.data())
def test_the_same_rows_on_a_later_night_add_nothing(
    rows: list[dict[str, Any]], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        write(root / "landing", "first", rows)
        first = take_in(root)
        night = root / "contributions" / "night=2026-01-01"
        night.mkdir(parents=True)
        pq.write_table(first.contributions, night / "contributions.parquet")
        digests = [report.sha256 for report in first.files]
        again = take_in(root, KnownRows.read(root / "contributions", digests))
        write(root / "landing", "first", data.draw(st.permutations(rows)))
        resent = take_in(root, KnownRows.read(root / "contributions", []))
    assert again.rows_in == 0
    assert [report.state for report in again.files] == ["known"]
    assert resent.contributions.num_rows == 0
    assert resent.rows_in == resent.rejects.num_rows == len(rows)

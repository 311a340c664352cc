"""The outcomes log: hostile rows are counted, shown and left out."""

from __future__ import annotations

import datetime as dt
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.core.errors import ContractError, Unavailable
from foretaste.models.ab.log import read_log, typed
from tests.models.ab_logs import NOW, START, judged, sifted, traffic


def logged(folder: Path, *parts: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Write each part to a file and read them all."""
    for i, part in enumerate(parts):
        part.to_parquet(folder / f"part-{i}.parquet")
    return read_log(".", folder, "outcomes")


def test_an_honest_log_is_whole(tmp_path: Path) -> None:
    sample = sifted(logged(tmp_path, traffic(60))[0])
    assert (len(sample.units), sample.problems, sample.repeats) == (60, {}, 0)
    assert sample.units["outcome"].notna().all()


LIES: dict[str, dict[str, Any]] = {
    "no_unit": {"unit_id": None},
    "no_time": {"ts": pd.NaT},
    "future": {"ts": pd.Timestamp(NOW) + timedelta(hours=1)},
    "unknown_arm": {"arm": "both"},
    "wrong_arm": {"arm": "flipped"},
    "wrong_model": {"model": "f" * 64},
    "outcome_before_request": {"outcome_ts": pd.Timestamp(START) - timedelta(days=1)},
    "outcome_without_time": {"outcome_ts": pd.NaT},
    "unknown_outcome": {"outcome": "c9"},
    "bad_latency": {"latency_ms": -1.0},
}


@pytest.mark.parametrize("reason", sorted(LIES))
def test_each_lie_is_counted_under_its_name_and_left_out(reason: str, tmp_path: Path) -> None:
    honest = traffic(40)
    lie = traffic(1, seed=2).assign(**LIES[reason])
    if reason == "wrong_arm":
        true = traffic(1, seed=2)["arm"].iloc[0]
        lie["arm"] = "champion" if true == "candidate" else "candidate"
    rows, _ = logged(tmp_path, pd.concat([honest, lie], ignore_index=True))
    sample = sifted(rows)
    assert sample.problems == {reason: 1}
    assert sorted(sample.units["unit_id"]) == sorted(honest["unit_id"])
    assert sample.bad_share == pytest.approx(1 / 41)


@pytest.mark.parametrize("latency", [np.inf, "fast", -0.5])
def test_a_latency_that_is_none_is_a_lie(latency: Any, tmp_path: Path) -> None:
    lie = traffic(1).astype({"latency_ms": object})
    lie.loc[0, "latency_ms"] = latency
    rows, _ = logged(tmp_path, lie.astype({"latency_ms": type(latency)}))
    assert sifted(rows).problems == {"bad_latency": 1}


@pytest.mark.parametrize("written", ["yesterday", "1770000000", "9999999-01-01"])
def test_a_time_that_cannot_be_read_is_no_missing_outcome(written: str, tmp_path: Path) -> None:
    rows, _ = logged(tmp_path, traffic(1).assign(outcome=None, outcome_ts=written))
    assert sifted(rows).problems == {"outcome_without_time": 1}


def test_a_unit_counts_once_by_its_first_request() -> None:
    first = traffic(50)
    later = first.assign(ts=first["ts"] + timedelta(hours=30), prediction="c0", outcome="c0")
    later["outcome_ts"] = later["ts"]
    rows = typed(pd.concat([later, first, first], ignore_index=True))
    sample = sifted(rows)
    assert (len(sample.units), sample.repeats, sample.problems) == (50, 100, {})
    assert sample.units.equals(sifted(typed(first)).units)


def test_an_outcome_may_come_in_a_line_of_its_own() -> None:
    whole = traffic(50)
    asked = whole.assign(outcome=None, outcome_ts=pd.NaT)
    rows = typed(pd.concat([asked, whole], ignore_index=True))
    sample = sifted(rows)
    assert sample.units.equals(sifted(typed(whole)).units)
    assert (sample.repeats, sample.problems) == (50, {})


@pytest.mark.parametrize("change", ["prediction", "outcome"])
def test_lines_that_contradict_each_other_are_both_left_out(change: str) -> None:
    rows = traffic(30)
    torn = rows.iloc[[4]].copy()
    torn[change] = "c1" if torn[change].iloc[0] == "c0" else "c0"
    sample = sifted(typed(pd.concat([rows, torn], ignore_index=True)))
    assert sample.problems == {"contradiction": 2}
    assert rows["unit_id"].iloc[4] not in set(sample.units["unit_id"])


def test_young_units_wait_and_late_outcomes_are_missing() -> None:
    rows = typed(traffic(400))
    early = sifted(rows, now=START + timedelta(hours=48), hours=24)
    assert sum(early.waiting.values()) > 50
    assert "future" in early.problems, "the log goes on for four days"
    late = sifted(rows, hours=5)
    missing = late.units["outcome"].isna()
    assert missing.sum() == (traffic(400)["outcome_ts"] - traffic(400)["ts"] > "5h").sum()


def test_what_a_unit_says_does_not_depend_on_when_one_looks() -> None:
    rows = typed(traffic(300))
    two, six = (sifted(rows, now=START + timedelta(days=d), hours=24).units for d in (2, 6))
    again = six.set_index("unit_id").loc[two["unit_id"]].reset_index()
    assert again.equals(two)
    assert 0 < len(two) < len(six)


def test_the_order_of_the_log_changes_nothing() -> None:
    rows = traffic(200)
    later = rows.assign(ts=rows["ts"] + timedelta(hours=1))
    rows = typed(pd.concat([rows, later, rows.assign(prediction="c0")], ignore_index=True))
    mixed = rows.sample(frac=1, random_state=3)
    one, two = sifted(rows), sifted(mixed)
    assert one.units.equals(two.units)
    assert (one.problems, one.repeats, one.waiting) == (two.problems, two.repeats, two.waiting)
    assert judged(one) == judged(two)


JUNK = (
    *(None, float("nan"), float("inf"), -1, 2**70, True, "", "x", "c0", "\0", "\ud800", b"\xff"),
    *([1, 2], {"a": 1}, pd.NaT, dt.date(2026, 2, 2), dt.datetime(1, 1, 1), "9999-12-31"),  # noqa: DTZ001
    *("2026-02-02T00:00:00+00:00", "-2026-01-01", np.datetime64("2026-02-02"), "candidate"),
)
PLACES = st.tuples(st.integers(0, 11), st.integers(0, 7), st.integers(0, len(JUNK) - 1))


@settings(max_examples=30, deadline=None)
@given(st.lists(PLACES, min_size=1, max_size=25))
def test_whatever_a_log_holds_every_row_is_accounted_for(
    places: list[tuple[int, int, int]],
) -> None:
    rows = traffic(12).astype(object)
    for row, column, junk in places:
        values = rows.iloc[:, column].tolist()
        values[row] = JUNK[junk]
        rows[rows.columns[column]] = pd.Series(values, dtype=object)
    sample = sifted(typed(rows))
    assert sample.rows + sample.outside == 12
    counted = len(sample.units) + sum(sample.waiting.values()) + sample.repeats
    assert counted + sum(sample.problems.values()) == sample.rows
    assert judged(sample).finding in ("running", "distrusted")


def test_rows_from_before_the_test_are_another_story() -> None:
    before = traffic(20, start=START - timedelta(days=10)).assign(arm="A", model="old")
    sample = sifted(typed(pd.concat([before, traffic(30, seed=2)], ignore_index=True)))
    assert (sample.outside, sample.rows, sample.problems) == (20, 30, {})


def test_files_that_cannot_be_read_are_counted_and_columns_may_lack(tmp_path: Path) -> None:
    (tmp_path / "half.parquet").write_bytes(b"PAR1 and then the writer died")
    rows, unreadable = logged(tmp_path, traffic(9).drop(columns="latency_ms"), traffic(3, seed=2))
    assert (len(rows), unreadable) == (12, 1)
    assert rows["latency_ms"].notna().sum() == 3


def _with(name: str, column: pa.Array) -> pa.Table:
    whole = pa.Table.from_pandas(traffic(2), preserve_index=False)
    return whole.set_column(whole.schema.get_field_index(name), name, column)


_NO_TEXT = pa.Array.from_buffers(pa.string(), 2, pa.array([b"\xff\xfe", b"\xff"]).buffers())


@pytest.mark.parametrize(
    "table",
    [
        _with("ts", pa.array([1, 1], pa.timestamp("us", tz="Mars/Olympus"))),
        _with("outcome_ts", pa.array([2**31 - 1] * 2, pa.date32())),
        _with("unit_id", _NO_TEXT),
        _with("arm", _NO_TEXT),
        _with("ts", pa.array(["x", "y"])).append_column("ts", pa.array(["x", "y"])),
    ],
    ids=["zone", "date", "unit", "arm", "twice"],
)
def test_a_file_that_is_no_table_is_one_unreadable_file(table: pa.Table, tmp_path: Path) -> None:
    pq.write_table(table, tmp_path / "bad.parquet")
    rows, unreadable = logged(tmp_path, traffic(3))
    assert (len(rows), unreadable) == (3, 1)


@pytest.mark.parametrize("said", [b"{}", b"[]", b'{"index_columns": ["gone"]}'])
def test_what_a_file_says_of_pandas_is_not_obeyed(said: bytes, tmp_path: Path) -> None:
    whole = pa.Table.from_pandas(traffic(3)).replace_schema_metadata({b"pandas": said})
    pq.write_table(whole, tmp_path / "odd.parquet")
    traffic(4, seed=2).set_index("unit_id").to_parquet(tmp_path / "index.parquet")
    rows, unreadable = read_log(".", tmp_path, "outcomes")
    assert (rows["unit_id"].notna().sum(), unreadable) == (7, 0)


def test_numbers_that_became_floats_are_still_names(tmp_path: Path) -> None:
    """A column of whole numbers with one null comes back as floats."""
    part = traffic(3).assign(
        unit_id=[1.0, 2.0, 3.0], outcome=[0.0, 1.0, None], prediction=[0, 1, 1]
    )
    rows, _ = logged(tmp_path, part)
    assert list(rows["unit_id"]) == ["1", "2", "3"]
    assert list(rows["outcome"].dropna()) == ["0", "1"]
    assert list(rows["prediction"]) == ["0", "1", "1"]


def test_a_database_says_the_same_as_files(tmp_path: Path) -> None:
    honest = traffic(40)
    url = f"sqlite:///{tmp_path}/log.sqlite"
    engine = sa.create_engine(url)
    text = honest.assign(ts=honest["ts"].astype(str), outcome_ts=honest["outcome_ts"].astype(str))
    text.to_sql("outcomes", engine, index=False)
    engine.dispose()
    rows, unreadable = read_log(url, tmp_path, "outcomes")
    files, _ = logged(tmp_path, honest)
    assert unreadable == 0
    assert sifted(rows).units.equals(sifted(files).units)
    with pytest.raises(ContractError, match="no table"):
        read_log(url, tmp_path, "nothing")


def test_a_cell_that_is_not_of_its_columns_type_is_a_bad_row_not_the_end(tmp_path: Path) -> None:
    """SQLite keeps whatever is written into a column, whatever its type says."""
    url = f"sqlite:///{tmp_path}/log.sqlite"
    engine = sa.create_engine(url)
    columns = "unit_id JSON, ts DATETIME, outcome_ts TIMESTAMP, latency_ms DECIMAL(5, 2)"
    with engine.begin() as connection:
        connection.execute(sa.text(f"CREATE TABLE outcomes ({columns})"))
        for row in (("u1", "2026-02-02 00:00:00", None, 7), ("{", "yesterday", 5, "fast")):
            connection.execute(
                sa.text(f"INSERT INTO outcomes VALUES {row}".replace("None", "NULL"))
            )
    engine.dispose()
    rows, _ = read_log(url, tmp_path, "outcomes")
    assert rows["unit_id"].tolist() == ["u1", "{"]
    assert rows["ts"].notna().tolist() == [True, False]
    assert (rows["unreadable"].tolist(), rows["slow_lie"].tolist()) == ([False, True],) * 2


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("sqlite:////no/such/folder/log.sqlite", Unavailable),
        ("oracle2://u:secret@host/x", ContractError),
        ("nonsense://", ContractError),
    ],
)
def test_a_database_that_is_away_is_named_without_its_password(
    url: str, error: type[Exception], tmp_path: Path
) -> None:
    with pytest.raises(error) as refused:
        read_log(url, tmp_path, "outcomes")
    assert "secret" not in str(refused.value)

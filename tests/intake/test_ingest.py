"""Intake as its users see it: formats, identity, contract, visits, accounting."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foretaste.core.contract import VISIT_SCHEMA
from foretaste.core.errors import ContractError, IntegrityError, PolicyError, Tampered
from foretaste.intake import KnownRows
from foretaste.intake.account import balance
from tests.intake.landing import AS_OF, KEY, land, remember, row, take_in

FULL = {"columns": {"features": ["x"], "attributes": ["relay"], "kind": "kind", "ip": "ip"}}


def test_the_same_row_in_any_format_is_the_same_row(tmp_path: Path) -> None:
    given = row(item_id="i1", text="grüße, \"x\"\nzwei", x=0.1, relay=None, kind="report",
                ip="192.0.2.1")  # fmt: skip
    land(tmp_path, "a.jsonl", given)
    stamp = pa.array([datetime(2026, 1, 1, 10, tzinfo=UTC)], pa.timestamp("ns", tz="Asia/Tokyo"))
    table = pa.Table.from_pylist([given]).drop_columns(["contributed_at", "relay"])
    table = table.append_column("contributed_at", stamp)
    pq.write_table(table, tmp_path / "landing" / "b.parquet")
    text = """contribution_id;contributor_id;label;contributed_at;item_id;text;x;relay;kind;ip
c1;u1;ham;2026-01-01T11:00:00+01:00;i1;"grüße, ""x""\nzwei";0.1;;report;::ffff:192.0.2.1
"""
    (tmp_path / "landing" / "c.csv.gz").write_bytes(gzip.compress(text.encode("utf-16")))
    taken = take_in(tmp_path, FULL)
    assert (taken.rows_in, taken.contributions.num_rows) == (3, 1)
    assert taken.codes == {"duplicate": 2}


def test_ids_are_keyed_pseudonyms_and_networks_group(tmp_path: Path) -> None:
    addresses = ["10.0.0.1", "10.0.0.2", "10.0.1.1", None]
    land(tmp_path, "a", *(row(contribution_id=f"c{n}", ip=ip) for n, ip in enumerate(addresses)))
    taken = take_in(tmp_path, {"columns": {"ip": "ip"}}).contributions.to_pandas()
    assert set(taken["contributor_id"]) == {KEY.pseudonym("contributor", "u1")}
    assert taken["network_id"].nunique() == 3
    assert taken["subnet_id"].nunique() == 2
    assert taken["subnet_id"].isna().sum() == 1
    assert KEY.pseudonym("subnet", "10.0.0.0/24") in set(taken["subnet_id"])


def test_given_hashes_are_hashed_again(tmp_path: Path) -> None:
    land(tmp_path, "a", row(net="n1", sub="s1"))
    policy = {"columns": {"network_id": "net", "subnet_id": "sub"}}
    first = take_in(tmp_path, policy).contributions.to_pylist()[0]
    assert first["network_id"] == KEY.pseudonym("network", "n1")
    assert first["subnet_id"] == KEY.pseudonym("subnet", "s1")


def test_a_file_without_times_takes_the_nights_moment(tmp_path: Path) -> None:
    land(tmp_path, "a", row(contributed_at=...))
    first = take_in(tmp_path)
    assert first.contributions["contributed_at"].to_pylist() == [AS_OF]
    assert first.contributions["time_unknown"].to_pylist() == [True]
    later = take_in(tmp_path, known=remember(first), as_of=AS_OF + timedelta(days=1))
    assert later.codes == {"duplicate": 1}


def test_a_later_different_version_is_held_once(tmp_path: Path) -> None:
    land(tmp_path, "a", row())
    first = take_in(tmp_path)
    land(tmp_path, "a", row(label="spam"))
    second = take_in(tmp_path, known=remember(first))
    assert second.contributions["held"].to_pylist() == ["conflict"]
    assert second.contributions["row_id"] != first.contributions["row_id"]
    third = take_in(tmp_path, known=remember(first, second))
    assert third.codes == {"duplicate": 1}


def test_within_a_night_the_earliest_version_stands(tmp_path: Path) -> None:
    late, early = "2026-01-01T10:00:00Z", "2026-01-01T09:00:00Z"
    land(tmp_path, "a", row(label="spam", contributed_at=late), row(contributed_at=early))
    held = {r["label"]: r["held"] for r in take_in(tmp_path).contributions.to_pylist()}
    assert held == {"ham": None, "spam": "conflict"}


def test_the_same_id_of_two_accounts_is_no_conflict(tmp_path: Path) -> None:
    land(tmp_path, "a", row(), row(contributor_id="u2", label="spam"))
    assert take_in(tmp_path).contributions["held"].to_pylist() == [None, None]


def test_known_files_bring_no_rows(tmp_path: Path) -> None:
    land(tmp_path, "a", row())
    digest = take_in(tmp_path).files[0].sha256
    known = KnownRows(KnownRows.none().rows, frozenset({digest}))
    land(tmp_path, "b", row())
    taken = take_in(tmp_path, known=known)
    assert [report.state for report in taken.files] == ["known", "known"]
    assert taken.rows_in == 0


def test_known_rows_are_read_from_earlier_nights(tmp_path: Path) -> None:
    land(tmp_path, "a", row())
    night = tmp_path / "contributions" / "night=2026-01-01"
    night.mkdir(parents=True)
    pq.write_table(take_in(tmp_path).contributions, night / "contributions.parquet")
    known = KnownRows.read(tmp_path / "contributions", ["digest"])
    assert known.files == {"digest"}
    assert take_in(tmp_path, known=known).codes == {"duplicate": 1}
    (night / "contributions.parquet").write_bytes(b"PAR1 damaged")
    with pytest.raises(Tampered, match="2026-01-01"):
        KnownRows.read(tmp_path / "contributions", [])


def test_a_column_missing_in_every_file_stops_the_night(tmp_path: Path) -> None:
    land(tmp_path, "a", row(label=...))
    land(tmp_path, "b", row(label=..., contribution_id="c2"))
    with pytest.raises(ContractError, match="no file has the column label") as caught:
        take_in(tmp_path)
    assert (caught.value.location, caught.value.exit_code) == ("a", 2)
    assert "columns" in caught.value.hint


def test_a_column_missing_in_one_file_sets_it_aside(tmp_path: Path) -> None:
    land(tmp_path, "a", row(label=...))
    land(tmp_path, "b", row())
    taken = take_in(tmp_path)
    assert [report.state for report in taken.files] == ["set_aside", "ingested"]
    assert "label" in taken.files[0].message


def test_an_unreadable_night_is_no_contract_error(tmp_path: Path) -> None:
    land(tmp_path, "a")
    taken = take_in(tmp_path)
    assert [report.state for report in taken.files] == ["set_aside"]
    assert taken.contributions.num_rows == taken.rows_in == 0


@pytest.mark.parametrize(
    ("ingest", "key"),
    [({"id_pattern": "(?=look)ahead"}, "id_pattern"), ({"time_zone": "Mars/Base"}, "time_zone")],
)
def test_a_policy_that_cannot_work_is_refused(
    ingest: dict[str, Any], key: str, tmp_path: Path
) -> None:
    land(tmp_path, "a", row())
    with pytest.raises(PolicyError, match=key):
        take_in(tmp_path, {"ingest": ingest})


def test_a_wider_pattern_still_refuses_imitations(tmp_path: Path) -> None:
    names = ["müller", "оксана", "p\u0430ypal", "ﬁle"]
    land(tmp_path, "a", *(row(contributor_id=name) for name in names))
    taken = take_in(tmp_path, {"ingest": {"id_pattern": r"^[\pL\pN]{1,64}$"}})
    assert taken.contributions.num_rows == 2
    assert taken.codes == {"id_lookalike": 1, "id_not_normalised": 1}


def test_numeric_labels_become_ordered_classes(tmp_path: Path) -> None:
    stars = [-1, 0.5, 1, 4.9, 5, 99]
    land(tmp_path, "a", *(row(contribution_id=f"c{n}", label=s) for n, s in enumerate(stars)))
    policy = {"label": {"type": "numeric", "bins": [1.0, 5.0]}}
    labels = take_in(tmp_path, policy).contributions["label"].to_pylist()
    assert sorted(labels) == ["bin_0", "bin_0", "bin_1", "bin_1", "bin_2", "bin_2"]


def test_invented_labels_are_held_and_common_ones_stay(tmp_path: Path) -> None:
    honest = [row(contributor_id=f"u{n}", label="ham") for n in range(3)]
    spam = [row(contributor_id=f"u{n}", contribution_id="c2", label="spam") for n in range(2)]
    invented = [row(contributor_id="evil", contribution_id=f"e{n}", label="junk") for n in range(9)]
    land(tmp_path, "a", *honest, *spam, *invented)
    taken = take_in(tmp_path, {"label": {"max_classes": 2}})
    held = {(r["label"], r["held"]) for r in taken.contributions.to_pylist()}
    assert held == {("ham", None), ("spam", None), ("junk", "too_many_classes")}


def test_visits_are_a_table_and_an_account_of_their_own(tmp_path: Path) -> None:
    seen = {"contributor_id": "u1", "item_id": "i1", "visited_at": "2026-01-01T10:00:00Z"}
    land(tmp_path, "visits/one.jsonl", seen, seen | {"item_id": None}, seen | {"item_id": "i2"})
    land(tmp_path, "rows.jsonl", row())
    taken = take_in(tmp_path, {"visits": {"pattern": "visits/*"}})
    assert taken.visits.schema.equals(VISIT_SCHEMA)
    assert taken.visits["item_id"].to_pylist() == ["i1", "i2"]
    assert set(taken.visits["contributor_id"].to_pylist()) == {KEY.pseudonym("contributor", "u1")}
    assert taken.visit_rejects["code"].to_pylist() == ["id_missing"]
    assert (taken.rows_in, taken.contributions.num_rows, taken.rejects.num_rows) == (1, 1, 0)
    assert [(r.role, r.rows_in, r.kept) for r in taken.files] == [
        ("contributions", 1, 1),
        ("visits", 3, 2),
    ]


def test_a_file_that_changes_behind_our_back_is_set_aside(tmp_path: Path) -> None:
    from foretaste.core.policy import Policy
    from foretaste.intake import discover, ingest

    land(tmp_path, "a", row())
    files = discover("landing", tmp_path)
    land(tmp_path, "a", row(label="spam"))
    taken = ingest(files, Policy(), KEY, as_of=AS_OF, night="n", known=KnownRows.none(),
                   originals=None)  # fmt: skip
    assert (taken.files[0].state, taken.files[0].codes) == ("set_aside", {"changed": 1})


def test_a_lost_row_stops_the_run() -> None:
    balance(3, 2, 1, "a file")
    with pytest.raises(IntegrityError, match="3 rows of a file came in, 2 were kept"):
        balance(3, 2, 0, "a file")

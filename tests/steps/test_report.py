"""The report of a night has a picture of each large campaign."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from foretaste.core.actor import ACTOR_SCHEMA, EDGE_SCHEMA
from foretaste.core.ledger import Ledger
from foretaste.core.verdict import VERDICT_SCHEMA
from foretaste.report import RunReport
from foretaste.steps import report
from foretaste.steps.night import Night
from tests.steps.nights import AS_OF, a_night

RESOLVED = {"g1": ("campaign", 3), "g2": ("honest_group", 5), "g3": ("campaign", 4)}


def build(root: Path, groups: dict[str, tuple[str, int]]) -> RunReport:
    """Build the report of a night with these groups, one row and visit per account."""
    night = a_night(root)
    for step in ("resolve/batch", "decide"):
        night.folder(step).mkdir(parents=True)
    people = [(f"{g}-{i}", g, *groups[g]) for g in groups for i in range(groups[g][1])]
    save(night, "resolve/actors", ACTOR_SCHEMA, [(*one, 0.9, "ring: x") for one in people])
    ties = [(f"{g}-0", f"{g}-{i}", "network", 9.0, 2) for g in groups for i in (1, 2)]
    save(night, "resolve/edges", EDGE_SCHEMA, ties)
    names = [one[0] for one in people]
    seen = {"contributor_id": names, "item_id": "i", "visited_at": pd.Timestamp(AS_OF)}
    pd.DataFrame(seen).to_parquet(night.folder("resolve/batch/visits.parquet"))
    rows = pd.DataFrame({"contributor_id": names, "registered_at": pd.Timestamp(AS_OF)})
    rows.to_parquet(night.folder("resolve/batch/rows.parquet"))
    verdicts = [
        (f"r{i}", "rejected", 0.0, 0.0, 0.0, 0.99, 9, one[1], "evidence", "ring")
        for i, one in enumerate(people)
    ]
    save(night, "decide/verdicts", VERDICT_SCHEMA, verdicts)
    return report.build(night, {"state": "promoted", "reasons": []})


def save(night: Night, name: str, schema: pa.Schema, lines: Sequence[tuple[object, ...]]) -> None:
    told = [dict(zip(schema.names, line, strict=True)) for line in lines]
    pq.write_table(pa.Table.from_pylist(told, schema), night.folder(f"{name}.parquet"))


def test_campaigns_are_pictured_whole_and_the_largest_first(tmp_path: Path) -> None:
    found = build(tmp_path, RESOLVED)
    assert [(g.actor_id, g.kind, g.size) for g in found.groups] == [
        ("g3", "campaign", 4),
        ("g1", "campaign", 3),
    ]
    largest = found.groups[0]
    assert set(largest.neighbourhood.members) == {f"g3-{i}" for i in range(4)}
    assert largest.timeline.in_burst == 4
    assert [(t.item_id, t.members) for t in largest.timeline.targets] == [("i", 4)]
    page = report.write(a_night(tmp_path), found)
    assert page.read_text().count('<article class="group">') == 2


def test_only_so_many_campaigns_are_pictured(tmp_path: Path) -> None:
    found = build(tmp_path, {f"g{i:02d}": ("campaign", 3 + i) for i in range(15)})
    assert len(found.campaigns) == 15
    assert [g.size for g in found.groups] == list(range(17, 5, -1))


def test_who_serves_against_gates_stands_in_the_nights_report(tmp_path: Path) -> None:
    night = a_night(tmp_path)
    assert report.build(night, {"state": "empty", "reasons": []}).champions == ()
    with Ledger.open(night.layout.ledger) as ledger:
        for run, override in (("a", False), ("b", True)):
            ledger.promote(
                run * 64, release=1, run_id=run, by="ada", reason="I know", at=AS_OF,
                override=override,
            )  # fmt: skip
    found = report.build(night, {"state": "empty", "reasons": []})
    assert [(one.seq, one.overruled) for one in found.champions] == [(2, "ada: I know"), (1, "")]
    assert RunReport.from_json(found.to_json()) == found
    assert 'id="overruled"' in report.write(night, found).read_text()

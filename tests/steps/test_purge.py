"""What a purge forgets, and what it holds from then on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foretaste.core.contract import REJECT_SCHEMA, contribution_schema
from foretaste.core.errors import WorkspaceError
from foretaste.core.history import read_release_table, verify_release
from foretaste.core.marks import PURGE, blocked, marks, require_unmarked
from foretaste.core.release import Release, releases
from foretaste.core.releasing import apply_release
from foretaste.core.revision import revise
from foretaste.core.verdict import Account
from foretaste.core.workspace import Workspace
from foretaste.intake import OriginalStore
from foretaste.steps.purge import forget_originals, hold_blocked
from tests.workspaces import stage_night, table

AT = datetime(2026, 1, 3, 9, tzinfo=UTC)
FIRST = "data/accepted/night=2026-01-01/part-0.parquet"


def rejects(entries: list[str]) -> pa.Table:
    """Rejected rows with kept originals."""
    line = {"source": "ab" * 32, "code": "label_missing", "column": None, "message": "no label"}
    return pa.Table.from_pylist(
        [
            {"row_id": f"reject:{i}", "source_row": i, "original": entry, **line}
            for i, entry in enumerate(entries)
        ],
        REJECT_SCHEMA,
    )


def test_originals_that_name_a_purged_contributor_are_forgotten(workspace: Workspace) -> None:
    store = OriginalStore.open(workspace.root, workspace.id, workspace.key)
    theirs = (b'17;"mallory";;2026-01-01', b'{"who": "mallory", "label": null}', b"9,mallory,spam")
    others = (b"18,alice,,mallory was here", b'{"who": "mallory2"}', b"\xff\xfe,broken")
    entries = store.put_many([*theirs, *others], at=AT)
    folder = workspace.layout.contributions / "night=2026-01-01"
    folder.mkdir()
    pq.write_table(rejects(entries), folder / "rejects.parquet")
    who = frozenset({workspace.key.pseudonym("contributor", "mallory")})
    assert forget_originals(workspace, who) == len(theirs)
    for entry in entries[: len(theirs)]:
        with pytest.raises(WorkspaceError, match="forgotten"):
            store.get(entry)
    assert [store.get(entry) for entry in entries[len(theirs) :]] == list(others)
    assert forget_originals(workspace, who) == 0


@pytest.fixture
def purged(workspace: Workspace, two: tuple[Release, Release], tmp_path: Path) -> Workspace:
    """Two releases, and a third that takes five rows out of the first night."""
    rewritten = tmp_path / "rewritten.parquet"
    pq.write_table(table(range(5), "2026-01-01"), rewritten)
    plan = stage_night(workspace, "2026-01-03", ids=range(0))
    said = {"contributors": ["mal"], "rows": 5, "marked": [1, 2], "reason": "sold", "by": "ada"}
    plan = revise(workspace, plan, {FIRST: rewritten}, {PURGE: said | {"at": AT.isoformat()}})
    apply_release(workspace, plan)
    workspace.recover()
    return workspace


def test_a_purge_rewrites_a_night_and_leaves_old_releases_as_they_were(purged: Workspace) -> None:
    first, second, third = known = releases(purged)
    verify_release(purged, third)
    counts = [read_release_table(purged, one, "accepted").num_rows for one in known]
    assert counts == [10, 15, 10]
    assert purged.recover() == ()
    assert marks(known, first.number) == marks(known, 1) != []
    assert "release 2 holds rows that were purged in release 3: sold" in marks(known, 2)
    assert marks(known, 3) == []
    require_unmarked(known, 3)
    with pytest.raises(WorkspaceError, match="purged in release 3"):
        require_unmarked(known, second.number)


def test_only_published_partitions_are_rewritten(purged: Workspace, tmp_path: Path) -> None:
    plan = stage_night(purged, "2026-01-04", ids=range(20, 22))
    outside = {"data/accepted/night=2026-01-09/part-0.parquet": tmp_path / "rewritten.parquet"}
    with pytest.raises(WorkspaceError, match="never published"):
        revise(purged, plan, outside, {})


def test_what_a_purged_contributor_sends_again_is_held(purged: Workspace) -> None:
    assert blocked(releases(purged)) == {"mal"}
    schema = contribution_schema((), ())
    line = dict.fromkeys(schema.names) | {
        "contributed_at": AT,
        "time_unknown": False,
        "source_row": 0,
    }
    line |= dict.fromkeys(
        ("row_id", "contribution_id", "label", "tier", "row_digest", "source"), "x"
    )
    told = [
        line | {"contributor_id": who, "held": held}
        for who, held in (("mal", None), ("ann", None), ("ann", "conflict"), ("mal", "conflict"))
    ]
    rows = pa.Table.from_pylist(told, schema)
    held = hold_blocked(rows, purged.layout)
    assert held.schema == schema
    assert held["held"].to_pylist() == ["blocked", None, "conflict", "blocked"]
    assert held.drop_columns("held") == rows.drop_columns("held")


def test_before_any_purge_nothing_is_held(workspace: Workspace) -> None:
    rows = contribution_schema((), ()).empty_table()
    assert hold_blocked(rows, workspace.layout) == rows


def test_a_rollback_marks_what_lies_between() -> None:
    base = Release(1, "n", "r", "", "p", "c", Account(0), (), {}, (), {})
    back = {"rollback": {"to": 1}}
    known = [base, replace(base, number=2), replace(base, number=3, extra=back)]
    assert [bool(marks(known, number)) for number in (1, 2, 3)] == [False, True, False]

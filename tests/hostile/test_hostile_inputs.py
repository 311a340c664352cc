"""Every hostile file meets its stated fate, and nothing beside it is lost."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foretaste.core.contract import REJECT_SCHEMA, contribution_schema
from foretaste.core.keys import WorkspaceKey
from foretaste.core.policy import Policy
from foretaste.intake import (
    HOLDS,
    REJECTIONS,
    WARNINGS,
    FileReport,
    Intake,
    KnownRows,
    OriginalStore,
    discover,
    ingest,
)
from tests.data.hostile.make import (
    CANARY,
    CANARY_IP,
    POLICY,
    Case,
    arrow,
    cases,
    csv_file,
    csv_line,
    json_line,
    jsonl_file,
    parquet_file,
    row,
    three,
)

AS_OF = datetime(2026, 1, 2, tzinfo=UTC)
KEY = WorkspaceKey(b"h" * 32)
CASES = cases()


def policy(case: Case | None = None) -> Policy:
    changed: dict[str, Any] = dict(POLICY)
    if case is not None:
        changed["ingest"] = POLICY["ingest"] | case.ingest
        changed["label"] = case.label
    return Policy.model_validate(changed)


def store(tmp_path: Path) -> OriginalStore:
    return OriginalStore(tmp_path / "originals.sqlite", tmp_path / "keys.sqlite", KEY)


def land(tmp_path: Path, **files: bytes) -> None:
    (tmp_path / "landing").mkdir(exist_ok=True)
    for name, content in files.items():
        (tmp_path / "landing" / name).write_bytes(content)


def take_in(tmp_path: Path, rules: Policy, known: KnownRows | None = None) -> Intake:
    return ingest(
        discover("landing", tmp_path),
        rules,
        KEY,
        as_of=AS_OF,
        night="2026-01-02",
        known=known or KnownRows.none(),
        originals=store(tmp_path),
    )


def beside(case: Case) -> bytes:
    """A good file that any case's policy accepts."""
    label = "3.5" if case.label.get("type") == "numeric" else "ham"
    return csv_file().replace(b"ham", label.encode()).replace(b"\nc", b"\nother-")


def report_of(taken: Intake, name: str) -> FileReport:
    return next(report for report in taken.files if report.name == name)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_hostile_file_meets_its_fate(case: Case, tmp_path: Path) -> None:
    land(tmp_path, **{case.name: case.content, "beside.csv": beside(case)})
    taken = take_in(tmp_path, policy(case))
    report = report_of(taken, case.name)
    assert (report.state, report.codes) == (case.state, case.codes), report.message
    assert (report.rows_in, report.kept) == (case.rows_in, case.kept)
    assert bool(report.message) == (case.state == "set_aside")
    assert report_of(taken, "beside.csv").kept == 2
    _nothing_is_lost(taken)


def test_every_code_has_a_case() -> None:
    seen = {code for case in CASES for code in case.codes}
    assert {*REJECTIONS, *HOLDS, *WARNINGS} <= seen


def _nothing_is_lost(taken: Intake) -> None:
    assert taken.rows_in == taken.contributions.num_rows + taken.rejects.num_rows
    assert all(r.rows_in == r.kept + r.rejected for r in taken.files)
    assert taken.contributions.schema.equals(contribution_schema(("x",), ()))
    assert taken.rejects.schema.equals(REJECT_SCHEMA)
    ids = taken.contributions["row_id"].to_pylist() + taken.rejects["row_id"].to_pylist()
    assert len(set(ids)) == len(ids)
    for line in taken.rejects.to_pylist():
        assert line["message"] == REJECTIONS[line["code"]]
        assert (line["original"] is None) == (line["code"] == "duplicate")
    for batch in taken.contributions.to_batches():
        batch.validate(full=True)


@pytest.mark.parametrize(
    "case",
    [c for c in CASES if c.id.startswith(("csv-row", "csv-line", "json-row", "json-line"))],
    ids=lambda case: case.id,
)
def test_the_bytes_of_a_bad_row_come_back(case: Case, tmp_path: Path) -> None:
    land(tmp_path, hostile=case.content, beside=beside(case))
    taken = take_in(tmp_path, policy(case))
    originals = store(tmp_path)
    for entry in taken.rejects["original"].to_pylist():
        assert originals.get(entry) in case.content


def test_utf16_originals_are_the_landed_bytes(tmp_path: Path) -> None:
    text = csv_file(csv_line(row(9, x="wörd"))).decode()
    land(tmp_path, wide=text.encode("utf-16"))
    entry = take_in(tmp_path, policy()).rejects["original"][0].as_py()
    assert store(tmp_path).get(entry).decode("utf-16-le").startswith("c9,u9")


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_raw_accounts_and_addresses_stay_in_landing(
    form: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    mine = {"contributor_id": CANARY, "ip": CANARY_IP}
    good = row(5, **mine)
    bad = row(6, **mine, label="")
    ragged = f"{CANARY},{CANARY_IP}".encode()
    content = {
        "csv": csv_file(csv_line(good), csv_line(bad), csv_line(good), ragged),
        "jsonl": jsonl_file(json_line(good), json_line(bad), json_line(good), ragged),
        "parquet": parquet_file(arrow([good, bad, good])),
    }[form]
    land(tmp_path, a=content, headerless=csv_line(good) + b"\n" + csv_line(good))
    taken = take_in(tmp_path, policy())
    shown = "".join(
        [str(t.to_pylist()) for t in (taken.contributions, taken.rejects, taken.visits)]
        + [str(taken.files), str(taken.codes), caplog.text]
    )
    assert taken.codes["duplicate"] == 1
    assert CANARY not in shown
    assert CANARY_IP not in shown
    for name in ("originals.sqlite", "keys.sqlite"):
        assert CANARY.encode() not in (tmp_path / name).read_bytes()


def test_flipped_bytes_never_escape_the_account(tmp_path: Path) -> None:
    """Each mutant is read, or set aside; no other end is possible."""
    rng = np.random.default_rng(11)
    seeds = (three(), csv_file(csv_line(row(9))), jsonl_file(json_line(row(9))))
    for number in range(240):
        mutant = bytearray(seeds[number % 3])
        for place in rng.integers(0, len(mutant), 1 + number % 5):
            mutant[place] = rng.integers(0, 256)
        land(tmp_path, **{f"mutant-{number:03}": bytes(mutant)})
    land(tmp_path, beside=csv_file())
    taken = take_in(tmp_path, policy())
    _nothing_is_lost(taken)
    assert {r.state for r in taken.files} <= {"ingested", "known", "set_aside"}
    assert report_of(taken, "beside").state == "ingested"

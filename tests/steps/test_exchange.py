"""What goes out comes back the same, and no spreadsheet runs it."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.core.errors import ContractError
from foretaste.core.ledger import CaseRow, Furnishing, Judgement, Ledger, NewCase, Query
from foretaste.steps.exchange import export_cases, read_told
from foretaste.steps.sheets import plain_cell, safe_cell

AT = datetime(2026, 11, 18, 2, tzinfo=UTC)
NASTY = (
    '=cmd|"/C calc"!A0', "+1+1", "-2+3", "@SUM(1)", "\t=1", "\r=1", "'=1", "a\nb", 'q"q,;',
    "\u202egnp", "  =1+1", "plain", "",
)  # fmt: skip


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """A ledger with one case whose rows are as nasty as can be."""
    made = Ledger.open(tmp_path / "ledger.sqlite")
    made.start_run("r1", night="2026-11-18", kind="nightly", at=AT)
    ids = tuple(f"row{i:02d}" for i in range(len(NASTY)))
    made.open_cases(
        [NewCase("c1", "contributor", "=HYPERLINK(1)", 0.1, 0.9, (), ids)],
        run_id="r1",
        night="2026-11-18",
        at=AT,
    )
    rows = tuple(
        CaseRow(row, "who", label=text[:20], text=text, content={"f_x": 1.5, "a_y": text})
        for row, text in zip(ids, NASTY, strict=True)
    )
    made.furnish([Furnishing("c1", "who", 1, 1.0, 0.1, 1, AT, {}, rows, ("x",))], at=AT)
    return made


@pytest.mark.parametrize("form", ["csv", "parquet", "jsonl"])
def test_rows_lose_nothing(ledger: Ledger, tmp_path: Path, form: str) -> None:
    path = tmp_path / f"rows.{form}"
    assert export_cases(ledger, Query(), path, form, rows=True, text=True) == len(NASTY)
    if form == "csv":
        with path.open(encoding="utf-8", newline="") as file:
            texts = [plain_cell(line["text"]) for line in csv.DictReader(file)]
    elif form == "jsonl":
        lines = path.read_text(encoding="utf-8").splitlines()
        texts = [json.loads(line)["text"] for line in lines]
    else:
        texts = pq.read_table(path)["text"].to_pylist()
    assert texts == list(NASTY)


def test_texts_stay_inside_unless_they_are_asked_for(ledger: Ledger, tmp_path: Path) -> None:
    export_cases(ledger, Query(), tmp_path / "r.jsonl", "jsonl", rows=True, text=False)
    lines = (tmp_path / "r.jsonl").read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["text"] for line in lines} == {None}
    assert {json.loads(line)["content"] for line in lines} == {None}


@settings(deadline=None)
@given(st.text(max_size=30))
def test_no_cell_is_a_formula_and_every_cell_can_be_read_again(text: str) -> None:
    cell = safe_cell(text)
    assert not cell.lstrip().startswith(("=", "+", "-", "@"))
    assert cell[:1] not in ("\t", "\r", "\n")
    assert plain_cell(cell) == text


def test_numbers_stay_numbers() -> None:
    assert [safe_cell(value) for value in (-1.5, 3, None)] == ["-1.5", "3", ""]


@pytest.mark.parametrize("form", ["csv", "parquet", "jsonl"])
def test_an_export_says_nothing_until_somebody_fills_it_in(
    ledger: Ledger, tmp_path: Path, form: str
) -> None:
    path = tmp_path / f"cases.{form}"
    export_cases(ledger, Query(), path, form, rows=False, text=False)
    assert read_told(path) == []


def test_a_filled_line_is_a_decision(tmp_path: Path) -> None:
    path = tmp_path / "said.csv"
    path.write_text(
        "case_id,row_id,contributor_id,judgement,reason,note,new_label\n"
        "c1,,,Poison,campaign,they all,\n"
        "c1,row01,who,relabel,,,'=spam\n"
        "c1,,who,release,,,\n"
        "c1,row02,who,,,,\n",
        encoding="utf-8",
    )
    whole, row, person = read_told(path)
    assert (whole.judgement, whole.reason, whole.note) == (Judgement.POISON, "campaign", "they all")
    assert (whole.row_id, whole.contributor_id) == (None, None)
    assert (row.row_id, row.contributor_id, row.label) == ("row01", None, "=spam")
    assert (person.row_id, person.contributor_id) == (None, "who")
    assert [one.where for one in (whole, row, person)] == [f"said.csv:{n}" for n in (2, 3, 4)]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "case_id,judgement\nc1,burn\n", r"a\.csv:2: no such judgement"),
        ("a.csv", "case_id,judgement\n,poison\n", r"a\.csv:2: a decision without a case"),
        ("a.csv", "id\n1\n", "no column case_id, judgement"),
        (
            "a.jsonl",
            '{"case_id": "c1", "judgement": null}\n[1]\n',
            r"a\.jsonl:2: the line is no JSON object",
        ),
        ("a.jsonl", '{"case_id": "c1"}', r"a\.jsonl:1: there is no judgement"),
        ("a.jsonl", "[" * 100_000, r"a\.jsonl:1"),
        ("a.parquet", "no parquet", r"a\.parquet: the file cannot be read"),
        ("a.txt", "", "no known format"),
    ],
)
def test_errors_name_file_and_line(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(ContractError, match=message):
        read_told(tmp_path / name)


def test_a_failed_export_leaves_no_half_file(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="cannot be written"):
        export_cases(ledger, Query(), tmp_path / "no" / "x.csv", "csv", rows=True, text=True)
    with pytest.raises(ContractError, match="no such format"):
        export_cases(ledger, Query(), tmp_path / "x.xls", "xls", rows=True, text=True)
    assert not list(tmp_path.glob("*x*"))

"""Hostile files through a whole night: nothing is lost, and nothing breaks."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.data.hostile.make import CANARY, POLICY, cases, csv_file, csv_line, row
from tests.e2e.walks import FAST, start

pytestmark = [pytest.mark.e2e, pytest.mark.prefect]

NASTY = (
    "csv-row-id-bidi",
    "csv-row-feature-1e400",
    "csv-row-text-lone-surrogate",
    "csv-line-stray-quote",
    "csv-kept-script",
    "json-line-deep",
    "parquet-row-time-2-63",
    "duplicate-many",
    "held-conflict",
    "file-parquet-zeroed-page",
)


def good(count: int) -> bytes:
    """A file of honest rows whose contents differ."""
    lines = (
        csv_line(
            row(
                number,
                contribution_id=f"good-{number}",
                contributor_id=f"{CANARY}-{number % 25}",
                label="ham" if number % 2 else "spam",
                text=f"{'hello dear' if number % 2 else 'buy cheap'} words {number}",
                ip=f"198.51.{number % 25}.7",
                x=number / 7,
            )
        )
        for number in range(100, 100 + count)
    )
    return csv_file(*lines)


@pytest.mark.parametrize(("rows", "state"), [(400, "released"), (8, "held")])
def test_hostile_files_beside_a_good_one(
    prefect: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int, state: str
) -> None:
    monkeypatch.setenv("FORETASTE_KEYS", str(tmp_path / "home" / "keys"))
    walked = start(tmp_path, {**POLICY, **FAST})
    chosen = [case for case in cases() if case.id in NASTY]
    assert len(chosen) == len(NASTY)
    for number, case in enumerate(chosen):
        (walked.root / "landing" / f"{number}-{case.name}").write_bytes(case.content)
    (walked.root / "landing" / "good.csv").write_bytes(good(rows))
    outcome = walked.run("2026-01-02")
    expected = sum(case.rows_in for case in chosen) + rows + 2
    account = outcome["account"]
    assert account["rows_in"] == expected
    assert expected == sum(n for name, n in account.items() if name != "rows_in")
    assert outcome["state"] == state, outcome["reasons"]
    assert outcome["exit_code"] in (0, 3)
    page = Path(outcome["report"]).read_text()
    assert "<script>alert" not in page
    assert CANARY not in page
    if state == "released":
        verdicts = walked.verdicts()
        assert len(verdicts) == expected
        assert {"id_control", "feature_not_finite", "conflict"} <= set(verdicts["code"])
        corpus = pd.read_parquet(walked.root / "data" / "accepted" / "night=2026-01-02")
        assert len(corpus) == account["accepted"] + account["downweighted"] >= rows * 0.9

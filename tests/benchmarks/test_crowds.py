"""The benchmark of crowds on a made one: nine careful people, two who guess, one who lies."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import crowds

ITEMS, CAREFUL, GUESSING = 120, 9, 2


def table(name: str, seed: int) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    truth = draw.integers(0, 2, ITEMS)
    right = [0.85] * CAREFUL + [0.5] * GUESSING + [0.05]
    item = np.repeat(np.arange(ITEMS), len(right))
    who = np.tile(np.arange(len(right)), ITEMS)
    said = np.where(draw.random(item.size) < np.array(right)[who], truth[item], 1 - truth[item])
    return pd.DataFrame(
        {
            "contribution_id": [f"c{i:05d}" for i in draw.permutation(item.size)],
            "contributor_id": [f"u{w}" for w in who],
            "item_id": [f"i{i:04d}" for i in item],
            "label": said,
            "true_label": truth[item],
            "bad_contributor": (who >= CAREFUL).astype(float),
            "dataset": f"made/{name}",
            "f_a": truth[item] + 0.7 * draw.normal(size=ITEMS)[item],
        }
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("crowds")
    table("zencrowd", 1).to_parquet(made / "crowd_zencrowd.parquet")
    table("other", 2).to_parquet(made / "crowd_labels_dev.parquet")
    return made


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowds, "DRAWS", 20)


def test_the_page_and_the_file_say_the_same(
    few: None, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: object
) -> None:
    out = tmp_path / "crowds.json"
    given = [f"--data={folder}", f"--results={out}", f"--peers={tmp_path}"]
    monkeypatch.setattr(sys, "argv", ["crowds", *given])
    crowds.main()
    page = capsys.readouterr().out  # type: ignore[attr-defined]
    found = json.loads(out.read_text(encoding="utf-8"))
    assert [line["crowd"] for line in found["crowds"]] == ["zencrowd", "other"]
    assert {f["name"]: f["target"] for f in found["figures"]} == {
        "zencrowd: AP of bad contributors": crowds.AP_TARGET,
        "zencrowd: F1 of the model on weighted rows": crowds.F1_TARGET,
    }
    assert "crowd-kit: not measured" in page
    assert f"{found['crowds'][1]['people']['ours']['AUC']:.3f}" in page


def test_ours_is_no_worse_than_majority_and_knows_the_liar(few: None, folder: Path) -> None:
    crowd = next(crowds.load(folder))
    line = crowds.measure(crowd)
    assert line["items"]["ours"] >= line["items"]["majority"] >= 0.85
    assert line["people"]["ours"]["AUC"] >= 0.9
    assert line["items"]["right rows held"] <= 0.05
    assert line["trained"]["items: ours"] >= line["trained"]["rows: all labels"] - 0.02


def test_an_interval_holds_its_estimate(few: None) -> None:
    bad = np.array([1.0] * 5 + [0.0] * 20 + [np.nan] * 3)
    found = crowds.told(np.random.default_rng(3).normal(size=bad.size) + 2 * (bad == 1), bad)
    assert found["AUC low"] <= found["AUC"] <= found["AUC high"] <= 1
    assert crowds.told(np.zeros(3), np.zeros(3)) == {}


def test_ties_count_in_part() -> None:
    truth = np.array([0.0, 1.0, np.nan])
    assert crowds.accuracy(np.array([[0.5, 0.5], [0.2, 0.8], [1.0, 0.0]]), truth) == 0.75

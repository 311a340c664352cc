"""The generator of large nights, at a small size."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from benchmarks import generate
from benchmarks.generate import scale_contributions
from benchmarks.material import TRIGGER
from foretaste.core.files import sha256_file
from foretaste.core.policy import Policy

SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "mail.parquet"
ROWS = 12_000


@pytest.fixture(autouse=True)
def _several_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "CHUNK", 5_000)


@pytest.mark.parametrize("source", [None, SAMPLE], ids=["features", "text"])
def test_same_seed_same_files(source: Path | None, tmp_path: Path) -> None:
    one, two, other = (
        scale_contributions(ROWS, tmp_path / name, seed=seed, source=source)
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    for name in ("contributions", "truth", "golden", "canaries"):
        assert sha256_file(getattr(one, name)) == sha256_file(getattr(two, name))
    assert sha256_file(one.contributions) != sha256_file(other.contributions)


@pytest.mark.parametrize("source", [None, SAMPLE], ids=["features", "text"])
def test_truth_is_aligned_and_two_in_a_hundred_are_poison(
    source: Path | None, tmp_path: Path
) -> None:
    files = scale_contributions(ROWS, tmp_path, seed=1, source=source)
    rows, truth = pd.read_parquet(files.contributions), pd.read_parquet(files.truth)
    assert len(rows) == ROWS
    assert rows["contribution_id"].is_unique
    assert rows[["contribution_id", "contributor_id"]].equals(
        truth[["contribution_id", "contributor_id"]]
    )
    poison = truth["poison"]
    assert 0.015 < poison.mean() < 0.025
    assert (rows["label"] == truth["target_label"])[poison].all()
    assert (rows["label"] != truth["true_label"])[poison].all()
    assert 0.01 < (rows["label"] != truth["true_label"])[~poison].mean() < 0.04
    content = [c for c in rows if c == "text" or str(c).startswith("x")]
    key = pd.util.hash_pandas_object(rows[content], index=False)
    assert not key[poison].isin(key[~poison]).any()
    Policy.model_validate(files.policy)


def test_contributors_and_items_have_heavy_tails_and_rings_share_networks(tmp_path: Path) -> None:
    files = scale_contributions(ROWS, tmp_path, seed=1, days=30)
    rows, truth = pd.read_parquet(files.contributions), pd.read_parquet(files.truth)
    ring = rows[truth["attack"] == "sybil_ring"]
    crowd = rows.drop(ring.index)["contributor_id"].value_counts()
    assert crowd.head(len(crowd) // 10).sum() > 0.3 * crowd.sum()
    assert rows["item_id"].value_counts().iloc[0] > 5 * rows["item_id"].value_counts().median()
    assert ring["contributor_id"].is_unique
    by_net = ring.groupby(ring["ip"].str.rsplit(".", n=1).str[0])["registered_at"]
    assert (by_net.max() - by_net.min()).max() < pd.Timedelta(hours=1)
    assert rows["contributed_at"].dt.floor("D").nunique() == 30


def test_text_canaries_carry_the_trigger_and_look_alikes_do_not(tmp_path: Path) -> None:
    files = scale_contributions(ROWS, tmp_path, seed=1, source=SAMPLE)
    canaries = pd.read_parquet(files.canaries)
    triggered = canaries["text"].str.contains(TRIGGER, regex=False)
    assert (triggered == canaries["attack"].notna()).all()
    assert triggered.sum() == (~triggered).sum()
    assert {"row_id", "label", "text"} <= set(pd.read_parquet(files.golden).columns)


def test_held_out_features_carry_the_contracts_names(tmp_path: Path) -> None:
    files = scale_contributions(ROWS, tmp_path, seed=1, n_features=4, n_classes=3)
    expected = {"f_x00", "f_x01", "f_x02", "f_x03"}
    for path in (files.golden, files.canaries):
        assert expected <= set(pd.read_parquet(path).columns)
    assert files.policy["columns"]["features"] == ["x00", "x01", "x02", "x03"]

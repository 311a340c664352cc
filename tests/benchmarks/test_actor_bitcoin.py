"""The benchmark on Bitcoin OTC, on a small market of the same shape."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.actors.bitcoin import GIVEN, RECEIVED, load, score, table

DAY = pd.Timedelta(days=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """60 honest people who rate each other, and 10 who smear them within a day."""
    rng = np.random.default_rng(0)
    rows = []
    for who in range(60):
        for to in rng.choice(60, 12, replace=False):
            rows.append((f"u{who:02d}", f"u{to:02d}", rng.integers(1, 4), rng.uniform(0, 700)))
    for who in range(60, 70):
        for to in rng.choice(60, 5, replace=False):
            rows.append((f"u{who:02d}", f"u{to:02d}", -10, 700 + rng.uniform(0, 1)))
            rows.append((f"u{to:02d}", f"u{who:02d}", -10, 701 + rng.uniform(0, 9)))
    frame = pd.DataFrame(rows, columns=["contributor_id", "item_id", "label", "day"])
    number = frame["contributor_id"].str[1:].astype(int)
    frame["timestamp"] = pd.Timestamp("2012-01-01") + frame.pop("day") * DAY
    frame["bad_contributor"] = np.where(number < 40, 0.0, np.where(number < 60, np.nan, 1.0))
    path = tmp_path_factory.mktemp("otc")
    frame.sample(frac=1, random_state=0).to_parquet(path / "bitcoin_otc.parquet")
    return path


def test_the_truth_is_read_per_rater(folder):
    market = load(folder)
    assert market.judged.size == 50
    assert market.bad.sum() == 10
    assert np.abs(market.ratings.rating).max() == 1


def test_dropping_judged_raters_as_items_leaves_nothing_of_what_they_received(folder):
    market, other = load(folder), load(folder)
    other.ratings.rating[np.isin(other.ratings.item, other.judged)] = 1.0
    strict = GIVEN["  ratings of judged raters dropped"]
    assert np.array_equal(strict(market), strict(other))
    assert not np.array_equal(GIVEN["ours"](market), GIVEN["ours"](other))


def test_every_method_ranks_every_judged_rater_and_ours_finds_the_smearers(folder):
    market = load(folder)
    for method in (GIVEN | RECEIVED).values():
        assert np.isfinite(method(market)[market.judged]).all()
    for name in ("ours", "ours, with received"):
        found = score((GIVEN | RECEIVED)[name](market)[market.judged], market.bad, draws=20)
        assert found.auc > 0.99


def test_the_interval_holds_the_figure_and_chance_is_a_half():
    rng = np.random.default_rng(0)
    bad = np.arange(400) < 200
    chance = score(rng.random(400), bad, draws=100)
    assert chance.auc_low < 0.5 < chance.auc_high
    assert chance.auc_low <= chance.auc <= chance.auc_high
    perfect = score(bad.astype(float), bad, draws=20)
    assert (perfect.auc_low, perfect.auc, perfect.ap) == (1, 1, 1)


def test_the_table_says_what_was_reached(folder):
    lines = table(load(folder), {"ours": GIVEN["ours"], "few": GIVEN["few ratings"]}, draws=10)
    assert list(lines.index) == ["ours", "few"]
    assert lines.loc["ours", "target"] == "reached"

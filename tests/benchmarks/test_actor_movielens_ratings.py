"""Shilling that carries ratings: what profiles say, and what ratings show."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.actors import movielens_ratings
from benchmarks.actors.shilling import PROFILES, Shilling, rated_profiles
from foretaste.attacks.campaigns import Setting

PEOPLE, ITEMS = 200, 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three years of ratings in half steps about the quality of each item."""
    rng = np.random.default_rng(4)
    quality = rng.normal(3.3, 0.5, ITEMS)
    m = 9000
    who = rng.integers(PEOPLE, size=m)
    item = np.minimum(rng.geometric(0.012, m) - 1, ITEMS - 1)
    said = np.clip(np.rint(2 * (quality[item] + rng.normal(0, 0.7, m))) / 2, 0.5, 5.0)
    times = pd.Timestamp("2014-01-01") + pd.to_timedelta(rng.integers(0, 3 * 365, m), unit="D")
    rated = pd.DataFrame(
        {
            "contributor_id": [f"u{n}" for n in who],
            "item_id": [f"m{n}" for n in item],
            "timestamp": times.as_unit("us"),
            "label": said,
        }
    ).drop_duplicates(["contributor_id", "item_id"])
    place = tmp_path_factory.mktemp("movielens")
    rated.to_parquet(place / "movielens_latest_small.parquet", index=False)
    return place


@pytest.fixture(scope="module")
def rated(folder):
    return movielens_ratings.load(folder)


@pytest.mark.parametrize("name", PROFILES)
def test_profiles_give_the_most_to_what_they_push_and_agree_about_the_rest(rated, name):
    campaign = Shilling(accounts=20, profile=PROFILES[name], size=40)
    visits = campaign.join(Setting.of(rated), np.random.default_rng(2)).visits
    given = rated_profiles(visits, rated, np.random.default_rng(3))
    everywhere = visits.groupby("item_id")["contributor_id"].transform("nunique") == 20
    mean = visits["item_id"].map(rated.groupby("item_id")["rating"].mean())
    assert (given[everywhere] == 5.0).all()
    assert np.isin(given * 2, np.arange(1, 11)).all()
    assert abs((given - mean)[~everywhere].mean()) < 0.2


def test_the_same_visits_are_rated_and_the_scale_is_whole(rated):
    case = movielens_ratings.inject(rated, Shilling(accounts=6), 1)
    theirs = case.case.sybil[case.ratings.who]
    assert case.ratings.who.size == len(rated) + theirs.sum()
    assert (case.ratings.rating.min(), case.ratings.rating.max()) == (-1, 1)
    assert case.case.sybil.sum() == 6


def test_ratings_show_every_profile_and_cost_people_nothing(folder):
    lines = movielens_ratings.measure(folder, seeds=[1], shares=[0.1])
    auc = lines.groupby("method")["auc"].mean()
    assert auc["ratings"] > 0.95
    assert auc["both"] > 0.95
    assert set(lines["profile"]) == {"none", *PROFILES}
    assert lines["lost"].max() <= 0.005
    assert "segment" in movielens_ratings.table(lines)

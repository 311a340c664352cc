"""Campaigns among real ratings: what is injected, and how it is scored."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from benchmarks.actors import movielens
from benchmarks.actors.shilling import PROFILES, Shilling
from foretaste.attacks.campaigns import Lockstep, Setting
from foretaste.core.actor import ActorKind

PEOPLE, ITEMS = 200, 400
DAY = pd.Timedelta(days=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """As the real file: three years of ratings, each person's in a few sittings."""
    rng = np.random.default_rng(4)
    who = np.repeat(np.arange(PEOPLE), rng.integers(15, 60, PEOPLE))
    item = np.minimum(rng.geometric(0.012, who.size) - 1, ITEMS - 1)
    sitting = rng.integers(3 * 365, size=PEOPLE)[who] * 86_400 + rng.integers(0, 7200, who.size)
    times = pd.Timestamp("2014-01-01").as_unit("us") + pd.to_timedelta(sitting, unit="s")
    rated = pd.DataFrame(
        {
            "contribution_id": [f"l{n}" for n in range(who.size)],
            "contributor_id": [f"u{n}" for n in who],
            "item_id": [f"m{n}" for n in item],
            "timestamp": times.as_unit("us"),
            "label": 4.0,
            "is_poison": 0,
            "bad_contributor": 0,
        }
    ).drop_duplicates(["contributor_id", "item_id"])
    place = tmp_path_factory.mktemp("movielens")
    rated.to_parquet(place / "movielens_latest_small.parquet", index=False)
    return place


@pytest.fixture(scope="module")
def rated(folder):
    return movielens.load(folder)


@dataclass(frozen=True)
class Called:
    members: np.ndarray
    kind: ActorKind
    log_odds: float = 0.0


def test_ratings_are_read_as_visits_without_any_truth(rated):
    assert list(rated) == ["contributor_id", "item_id", "visited_at"]
    assert str(rated["visited_at"].dtype) == "datetime64[us, UTC]"


def test_without_a_campaign_nobody_is_a_sybil(rated):
    case = movielens.clean(rated)
    assert case.visits.n_who == PEOPLE
    assert not case.sybil.any()
    assert case.visits.who.size == len(rated)


@pytest.mark.parametrize("name", movielens.CAMPAIGNS)
def test_a_campaign_joins_in_the_last_year_and_the_people_stay(rated, name):
    before = rated.copy()
    case = movielens.inject(rated, movielens.CAMPAIGNS[name](6), 1)
    theirs = case.sybil[case.visits.who]
    end = case.visits.seconds[~theirs].max()
    assert case.sybil.sum() == 6
    assert case.visits.n_who == PEOPLE + 6
    assert set(case.visits.who) == set(range(PEOPLE + 6))
    assert (~theirs).sum() == len(rated)
    assert case.visits.seconds[theirs].min() > end - 366 * 86_400
    assert case.visits.n_items == rated["item_id"].nunique()
    pd.testing.assert_frame_equal(rated, before)


def test_the_same_seed_injects_the_same(rated):
    one, same, other = (movielens.inject(rated, Lockstep(), seed) for seed in (1, 1, 2))
    assert (one.visits.seconds == same.visits.seconds).all()
    assert (one.visits.item == same.visits.item).all()
    assert not np.array_equal(one.visits.item, other.visits.item)


def profiles(rated, name, **more):
    setting = Setting.of(rated)
    campaign = Shilling(accounts=20, profile=PROFILES[name], size=40, **more)
    return setting, campaign.join(setting, np.random.default_rng(2)).visits


def popular(rated, count):
    return set(rated["item_id"].value_counts().index[:count])


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_is_one_sitting_of_distinct_items_with_the_target_in_it(rated, name):
    setting, visits = profiles(rated, name, days=10, pause=20)
    own = visits.groupby("contributor_id")
    pauses = own["visited_at"].diff().dropna()
    everywhere = visits["item_id"].value_counts()
    count = np.diff(setting.first_of_item)
    rare = setting.items[count <= np.quantile(count, 0.6)]
    assert (own["item_id"].nunique() == 40).all()
    assert (own.size() == 40).all()
    assert pauses.between(pd.Timedelta(seconds=1), pd.Timedelta(seconds=20)).all()
    assert visits["visited_at"].min() >= setting.start + (setting.days - 10) * DAY
    assert len(set(everywhere.index[everywhere == 20]) & set(rare)) >= 1


def test_profiles_are_filled_and_selected_as_their_names_say(rated):
    def filled(name):
        return profiles(rated, name)[1]["item_id"]

    def everywhere(name):
        count = filled(name).value_counts()
        return set(count.index[count == 20])

    popularity = rated["item_id"].value_counts()
    fifth = popularity.quantile(0.8)
    assert len(everywhere("random")) == 1
    assert len(everywhere("bandwagon")) == len(everywhere("segment")) == 11
    assert len(everywhere("bandwagon") & popular(rated, 11)) >= 9
    assert everywhere("segment") != everywhere("bandwagon")
    assert (popularity[filled("average over popular")] >= fifth - 1).mean() > 0.95
    assert (popularity[filled("random")] >= fifth).mean() < 0.4


def test_knowing_all_scores_all_and_knowing_nothing_nothing(rated):
    case = movielens.inject(rated, Lockstep(accounts=6), 1)
    members = np.flatnonzero(case.sybil)

    def oracle(visits, seed):
        return case.sybil * 5.0, [
            Called(members, ActorKind.CAMPAIGN),
            Called(np.flatnonzero(~case.sybil)[:50], ActorKind.HONEST_GROUP),
        ]

    def nothing(visits, seed):
        return np.zeros(visits.n_who), []

    assert movielens.score(case, oracle, 1) == {
        "auc": 1.0,
        "recall": 1.0,
        "called": 1.0,
        "flagged": 0.0,
    }
    assert movielens.score(case, nothing, 1) == {
        "auc": 0.5,
        "recall": 0.0,
        "called": 0.0,
        "flagged": 0.0,
    }


def test_recall_is_what_lies_above_the_worst_hundredth_of_the_people(rated):
    case = movielens.inject(rated, Lockstep(accounts=10), 1)
    honest, sybil = np.flatnonzero(~case.sybil), np.flatnonzero(case.sybil)
    suspicion = np.zeros(case.visits.n_who)
    suspicion[honest[:2]] = 3.0, 1.0
    suspicion[sybil[:7]], suspicion[sybil[7:]] = 2.0, 0.5
    told = movielens.score(case, lambda visits, seed: (suspicion, []), 1)
    assert told["recall"] == pytest.approx(0.7)


def test_honest_people_in_called_groups_are_told_apart(rated):
    groups = [Called(np.arange(50), ActorKind.CAMPAIGN), Called(np.arange(30), ActorKind.CAMPAIGN)]
    told = movielens.score(
        movielens.clean(rated), lambda visits, seed: (np.zeros(visits.n_who), groups), 1
    )
    assert told == {"flagged": 0.25}


def test_every_campaign_is_measured_by_every_method_and_seed(folder):
    lines = movielens.measure(
        folder, seeds=[1, 2], shares=[0.02], methods=["SynchroTrap", "most co-visits"]
    )
    cells = lines.groupby(["campaign", "method"])["seed"].agg(list)
    assert len(cells) == (len(movielens.CAMPAIGNS) + 1) * 2
    assert all(sorted(seeds) == [1, 2] for seeds in cells)
    lockstep = lines[(lines["campaign"] == "lockstep") & (lines["method"] == "SynchroTrap")]
    assert (lockstep["auc"] > 0.9).all()
    assert "camouflage" in movielens.table(lines)
    assert "SynchroTrap" in movielens.beside(lines, "auc")


def test_figures_stand_beside_their_targets(folder):
    told = {f.name: f for f in movielens.figures(folder, seeds=[1, 2], shares=[0.05])}
    lockstep = told["MovieLens, lockstep, 5% of the people: ROC-AUC"]
    assert len(told) == 3 * len(movielens.CAMPAIGNS) + 1
    assert all(0 <= f.value <= 1 and 0 <= f.spread <= 1 for f in told.values())
    assert lockstep.value > 0.9
    assert lockstep.target == 0.999
    assert lockstep.better == "higher"
    assert told["MovieLens, none: honest people flagged, share"].value < 0.05

"""The town is what its plan says: uneven people, and honest ones who are really together."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks.actors.town import FIRST_CAMPAIGN, START, TownPlan, build
from foretaste.attacks.campaigns import CovisitInjection, Drip, Lockstep

PLAN = TownPlan(contributors=4000, visits=60_000, items=3000, communities=40)
CAMPAIGNS = [Lockstep(accounts=20), Drip(accounts=30), Drip(accounts=10)]


@pytest.fixture(scope="module")
def town():
    return build(PLAN, CAMPAIGNS, 1)


def members(town, actor):
    return np.flatnonzero(town.actor == actor)


def test_the_same_seed_gives_the_same_bytes(town):
    again, other = build(PLAN, CAMPAIGNS, 1), build(PLAN, CAMPAIGNS, 2)
    pd.testing.assert_frame_equal(town.visits, again.visits)
    assert (town.kind == again.kind).all()
    assert (town.actor == again.actor).all()
    assert not town.visits.equals(other.visits)


def test_a_campaign_changes_nothing_for_anybody_else(town):
    alone = build(PLAN, [], 1)
    honest = town.visits[town.visits["contributor_id"] < PLAN.contributors]
    pd.testing.assert_frame_equal(
        honest.sort_values([*honest]).reset_index(drop=True),
        alone.visits.sort_values([*honest]).reset_index(drop=True),
    )
    assert (town.kind[: PLAN.contributors] == alone.kind).all()


def test_campaigns_get_accounts_and_numbers_of_their_own(town):
    numbers = range(FIRST_CAMPAIGN, FIRST_CAMPAIGN + 3)
    assert [members(town, number).size for number in numbers] == [20, 30, 10]
    assert [set(town.kind[town.actor == number]) for number in numbers] == [
        {"lockstep"},
        {"drip"},
        {"drip"},
    ]
    assert set(town.visits["contributor_id"]) == set(range(PLAN.contributors + 60))


def test_campaigns_do_not_see_each_other(town):
    swapped = build(PLAN, [CAMPAIGNS[0], CovisitInjection(accounts=30), CAMPAIGNS[2]], 1)

    def last(of):
        third = of.visits["contributor_id"].isin(members(of, FIRST_CAMPAIGN + 2))
        return of.visits[third].reset_index(drop=True)

    pd.testing.assert_frame_equal(last(town), last(swapped))


def test_visits_are_as_many_and_as_long_as_planned_in_the_order_of_time(town):
    times = town.visits["visited_at"]
    assert len(town.visits) == pytest.approx(PLAN.visits, rel=0.15)
    assert times.is_monotonic_increasing
    assert times.between(START, START + pd.Timedelta(days=30), inclusive="left").all()
    assert town.visits["item_id"].between(0, PLAN.items - 1).all()


def test_few_people_and_few_items_have_most_of_the_visits(town):
    for column in ("contributor_id", "item_id"):
        count = town.visits[column].value_counts()
        assert count.head(len(count) // 10).sum() > 0.35 * len(town.visits)
        assert count.median() < 0.7 * count.mean()


def test_people_sleep_each_in_a_zone_of_their_own(town):
    busy = town.visits["contributor_id"].value_counts().index[:200]
    mine = town.visits[town.visits["contributor_id"].isin(busy)]
    angle = mine["visited_at"].dt.hour * (np.pi / 12)
    circle = pd.DataFrame({"x": np.cos(angle), "y": np.sin(angle)})
    mean = circle.groupby(mine["contributor_id"]).mean()
    assert np.hypot(mean["x"], mean["y"]).median() > 0.6
    assert np.hypot(*circle.mean()) < 0.6


def test_people_of_a_community_share_more_than_popular_items_explain(town):
    from scipy.sparse import csr_matrix

    rare = town.visits[town.visits["item_id"] >= PLAN.items // 40]
    pairs = rare[["contributor_id", "item_id"]].drop_duplicates()
    own = pairs.groupby("contributor_id")["item_id"].transform("size")
    who, item = pairs[own.between(5, 40)].to_numpy().T

    def pairs_alike(items):
        seen = csr_matrix((np.ones(len(who)), (who, items))).sign()
        shared = seen @ seen.T
        shared.setdiag(0)
        return (shared >= 4).sum()

    shuffled = np.random.default_rng(3).permutation(item)
    assert pairs_alike(item) > 3 * pairs_alike(shuffled)


def meetings(mine, least):
    """Items and hours with at least so many people."""
    hours = mine.groupby(["item_id", mine["visited_at"].dt.floor("h")])["contributor_id"]
    people = hours.nunique()
    return people[people >= least].reset_index()


def test_classes_meet_weekly_at_one_hour_on_the_same_rare_items(town):
    everybody = town.visits["item_id"].value_counts()
    assert (town.kind == "class").mean() == pytest.approx(0.015, abs=0.008)
    for number in range(town.actor[town.kind == "class"].max() + 1):
        pupils = members(town, number)
        mine = town.visits[town.visits["contributor_id"].isin(pupils)]
        met = meetings(mine, 0.5 * pupils.size)
        times = met["visited_at"].drop_duplicates().sort_values()
        elsewhere = mine[~mine["item_id"].isin(met["item_id"])]
        assert 15 <= pupils.size < 40
        assert len(times) >= 4
        assert set(times.diff().dropna()) == {pd.Timedelta(days=7)}
        assert len(met) >= 2 * len(times)
        assert everybody[met["item_id"]].median() < everybody.quantile(0.99)
        assert elsewhere["contributor_id"].nunique() > 0.9 * pupils.size


def test_crowds_come_once_within_an_hour_and_live_their_own_lives(town):
    crowd = np.flatnonzero(town.kind == "crowd")
    mine = town.visits[town.visits["contributor_id"].isin(crowd)]
    size = round(PLAN.in_crowd * PLAN.contributors)
    met = meetings(mine, size)
    elsewhere = mine[~mine["item_id"].isin(met["item_id"])]
    assert crowd.size == PLAN.crowds * size
    assert len(met) == 2 * PLAN.crowds
    assert (met["visited_at"].dt.hour == 12).all()
    assert elsewhere["contributor_id"].nunique() > 0.9 * crowd.size


@pytest.mark.parametrize(
    "small",
    [
        replace(PLAN, days=1),
        TownPlan(contributors=50, visits=100, items=60, days=2, communities=3, crowds=1),
        replace(PLAN, in_classes=0.0, crowds=0),
    ],
    ids=["one day", "fifty people", "nobody together"],
)
def test_a_town_may_be_small(small):
    town = build(small, [], 1)
    assert set(town.visits["contributor_id"]) == set(range(small.contributors))
    assert set(town.kind) <= {"honest", "class", "crowd"}
    assert ("class" in town.kind) == (small.in_classes > 0)

"""Every campaign joins any visit table, and keeps what it promises."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.attacks.campaigns import (
    Camouflage,
    CovisitInjection,
    Drip,
    IpRotation,
    Lockstep,
    Setting,
    Sleeper,
    ThrowawayRing,
)
from foretaste.core.errors import ContractError

PEOPLE, COMMUNITIES, PER, DAYS = 240, 12, 40, 30
START = pd.Timestamp("2026-01-05", tz="UTC")
DAY = pd.Timedelta(days=1)
CAMPAIGNS: tuple[Any, ...] = (
    Camouflage(),
    CovisitInjection(),
    Drip(),
    IpRotation(),
    IpRotation(Lockstep()),
    Lockstep(),
    Sleeper(),
    ThrowawayRing(),
)
each_campaign = pytest.mark.parametrize(
    "campaign", CAMPAIGNS, ids=lambda c: f"{c.name}-{getattr(c, 'campaign', c).name}"
)
several_seeds = settings(max_examples=25, deadline=None)
seeds = st.integers(0, 2**32 - 1)


def people(days: int = DAYS) -> pd.DataFrame:
    """Person p lives in community p mod 12, is awake from 8 to 20, and rarely strays."""
    rng = np.random.default_rng(5)
    who = np.repeat(np.arange(PEOPLE), rng.integers(10, 30, PEOPLE))
    home = np.where(rng.random(who.size) < 0.95, who, rng.integers(COMMUNITIES, size=who.size))
    liked = np.minimum(rng.geometric(0.06, who.size) - 1, PER - 1)
    item = home % COMMUNITIES * PER + liked
    second = rng.integers(days, size=who.size) * 86_400 + rng.integers(
        8 * 3600, 20 * 3600, who.size
    )
    times = START.as_unit("us") + pd.to_timedelta(second, unit="s").as_unit("us")
    return pd.DataFrame({"contributor_id": who, "item_id": item, "visited_at": times})


def named(visits: pd.DataFrame) -> pd.DataFrame:
    return visits.assign(
        contributor_id="p" + visits["contributor_id"].astype(str),
        item_id="i" + visits["item_id"].astype(str),
    )


VISITS = people()
TABLES = {"numbers": VISITS, "names": named(VISITS)}


def join(campaign: Any, visits: pd.DataFrame = VISITS, seed: int = 1):
    return campaign.join(Setting.of(visits), np.random.default_rng(seed))


def spans(visits: pd.DataFrame, by: str) -> pd.Series:
    times = visits.groupby(by)["visited_at"]
    return times.max() - times.min()


def targets_of(made) -> pd.Index:
    """Items that nearly all accounts visit."""
    shared = made.visits.groupby("item_id")["contributor_id"].nunique()
    return shared.index[shared >= 0.9 * len(made.accounts)]


@each_campaign
@pytest.mark.parametrize("ids", TABLES)
def test_new_accounts_join_with_visits_to_what_is_there(campaign, ids):
    table = TABLES[ids]
    made = join(campaign, table)
    accounts = made.accounts["contributor_id"]
    assert list(made.visits) == ["contributor_id", "item_id", "visited_at"]
    assert list(made.accounts) == ["contributor_id", "campaign", "subnet_id", "registered_at"]
    assert made.visits.dtypes.to_dict() == table.dtypes.to_dict()
    assert len(accounts) == 50
    assert accounts.is_unique
    assert not accounts.isin(table["contributor_id"]).any()
    assert set(made.visits["contributor_id"]) == set(accounts)
    assert made.visits["item_id"].isin(table["item_id"]).all()
    assert made.visits["visited_at"].is_monotonic_increasing
    assert made.visits["visited_at"].between(START, START + DAYS * DAY, inclusive="left").all()
    assert (made.accounts["campaign"] == campaign.name).all()


@each_campaign
def test_an_account_is_registered_before_its_first_visit(campaign):
    made = join(campaign)
    first = made.visits.groupby("contributor_id")["visited_at"].min()
    registered = made.accounts.set_index("contributor_id")["registered_at"]
    assert (registered <= first.reindex(registered.index)).all()


@each_campaign
@pytest.mark.parametrize("ids", TABLES)
def test_the_same_seed_gives_the_same_campaign_whatever_the_order_of_rows(campaign, ids):
    table = TABLES[ids]
    made, again = join(campaign, table), join(campaign, table.sample(frac=1, random_state=3))
    pd.testing.assert_frame_equal(made.visits, again.visits)
    pd.testing.assert_frame_equal(made.accounts, again.accounts)
    assert not join(campaign, table, seed=2).visits.equals(made.visits)


@each_campaign
def test_the_table_is_left_as_it_is(campaign):
    table = VISITS.copy()
    join(campaign, table)
    pd.testing.assert_frame_equal(table, VISITS)


@each_campaign
@pytest.mark.parametrize(
    "times",
    [
        VISITS["visited_at"].dt.tz_localize(None),
        VISITS["visited_at"].dt.as_unit("ns"),
        VISITS["visited_at"].dt.as_unit("s"),
        # Midnight of 8 March 2026 does not exist in Havana.
        (VISITS["visited_at"] + 62 * DAY).dt.tz_convert("America/Havana"),
    ],
    ids=["no zone", "ns", "s", "Havana"],
)
def test_times_keep_the_zone_and_the_unit_of_the_table(campaign, times):
    made = join(campaign, VISITS.assign(visited_at=times))
    assert made.visits["visited_at"].dtype == times.dtype
    assert made.accounts["registered_at"].dtype == times.dtype
    assert made.visits["visited_at"].between(times.min() - DAY, times.max() + DAY).all()


@each_campaign
def test_a_table_of_one_day_is_joined_on_that_day_and_not_at_its_last_second(campaign):
    made = join(campaign, people(days=1))
    assert made.visits["visited_at"].between(START, START + DAY, inclusive="left").all()
    assert made.visits["visited_at"].value_counts().max() <= 5


@each_campaign
@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (VISITS.iloc[:0], "needs visits"),
        (VISITS.drop(columns=["item_id", "visited_at"]), "lack item_id, visited_at"),
        (VISITS.assign(visited_at="yesterday"), "not times"),
        (VISITS.assign(visited_at=VISITS["visited_at"].mask(VISITS.index == 3)), "lacks"),
        (VISITS.assign(item_id=VISITS["item_id"].mask(VISITS.index == 3)), "lacks"),
        (VISITS[VISITS["item_id"] < 2], r"needs \d+ targets, but \d items"),
    ],
    ids=["empty", "columns", "not times", "no time", "no item", "few items"],
)
def test_a_table_that_cannot_be_joined_is_refused_with_a_hint(campaign, broken, said):
    with pytest.raises(ContractError, match=said) as refused:
        join(campaign, broken)
    assert refused.value.hint


@pytest.mark.parametrize("campaign", [c for c in CAMPAIGNS if not isinstance(c, IpRotation)])
def test_a_campaign_without_accounts_is_refused(campaign):
    with pytest.raises(ContractError, match="0 accounts"):
        join(replace(campaign, accounts=0))


@several_seeds
@given(
    low=st.floats(0, 0.8), count=st.integers(1, 40), seed=seeds, table=st.sampled_from([*TABLES])
)
def test_targets_are_distinct_items_of_the_popularity_asked_for(low, count, seed, table):
    visits = TABLES[table]
    setting = Setting.of(visits)
    drawn = setting.targets(count, (low, low + 0.2), np.random.default_rng(seed))
    popularity = visits["item_id"].value_counts()
    wanted = popularity.reindex(setting.items[drawn])
    ordered = popularity.sort_values().to_numpy()
    assert wanted.index.is_unique
    assert len(wanted) == count
    assert wanted.min() >= ordered[round(low * len(ordered))]
    assert wanted.max() <= ordered[round((low + 0.2) * len(ordered)) - 1]


@several_seeds
@given(
    accounts=st.integers(1, 60),
    targets=st.integers(1, 20),
    intensity=st.floats(0.05, 1),
    minutes=st.floats(0.1, 600),
    seed=seeds,
)
def test_lockstep_visits_every_target_within_the_minutes(
    accounts, targets, intensity, minutes, seed
):
    made = join(Lockstep(accounts, targets, minutes, cover=0, intensity=intensity), seed=seed)
    pushed = max(1, round(targets * intensity))
    assert made.visits["item_id"].nunique() == pushed
    assert len(made.visits) == pushed * accounts
    assert not made.visits.duplicated(["contributor_id", "item_id"]).any()
    assert spans(made.visits, "item_id").max() <= pd.Timedelta(minutes=minutes)


@pytest.mark.parametrize("kind", [Lockstep, Drip, Camouflage, Sleeper])
def test_intensity_scales_targets_and_coverage_who_visits_each(kind):
    assert [len(targets_of(join(kind(intensity=i)))) for i in (0.01, 0.5, 1.0)] == [
        1,
        kind().targets // 2,
        kind().targets,
    ]
    half = join(kind(coverage=0.5, accounts=200))
    full = join(kind(accounts=200))
    shared = half.visits.groupby("item_id")["contributor_id"].nunique()
    assert shared[targets_of(full)].between(70, 130).all()


@pytest.mark.parametrize(
    "campaign", [Lockstep(cover=60), Drip(cover=60), CovisitInjection(sessions=1, cover=60)]
)
def test_cover_goes_where_people_go(campaign):
    made = join(campaign)
    plain = made.visits[~made.visits["item_id"].isin(targets_of(made))]
    popularity = VISITS["item_id"].value_counts()
    favourites = popularity.index[:48]
    assert plain["item_id"].isin(favourites).mean() == pytest.approx(
        popularity[:48].sum() / len(VISITS), abs=0.08
    )


@several_seeds
@given(seed=seeds)
def test_drip_shares_items_but_never_the_hour(seed):
    made = join(Drip(cover=0), seed=seed)
    hourly = made.visits.groupby(["item_id", made.visits["visited_at"].dt.floor("h")])
    assert made.visits["item_id"].nunique() == 12
    assert hourly.size().max() <= 6
    assert spans(made.visits, "item_id").min() > 20 * DAY
    assert made.visits["visited_at"].dt.hour.between(7, 20).all()


@pytest.mark.parametrize("kind", [Camouflage, Sleeper])
@pytest.mark.parametrize("seed", range(3))
def test_an_imitated_life_fits_a_community_without_copying_anybody(kind, seed):
    made = join(kind(), seed=seed)
    life = made.visits[~made.visits["item_id"].isin(targets_of(made))]
    home = life["item_id"] // PER
    share = home.groupby(life["contributor_id"]).agg(lambda h: h.value_counts(normalize=True).max())
    honest = VISITS.groupby("contributor_id")["item_id"].agg(set)
    assert share.mean() > 0.75
    for mine in life.groupby("contributor_id")["item_id"].agg(set):
        alike = max(len(mine & theirs) / len(mine | theirs) for theirs in honest)
        assert alike < 0.8 or len(mine) < 4


def test_imitated_lives_are_as_uneven_as_peoples():
    per = join(Camouflage(accounts=200, targets=1)).visits["contributor_id"].value_counts() - 1
    assert per.mean() == pytest.approx(24, rel=0.25)
    assert per.std() > 10


@several_seeds
@given(hours=st.floats(0.1, 12), seed=seeds)
def test_camouflage_pushes_within_hours_and_lives_at_any_time(hours, seed):
    made = join(Camouflage(hours=hours), seed=seed)
    pushed = made.visits["item_id"].isin(targets_of(made))
    for _, times in made.visits[pushed].groupby("item_id")["visited_at"]:
        # An account may come to a target once more, as a part of its life.
        fifty = times.diff(49).min() if len(times) > 49 else pd.Timedelta.max
        assert fifty <= pd.Timedelta(hours=hours)
    assert spans(made.visits[~pushed].assign(all=0), "all").max() > 20 * DAY


@several_seeds
@given(awake=st.integers(1, 10), seed=seeds)
def test_sleepers_push_in_the_last_days_only_and_lived_before(awake, seed):
    made = join(Sleeper(awake_days=awake, life=30), seed=seed)
    waking = START + (DAYS - awake) * DAY
    early = made.visits[made.visits["visited_at"] < waking]
    shared = early.groupby("item_id")["contributor_id"].nunique()
    assert shared.reindex(targets_of(made), fill_value=0).max() <= 10
    assert early["contributor_id"].nunique() > 35
    assert len(targets_of(made)) >= 12


@several_seeds
@given(seconds=st.integers(1, 1000), intensity=st.floats(0.05, 1), seed=seeds)
def test_injection_ties_targets_to_anchors_within_seconds(seconds, intensity, seed):
    campaign = CovisitInjection(seconds=seconds, intensity=intensity, cover=0)
    made = join(campaign, seed=seed)
    popularity = VISITS["item_id"].value_counts(ascending=True)
    is_anchor = made.visits["item_id"].isin(popularity.index[round(0.97 * len(popularity)) - 5 :])
    targets = made.visits[~is_anchor].rename(columns={"visited_at": "at"})
    assert made.visits.loc[is_anchor, "item_id"].nunique() <= campaign.anchors
    assert targets["item_id"].nunique() <= campaign.targets
    assert len(targets) == 50 * max(1, round(8 * intensity)) == is_anchor.sum()
    pairs = targets.merge(made.visits[is_anchor], on="contributor_id")
    gap = pairs["at"] - pairs["visited_at"]
    tied = pairs[(gap >= pd.Timedelta(0)) & (gap < pd.Timedelta(seconds=seconds))]
    assert len(tied.drop_duplicates(["contributor_id", "at", "item_id_x"])) == len(
        targets.drop_duplicates()
    )


@several_seeds
@given(hours=st.floats(0, 24), accounts=st.integers(1, 80), seed=seeds)
def test_a_ring_registers_in_a_burst_behind_one_subnet_and_visits_once(hours, accounts, seed):
    made = join(ThrowawayRing(accounts=accounts, made_within_hours=hours), seed=seed)
    registered = made.accounts["registered_at"]
    assert len(set(made.accounts["subnet_id"])) == 1
    assert made.visits["contributor_id"].is_unique
    assert len(made.visits) == accounts
    assert made.visits["item_id"].nunique() <= 3
    assert registered.max() - registered.min() <= pd.Timedelta(hours=hours)
    assert registered.max() <= made.visits["visited_at"].min()
    assert made.visits["visited_at"].max() - registered.max() <= DAY + pd.Timedelta(hours=hours)


@each_campaign
def test_only_the_ring_shares_networks_and_the_hour_of_registration(campaign):
    made = join(campaign)
    shares = campaign.name == "throwaway_ring"
    assert made.accounts["subnet_id"].nunique() == (1 if shares else pytest.approx(50, abs=4))
    inner = getattr(campaign, "campaign", campaign).name
    burst = made.accounts["registered_at"].max() - made.accounts["registered_at"].min()
    assert (burst <= pd.Timedelta(hours=3)) == (inner == "throwaway_ring")


@pytest.mark.parametrize("inner", [Lockstep(), ThrowawayRing(), Drip(accounts=100)])
def test_rotation_changes_the_networks_and_nothing_else(inner):
    plain, rotated = join(inner), join(IpRotation(inner))
    kept = ["contributor_id", "registered_at"]
    pd.testing.assert_frame_equal(plain.visits, rotated.visits)
    pd.testing.assert_frame_equal(plain.accounts[kept], rotated.accounts[kept])
    assert not rotated.accounts["subnet_id"].isin(plain.accounts["subnet_id"]).any()


@pytest.mark.parametrize("pool", [1, 100, 5000])
def test_rotating_accounts_share_a_subnet_by_chance_only(pool):
    drawn = [
        join(IpRotation(Lockstep(accounts=100), pool=pool), seed=seed).accounts for seed in range(5)
    ]
    same = sum((n * (n - 1) // 2).sum() for n in (a["subnet_id"].value_counts() for a in drawn))
    expected = 5 * (100 * 99 / 2) / pool
    assert abs(same - expected) <= 4 * expected**0.5

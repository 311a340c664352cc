"""Injected co-visits are found; people who honestly see the same items are left alone."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.actors.town import Town, TownPlan, build
from detectors.actors.graph.visits import Visits, encode
from detectors.actors.injection.items import Injection, covisit_injection
from detectors.actors.injection.sessions import sessions, ties
from detectors.actors.injection.suspects import SessionBounds
from foretaste.attacks.campaigns import CovisitInjection

DAY, HOUR = 86_400, 3600
PLAN = TownPlan(contributors=3000, visits=60_000, items=3000, communities=30, in_crowd=0.02)
BOUNDS = SessionBounds()


def coded(who, item, second, n_who=None, n_items=None) -> Visits:
    who, item, second = (np.asarray(a, dtype=np.int64) for a in (who, item, second))
    n_who = int(who.max(initial=-1)) + 1 if n_who is None else n_who
    n_items = int(item.max(initial=-1)) + 1 if n_items is None else n_items
    return Visits(who, item, second, n_who, n_items)


@cache
def town(seed: int, *campaigns: CovisitInjection) -> tuple[Visits, Town]:
    made = build(PLAN, campaigns, seed)
    return encode(made.visits, np.arange(len(made.kind)).astype(object)), made


@cache
def judged(seed: int, *campaigns: CovisitInjection) -> tuple[Injection, Town]:
    visits, made = town(seed, *campaigns)
    return covisit_injection(visits, BOUNDS, 1), made


def also(visits: Visits, *more: tuple[np.ndarray, np.ndarray, np.ndarray]) -> Visits:
    parts = [(visits.who, visits.item, visits.seconds), *more]
    who, item, seconds = (np.concatenate(part) for part in zip(*parts, strict=True))
    return coded(who, item, seconds, visits.n_who, visits.n_items)


def same(one: Injection, other: Injection) -> bool:
    columns = [(one.nats, other.nats), (one.left, other.left), (one.right, other.right)]
    columns += [(one.surprise, other.surprise)]
    columns += [
        (getattr(one.pairs, name), getattr(other.pairs, name)) for name in one.pairs.__slots__
    ]
    return all(np.array_equal(a, b) for a, b in columns)


@pytest.mark.parametrize("intensity", [1.0, 0.5])
def test_accounts_that_inject_are_found_and_nobody_else(intensity):
    found, made = judged(3, CovisitInjection(accounts=40, intensity=intensity))
    injectors = made.kind == "covisit_injection"
    assert (found.nats[injectors] > 3).mean() >= 0.95
    assert (found.nats[~injectors] > 0).mean() <= 0.001


@pytest.mark.parametrize("seed", [1, 2])
def test_a_clean_town_of_communities_classes_and_crowds_is_left_alone(seed):
    found, _ = judged(seed)
    assert found.pairs.target.size == 0
    assert found.nats.max() == 0
    assert found.left.size == 0


def test_the_pairs_are_the_campaigns_and_say_who_stands_behind_them():
    campaign = CovisitInjection(accounts=40, targets=2, anchors=4)
    found, made = judged(4, campaign)
    visits, _ = town(4, campaign)
    theirs = np.unique(visits.item[made.kind[visits.who] == campaign.name])
    pairs = found.pairs
    assert 6 <= pairs.target.size <= 8
    assert np.unique(pairs.target).size == 2
    assert np.isin(pairs.target, theirs).all()
    assert np.isin(pairs.anchor, theirs).all()
    assert (pairs.again > 0).all()
    assert (pairs.again <= pairs.contributors).all()
    assert (pairs.contributors < pairs.covisits).all()
    assert (pairs.occasions <= pairs.covisits).all()
    assert np.allclose(pairs.lift, pairs.contributors / pairs.expected)
    assert (np.diff(pairs.surprise) <= 0).all()


def test_edges_join_the_accounts_of_one_campaign():
    both = CovisitInjection(accounts=30), CovisitInjection(accounts=30)
    found, made = judged(5, *both)
    assert found.left.size > 60
    assert (found.left < found.right).all()
    assert (made.actor[found.left] == made.actor[found.right]).mean() >= 0.97
    assert found.surprise.min() > 2


def test_many_anchors_with_few_ties_each_hide_no_campaign():
    found, made = judged(6, CovisitInjection(accounts=40, anchors=30))
    injectors = made.kind == "covisit_injection"
    assert found.pairs.contributors.max() <= 12
    assert (found.nats[injectors] > 0).mean() >= 0.85


def test_who_comes_to_an_injected_pair_now_and_then_is_no_injector():
    campaign = CovisitInjection(accounts=40)
    visits, made = town(3, campaign)
    pairs = judged(3, campaign)[0].pairs
    busy = np.argsort(-np.bincount(visits.who, minlength=visits.n_who))[5:25]
    busy = busy[made.kind[busy] == "honest"]
    when = DAY + HOUR * np.arange(busy.size)
    more = also(
        visits,
        (busy, np.full(busy.size, pairs.anchor[0]), when),
        (busy, np.full(busy.size, pairs.target[0]), when + 60),
    )
    found = covisit_injection(more, BOUNDS, 1)
    assert found.nats[busy].max() == 0
    assert (found.nats[made.kind == "covisit_injection"] > 3).mean() >= 0.9


@pytest.mark.parametrize("popular", [False, True])
def test_a_course_that_meets_weekly_on_the_same_items_is_left_alone(popular):
    visits, made = town(1)
    rng = np.random.default_rng(1)
    often = np.bincount(visits.item, minlength=visits.n_items)
    rank = np.argsort(often, kind="stable")
    items = [rank[1000], rank[1200], rank[-100 if popular else 900]]
    pupils = rng.choice(np.flatnonzero(made.kind == "honest"), 25, replace=False)
    lessons = [
        (pupils, np.full(25, item), (7 * week + 2) * DAY + 10 * HOUR + rng.integers(0, 3000, 25))
        for week in range(4)
        for item in items
    ]
    assert covisit_injection(also(visits, *lessons), BOUNDS, 1).nats[pupils].max() == 0


def test_two_parts_of_a_niche_item_that_few_see_one_after_the_other_are_no_injection():
    visits, made = town(1)
    rng = np.random.default_rng(4)
    rank = np.argsort(np.bincount(visits.item, minlength=visits.n_items), kind="stable")
    fans = rng.choice(np.flatnonzero(made.kind == "honest"), 15, replace=False)
    when = rng.integers(0, 30 * DAY, 15)
    parts = (
        (fans, np.full(15, rank[300]), when),
        (fans, np.full(15, rank[301]), when + 200),
    )
    found = covisit_injection(also(visits, *parts), BOUNDS, 1)
    assert found.pairs.target.size == 0


def test_people_who_take_once_to_the_sequel_of_a_popular_item_are_no_injectors():
    visits, made = town(1)
    rng = np.random.default_rng(5)
    rank = np.argsort(np.bincount(visits.item, minlength=visits.n_items), kind="stable")
    fans = np.unique(rng.choice(visits.who[made.kind[visits.who] == "honest"], 80))
    when = rng.integers(0, 30 * DAY, fans.size)
    seen = (
        (fans, np.full(fans.size, rank[-50]), when),
        (fans, np.full(fans.size, rank[300]), when + 200),
    )
    found = covisit_injection(also(visits, *seen), BOUNDS, 1)
    assert found.pairs.target.tolist() == [rank[300]]
    assert found.nats.max() < 2
    assert (found.nats[fans] > 1).mean() <= 0.1


def test_doubling_an_honest_crowd_raises_nobodys_suspicion():
    visits, made = town(2)
    crowd = np.isin(visits.who, np.flatnonzero(made.kind == "crowd"))
    again = visits.who[crowd], visits.item[crowd], visits.seconds[crowd] + 30
    assert covisit_injection(also(visits, again), BOUNDS, 1).nats.max() == 0


def test_the_order_of_the_rows_changes_nothing():
    campaign = CovisitInjection(accounts=40)
    visits, _ = town(3, campaign)
    order = np.random.default_rng(0).permutation(visits.who.size)
    shuffled = coded(
        visits.who[order], visits.item[order], visits.seconds[order], visits.n_who, visits.n_items
    )
    assert same(covisit_injection(shuffled, BOUNDS, 1), judged(3, campaign)[0])


def test_the_same_visit_twice_counts_once():
    campaign = CovisitInjection(accounts=40)
    visits, _ = town(3, campaign)
    twice = also(visits, (visits.who, visits.item, visits.seconds))
    assert same(covisit_injection(twice, BOUNDS, 1), judged(3, campaign)[0])


def test_the_evidence_is_capped_and_the_table_bounded():
    visits, made = town(3, CovisitInjection(accounts=40))
    few = SessionBounds(cap=2.5, most_pairs=5)
    found = covisit_injection(visits, few, 1)
    assert found.pairs.target.size == 5
    assert found.nats.max() == 2.5
    assert (found.nats[made.kind != "covisit_injection"] == 0).mean() >= 0.999


@pytest.mark.parametrize(
    "visits",
    [
        pytest.param(coded([], [], [], n_who=3), id="no visits"),
        pytest.param(coded([0], [0], [0]), id="one visit"),
        pytest.param(coded(np.arange(90), np.zeros(90), 60 * np.arange(90)), id="one item"),
        pytest.param(
            coded(np.zeros(90), np.zeros(90), 60 * np.arange(90)), id="one item, one contributor"
        ),
        pytest.param(
            coded(np.repeat(np.arange(50), 2), np.tile([0, 1], 50), np.full(100, 7)),
            id="all times equal",
        ),
        pytest.param(
            coded(np.arange(500), np.arange(500), HOUR * np.arange(500)), id="nobody meets"
        ),
    ],
)
def test_where_nothing_can_be_said_nothing_is_said(visits):
    found = covisit_injection(visits, BOUNDS, 1)
    assert found.nats.shape == (visits.n_who,)
    assert not found.nats.any()
    assert found.pairs.target.size == found.left.size == found.right.size == 0


def test_a_million_visits_of_one_contributor_change_nothing_for_the_others():
    campaign = CovisitInjection(accounts=40)
    visits, made = town(3, campaign)
    rng = np.random.default_rng(2)
    crawler = int(np.flatnonzero(made.kind == "honest")[0])
    n = 1_000_000
    crawl = np.full(n, crawler), rng.integers(0, visits.n_items, n), np.arange(n) % (20 * DAY)
    found = covisit_injection(also(visits, crawl), BOUNDS, 1)
    injectors = made.kind == "covisit_injection"
    assert (found.nats[injectors] > 3).mean() >= 0.95
    assert found.nats[~injectors].max() == 0


visit_lists = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 5), st.integers(0, 9000)), min_size=1, max_size=60
)


def test_of_a_crawler_only_a_part_is_looked_at():
    n = 1000
    crawl = coded(np.zeros(n), np.arange(n), HOUR * (np.arange(n) // 10))
    assert sessions(crawl, gap_minutes=10, longest=100, busiest=n).owner.size == 100
    assert 20 <= sessions(crawl, gap_minutes=10, longest=100, busiest=250).owner.size <= 25


@settings(deadline=None)
@given(visit_lists)
def test_sessions_are_the_same_where_codes_are_too_large_for_one_integer(rows):
    who, item, second = (np.array(column) for column in zip(*rows, strict=True))
    small = sessions(coded(who, item, second), gap_minutes=10, longest=9, busiest=100)
    many = coded(who, item, second, n_items=2**62)
    large = sessions(many, gap_minutes=10, longest=9, busiest=100)
    assert np.array_equal(small.item, large.item)
    assert np.array_equal(small.session, large.session)
    assert np.array_equal(small.owner, large.owner)


@settings(deadline=None)
@given(visit_lists, st.integers(1, 4), st.integers(2, 9))
def test_ties_are_between_different_items_of_one_session(rows, reach, longest):
    who, item, second = (np.array(column) for column in zip(*rows, strict=True))
    seen = sessions(coded(who, item, second), gap_minutes=10, longest=longest, busiest=100)
    tied = ties(seen, 6, reach=reach)
    assert (tied.low < tied.high).all()
    assert tied.pair.size <= reach * who.size
    assert np.bincount(seen.session).max() <= longest
    there = set(zip(seen.session.tolist(), seen.item.tolist(), strict=True))
    ends = tied.low[tied.pair], tied.high[tied.pair]
    for end in ends:
        assert set(zip(tied.session.tolist(), end.tolist(), strict=True)) <= there
    assert len({*zip(tied.pair.tolist(), tied.session.tolist(), strict=True)}) == tied.pair.size


def test_a_pause_ends_a_session_and_going_on_with_one_item_does_not_tie_it():
    visits = coded([0, 0, 0, 0], [1, 1, 2, 3], [0, 100, 200, 200 + 601])
    tied = ties(sessions(visits, gap_minutes=10, longest=100, busiest=100), 4, reach=3)
    assert (tied.low.tolist(), tied.high.tolist()) == ([1], [2])
    assert tied.contributors().tolist() == [1]

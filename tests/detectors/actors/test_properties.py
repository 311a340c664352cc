"""What must not matter, and what must matter one way only (metamorphic tests)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from visit_worlds import DAY, HOUR

from benchmarks.actors.town import TownPlan, build
from benchmarks.actors.worlds import KINDS, campaign, codes
from detectors.actors.graph.covisits import Bounds, Edges, telling_edges
from detectors.actors.graph.visits import Visits
from detectors.actors.search import CAMPAIGN, Found, search

PLAN = TownPlan(contributors=4000, visits=80_000, items=3000, communities=40)
QUIET = replace(PLAN, in_classes=0, crowds=0)
NICHE = 900
"""Unpopular items of the town begin here."""

Part = tuple[np.ndarray, np.ndarray, np.ndarray]
Meeting = Callable[[np.ndarray, np.random.Generator], list[Part]]


@cache
def town(seed: int, quiet: bool = False) -> Visits:
    """Visits of a town with a campaign of each kind; or of one with neither these nor groups."""
    campaigns = [campaign(kind, accounts=20) for kind in KINDS]
    return codes(build(QUIET, [], seed) if quiet else build(PLAN, campaigns, seed))


@cache
def searched(seed: int) -> Found:
    """What is found in a town."""
    return search(town(0), seed=seed)


def called(found: Found) -> np.ndarray:
    """(n,) bool: contributors in campaigns."""
    mine = np.zeros(found.nats.size, dtype=bool)
    for group in found.groups:
        mine[group.members] |= group.log_odds >= CAMPAIGN
    return mine


@pytest.mark.parametrize("seed", [0, 1])
def test_the_order_of_visits_changes_no_bit(seed: int) -> None:
    seen, found = town(0), searched(0)
    order = np.random.default_rng(seed).permutation(seen.who.size)
    shuffled = search(
        replace(seen, who=seen.who[order], item=seen.item[order], seconds=seen.seconds[order])
    )
    assert shuffled.nats.tobytes() == found.nats.tobytes()
    for part in fields(Edges):
        one, other = (getattr(edges, part.name) for edges in (shuffled.edges, found.edges))
        assert one.tobytes() == other.tobytes(), part.name
    assert [g.members.tolist() for g in shuffled.groups] == [
        g.members.tolist() for g in found.groups
    ]
    assert [(g.log_odds, g.reason) for g in shuffled.groups] == [
        (g.log_odds, g.reason) for g in found.groups
    ]


@pytest.mark.parametrize("seed", [0, 1])
def test_other_numbers_for_people_and_items_change_no_more_than_another_seed(seed: int) -> None:
    seen, rng = town(0), np.random.default_rng(seed)
    who, item = rng.permutation(seen.n_who), rng.permutation(seen.n_items)
    renamed = search(replace(seen, who=who[seen.who], item=item[seen.item]))
    by_seed = (called(searched(0)) != called(searched(1 + seed))).mean()
    assert (called(renamed)[who] != called(searched(0))).mean() <= by_seed + 0.002


def pair(shared: int, more: tuple[int, int], days: int = 30) -> float:
    """Surprise of two newcomers who share rare items, and visit what others visit besides."""
    seen, rng = town(0, quiet=True), np.random.default_rng(5)
    parts = [(seen.who, seen.item, seen.seconds)]
    popular = rng.choice(seen.item, (2, 100))
    rare = seen.n_items + np.arange(shared)
    for one in (0, 1):
        item = np.concatenate([rare, popular[one, : more[one]]])
        when = rng.integers(days * DAY, size=(2, 200))[one, : item.size]
        parts.append((np.full(item.size, seen.n_who + one), item, when))
    who, item, seconds = (np.concatenate(part) for part in zip(*parts, strict=True))
    visits = Visits(who, item, seconds, seen.n_who + 2, seen.n_items + shared)
    found = telling_edges(visits, Bounds(scales=(np.inf,), threshold=0.01), seed=0)
    mine = (found.left == seen.n_who) & (found.right == seen.n_who + 1)
    return float(found.surprise[mine].sum())


@settings(max_examples=8, deadline=None)
@given(st.integers(2, 9), st.integers(0, 60), st.integers(0, 60))
def test_one_more_shared_item_never_lowers_the_surprise_of_a_pair(
    shared: int, one: int, other: int
) -> None:
    before = pair(shared, (one, other))
    assert before > 0
    assert pair(shared + 1, (one, other)) >= before


def weekly(people: np.ndarray, rng: np.random.Generator) -> list[Part]:
    """A class: two niche items a week at one hour, most of the class present."""
    parts = []
    for task in range(8):
        there = people[rng.random(people.size) < 0.85]
        when = (7 * (task // 2) + 2) * DAY + 10 * HOUR + rng.integers(0, 3000, there.size)
        parts.append((there, np.full(there.size, NICHE + task), when))
    return parts


def at_once(people: np.ndarray, rng: np.random.Generator) -> list[Part]:
    """A flash crowd: two niche items within an hour."""
    return [
        (people, np.full(people.size, NICHE + item), 10 * DAY + rng.integers(0, HOUR, people.size))
        for item in range(2)
    ]


def again(parts: list[Part], rng: np.random.Generator) -> list[Part]:
    """Twice as many visits at the same rhythm: people come back within the hour, some often."""
    more = []
    for who, item, when in parts:
        back = np.repeat(np.arange(who.size), rng.poisson(1, who.size))
        more.append((who[back], item[back], when[back] + rng.integers(-900, 900, back.size)))
    return parts + more


def suspicion(seed: int, meeting: Meeting, people: int, *, twice: bool = False) -> float:
    """Nats of most of some people of a town who meet; none of them may be called."""
    seen, rng = town(seed, quiet=True), np.random.default_rng(seed)
    members = np.random.default_rng([seed, 1]).permutation(seen.n_who)[:people]
    parts = meeting(members, rng)
    parts = again(parts, rng) if twice else parts
    parts.append((seen.who, seen.item, seen.seconds))
    who, item, seconds = (np.concatenate(part) for part in zip(*parts, strict=True))
    found = search(replace(seen, who=who, item=item, seconds=seconds), seed=seed)
    assert not called(found)[members].any()
    return float(np.median(found.nats[members]))


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    ("meeting", "people", "most"), [(at_once, 30, 0.5), (at_once, 100, 0.5), (weekly, 20, 1.0)]
)
def test_a_crowd_of_twice_the_volume_is_hardly_more_suspicious_and_never_called(
    seed: int, meeting: Meeting, people: int, most: float
) -> None:
    before = suspicion(seed, meeting, people)
    assert suspicion(seed, meeting, people, twice=True) <= before + most
    assert suspicion(seed, meeting, 2 * people) <= before + most

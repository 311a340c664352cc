"""A town with one campaign of each kind, and people who are honestly together: who is called."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from visit_worlds import DAY, Scene

from benchmarks.actors.scores import called_accounts
from benchmarks.actors.town import TownPlan
from benchmarks.actors.worlds import KINDS, World, campaign
from detectors.actors.graph.covisits import Edges
from detectors.actors.graph.visits import Visits
from detectors.actors.search import Found, search
from foretaste.core.actor import ActorKind

PLAN = TownPlan(contributors=4000, visits=80_000, items=3000, communities=40)
SEEDS = [0, 1]
ACCOUNTS = 20


@dataclass(frozen=True)
class Searched:
    """A town, what was found in it, and who was called."""

    world: World
    found: Found
    called: np.ndarray

    def of(self, kind: str) -> np.ndarray:
        """(m,) bool: who of a kind of accounts was called."""
        mine = self.world.town.kind == kind
        assert mine.any()
        return np.asarray(self.called[mine])


@cache
def searched(seed: int) -> Searched:
    """Search a town, once for all tests."""
    campaigns = [campaign(kind, accounts=ACCOUNTS) for kind in KINDS]
    world = World.of(PLAN, campaigns, seed, neighbours=True)
    found = search(world.visits, seed=seed)
    return Searched(world, found, called_accounts(found.groups, world))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_campaign_is_called_and_is_one_actor(seed: int, kind: str) -> None:
    town = searched(seed)
    members = np.flatnonzero(town.world.town.kind == kind)
    shares = {
        i: np.isin(members, group.members).mean()
        for i, group in enumerate(town.found.groups)
        if group.kind is ActorKind.CAMPAIGN
    }
    best = town.found.groups[max(shares, key=lambda i: shares[i])]
    assert max(shares.values()) >= 0.9
    assert np.isin(best.members, members).mean() >= 0.95
    assert best.reason.startswith(f"campaign: {best.members.size} accounts")


@pytest.mark.parametrize("kind", KINDS)
def test_campaign_accounts_rank_above_honest_ones(kind: str) -> None:
    for seed in SEEDS:
        town = searched(seed)
        honest, mine = ~town.world.sybil, town.world.town.kind == kind
        least = np.quantile(town.found.nats[honest], 0.99)
        assert (town.found.nats[mine] > least).mean() >= 0.9


@pytest.mark.parametrize(
    ("kind", "most"),
    [("honest", 0.005), ("crowd", 0.01)]
    + [(kind, 0.05) for kind in ("class", "clan", "team", "reader")],
)
def test_honest_people_are_left_alone(kind: str, most: float) -> None:
    called = np.concatenate([searched(seed).of(kind) for seed in SEEDS])
    assert called.mean() <= most


@pytest.mark.parametrize("seed", SEEDS)
def test_groups_are_disjoint_sorted_and_large_enough(seed: int) -> None:
    groups = searched(seed).found.groups
    everybody = np.concatenate([group.members for group in groups])
    assert np.unique(everybody).size == everybody.size
    for group in groups:
        assert group.members.size >= 4
        assert (np.diff(group.members) > 0).all()
        assert np.isfinite(group.log_odds)
    assert {group.kind for group in groups} == {ActorKind.CAMPAIGN, ActorKind.HONEST_GROUP}


@pytest.mark.parametrize("seed", SEEDS)
def test_suspicion_is_at_least_that_of_the_group(seed: int) -> None:
    found = searched(seed).found
    assert np.isfinite(found.nats).all()
    for group in found.groups:
        assert (found.nats[group.members] >= group.log_odds - 1e-9).all()


def drip(trusted: tuple[int, ...] = (), confirmed: tuple[int, ...] = ()) -> float:
    """Search a scene with a drip; give the suspicion of its accounts."""
    scene = Scene(20, others=1500, seed=3).live().drip(8)
    who = np.arange(scene.n_who)
    found = search(scene.visits, trusted=np.isin(who, trusted), confirmed=np.isin(who, confirmed))
    return float(np.median(found.nats[:20]))


def test_people_who_are_known_speak_for_their_group_and_against_it() -> None:
    assert drip(trusted=(0, 1, 2)) < drip(trusted=(0,)) < drip()
    assert drip() < drip(confirmed=(0,)) < drip(confirmed=(0, 1))


def test_contributors_that_a_person_said_are_different_have_no_edges() -> None:
    scene = Scene(20, others=1500, seed=3).live().drip(8)
    apart = np.arange(20)
    assert not search(scene.visits, different=[apart]).groups
    edges = search(scene.visits, different=[apart[:10]]).edges
    assert edges.size > 0
    assert not (np.isin(edges.left, apart[:10]) & np.isin(edges.right, apart[:10])).any()


def test_edges_of_earlier_nights_hold_a_group_together() -> None:
    scene = Scene(12, others=1500, seed=3).live(3)
    for number in range(8):
        mine = scene.members[6 * (number % 2) : 6 * (number % 2) + 6]
        scene.meet(number, (3 * number + 1) * DAY + 1000 * number**2, who=mine)
    left, right = np.triu_indices(12, 1)
    past = Edges(left, right, np.full(66, 20.0), np.full(66, 4), np.full(66, 2.0))
    alone = [set(g.members.tolist()) for g in search(scene.visits).groups]
    held = [set(g.members.tolist()) for g in search(scene.visits, past=past).groups]
    assert set(range(12)) not in alone
    assert set(range(12)) in held


def test_an_empty_graph_has_no_groups() -> None:
    none = np.zeros(0, dtype=np.int64)
    for people in (0, 5):
        found = search(Visits(none, none, none, people, 0))
        assert found.groups == []
        assert found.edges.size == 0
        assert found.nats.shape == found.injected.shape == (people,)

"""Groups: fragments of one campaign come together, and nobody joins by chance."""

from __future__ import annotations

import numpy as np
import pytest
from visit_worlds import DAY, HOUR, Scene

from detectors.actors.graph.covisits import Bounds, Edges, telling_edges
from detectors.actors.groups.communities import communities, compact, groups_of, grown


def clique(people: range, surprise: float) -> list[tuple[int, int, float]]:
    """Every pair of some people."""
    return [(a, b, surprise) for a in people for b in people if a < b]


def edges(pairs: list[tuple[int, int, float]]) -> Edges:
    """Edges of a surprise each."""
    left, right, surprise = np.array(sorted(pairs), dtype=float).reshape(-1, 3).T
    shared = np.full(left.size, 3)
    return Edges(left.astype(int), right.astype(int), surprise, shared, np.full(left.size, 1.0))


def test_two_dense_groups_with_a_tie_between_them_stay_two() -> None:
    pairs = clique(range(8), 20) + clique(range(8, 14), 20) + [(7, 8, 6)]
    label = communities(edges(pairs), 20)
    assert len(set(label[:8])) == len(set(label[8:14])) == 1
    assert label[0] != label[8]
    assert (label[14:] == -1).all()


def test_a_small_dense_group_is_not_swallowed_by_a_large_graph() -> None:
    rng = np.random.default_rng(0)
    ends = {(int(a), int(b)) for a, b in rng.integers(10, 3000, (6000, 2)) if a < b}
    label = communities(edges(clique(range(6), 20) + [(a, b, 4.5) for a, b in ends]), 3000)
    assert np.flatnonzero(label == label[0]).tolist() == list(range(6))


def test_without_edges_there_are_no_communities() -> None:
    assert (communities(edges([]), 5) == -1).all()
    assert communities(edges([]), 0).size == 0


def test_small_groups_are_left_and_the_others_numbered_from_zero() -> None:
    label = np.array([7, 7, 7, -1, 2, 2, 9, 9, 9, 9])
    assert compact(label, 3).tolist() == [0, 0, 0, -1, -1, -1, 1, 1, 1, 1]
    assert compact(label, 5).tolist() == [-1] * 10
    assert compact(np.full(3, -1), 1).tolist() == [-1] * 3


def fragments(scene: Scene) -> np.ndarray:
    """Label 14 of 24 members as one group, and ten as another."""
    label = scene.label.copy()
    label[14:24] = 1
    return label


@pytest.mark.parametrize("seed", [0, 1])
def test_fragments_of_one_campaign_come_together(seed: int) -> None:
    scene = Scene(24, seed=seed).live().drip(12)
    joined = grown(scene.visits, fragments(scene))
    assert len(set(joined[:24])) == 1
    assert (joined[24:] == -1).all()


def test_two_campaigns_with_targets_of_their_own_stay_two() -> None:
    scene = Scene(24).live()
    for number in range(16):
        mine = np.arange(14) if number % 2 else np.arange(14, 24)
        scene.meet(number, number * DAY + number * HOUR, who=mine)
    label = fragments(scene)
    assert np.array_equal(grown(scene.visits, label), label)


@pytest.mark.parametrize(("met", "joins"), [(0, False), (1, False), (2, False), (6, True)])
def test_an_outsider_joins_at_half_of_the_targets_but_not_by_chance(met: int, joins: bool) -> None:
    scene = Scene(20, others=1500).live().drip(12)
    outsider = 100
    for number in range(met):
        scene.meet(number, number * DAY, who=[outsider])
    assert (grown(scene.visits, scene.label)[outsider] == 0) == joins


@pytest.mark.parametrize(("met", "joins"), [(2, False), (3, False), (4, True)])
def test_joining_takes_three_of_ten_targets_however_rare_they_are(met: int, joins: bool) -> None:
    scene = Scene(21, others=5000)
    scene.drip(12, who=np.arange(20)).add([20] * 2, [1, 2], DAY)
    for number in range(met):
        scene.meet(number, number * DAY, who=[20])
    label = np.where(np.arange(scene.n_who) < 20, 0, -1)
    assert (grown(scene.visits, label)[20] == 0) == joins


def test_somebody_who_is_everywhere_does_not_join() -> None:
    scene = Scene(20).live().drip(12)
    scene.add([100] * 1012, np.arange(1012), scene.any_time(1012))
    assert grown(scene.visits, scene.label)[100] == -1


def test_members_without_edges_are_found_by_what_they_share() -> None:
    scene = Scene(24).live().drip(12)
    found = telling_edges(scene.visits, Bounds(), seed=0)
    assert found.size > 0
    label = groups_of(scene.visits, found.where((found.left < 8) & (found.right < 8)), 4)
    assert len(set(label[:24])) == 1
    assert label[0] >= 0
    assert (label[24:] == -1).all()


def test_groups_are_of_the_least_size_or_more() -> None:
    scene = Scene(5).live().drip(12)
    found = telling_edges(scene.visits, Bounds(), seed=0)
    assert (groups_of(scene.visits, found, 5)[:5] == 0).all()
    assert (groups_of(scene.visits, found, 6) == -1).all()

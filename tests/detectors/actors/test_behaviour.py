"""Each number on groups whose numbers are known by hand."""

from __future__ import annotations

import numpy as np
import pytest
from visit_worlds import DAY, HOUR, Scene

from detectors.actors.graph.covisits import Edges
from detectors.actors.groups.behaviour import Behaviours, behaviours

NO_EDGES = Edges(*(np.zeros(0, dtype=kind) for kind in (int, int, float, int, float)))


def told(scene: Scene, edges: Edges = NO_EDGES) -> dict[str, float]:
    """Numbers of the one group of a scene."""
    found = behaviours(scene.visits, scene.label, edges)
    (line,) = found.matrix(Behaviours.names())
    assert np.isfinite(line).all()
    return dict(zip(Behaviours.names(), line.tolist(), strict=True))


def ties(*pairs: tuple[int, int, float]) -> Edges:
    """Edges of a surprise each."""
    left, right, surprise = (np.array(part) for part in zip(*pairs, strict=True))
    return Edges(left, right, surprise.astype(float), np.full(left.size, 3), np.full(left.size, 1))


def test_a_campaign_that_does_one_thing() -> None:
    found = told(Scene(12).drip(5))
    assert found["size"] == 12
    assert found["targets"] == found["choices"] == 5
    assert found["coverage"] == found["focus"] == found["exclusive"] == 1
    assert found["own_life"] == found["again"] == 0


def test_coverage_is_the_share_of_the_members_at_a_target() -> None:
    scene = Scene(12)
    for number in range(4):
        scene.meet(number, number * 3 * DAY, who=np.arange(3 * (number % 2), 9 + 3 * (number % 2)))
    assert told(scene)["coverage"] == 0.75


def test_focus_falls_with_other_things_that_some_share() -> None:
    scene = Scene(20).meet(0, DAY).meet(1, 2 * DAY)
    for number in range(2, 6):
        scene.meet(number, number * DAY, who=range(number, number + 5))
    found = told(scene)
    assert found["targets"] == 2
    assert found["focus"] == 40 / 60


def test_exclusive_is_the_share_of_the_visitors_who_are_members() -> None:
    scene = Scene(12).drip(4).meet(0, DAY, who=range(20, 28)).meet(3, DAY, who=range(30, 38))
    assert told(scene)["exclusive"] == 48 / 64


def test_own_life_is_the_share_of_visits_to_what_is_not_shared() -> None:
    scene = Scene(10, others=300).drip(6)
    scene.add(np.repeat(scene.members, 4), scene.rng.permutation(1000)[:40], 5)
    assert told(scene)["own_life"] == pytest.approx(0.4)


def test_again_is_how_often_members_come_back() -> None:
    once, thrice = Scene(12).drip(4), Scene(12).drip(4).drip(4).drip(4)
    assert told(once)["again"] == 0
    assert told(thrice)["again"] == pytest.approx(np.log(3))


def test_inward_is_the_share_of_surprise_inside() -> None:
    scene = Scene(4).drip(4)
    assert told(scene, ties((0, 1, 12), (1, 2, 12)))["inward"] == 1
    assert told(scene, ties((0, 1, 12), (1, 9, 8), (10, 11, 50)))["inward"] == pytest.approx(0.75)
    assert told(scene, ties((10, 11, 50)))["inward"] == 0


def test_density_is_the_mean_surprise_of_a_pair() -> None:
    scene = Scene(4).drip(4)
    assert told(scene, ties((0, 1, 15), (2, 3, 30)))["density"] == pytest.approx(1.5 / 6)
    pairs = [(a, b, 60) for a in range(4) for b in range(a + 1, 4)]
    assert told(scene, ties(*pairs))["density"] == 1
    assert told(scene)["density"] == 0


def test_margin_speaks_where_more_is_shared_than_a_search_would_find() -> None:
    loose = Scene(10).live()
    for number in range(3):
        loose.meet(number, number * DAY, who=range(number, number + 4))
    assert told(loose)["margin"] < 0 < told(Scene(10).live().drip(8))["margin"]


def test_margin_rises_with_what_is_shared() -> None:
    margins = [told(Scene(12).live().drip(n))["margin"] for n in (2, 4, 8, 12)]
    assert margins == sorted(margins)


def test_topic_is_high_where_outsiders_go_to_the_targets_together_too() -> None:
    of_one_topic, of_none = (Scene(12, others=2000).drip(6) for _ in range(2))
    fans = of_one_topic.rng.permutation(np.arange(50, 350))[:60]
    for number in range(6):
        of_one_topic.meet(number, number * DAY, who=fans[:30])
        of_none.meet(number, number * DAY, who=fans[(10 * number + np.arange(30)) % 60][:5])
    assert told(of_one_topic)["topic"] > 1
    assert told(of_none)["topic"] < 0.5


def test_slope_is_high_where_busier_members_do_more_of_it() -> None:
    people, orders = Scene(40, others=2000), Scene(40, others=2000)
    for member in range(40):
        done = 1 + member // 3
        people.add([member], Scene.NICHE + np.arange(done), np.arange(done) * DAY)
        orders.add([member], Scene.NICHE + np.arange(6), np.arange(6) * DAY)
        for scene in (people, orders):
            scene.add([member], scene.rng.integers(1000, size=5 * done), np.arange(5 * done) * HOUR)
    assert told(people)["slope"] > 0.7
    assert abs(told(orders)["slope"]) < 0.3


def test_slope_says_nothing_where_all_are_equally_busy() -> None:
    assert told(Scene(12).drip(5))["slope"] == 0


def test_uneven_is_low_where_all_do_the_same() -> None:
    order, people = Scene(12).drip(5), Scene(12).drip(5)
    for member in range(12):
        people.add([member] * member**2, Scene.NICHE, np.arange(member**2) * 600)
    assert told(order)["uneven"] == pytest.approx(np.log(0.1 / 5.1))
    assert told(people)["uneven"] > 2


def test_a_group_without_anything_in_common_has_finite_numbers() -> None:
    found = told(Scene(5).live(6))
    assert found["targets"] == found["coverage"] == found["focus"] == found["choices"] == 0
    assert found["own_life"] == 1
    assert found["margin"] < 0


def test_no_groups_have_no_numbers() -> None:
    scene = Scene(0)
    found = behaviours(scene.visits, scene.label, NO_EDGES)
    assert found.matrix(Behaviours.names()).shape == (0, len(Behaviours.names()))


def test_a_second_group_changes_nothing_for_the_first() -> None:
    scene = Scene(10).live().drip(5)
    for number in range(4):
        scene.meet(20 + number, number * DAY, who=range(100, 110))
    label = scene.label
    alone = behaviours(scene.visits, label, NO_EDGES).matrix(Behaviours.names())
    label[100:110] = 1
    both = behaviours(scene.visits, label, NO_EDGES).matrix(Behaviours.names())
    assert np.array_equal(both[0], alone[0])
    assert both[1, 1] == 4

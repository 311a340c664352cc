"""What a group shares: items that surprisingly many of its members visit."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from visit_worlds import DAY, Scene

from detectors.actors.graph.visits import Visits
from detectors.actors.groups.shared import Shared, many

PAIRS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 6)), max_size=80)
LABELS = st.lists(st.integers(-1, 2), min_size=10, max_size=10)


def niche(found: Shared, chosen: np.ndarray) -> set[int]:
    """Numbers of the chosen items; each must be a niche item of group 0."""
    assert (found.group[chosen] == 0).all()
    return set((found.item[chosen] - Scene.NICHE).tolist())


def test_three_of_ten_members_and_three_at_least_speak_for_a_group() -> None:
    assert many(np.array([1, 2, 3, 10, 20, 100])).tolist() == [1, 2, 3, 3, 6, 30]


def test_targets_are_what_enough_members_visit() -> None:
    scene = Scene(20)
    scene.meet(0, DAY).meet(1, DAY, who=range(6)).meet(2, DAY, who=range(5))
    scene.meet(3, DAY, who=range(2))
    found = scene.shared
    assert niche(found, found.target) == {0, 1}
    assert niche(found, found.shared) == {0, 1, 2}


def test_what_everybody_visits_is_no_target() -> None:
    scene = Scene(20).live().meet(0, DAY).meet(1, DAY)
    scene.meet(1, DAY, who=range(20, scene.n_who))
    assert niche(scene.shared, scene.shared.target) == {0}


def test_coming_back_is_counted_once() -> None:
    once, often = Scene(20).meet(0, DAY), Scene(20).meet(0, DAY).meet(0, 5 * DAY).meet(0, DAY)
    for name in Shared.__slots__:
        assert np.array_equal(getattr(once.shared, name), getattr(often.shared, name)), name


def test_how_many_targets_each_contributor_visits() -> None:
    scene = Scene(10, others=500)
    for number in range(5):
        scene.meet(number, number * DAY)
    scene.meet(0, DAY, who=[50]).meet(3, DAY, who=[50])
    counts = scene.shared.at_targets(100).toarray()[:, 0]
    assert (counts[:10] == 5).all()
    assert counts[50] == 2
    assert counts.sum() == 52
    assert np.isclose(scene.shared.chance(100)[0], 52 / scene.shared.who.size)


def test_targets_of_too_many_contributors_tell_nobody_apart() -> None:
    scene = Scene(10).meet(0, DAY).meet(1, DAY).meet(1, DAY, who=[50])
    assert niche(scene.shared, scene.shared.usable(10)) == {0}
    assert scene.shared.at_targets(10).toarray()[:, 0].sum() == 10
    assert scene.shared.at_targets(9).nnz == 0
    assert scene.shared.chance(9).tolist() == [0.0]


@settings(deadline=None)
@given(PAIRS, LABELS)
def test_every_visit_of_a_member_is_counted_in_its_group_alone(
    pairs: list[tuple[int, int]], labels: list[int]
) -> None:
    who, item = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    label = np.array(labels)
    found = Shared.of(Visits(who, item, np.zeros(who.size, np.int64), 10, 7), label)
    seen = {(int(w), int(i)) for w, i in pairs}
    counted = zip(found.group, found.item, found.members, strict=True)
    for group, place, members in counted:
        assert members == sum(label[w] == group and i == place for w, i in seen)
    assert found.members.sum() == sum(bool(label[w] >= 0) for w, _ in seen)
    assert found.degree.tolist() == [sum(w == n for w, _ in seen) for n in range(10)]
    assert found.popularity.tolist() == [sum(i == n for _, i in seen) for n in range(7)]
    assert (found.target <= found.shared).all()
    expected = found.per_group(np.ones(found.group.size, bool), found.expected)
    assert np.isfinite(expected).all()

"""Choices: how often a group had to agree, not how often it met."""

from __future__ import annotations

import numpy as np
import pytest
from visit_worlds import DAY, HOUR, Scene

from detectors.actors.groups.moments import choices
from detectors.actors.groups.shared import Shared

SEEDS = [0, 1, 2]


def agreed(scene: Scene) -> int:
    """Choices of the one group of a scene."""
    (found,) = choices(scene.visits, scene.shared)
    return int(found)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("hour", [0, 8.5, 13, 23.5])
def test_a_class_that_meets_weekly_at_one_hour_is_one_choice(seed: int, hour: float) -> None:
    scene = Scene(20, seed=seed)
    for week in range(4):
        for task in range(3):
            scene.meet(3 * week + task, int((7 * week + 2) * DAY + hour * HOUR), minutes=50)
    assert agreed(scene) == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_a_flash_crowd_is_one_choice(seed: int) -> None:
    begin = int(Scene(seed=seed).any_time(1)[0])
    assert agreed(Scene(60, seed=seed).meet(0, begin, minutes=60).meet(1, begin, minutes=60)) == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_an_event_of_a_morning_is_a_few_choices_whatever_it_touches(seed: int) -> None:
    scene = Scene(20, seed=seed)
    for number in range(12):
        scene.meet(number, 10 * DAY + 6 * HOUR, minutes=6 * 60)
    assert 1 <= agreed(scene) <= 4


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("hour", [7, 11.5, 17])
def test_a_team_that_meets_every_day_at_one_hour_is_two_choices_at_most(
    seed: int, hour: float
) -> None:
    scene = Scene(10, seed=seed)
    for day in range(30):
        if day % 7 < 5:
            scene.meet(day, int(day * DAY + hour * HOUR), minutes=50)
    assert 1 <= agreed(scene) <= 2


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("targets", [4, 8, 12])
@pytest.mark.parametrize("minutes", [2, 60])
def test_lockstep_at_random_times_is_about_as_many_choices_as_targets(
    seed: int, targets: int, minutes: float
) -> None:
    scene = Scene(20, seed=seed)
    for number, second in enumerate(scene.any_time(targets)):
        scene.meet(number, int(second), minutes=minutes)
    # Some moments are at one hour of the week; others straddle two.
    assert 0.6 * targets <= agreed(scene) <= 1.25 * targets


@pytest.mark.parametrize("targets", [3, 7, 12])
def test_a_drip_is_as_many_choices_as_targets(targets: int) -> None:
    assert agreed(Scene(20).drip(targets)) == targets


@pytest.mark.parametrize("seed", SEEDS)
def test_one_item_again_and_again_at_random_times_is_a_choice_each_time(seed: int) -> None:
    scene = Scene(20, seed=seed)
    for second in scene.any_time(8):
        scene.meet(0, int(second), minutes=5)
    assert 5 <= agreed(scene) <= 8


def test_another_thing_to_agree_on_is_never_fewer_choices() -> None:
    scene = Scene(20, seed=4)
    found = [agreed(scene)]
    for number, second in enumerate(scene.any_time(10)):
        found.append(agreed(scene.meet(number, int(second), minutes=10)))
    assert found == sorted(found)
    assert found[0] == 0


def test_few_members_at_an_item_are_no_moment() -> None:
    scene = Scene(20)
    for number in range(6):
        scene.meet(number, number * 4 * DAY + number * HOUR, who=scene.members[number::5])
    assert agreed(scene) == 0


def test_a_group_counts_for_itself() -> None:
    scene = Scene(20)
    for number in range(4):
        scene.meet(number, number * 3 * DAY + 5 * number * HOUR, who=np.arange(10))
    label = np.where(np.arange(scene.n_who) < 10, 0, np.where(scene.label == 0, 1, -1))
    assert choices(scene.visits, Shared.of(scene.visits, label)).tolist() == [4, 0]


def test_nobody_agrees_on_nothing() -> None:
    scene = Scene(0, others=0)
    assert choices(scene.visits, scene.shared).size == 0

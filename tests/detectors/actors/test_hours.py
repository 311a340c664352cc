"""What the clock says: machines stand out, people and crowds do not, nothing is invented."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from visit_worlds import Town

from detectors.actors.graph.visits import Visits, encode
from detectors.actors.hours import group_hours
from detectors.actors.hours.cadence import cadence
from detectors.actors.hours.circadian import circadian_odds
from detectors.peers import unlike_peers

DAY = 86_400
MACHINES = 5


def visits_of(who, seconds, n_who=None):
    who, seconds = np.asarray(who, dtype=np.int64), np.asarray(seconds, dtype=np.int64)
    return Visits(who, np.zeros_like(who), seconds, n_who or int(who.max(initial=-1)) + 1, 1)


def sittings(rng, n, hour=14.0, spread=4.0):
    """Times of a person: a few sittings by day, visits minutes apart within each."""
    hours = np.clip(rng.normal(hour, spread, n // 4 + 1), 0, 23)
    start = rng.integers(0, 60, n // 4 + 1) * DAY + hours * 3600
    return (np.repeat(start, 4) + rng.exponential(400, 4 * (n // 4 + 1))).astype(int)[:n]


def town(seed=0, people=300):
    rng = np.random.default_rng(seed)
    volume = np.clip(rng.pareto(1.2, people) * 15 + 8, 8, 400).astype(int)
    times = [sittings(rng, n, rng.normal(14, 3)) for n in volume]
    return rng, times


def joined(times, machines=()):
    times = [*times, *machines]
    who = np.repeat(np.arange(len(times)), [len(t) for t in times])
    return visits_of(who, np.concatenate(times))


KINDS = {
    "regular": lambda rng: np.cumsum(rng.integers(540, 660, 100)),
    "fast": lambda rng: np.repeat(rng.integers(0, 59 * DAY, 10), 10) + np.tile(np.arange(10), 10),
    "burst": lambda rng: np.r_[rng.integers(0, 59 * DAY, 3), rng.integers(0, 1500, 97) + 9 * DAY],
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", KINDS)
def test_machines_stand_out_and_people_do_not(kind, seed):
    rng, times = town(seed)
    found = getattr(cadence(joined(times, [KINDS[kind](rng) for _ in range(MACHINES)])), kind)
    assert (found[-MACHINES:] > 3).all()
    assert (found[:-MACHINES] > 2).mean() <= 0.02


def test_a_twentieth_of_machines_does_not_become_the_standard():
    rng, times = town()
    found = cadence(joined(times, [KINDS["regular"](rng) for _ in range(15)])).regular
    assert (found[-15:] > 3).all()


@pytest.mark.parametrize(
    ("who", "seconds"),
    [
        ([], []),
        ([0], [5]),
        (range(100), [7] * 100),
        (np.repeat(np.arange(50), 20), [7] * 1000),
        (range(100), range(100)),
    ],
    ids=["nobody", "one visit", "all at once", "all at once, many each", "one visit each"],
)
def test_without_times_to_compare_nothing_is_said(who, seconds):
    visits = visits_of(list(who), list(seconds))
    pace = cadence(visits)
    assert not np.concatenate([pace.regular, pace.fast, pace.burst]).any()
    assert not circadian_odds(visits, np.zeros(visits.n_who, dtype=np.int64)).any()
    assert not group_hours(visits, np.zeros(visits.n_who, dtype=np.int64)).any()


def test_one_contributor_with_very_many_visits_is_judged_and_changes_nothing_for_others():
    rng, times = town()
    without = cadence(joined(times))
    with_giant = cadence(joined(times, [np.sort(rng.integers(0, 60 * DAY, 100_000))]))
    for name in ("regular", "fast", "burst"):
        alone, beside = getattr(without, name), getattr(with_giant, name)
        assert np.isfinite(beside).all()
        assert beside.max() <= 60
        assert (np.abs(beside[:-1] - alone) > 1).mean() <= 0.02


def test_a_handful_of_people_is_no_standard():
    rng, times = town(people=5)
    assert not cadence(joined(times, [KINDS["regular"](rng)])).regular.any()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_visits_says_nothing(seed):
    rng, times = town(1, 40)
    visits = joined(times, [KINDS["fast"](rng)])
    mixed = np.random.default_rng(seed).permutation(visits.who.size)
    other = visits_of(visits.who[mixed], visits.seconds[mixed])
    groups = np.arange(visits.n_who) % 7
    for name in ("regular", "fast", "burst"):
        assert np.array_equal(getattr(cadence(visits), name), getattr(cadence(other), name))
    assert np.array_equal(circadian_odds(visits, groups), circadian_odds(other, groups))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 2**40)), max_size=300),
    st.lists(st.integers(-1, 3), min_size=31, max_size=31),
)
def test_every_number_is_bounded_whatever_the_times(pairs, groups):
    visits = visits_of([w for w, _ in pairs], [s for _, s in pairs], 31)
    pace = cadence(visits, min_gaps=1)
    for value in (pace.regular, pace.fast, pace.burst):
        assert value.shape == (31,)
        assert ((value >= 0) & (value <= 60)).all()
    odds = circadian_odds(visits, np.array(groups), cap=8.0)
    assert odds.shape == (max(groups) + 1,)
    assert ((odds >= 0) & (odds <= 8)).all()


def test_exponential_tails_are_told_as_they_are():
    value = np.random.default_rng(0).exponential(3.0, 20_000)
    told = unlike_peers(value, np.full(20_000, 10), np.ones(20_000, dtype=bool), least=1e-9)
    for s in (1.0, 2.0, 3.0):
        assert (told >= s).mean() == pytest.approx(10**-s, rel=0.35)


def personal(rng, hours, n):
    """Times of somebody with hours of their own, ``hours`` a profile."""
    drawn = rng.choice(24, n, p=hours)
    return rng.integers(0, 60, n) * DAY + drawn * 3600 + rng.integers(0, 3600, n)


def timetable(seed, zones):
    """300 people with habits, 20 groups of 8 of them, and the base of their days."""
    rng = np.random.default_rng(seed)
    base = np.exp(-0.5 * ((np.arange(24) - 14) / 4) ** 2) + 0.01
    base /= base.sum()
    shift = rng.integers(0, 24, 300) if zones else np.zeros(300, dtype=int)
    times = [personal(rng, np.roll(rng.dirichlet(6 * base), s), 40) for s in shift]
    return rng, base, times, np.where(np.arange(300) < 160, np.arange(300) // 8, -1)


@pytest.mark.parametrize("zones", [False, True], ids=["one time zone", "all time zones"])
@pytest.mark.parametrize("seed", range(3))
def test_a_group_without_a_night_is_told_and_people_are_not(seed, zones):
    rng, base, times, group = timetable(seed, zones)
    machines = [personal(rng, np.full(24, 1 / 24), 40) for _ in range(8)]
    office = rng.dirichlet(20 * base)
    colleagues = [personal(rng, rng.dirichlet(12 * office), 40) for _ in range(8)]
    odds = circadian_odds(joined([*times, *machines], colleagues), np.r_[group, [20] * 8, [21] * 8])
    assert odds[20] == 10
    assert odds[21] < 1
    assert (odds[:20] < 1).all()


def test_members_on_one_schedule_agree_more_than_people_do():
    odds = []
    for seed in range(6):
        rng, _, times, group = timetable(seed, False)
        schedule = rng.dirichlet(np.full(24, 0.4))
        machines = [personal(rng, schedule, 40) for _ in range(12)]
        odds.append(circadian_odds(joined(times, machines), np.r_[group, [20] * 12])[20])
    assert np.median(odds) > 3


def paced(seed, kind, scripted, honest=16):
    """A town with one group of people and one in which some are machines."""
    rng, times = town(seed)
    machines = [KINDS[kind](rng) for _ in range(scripted)]
    label = np.full(len(times) + scripted, -1)
    label[: 2 * honest] = np.repeat([0, 1], honest)
    label[len(times) :] = 1
    return group_hours(joined(times, machines), label)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", KINDS)
def test_a_group_of_many_machines_is_told_and_one_among_people_is_not(kind, seed):
    odds = paced(seed, kind, 10)
    assert odds[1] >= 1.5
    assert odds[0] <= 1
    assert paced(seed, kind, 1)[1] <= 1


@pytest.mark.parametrize("seed", range(3))
def test_who_comes_at_random_is_no_machine(seed):
    rng, times = town(seed)
    mail = [np.cumsum(rng.exponential(40_000, 60)).astype(int) for _ in range(12)]
    found = cadence(joined(times, mail)).regular[-12:]
    assert (found >= 2).mean() <= 0.1


def test_hours_never_say_more_than_two_nats_and_nothing_for_no_group():
    rng, times = town()
    visits = joined(times, [KINDS["regular"](rng) for _ in range(12)])
    label = np.full(visits.n_who, -1)
    assert group_hours(visits, label).shape == (0,)
    label[-12:] = 2
    odds = group_hours(visits, label)
    assert odds.shape == (3,)
    assert not odds[:2].any()
    assert 1 < odds[2] <= 2


@pytest.mark.parametrize("seed", range(3))
def test_honest_groups_without_a_night_stay_below_what_would_call_them(seed):
    together = Town(seed).people(1000, 15_000).campus().readers().crowd().course().batch()
    names = together.contributor_ids
    kinds, label = np.unique([str(n).rstrip("0123456789") for n in names], return_inverse=True)
    odds = dict(zip(kinds, group_hours(encode(together.visits, names), label), strict=True))
    for kind in ("campus", "crowd", "pupil", "reader"):
        assert odds[kind] <= 1

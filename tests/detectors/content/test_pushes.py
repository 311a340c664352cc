"""Pushed items: quiet ones that suddenly have one opinion are told, successes are not."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.content.pushes import PushRules, pushes
from detectors.content.raters import DAY, Ratings

PEOPLE, ITEMS, YEAR = 400, 60, 365
QUIET = 55


def made(who, item, rating, seconds):
    who, item = np.asarray(who, dtype=np.int64), np.asarray(item, dtype=np.int64)
    return Ratings(
        who,
        item,
        np.asarray(rating, dtype=np.float64),
        np.asarray(seconds, dtype=np.int64),
        int(who.max(initial=-1)) + 1,
        int(item.max(initial=-1)) + 1,
    )


def year(seed=0):
    """People's ratings of a year; a quarter are extreme, late items have few."""
    rng = np.random.default_rng(seed)
    share = 1.0 / np.arange(1, ITEMS + 1)
    m = 8000
    item = rng.choice(ITEMS, m, p=share / share.sum())
    level = rng.choice([-1.0, -0.5, 0.0, 0.5, 1.0], m, p=[0.1, 0.2, 0.3, 0.25, 0.15])
    return made(rng.integers(0, PEOPLE, m), item, level, rng.integers(0, YEAR * DAY, m))


def joined(base, *more):
    parts = [base, *more]
    columns = (np.concatenate([getattr(p, c) for p in parts]) for c in vars_of())
    return made(*columns)


def vars_of():
    return ("who", "item", "rating", "seconds")


def wave(n, *, item=QUIET, rating=1.0, days=10, first=PEOPLE, seed=1):
    """Newcomers who rate one item within some of the last days."""
    rng = np.random.default_rng(seed)
    when = (YEAR - 30) * DAY + rng.integers(0, days * DAY, n)
    ratings = np.broadcast_to(rating, n) if np.ndim(rating) == 0 else rating
    return made(first + np.arange(n), np.full(n, item), ratings, when)


def unknown(ratings):
    """Nobody has a name."""
    return np.full(ratings.n_who, 0.4)


@pytest.mark.parametrize("seed", range(3))
def test_honest_people_push_nothing(seed):
    base = year(seed)
    assert (pushes(base, unknown(base)).nats > 2).mean() <= 0.001


@pytest.mark.parametrize("rating", [1.0, -1.0], ids=["push", "smear"])
@pytest.mark.parametrize("seed", range(3))
def test_a_quiet_item_with_one_opinion_at_once_is_told(rating, seed):
    base = year(seed)
    both = joined(base, wave(15, rating=rating, seed=seed))
    told = pushes(both, unknown(both))
    theirs = slice(base.who.size, None)
    assert (told.nats[theirs] > 1.5).all()
    assert told.nats[theirs].mean() > 2.5
    assert (told.extremes[theirs] >= 8).all()
    assert (told.expected[theirs] < 3).all()
    assert (told.nats[: base.who.size] > 2).mean() <= 0.002


def test_more_of_the_same_is_never_less():
    base = year()
    least = []
    for n in (2, 8, 15, 40):
        both = joined(base, wave(n))
        least.append(pushes(both, unknown(both)).nats[base.who.size :].min())
    assert least == sorted(least)
    assert least[0] == 0
    assert least[-1] > 4


def test_a_new_item_with_enthusiasts_is_let_pass():
    base = year()
    both = joined(base, wave(80, item=ITEMS))
    assert not pushes(both, unknown(both)).nats[base.who.size :].any()


def test_a_success_that_some_find_middling_is_let_pass():
    rng = np.random.default_rng(3)
    liked = np.where(rng.random(80) < 0.6, 1.0, 0.5)
    both = joined(year(), wave(80, rating=liked))
    assert not pushes(both, unknown(both)).nats[-80:].any()


def test_an_item_that_always_had_one_opinion_goes_on_having_it():
    rng = np.random.default_rng(4)
    loved = made(
        rng.permutation(PEOPLE)[:300], np.full(300, ITEMS), np.ones(300), np.arange(300) * DAY
    )
    both = joined(year(), loved, wave(15, item=ITEMS))
    assert (pushes(both, unknown(both)).nats[-15:] < 1).all()


def test_people_with_a_name_may_come_in_a_wave():
    both = joined(year(), wave(15))
    known = unknown(both)
    known[PEOPLE:] = 0.99
    assert not pushes(both, known).nats[-15:].any()


def test_a_name_takes_off_no_more_than_is_set():
    both = joined(year(), wave(30))
    known = unknown(both)
    known[PEOPLE] = 1.0
    told = pushes(both, known, PushRules(most_record=1.0)).nats[-30:]
    assert 0 < told[0] < told[1] <= told[0] + 1.1


@pytest.mark.parametrize(
    "ratings",
    [
        made([], [], [], []),
        made([0], [0], [1.0], [5]),
        made(range(50), [0] * 50, [1.0] * 50, [7] * 50),
    ],
    ids=["none", "one", "no times"],
)
def test_where_there_is_nothing_to_compare_nothing_is_said(ratings):
    assert not pushes(ratings, np.full(ratings.n_who, 0.5)).nats.any()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_ratings_says_nothing(seed):
    both = joined(year(), wave(12))
    order = np.random.default_rng(seed).permutation(both.who.size)
    mixed = replace(both, **{c: getattr(both, c)[order] for c in vars_of()})
    nats = pushes(both, unknown(both)).nats
    np.testing.assert_array_equal(pushes(mixed, unknown(mixed)).nats, nats[order])


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 9),
            st.integers(0, 3),
            st.floats(allow_nan=True, allow_infinity=True),
            st.integers(0, 2**40),
        ),
        max_size=80,
    ),
    st.floats(0, 1),
)
def test_whatever_is_written_the_nats_stay_bounded(rows, trust):
    ratings = made(*(zip(*rows, strict=True) if rows else ((), (), (), ())))
    told = pushes(ratings, np.full(ratings.n_who, trust))
    assert np.isfinite(told.nats).all()
    assert (told.nats >= 0).all()
    assert (told.nats <= np.log(2 * 80 / 0.05)).all()

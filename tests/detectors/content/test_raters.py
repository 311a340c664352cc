"""Raters judged by each other: who smears and pushes is found, and cannot buy his way out."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.content.raters import DAY, RaterOdds, RatingRules, Ratings, rater_odds

PEOPLE, ITEMS, FALSE = 200, 150, 20


def table(rows, n_who, n_items):
    who, item, rating, seconds = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Ratings(
        np.array(who, dtype=np.int64),
        np.array(item, dtype=np.int64),
        np.array(rating, dtype=np.float64),
        np.array(seconds, dtype=np.int64),
        n_who,
        n_items,
    )


def market(seed=0, *, smear=6, flatter=0, days=2):
    """Honest people over two years, then ``FALSE`` raters who smear targets, in ``days``."""
    rng = np.random.default_rng(seed)
    quality = rng.normal(0.2, 0.3, ITEMS)
    rows = []
    for who in range(PEOPLE):
        for item in rng.choice(ITEMS, rng.integers(3, 25), replace=False):
            said = np.clip(np.round(quality[item] + rng.normal(0, 0.1), 1), -1, 1)
            rows.append((who, item, said, rng.integers(0, 730 * DAY)))
    for who in range(PEOPLE, PEOPLE + FALSE):
        targets = rng.choice(ITEMS, smear + flatter, replace=False)
        for j, item in enumerate(targets):
            said = -1.0 if j < smear else np.round(quality[item], 1)
            rows.append((who, item, said, 700 * DAY + rng.integers(0, days * DAY)))
    return table(rows, PEOPLE + FALSE, ITEMS)


def separation(odds):
    """Share of pairs in which the false rater stands above the honest one."""
    return (odds[PEOPLE:, None] > odds[None, :PEOPLE]).mean()


@pytest.mark.parametrize("seed", range(3))
def test_smear_raters_stand_above_honest_ones(seed):
    found = rater_odds(market(seed))
    assert separation(found.odds) > 0.99
    assert found.trust[:PEOPLE].mean() > 0.9
    assert found.trust[PEOPLE:].max() < 0.1


def test_flattering_others_in_the_same_night_buys_no_trust():
    cheap = market(1, smear=4, flatter=20, days=1)
    assert separation(rater_odds(cheap).odds) > 0.95
    assert separation(rater_odds(cheap).odds) >= separation(
        rater_odds(cheap, RatingRules(sitting_days=0.0)).odds
    )


def test_saying_the_same_thing_a_thousand_times_is_saying_it_once():
    once = market(2)
    mine = np.flatnonzero(once.who == PEOPLE)
    again = np.concatenate([np.arange(once.who.size), np.repeat(mine, 1000)])
    repeated = rater_odds(_take(once, again))
    assert np.array_equal(rater_odds(once).odds, repeated.odds)
    assert np.array_equal(rater_odds(once).goodness, repeated.goodness)


def test_agreeing_with_what_everybody_always_says_proves_less_than_an_unusual_truth():
    rng = np.random.default_rng(3)
    rows = [(w, i, 0.1, rng.integers(0, 700 * DAY)) for w in range(40) for i in range(20)]
    rows += [(w, i, 0.9, rng.integers(0, 700 * DAY)) for w in range(8) for i in range(20, 23)]
    rows += [(40, i, 0.1, (3 + 100 * i) * DAY) for i in range(3)]
    rows += [(41, i, 0.9, (3 + 100 * (i - 20)) * DAY) for i in range(20, 23)]
    odds = rater_odds(table(rows, 42, 23), RatingRules(company_hours=0.0)).odds
    assert odds[41] < odds[40] - 1


def test_untrusted_company_counts_against_a_rater_and_trusted_company_does_not():
    base = market(4)
    last = int(base.seconds.max())
    alone = rater_odds(base)
    late = table([(PEOPLE + FALSE, 5, alone.goodness[5], last + 40 * DAY)], PEOPLE + FALSE + 1, 150)
    ring = table(
        [(PEOPLE + FALSE + 1 + j, 5, -1.0, last + 40 * DAY + j) for j in range(8)], PEOPLE + 50, 150
    )
    crowd = table([(j, 5, 0.2, last + 40 * DAY + j) for j in range(60, 68)], PEOPLE + 50, 150)
    at = PEOPLE + FALSE
    quiet, beside_ring, beside_crowd = (
        rater_odds(_joined(base, *more)).odds[at] for more in ([late], [late, ring], [late, crowd])
    )
    assert beside_ring > quiet + 0.3
    assert beside_crowd < beside_ring - 0.3


def test_what_a_rater_received_counts_only_when_items_are_people():
    base = market(5)
    smeared = table([(w, 7, -1.0, w * 10 * DAY) for w in range(60)], base.n_who, ITEMS)
    both = _joined(base, smeared)
    person = np.full(ITEMS, -1)
    person[7] = 100
    assert rater_odds(both, person=person).odds[100] > rater_odds(both).odds[100] + 5
    others = np.delete(np.arange(PEOPLE), 100)
    told, untold = rater_odds(both, person=person).odds, rater_odds(both).odds
    assert np.corrcoef(told[others], untold[others])[0, 1] > 0.95


def test_nobody_praises_himself_into_trust():
    base = market(6)
    person = np.full(ITEMS, -1)
    person[9] = PEOPLE
    praised = _joined(base, table([(PEOPLE, 9, 1.0, 701 * DAY)], base.n_who, ITEMS))
    unpraised = rater_odds(praised).odds[PEOPLE]
    kept = praised.item != 9
    kept |= praised.who == PEOPLE
    only_own = _take(praised, np.flatnonzero(kept))
    assert rater_odds(only_own, person=person).odds[PEOPLE] == rater_odds(only_own).odds[PEOPLE]
    assert unpraised > 0


@pytest.mark.parametrize("rows", [[], [(0, 0, 0.5, 7)], [(0, 0, np.nan, 7)]])
def test_with_next_to_nothing_nobody_is_trusted_or_accused(rows):
    found = rater_odds(table(rows, 3, 2))
    assert np.isfinite(found.odds).all()
    assert (np.abs(found.odds) <= 4).all()
    assert (found.odds[1:] == RatingRules().newcomer).all()


def test_without_times_everything_is_one_sitting_and_company_is_silent():
    timeless = replace(market(7), seconds=np.zeros_like(market(7).seconds))
    found = rater_odds(timeless)
    assert np.array_equal(found.odds, rater_odds(timeless, RatingRules(company_hours=0.0)).odds)
    assert separation(found.odds) > 0.9


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_rows_says_nothing(seed):
    base = market(8)
    order = np.random.default_rng(seed).permutation(base.who.size)
    assert _same(rater_odds(base), rater_odds(_take(base, order)))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 5),
            st.integers(0, 5),
            st.floats(allow_nan=True, allow_infinity=True),
            st.integers(0, 2**40),
        ),
        max_size=60,
    )
)
def test_whatever_is_written_the_numbers_stay_bounded(rows):
    found = rater_odds(table(rows, 6, 6), person=np.arange(6))
    assert (np.abs(found.odds) <= 20).all()
    assert ((found.trust > 0) & (found.trust < 1)).all()
    assert (np.abs(found.goodness) <= 1).all()


def _take(ratings, at):
    return replace(
        ratings,
        who=ratings.who[at],
        item=ratings.item[at],
        rating=ratings.rating[at],
        seconds=ratings.seconds[at],
    )


def _joined(base, *more):
    parts = [base, *more]
    arrays = {
        name: np.concatenate([getattr(p, name) for p in parts])
        for name in ("who", "item", "rating", "seconds")
    }
    return Ratings(**arrays, n_who=max(p.n_who for p in parts), n_items=base.n_items)


def _same(left: RaterOdds, right: RaterOdds) -> bool:
    return np.array_equal(left.odds, right.odds) and np.array_equal(left.goodness, right.goodness)

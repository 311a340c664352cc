"""Registrations wherever they come from: a group's burst, and surges of all."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from visit_worlds import DAY, Town

from detectors.actors.accounts.facts import Accounts, bursts, describe
from detectors.actors.accounts.registrations import STRONG, WEAK, Calendar, surges

NOON = 20 * DAY + 12 * 3600
WINDOWS = {"windows": (1.0, 6.0, 24.0), "most_rows": 2, "min_size": 4, "threshold": 6.0}


def accounts_of(registered, rows):
    """One account per entry; its code is its position."""
    who = np.repeat(np.arange(len(registered)), rows)
    batch = Town().add(
        [f"c{i:05d}" for i in who], ["i"] * len(who), np.arange(len(who)),
        subnet=[f"own{i}" for i in who], registered=np.floor(registered)[who],
    ).batch()  # fmt: skip
    return describe(batch, batch.contributor_ids)


def population(n=1000, seed=0):
    """Newcomers of the month with a row or two, and people who came over two years, by day."""
    rng = np.random.default_rng(seed)
    rows = np.where(rng.random(n) < 0.4, rng.integers(1, 3, n), rng.integers(3, 8, n))
    day = np.where(rows < 3, rng.integers(0, 30, n), -rng.integers(0, 700, n))
    second = np.clip(rng.normal(14, 4, n), 0, 23.9) * 3600
    return day * DAY + second, rows


def with_group(size, hours, rows, at=NOON, seed=0):
    others, theirs = population(seed=seed)
    rng = np.random.default_rng(seed)
    made = at + rng.random(size) * hours * 3600
    return accounts_of(np.append(made, others), np.append(np.full(size, rows), theirs))


@pytest.mark.parametrize("seed", range(3))
def test_throw_away_accounts_made_together_speak_wherever_they_come_from(seed):
    accounts = with_group(31, 2.0, 1, seed=seed)
    assert bursts(accounts, **WINDOWS) == []
    found = Calendar.of(accounts).together(np.arange(31))
    assert 1.0 < found.nats <= STRONG
    assert found.count == 31
    assert found.reason.startswith("31 of 31 registered in ")


def test_a_class_that_signed_up_together_is_weak_evidence():
    found = Calendar.of(with_group(31, 2.0, 6)).together(np.arange(31))
    assert found.nats == WEAK


@pytest.mark.parametrize("seed", range(5))
def test_any_thirty_people_did_not_register_together(seed):
    registered, rows = population(seed=seed)
    calendar = Calendar.of(accounts_of(registered, rows))
    rng = np.random.default_rng(seed)
    assert calendar.together(np.sort(rng.choice(1000, 31, replace=False))).nats < 0.5
    newcomers = np.flatnonzero(rows < 3)
    assert calendar.together(np.sort(rng.choice(newcomers, 31, replace=False))).nats < 0.5


def test_a_rush_of_all_excuses_a_group():
    others, rows = population()
    rush = NOON + np.random.default_rng(1).random(600) * 7200
    accounts = accounts_of(np.append(rush, others), np.append(np.ones(600, int), rows))
    assert Calendar.of(accounts).together(np.arange(31)).nats < 0.1


def test_an_import_of_all_at_one_second_says_nothing():
    accounts = accounts_of(np.full(300, 5.0), np.ones(300, int))
    assert Calendar.of(accounts).together(np.arange(31)).nats == 0.0
    assert bursts(accounts, **WINDOWS) == surges(accounts) == []


def test_no_registration_times_say_nothing():
    accounts = accounts_of(np.full(100, np.nan), np.ones(100, int))
    found = Calendar.of(accounts).together(np.arange(31))
    assert (found.nats, found.reason) == (0.0, "")
    assert surges(accounts) == bursts(accounts, **WINDOWS) == []
    assert not accounts.speak


def test_times_far_in_the_past_and_future_change_nothing():
    others, rows = population()
    others[:2] = [-60_000_000_000, 200_000_000_000]
    made = NOON + np.random.default_rng(0).random(31) * 7200
    odd = accounts_of(np.append(made, others), np.append(np.ones(31, int), rows))
    assert Calendar.of(odd).together(np.arange(31)).nats > 1.0
    quiet = accounts_of(others, rows)
    assert surges(quiet) == bursts(quiet, **WINDOWS) == []


def test_a_surge_is_found_beyond_the_rhythm_of_day_and_week():
    found = surges(with_group(200, 2.0, 1, at=NOON - 9 * 3600))
    assert found
    assert all(b.place == "" for b in found)
    assert np.isin(np.concatenate([b.members for b in found]), np.arange(200)).mean() > 0.9
    assert max(b.base for b in found) < 0.2


@pytest.mark.parametrize("seed", range(3))
def test_the_rhythm_itself_is_no_surge(seed):
    assert surges(accounts_of(*population(3000, seed))) == []


def test_accounts_in_use_make_no_surge():
    assert surges(with_group(200, 2.0, 6)) == []


def test_ids_that_differ_by_case_stay_different_accounts():
    batch = Town().add(["Ann", "ann", "ANN"], ["i"] * 3, [1, 2, 3]).batch()
    assert describe(batch, batch.contributor_ids).rows.tolist() == [1, 1, 1]


def test_an_accounts_earliest_registration_counts():
    batch = Town().add(["ann", "ann"], ["i", "j"], [1, 2], registered=[50, 7]).batch()
    later = replace(batch, rows=batch.rows.assign(registered_at=pd.NaT))
    known: Accounts = describe(batch, batch.contributor_ids)
    assert known.registered.size == 1
    assert describe(later, later.contributor_ids).registered[0] < known.registered[0]
    assert known.registered[0] % 60 == 7

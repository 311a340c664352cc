"""Shared networks, devices and attributes: a campus is not a campaign."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from visit_worlds import Town

from detectors.actors.accounts.facts import PLACES, bursts, describe, shared_places


def accounts_of(places, column="subnet_id", rows=1):
    """One account per entry, ``rows`` rows each; the account's code is its position."""
    at = np.repeat(np.arange(len(places)), rows)
    town = Town().add([f"c{i:05d}" for i in at], ["item"] * len(at), np.arange(len(at)))
    batch = town.batch()
    values = pd.array([places[i] for i in at], dtype="str")
    batch = replace(batch, rows=batch.rows.assign(**{column: values}))
    return describe(batch, batch.contributor_ids, places=(*PLACES, "a_relay"))


def homes(n, each=2):
    return [f"home{i // each}" for i in range(n)]


RING = np.arange(31)


@pytest.mark.parametrize(
    ("column", "word"),
    [("subnet_id", "subnet"), ("network_id", "address"), ("device_id", "device"),
     ("a_relay", "relay")],
)  # fmt: skip
def test_a_ring_alone_at_a_place_of_any_kind_speaks(column, word):
    found = shared_places(accounts_of(["x"] * 35 + homes(2000), column, rows=2), RING)
    assert found.nats == 4.0
    assert (found.place, found.count, found.pool) == (column, 31, 4)
    assert found.reason == f"31 of 31 at one {word}, pool 4"


def test_accounts_in_use_get_half_of_what_throw_away_accounts_get():
    places = ["x"] * 31 + homes(2000)
    thrown, used = (shared_places(accounts_of(places, rows=rows), RING).nats for rows in (1, 5))
    assert (thrown, used) == (4.0, 2.0)


def test_a_class_on_a_campus_says_nothing():
    assert shared_places(accounts_of(["campus"] * 300 + homes(2000)), RING).nats == 0.0


def test_the_unseen_part_of_a_carriers_pool_excuses_too():
    places = ["carrier"] * 55 + homes(2000)
    seen_once = shared_places(accounts_of(places, rows=1), np.arange(40)).nats
    seen_often = shared_places(accounts_of(places, rows=2), np.arange(40)).nats
    assert seen_once < seen_often


def test_rotated_addresses_say_exactly_nothing():
    places = [f"proxy{i}" for i in range(31)] + homes(500)
    found = shared_places(accounts_of(places), RING)
    assert (found.nats, found.place, found.reason) == (0.0, "", "")


def test_a_few_proxies_speak_together():
    places = [f"proxy{i % 8}" for i in range(31)] + homes(2000)
    found = shared_places(accounts_of(places), RING)
    assert found.nats > 1.0
    assert found.reason == "31 of 31 at 8 subnets, pool 0"


def test_families_say_little():
    members = np.arange(40)
    assert shared_places(accounts_of(homes(3000)), members).nats < 0.5


def test_where_offices_are_usual_a_whole_office_says_less():
    office = ["x"] * 12
    among_homes = shared_places(accounts_of(office + homes(1000)), np.arange(12)).nats
    among_offices = shared_places(accounts_of(office + homes(1000, 12)), np.arange(12)).nats
    assert among_offices < among_homes


def test_everybody_at_one_address_says_nothing():
    assert shared_places(accounts_of(["x"] * 500), RING).nats == 0.0
    assert shared_places(accounts_of(["x"] * 40), np.arange(40)).nats <= 4.0


def test_unknown_places_say_nothing():
    assert shared_places(accounts_of([None] * 100), RING).nats == 0.0
    found = shared_places(accounts_of([None] * 31 + homes(100)), RING)
    assert found.nats == 0.0


def test_members_without_a_place_do_not_speak_for_it():
    found = shared_places(accounts_of(["x"] * 12 + [None] * 19 + homes(2000)), RING)
    assert (found.count, found.size) == (12, 31)


def test_a_batch_without_rows_or_columns_has_no_places():
    batch = Town().add([], [], []).batch()
    assert not describe(batch, batch.contributor_ids).speak
    batch = Town().add(["ann", "bob"], ["i", "i"], [1, 2]).batch()
    batch = replace(batch, rows=batch.rows.drop(columns=["subnet_id", "network_id"]))
    found = shared_places(describe(batch, batch.contributor_ids), np.array([0, 1]))
    assert found.nats == 0.0


def test_a_popular_user_agent_is_a_big_pool_and_a_rare_one_is_not():
    popular = ["chrome"] * 700 + [f"other{i}" for i in range(300)]
    assert shared_places(accounts_of(popular, "device_id"), RING).nats == 0.0
    rare = ["headless"] * 31 + ["chrome"] * 700
    assert shared_places(accounts_of(rare, "device_id"), RING).nats > 2.0


def test_a_burst_behind_one_device_is_a_burst():
    batch = Town(3).people(300, 2000).ring(31).batch()
    rows = batch.rows
    moved = rows.assign(device_id=rows["subnet_id"].where(rows["subnet_id"] == "ring"),
                        subnet_id=pd.array([None] * len(rows), dtype="str"))  # fmt: skip
    batch = replace(batch, rows=moved)
    accounts = describe(batch, batch.contributor_ids)
    found = bursts(accounts, windows=(6.0,), most_rows=2, min_size=4, threshold=6.0)
    assert [(len(b.members), b.place) for b in found] == [(31, "device_id")]


PLACE = st.one_of(st.none(), st.integers(0, 5))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(PLACE, PLACE, st.integers(1, 3)), min_size=1, max_size=40), st.data())
def test_any_group_is_weighed_within_its_bounds(lines, data):
    frame = pd.DataFrame(lines, columns=["subnet", "network", "rows"]).astype(object)
    frame = frame.loc[frame.index.repeat(frame["rows"].astype(int))]
    names = [None if pd.isna(v) else f"p{v}" for v in frame["subnet"]]
    town = Town().add([f"c{i:03d}" for i in frame.index], ["i"] * len(frame),
                      np.arange(len(frame)), subnet=names, network=names)  # fmt: skip
    batch = town.batch()
    accounts = describe(batch, batch.contributor_ids)
    members = data.draw(st.sets(st.integers(0, len(lines) - 1)).map(sorted))
    found = shared_places(accounts, np.array(members, dtype=np.int64), cap=2.0)
    assert 0.0 <= found.nats <= 2.0
    assert found.count <= found.size <= len(members) or not found.nats
    assert found.pool >= 0


def test_more_strangers_at_the_place_never_raise_suspicion():
    nats = [
        shared_places(accounts_of(["x"] * (31 + pool) + homes(2000)), RING).nats
        for pool in (0, 2, 5, 10, 20, 40, 80)
    ]
    assert nats == sorted(nats, reverse=True)
    assert nats[0] == 4.0
    assert nats[-1] == 0.0


def test_the_order_of_rows_is_no_matter():
    batch = Town(5).people(300, 2000).ring(12).batch()
    mixed = np.random.default_rng(0).permutation(batch.n_rows)
    rows = batch.rows.iloc[mixed].reset_index(drop=True)
    other = replace(batch, rows=rows, contributors=batch.contributors[mixed])
    members = np.flatnonzero([n.startswith("ring") for n in batch.contributor_ids])
    one, two = (shared_places(describe(b, b.contributor_ids), members) for b in (batch, other))
    assert one == two
    assert one.nats > 1.0

"""Input that an actor detector must survive, each with its stated outcome."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from visit_worlds import DAY, Town, batch_of

from detectors.actors import ActorDetector


def resolve(batch, **parameters):
    return ActorDetector(**parameters).resolve(batch)


def assert_everyone_alone(batch, found):
    actors = found.actors.to_pandas()
    assert set(actors["kind"]) <= {"singleton"}
    assert (actors["actor_id"] == actors["contributor_id"]).all()
    assert not found.opinion.llr.any()
    assert len(found.codes) == batch.n_rows


def test_an_empty_batch_abstains():
    batch = Town().add([], [], []).batch()
    found = resolve(batch)
    assert found.opinion.abstained == "no rows"
    assert found.actors.num_rows == found.edges.num_rows == 0
    assert_everyone_alone(batch, found)


def test_one_row_abstains():
    batch = Town().add(["ann"], ["item"], [5]).batch()
    found = resolve(batch)
    assert found.opinion.abstained
    assert_everyone_alone(batch, found)


def test_nothing_to_go_on_abstains_and_says_why():
    frame = Town().people(50, 500).frame().assign(item_id=None, registered=np.nan)
    batch = batch_of(frame.astype({"item_id": "str"}))
    found = resolve(batch)
    assert "no visits with times" in found.opinion.abstained
    assert_everyone_alone(batch, found)


def test_all_times_equal_is_no_synchrony():
    batch = batch_of(Town().people(300, 5000).lockstep().frame().assign(second=77))
    assert_everyone_alone(batch, resolve(batch))


def test_one_item_visited_by_everybody_tells_nothing():
    rng = np.random.default_rng(0)
    batch = Town().add([f"c{i:04d}" for i in range(3000)], ["item"] * 3000,
                       rng.integers(0, DAY, 3000)).batch()  # fmt: skip
    assert_everyone_alone(batch, resolve(batch))


def test_a_contributor_with_very_many_events_hides_nobody():
    rng = np.random.default_rng(1)
    # Stands for a million: what counts is that it has more than ``max_columns`` occasions.
    n = 200_000
    town = Town(1).people(500, 5000).lockstep()
    town.add(
        ["crawler"] * n,
        [f"item{i:05d}" for i in rng.integers(0, 500, n)],
        rng.integers(0, 30 * DAY, n),
    )
    actors = resolve(town.batch()).actors.to_pandas().set_index("contributor_id")
    assert actors.loc["crawler", "kind"] == "singleton"
    step = actors[actors.index.str.startswith("step")]
    assert set(step["kind"]) == {"campaign"}
    assert len(set(step["actor_id"])) == 1


def test_without_addresses_the_co_visits_still_speak():
    frame = Town(2).people(500, 5000).ring().lockstep().frame()
    frame = frame.assign(subnet_id=None, network_id=None)
    batch = batch_of(frame.astype({"subnet_id": "str", "network_id": "str"}))
    actors = resolve(batch).actors.to_pandas().set_index("contributor_id")
    assert set(actors.loc[actors.index.str.startswith("step"), "kind"]) == {"campaign"}
    assert set(actors.loc[actors.index.str.startswith("ring"), "kind"]) == {"singleton"}


def test_without_visits_the_networks_still_speak():
    frame = Town(3).people(500, 5000).ring().frame().assign(item_id=None)
    batch = batch_of(frame.astype({"item_id": "str"}))
    assert batch.visits.empty
    actors = resolve(batch).actors.to_pandas().set_index("contributor_id")
    assert set(actors.loc[actors.index.str.startswith("ring"), "kind"]) == {"campaign"}


def test_a_ring_on_one_address_is_found_where_the_subnet_is_unknown():
    frame = Town(4).people(500, 5000).ring().frame()
    frame = frame.assign(network_id=frame["subnet_id"], subnet_id=None).astype({"subnet_id": "str"})
    found = resolve(batch_of(frame))
    reasons = set(found.actors.to_pandas()["reason"])
    assert any(r.startswith("ring: 31 accounts, one address") for r in reasons)
    assert "network" in found.edges["kind"].to_pylist()


def test_people_who_share_nothing_stay_alone():
    batch = Town().add(
        [f"c{i:03d}" for i in range(200)], [f"item{i}" for i in range(200)], np.arange(200) * 60
    ).batch()  # fmt: skip
    assert_everyone_alone(batch, resolve(batch))


def test_times_from_all_over_the_calendar():
    town = Town(5).people(200, 2000).ring()
    frame = town.frame()
    frame.loc[:2, "second"] = [-60_000_000_000, 0, 200_000_000_000]
    frame.loc[:2, "registered"] = [-60_000_000_000, 0, 200_000_000_000]
    actors = resolve(batch_of(frame)).actors.to_pandas().set_index("contributor_id")
    assert set(actors.loc[actors.index.str.startswith("ring"), "kind"]) == {"campaign"}


def test_the_batch_is_not_changed():
    batch = Town(6).people(200, 2000).ring().lockstep().batch()
    rows, visits = batch.rows.copy(), batch.visits.copy()
    resolve(batch)
    pd.testing.assert_frame_equal(batch.rows, rows)
    pd.testing.assert_frame_equal(batch.visits, visits)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_order_of_visits_is_no_matter(seed):
    batch = Town(7).people(500, 8000).ring().lockstep().course().batch()
    shuffled = batch_of(
        Town(7).people(500, 8000).ring().lockstep().course().frame(),
        seed=7,
        visits=batch.visits.sample(frac=1, random_state=seed),
    )
    one, other = resolve(batch), resolve(shuffled)
    assert one.actors == other.actors
    assert one.edges == other.edges
    assert np.array_equal(one.opinion.llr, other.opinion.llr)


def test_the_order_of_rows_is_no_matter():
    frame = Town(8).people(500, 8000).ring().lockstep().frame()
    frame["row_id"] = [f"r{i:08d}" for i in range(len(frame))]
    one = resolve(batch_of(frame))
    other = resolve(batch_of(frame.sample(frac=1, random_state=1)))
    assert one.actors == other.actors
    assert one.edges == other.edges


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_other_names_for_the_same_people_change_little(seed):
    frame = Town(9).people(800, 10_000).ring().lockstep().course().frame()
    names = frame["contributor_id"].unique()
    renamed = np.random.default_rng(seed).permutation(len(names))
    new = {old: f"p{i:05d}" for old, i in zip(names, renamed, strict=True)}
    before = resolve(batch_of(frame)).actors.to_pandas()
    frame["contributor_id"] = frame["contributor_id"].map(new)
    after = resolve(batch_of(frame)).actors.to_pandas().set_index("contributor_id")
    moved = after.loc[before["contributor_id"].map(new), "kind"].to_numpy()
    assert (moved == before["kind"].to_numpy()).mean() >= 0.995


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 8),
            st.integers(0, 4),
            st.integers(-(10**9), 10**9),
            st.one_of(st.none(), st.integers(0, 2)),
            st.one_of(st.none(), st.integers(-(10**9), 10**9)),
        ),
        max_size=60,
    )
)
def test_any_small_table_is_resolved(rows):
    who, item, second, net, born = map(list, zip(*rows, strict=True)) if rows else [[]] * 5
    batch = Town().add(
        [f"c{w}" for w in who],
        [f"i{i}" for i in item],
        second,
        subnet=[None if n is None else f"s{n}" for n in net],
        registered=[np.nan if b is None else b for b in born],
    ).batch()  # fmt: skip
    found = ActorDetector(min_items=1, min_surprise=0.5, min_size=2).resolve(batch)
    assert found.actors["contributor_id"].to_pylist() == sorted({f"c{w}" for w in who})
    sizes = found.actors.to_pandas().groupby("actor_id")["size"].agg(["count", "first"])
    assert (sizes["count"] == sizes["first"]).all()
    assert np.isfinite(found.opinion.score).all()
    assert (found.opinion.llr >= 0).all()

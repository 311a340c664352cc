"""Who is really one: campaigns are found, people who are honestly together are left alone."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from visit_worlds import DAY, Town, batch_of

from detectors.actors import ActorDetector
from foretaste.core.actor import ACTOR_SCHEMA, EDGE_SCHEMA
from foretaste.core.evidence import Detector

SEEDS = [0, 1, 2]


def resolve(batch, **known):
    return ActorDetector().resolve(batch, **known)


def judged(batch, **known):
    """One line per contributor: its actor, and the most nats among its rows."""
    found = resolve(batch, **known)
    llr = pd.Series(found.opinion.llr / 1e6).groupby(batch.contributors).max()
    actors = found.actors.to_pandas().set_index("contributor_id")
    actors["llr"] = pd.Series(llr.to_numpy(), index=batch.contributor_ids).reindex(actors.index)
    return actors


def of(actors, prefix):
    return actors[actors.index.str.startswith(prefix)]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_ring_of_throw_away_accounts_is_one_actor_with_strong_evidence(seed):
    ring = of(judged(Town(seed).people(1000, 10_000).ring(31).batch()), "ring")
    assert len(set(ring["actor_id"])) == 1
    assert set(ring["kind"]) == {"campaign"}
    assert (ring["size"] == 31).all()
    assert (ring["llr"] >= 5).all()
    assert ring["reason"].iloc[0].startswith("ring: 31 accounts, one subnet, registered within")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_ring_on_the_first_night_of_a_small_community(seed):
    town = Town(seed, days=1).people(300, 1000, items=20, groups=4)
    actors = judged(town.ring(31).batch())
    assert (of(actors, "ring")["llr"] >= 5).all()
    assert (of(actors, "honest")["llr"] == 0).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_ring_that_hides_behind_a_campus_is_found_and_the_campus_is_not(seed):
    actors = judged(Town(seed).people(500, 5000).campus(200).ring(20, subnet="campus-net").batch())
    assert (of(actors, "ring")["llr"] > 0).mean() >= 0.9
    assert (of(actors, "campus")["llr"] > 0).mean() <= 0.01


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("size", [8, 20, 100])
def test_a_lockstep_campaign_is_one_actor(seed, size):
    step = of(judged(Town(seed).people(2000, 20_000).lockstep(size).batch()), "step")
    assert set(step["kind"]) == {"campaign"}
    assert len(set(step["actor_id"])) == 1
    assert (step["llr"] > 2).all()
    assert step["reason"].iloc[0].startswith(f"campaign: {size} accounts, ")


@pytest.mark.parametrize("seed", SEEDS)
def test_honest_people_get_exactly_nothing(seed):
    town = Town(seed).people(2000, 30_000).campus().readers().crowd().course()
    actors = judged(town.batch())
    assert (actors["llr"] == 0).mean() >= 0.99
    for group in ("campus", "reader", "crowd", "pupil"):
        assert (of(actors, group)["llr"] == 0).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_honest_people_get_nothing_when_a_campaign_is_among_them(seed):
    actors = judged(Town(seed).people(1000, 10_000).readers().ring().lockstep().batch())
    assert (of(actors, "honest")["llr"] > 0).mean() <= 0.01
    assert (of(actors, "reader")["llr"] == 0).all()


def test_readers_of_the_same_lists_stay_themselves():
    readers = judged(Town(3, days=7).readers(200, lists=10).batch())
    assert set(readers["kind"]) == {"singleton"}
    assert (readers["actor_id"] == readers.index).all()


def test_a_course_is_an_honest_group():
    pupils = of(judged(Town(1).people(1000, 10_000).course().batch()), "pupil")
    assert set(pupils["kind"]) == {"honest_group"}
    assert len(set(pupils["actor_id"])) == 1
    assert (pupils["posterior"] < 0.5).all()
    assert (pupils["llr"] == 0).all()
    assert pupils["reason"].str.startswith("together: 25 accounts").all()


def test_newcomers_behind_a_carrier_are_no_ring():
    # Many people start at the same time behind few addresses, most with one row.
    rng = np.random.default_rng(5)
    born = rng.integers(0, 30 * DAY, 2000)
    town = Town(5).add(
        [f"new{w:05d}" for w in range(2000)],
        [f"item{i}" for i in rng.integers(0, 50, 2000)],
        born + rng.integers(0, DAY, 2000),
        subnet=[f"carrier{i}" for i in rng.integers(0, 20, 2000)],
        registered=born,
    )
    assert (judged(town.batch())["llr"] > 0).mean() <= 0.01


def test_accounts_that_registered_at_one_import_are_no_ring():
    n = 500
    town = Town(6).add(
        [f"moved{w:04d}" for w in range(n)],
        [f"item{w % 9}" for w in range(n)],
        np.arange(n) * 600,
        subnet=[f"net{w % 40}" for w in range(n)],
        registered=np.full(n, -DAY),
    )
    assert not judged(town.batch())["llr"].any()


def test_a_handful_from_one_office_is_no_campaign():
    town = Town(7).people(1000, 10_000).ring(4, hours=8, subnet="office")
    assert not of(judged(town.batch()), "ring")["llr"].any()


def test_a_bigger_ring_is_never_less_suspicious():
    nats = []
    for size in (4, 8, 16, 32):
        ring = of(judged(Town(8).people(1000, 10_000).ring(size).batch()), "ring")
        nats.append(ring["llr"].min())
    assert nats == sorted(nats)
    assert nats[0] == 0
    assert nats[-1] > 5


def test_trusted_members_speak_for_a_group_and_confirmed_ones_against_it():
    batch = Town(9).people(1000, 10_000).ring(9).batch()
    ring = [c for c in batch.contributor_ids if c.startswith("ring")]
    plain = of(judged(batch), "ring")["posterior"].iloc[0]
    good = of(judged(batch, trusted=frozenset(ring[:3])), "ring")["posterior"].iloc[0]
    bad = of(judged(batch, confirmed=frozenset(ring[:1])), "ring")["posterior"].iloc[0]
    assert good < 0.5 < plain < bad


def test_the_same_ring_keeps_its_name_tomorrow():
    town = Town(10).people(500, 5000).ring(30)
    tonight = resolve(town.batch())
    before = tonight.actors.to_pandas().set_index("contributor_id")
    frame = town.frame()
    left = frame["contributor_id"].isin([f"ring{i:04d}" for i in range(10)])
    grown = Town(11).ring(5).frame()
    grown["contributor_id"] = "late-" + grown["contributor_id"]
    tomorrow = batch_of(pd.concat([frame[~left], grown], ignore_index=True))
    named = judged(tomorrow, known=tonight.actors)
    unnamed = judged(tomorrow)
    name = before.loc["ring0020", "actor_id"]
    assert named.loc["ring0020", "actor_id"] == name
    assert unnamed.loc["ring0020", "actor_id"] != name


def test_codes_name_the_actor_of_every_row():
    batch = Town(12).people(300, 3000).ring().course().batch()
    found = resolve(batch)
    of_row = pd.Series(found.actor_ids[found.codes], index=batch.rows["contributor_id"])
    listed = found.actors.to_pandas().set_index("contributor_id")["actor_id"]
    assert (of_row == listed.loc[of_row.index]).all()
    assert found.codes.dtype == np.int32
    assert sorted(found.actor_ids) == list(found.actor_ids)
    assert set(found.actor_ids) == set(listed)


def test_tables_keep_their_schemas_sorted_and_bounded():
    batch = Town(13).people(500, 5000).ring().lockstep(20).batch()
    found = ActorDetector(edges_each=5).resolve(batch)
    assert found.actors.schema == ACTOR_SCHEMA
    assert found.edges.schema == EDGE_SCHEMA
    names = found.actors["contributor_id"].to_pylist()
    assert names == sorted(set(names)) == sorted(batch.contributor_ids)
    edges = found.edges.to_pandas()
    assert (edges["left"] < edges["right"]).all()
    assert edges.equals(edges.sort_values(["left", "right", "kind"], ignore_index=True))
    assert set(edges["kind"]) == {"co_visit", "registration"}
    ends = pd.concat([edges["left"], edges["right"]])
    assert len(edges) <= 5 * ends.nunique()
    members = found.actors.to_pandas().query("kind == 'campaign'")["contributor_id"]
    assert set(members) <= set(ends)


def test_visitors_without_contributions_are_resolved_too():
    town = Town(14).people(500, 5000).lockstep()
    frame = town.frame()
    full = batch_of(frame)
    contributed = frame["contributor_id"].str.startswith("honest") | (
        frame["contributor_id"] == "step0003"
    )
    batch = batch_of(frame[contributed].reset_index(drop=True), visits=full.visits)
    step = of(judged(batch), "step")
    assert len(step) == 20
    assert len(set(step["actor_id"])) == 1
    assert step.loc["step0003", "llr"] > 2


def test_it_is_a_detector_with_parameters():
    from sklearn.base import clone

    detector = clone(ActorDetector(min_size=7))
    assert isinstance(detector, Detector)
    assert detector.get_params()["min_size"] == 7
    batch = Town(15).people(100, 500).ring().batch()
    found, opinion = detector.resolve(batch).opinion, detector.fit_evidence(batch)
    assert np.array_equal(found.llr, opinion.llr)
    assert opinion.llr.max() <= 8_000_000
    assert opinion.table(batch.rows["row_id"].to_numpy(object), batch.tonight).num_rows == 31


def test_an_empty_table_of_known_actors_is_no_knowledge():
    batch = Town(16).people(100, 500).ring().batch()
    assert resolve(batch, known=ACTOR_SCHEMA.empty_table()).actors == resolve(batch).actors
    assert isinstance(resolve(batch).actors, pa.Table)

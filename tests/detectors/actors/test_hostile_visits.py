"""Visits as attackers and accidents make them, each with its stated outcome."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pyarrow.compute as pc
from visit_worlds import DAY, Town, batch_of

from detectors.actors import ActorDetector
from detectors.actors.graph.covisits import Bounds, incidence
from detectors.actors.graph.visits import Visits, encode
from detectors.actors.resolution import Resolution
from foretaste.core.batch import Batch


def resolve(batch: Batch) -> Resolution:
    """Resolve with the defaults."""
    return ActorDetector().resolve(batch)


def listed(found: Resolution) -> pd.DataFrame:
    """Actors by contributor."""
    actors: pd.DataFrame = found.actors.to_pandas().set_index("contributor_id")
    return actors


def test_a_contributor_with_very_many_events_costs_nothing() -> None:
    who = np.concatenate([np.full(5000, 0), np.arange(1, 5001)])
    item = np.tile(np.arange(5000), 2)
    visits = Visits(who, item, np.zeros(who.size, dtype=np.int64), 5001, 5000)
    met = incidence(visits, np.inf, Bounds(max_columns=4999), 0).matrix
    assert met[[0]].nnz == 0
    assert incidence(visits, np.inf, Bounds(max_columns=5000), 0).matrix[[0]].nnz > 0


def test_coming_twice_at_one_time_is_no_edge_with_oneself_or_others() -> None:
    people = np.arange(60)
    town = Town(16).people(300, 4000)
    town.add([f"twice{w:02d}" for w in np.repeat(people, 30)], ["one"] * 1800, [777] * 1800)
    batch = town.batch()
    found = resolve(batch)
    edges = found.edges.to_pandas()
    assert (edges["left"] != edges["right"]).all()
    assert not edges["left"].str.startswith("twice").any()
    actors = listed(found)
    assert set(actors.loc[actors.index.str.startswith("twice"), "kind"]) == {"singleton"}


def test_visitors_without_a_neighbour_stay_alone_beside_a_campaign() -> None:
    town = Town(18).people(500, 5000).lockstep()
    town.add([f"alone{i:03d}" for i in range(50)], [f"own{i}" for i in range(50)], np.arange(50))
    actors = listed(resolve(town.batch()))
    alone = actors[actors.index.str.startswith("alone")]
    assert (alone["actor_id"] == alone.index).all()
    assert set(actors.loc[actors.index.str.startswith("step"), "kind"]) == {"campaign"}


def test_ids_that_differ_by_case_or_look_alike_stay_different_contributors() -> None:
    twins = {"step0000": "Step0000", "step0001": "st\u0435p0001", "step0002": "step0002\u200b"}
    town = Town(19).people(500, 5000).lockstep()
    for twin in twins.values():
        town.add([twin] * 5, [f"item{i:05d}" for i in range(5)], np.arange(5) * DAY)
    actors = listed(resolve(town.batch()))
    assert set(actors.loc[list(twins), "kind"]) == {"campaign"}
    assert set(actors.loc[list(twins.values()), "kind"]) == {"singleton"}
    assert set(actors.loc[list(twins), "size"]) == {20}


def test_ids_of_items_that_look_alike_are_different_items() -> None:
    town = Town(20).people(500, 5000)
    names = ["Target", "target", "t\u0430rget", "target ", "tar\u200bget", "TARGET"]
    at = Town(20).rng.integers(0, 30 * DAY, 6)
    for who in range(20):
        late = 60 * town.rng.integers(0, 10, 6)
        town.add([f"step{who:04d}"] * 6, names, at + late)
    edges = resolve(town.batch()).edges.to_pandas()
    mine = edges[edges["left"].str.startswith("step") & edges["right"].str.startswith("step")]
    assert mine["shared"].max() == 6


def test_two_nights_merged_show_the_campaigns_of_both() -> None:
    first = Town(21, days=1).people(800, 4000).lockstep(12).frame()
    second = Town(22, days=1).people(800, 4000).lockstep(15).frame()
    step = second["contributor_id"].str.startswith("step")
    second.loc[step, "contributor_id"] = "other-" + second.loc[step, "contributor_id"]
    second.loc[step, "item_id"] = "other-" + second.loc[step, "item_id"]
    second["second"] += DAY
    union = batch_of(pd.concat([first, second], ignore_index=True))
    actors = listed(resolve(union))
    campaigns = actors[actors["kind"] == "campaign"]
    sizes = campaigns.groupby("actor_id")["size"].agg(["count", "first"])
    assert sorted(sizes["count"]) == sorted(sizes["first"]) == [12, 15]
    ours = campaigns.index.str.startswith("step")
    assert set(campaigns.loc[ours, "actor_id"]).isdisjoint(campaigns.loc[~ours, "actor_id"])


def test_the_same_night_twice_has_the_same_campaigns() -> None:
    batch = Town(23).people(500, 5000).ring().lockstep().batch()
    twice = pd.concat([batch.visits] * 2, ignore_index=True)
    one, other = resolve(batch), resolve(dataclasses.replace(batch, visits=twice))
    campaigns = pc.field("kind") == "campaign"
    assert one.actors.filter(campaigns).num_rows == 51
    assert (
        one.actors.filter(campaigns)["actor_id"].to_pylist()
        == other.actors.filter(campaigns)["actor_id"].to_pylist()
    )


def test_visits_of_people_without_rows_are_resolved_and_get_no_evidence() -> None:
    town = Town(24).people(500, 5000)
    visits = Town(24).people(500, 5000).lockstep().batch().visits
    batch = batch_of(town.frame(), visits=visits)
    found = resolve(batch)
    actors = listed(found)
    step = actors[actors.index.str.startswith("step")]
    assert len(step) == 20
    assert set(step["kind"]) == {"campaign"}
    assert len(found.codes) == len(found.opinion.llr) == batch.n_rows
    assert not found.opinion.llr.any()
    assert not any(name.startswith("step") for name in batch.contributor_ids)


def test_visits_to_nothing_are_as_if_they_were_not_there() -> None:
    batch = Town(25).people(500, 5000).ring().lockstep().batch()
    names = np.asarray(batch.contributor_ids)
    rows = batch.visits.sample(500, random_state=0).assign(item_id=None)
    nothing = pd.concat([batch.visits, rows.astype(batch.visits.dtypes)], ignore_index=True)
    one, other = encode(batch.visits, names), encode(nothing, names)
    for field in dataclasses.fields(Visits):
        assert np.array_equal(getattr(one, field.name), getattr(other, field.name)), field.name
    assert encode(rows.astype(batch.visits.dtypes), names).who.size == 0

"""What a person said about who is different people holds, whatever the graph shows."""

import dataclasses

import numpy as np
import pandas as pd
from visit_worlds import Scene, Town

from detectors.actors import ActorDetector
from detectors.actors.search import search


def test_two_whom_a_person_keeps_apart_are_never_in_one_group() -> None:
    scene = Scene(20, others=1500, seed=3).live().drip(8)
    found = search(scene.visits, different=[np.array([0, 1])])
    assert not [g for g in found.groups if np.isin([0, 1], g.members).all()]
    assert [g for g in found.groups if g.kind == "campaign" and g.members.size >= 15]


def test_a_ring_that_a_person_took_apart_stays_apart() -> None:
    batch = Town(1).people(500, 5000).ring(20).batch()
    ring = frozenset(c for c in batch.contributor_ids if c.startswith("ring"))
    actors = ActorDetector().resolve(batch, different=(ring,)).actors.to_pandas()
    assert set(actors.loc[actors["contributor_id"].isin(ring), "kind"]) == {"singleton"}


def test_visits_without_an_item_are_nobodys_memory() -> None:
    batch = Town(25).people(500, 5000).ring().lockstep().batch()
    rows = batch.visits.sample(500, random_state=0).assign(item_id=None)
    more = pd.concat([batch.visits, rows.astype(batch.visits.dtypes)], ignore_index=True)
    plain = ActorDetector().resolve(batch)
    found = ActorDetector().resolve(dataclasses.replace(batch, visits=more))
    assert found.actors == plain.actors
    assert found.memory.visits == plain.memory.visits

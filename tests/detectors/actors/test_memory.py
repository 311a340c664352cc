"""Nights remember: what acts tonight meets its past, and the past stays bounded."""

import numpy as np
import pandas as pd
import pytest
from visit_worlds import DAY, START, Town, batch_of

from detectors.actors import ActorDetector
from detectors.actors.graph.covisits import Bounds, telling_edges
from detectors.actors.graph.visits import encode
from detectors.actors.memory import Keeping, Memory, faded, remember
from foretaste.core.actor import GRAPH_SCHEMA
from foretaste.core.contract import VISIT_SCHEMA


def visits_of(who, item, second):
    times = pd.to_datetime(START + np.asarray(second), unit="s", utc=True)
    return pd.DataFrame(
        {
            "contributor_id": pd.array(list(who), dtype="str"),
            "item_id": pd.array(list(item), dtype="str"),
            "visited_at": times.astype("datetime64[us, UTC]"),
        }
    )


def nights(frame, **known):
    """Resolve day by day, each night from what the one before left."""
    memory, actors = None, None
    for _, day in frame.groupby(frame["second"] // DAY, sort=True):
        batch = batch_of(day.reset_index(drop=True))
        found = ActorDetector(**known).resolve(batch, memory=memory, known=actors)
        memory, actors = found.memory, found.actors
        yield found


def edges_by_pair(edges, names):
    return {
        (names[a], names[b]): (round(level, 9), int(shared), hours)
        for a, b, level, shared, hours in zip(
            edges.left, edges.right, edges.surprise, edges.shared, edges.hours, strict=True
        )
    }


def test_edges_of_who_is_seen_are_those_of_a_rebuild():
    visits = Town(1, days=10).people(400, 8000).lockstep().batch().visits
    names = np.sort(visits["contributor_id"].astype(object).unique())
    encoded = encode(visits, names)
    whole = telling_edges(encoded, Bounds(), seed=1)
    seen = np.random.default_rng(0).random(names.size) < 0.3
    part = telling_edges(encoded, Bounds(), seed=1, seen=seen)
    expected = whole.where(seen[whole.left] | seen[whole.right])
    assert expected.size > 100
    assert edges_by_pair(part, names) == edges_by_pair(expected, names)


def test_a_drip_that_no_night_shows_is_found_by_the_nights_together():
    rng = np.random.default_rng(3)
    town = Town(3, days=12).people(800, 16_000)
    who, target = (a.ravel() for a in np.meshgrid(np.arange(25), np.arange(12)))
    town.add(
        [f"drip{w:03d}" for w in who],
        [f"rare{t:02d}" for t in target],
        rng.integers(0, 12 * DAY, who.size),
    )
    frame = town.frame()
    found = list(nights(frame))
    first, last = (night.actors.to_pandas() for night in (found[0], found[-1]))
    drip = last[last["contributor_id"].str.startswith("drip")]
    assert not (first["kind"] == "campaign").any()
    assert (drip["kind"] == "campaign").mean() >= 0.9
    assert len(set(drip.loc[drip["kind"] == "campaign", "actor_id"])) == 1
    honest = last[last["contributor_id"].str.startswith("honest")]
    assert (honest["kind"] == "campaign").mean() <= 0.005


def test_a_sleeper_is_found_in_the_night_after_it_wakes():
    rng = np.random.default_rng(4)
    town = Town(4, days=10).people(800, 16_000)
    who = np.repeat(np.arange(20), 12)
    town.add(
        [f"sleeper{w:03d}" for w in who],
        [f"item{i:05d}" for i in rng.integers(0, 300, who.size)],
        rng.integers(0, 8 * DAY, who.size),
    )
    who, target = (a.ravel() for a in np.meshgrid(np.arange(20), np.arange(10)))
    at = 8 * DAY + rng.integers(0, 2 * DAY - 3600, 10)
    town.add(
        [f"sleeper{w:03d}" for w in who],
        [f"rare{t:02d}" for t in target],
        at[target] + rng.integers(0, 3600, who.size),
    )
    found = [night.actors.to_pandas() for night in nights(town.frame())]
    called = [
        (a.loc[a["contributor_id"].str.startswith("sleeper"), "kind"] == "campaign").mean()
        for a in found
    ]
    assert called[7] == 0
    assert called[-1] >= 0.9


def test_a_campaign_keeps_its_name_while_nights_pass():
    frame = Town(5, days=4).people(400, 6000).frame()
    rng = np.random.default_rng(5)
    who, target = (a.ravel() for a in np.meshgrid(np.arange(20), np.arange(16)))
    at = rng.integers(0, 4 * DAY - 1200, 16)
    step = Town().add(
        [f"step{w:03d}" for w in who],
        [f"rare{t:02d}" for t in target],
        at[target] + rng.integers(0, 600, who.size),
    ).frame()  # fmt: skip
    named = [
        set(a.loc[a["kind"] == "campaign", "actor_id"])
        for a in (n.actors.to_pandas() for n in nights(pd.concat([frame, step])))
    ]
    assert len(named[-1]) == 1
    assert all(names in (set(), named[-1]) for names in named)


@pytest.mark.parametrize("seed", [0, 1])
def test_what_is_remembered_does_not_depend_on_the_order(seed):
    visits = Town(6, days=5).people(200, 4000).batch().visits
    names = np.sort(visits["contributor_id"].astype(object).unique())
    edges = Memory.none().edges(names)
    keeping = Keeping(per_item=20, per_contributor=10)
    one = remember(visits, names, edges, keeping, secret=7)
    other = remember(visits.sample(frac=1, random_state=seed), names, edges, keeping, secret=7)
    assert one.visits == other.visits
    assert one.visits.num_rows > 0


def test_the_past_is_bounded_by_age_by_item_and_by_contributor():
    rng = np.random.default_rng(8)
    visits = visits_of(
        [f"c{i:04d}" for i in rng.integers(0, 300, 20_000)],
        [f"i{i}" for i in rng.integers(0, 5, 20_000)],
        rng.integers(0, 60 * DAY, 20_000),
    )
    names = np.sort(visits["contributor_id"].astype(object).unique())
    keeping = Keeping(days=30, per_item=40, per_contributor=25)
    kept = remember(visits, names, Memory.none().edges(names), keeping, 1).visits.to_pandas()
    assert kept["visited_at"].min() > visits["visited_at"].max() - pd.Timedelta(days=30)
    assert kept.groupby("item_id")["contributor_id"].nunique().between(30, 40).all()
    assert kept.groupby("contributor_id").size().max() <= 25


def test_who_is_kept_of_a_popular_item_is_a_secret_that_lasts():
    people = [f"c{i:04d}" for i in range(300)]
    visits = visits_of(people, ["item"] * 300, np.arange(300) * 60)
    names, keeping = np.asarray(people, dtype=object), Keeping(per_item=50)
    none = Memory.none().edges(names)

    def kept(frame, secret):
        found = remember(frame, names, none, keeping, secret).visits
        return set(found["contributor_id"].to_pylist())

    later = pd.concat([visits, visits_of(["c9999"], ["other"], [DAY])])
    assert kept(visits, 1) == kept(later, 1) - {"c9999"}
    assert kept(visits, 1) != kept(visits, 2)


def test_edges_of_those_who_stay_away_fade_and_go():
    names = np.asarray(["a", "b", "c", "d"], dtype=object)
    visits = visits_of([], [], [])
    graph = {
        "left": ["a", "a", "gone"],
        "right": ["b", "c", "x"],
        "surprise": [10.0, 4.05, 50.0],
        "shared": [5, 2, 9],
        "hours": [0.25, np.inf, 2.0],
    }
    memory = Memory(VISIT_SCHEMA.empty_table(), GRAPH_SCHEMA.empty_table())
    assert memory.edges(names).size == 0
    table = pd.DataFrame(graph)
    memory = Memory(
        VISIT_SCHEMA.empty_table(),
        GRAPH_SCHEMA.empty_table().from_pandas(table, schema=GRAPH_SCHEMA, preserve_index=False),
    )
    edges = memory.edges(names)
    assert edges.size == 2
    nobody = np.zeros(4, dtype=bool)
    left = faded(edges, nobody, 0.97, 4.0)
    assert left.surprise.tolist() == [9.7]
    assert faded(edges, np.array([False, True, False, False]), 1.0, 4.0).surprise.tolist() == [4.05]
    assert remember(visits, names, left, Keeping(), 1).graph["left"].to_pylist() == ["a"]

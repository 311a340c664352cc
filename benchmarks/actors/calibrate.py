"""Describe groups of known towns, for the detector to judge by what it has seen.

``python -m benchmarks.actors.calibrate`` writes ``detectors/actors/groups/reference.csv``: one
line per group that the detector's own search finds in seeded towns of many sizes, with
what the group really is. The benchmark's towns have other seeds.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.actors.neighbours import with_neighbours
from benchmarks.actors.town import Town, TownPlan, build
from benchmarks.actors.worlds import codes
from detectors.actors.graph.covisits import Bounds, telling_edges
from detectors.actors.groups.behaviour import Behaviours, behaviours
from detectors.actors.groups.communities import groups_of
from foretaste.attacks.campaigns import (
    Camouflage,
    Campaign,
    CovisitInjection,
    Drip,
    Lockstep,
    Sleeper,
)

PLANS = (
    (TownPlan(), 1),
    (TownPlan(contributors=20_000, visits=500_000, items=8_000, communities=1_000, days=45), 2),
    (TownPlan(contributors=10_000, visits=200_000, items=5_000, communities=80), 4),
    (TownPlan(contributors=10_000, visits=200_000, items=5_000, communities=300), 4),
    (TownPlan(contributors=10_000, visits=150_000, items=10_000, communities=600, days=10), 4),
    (TownPlan(contributors=3_000, visits=60_000, items=2_000, communities=30), 8),
    (TownPlan(contributors=3_000, visits=30_000, items=1_000, communities=10, days=14), 8),
    (TownPlan(contributors=1_000, visits=20_000, items=600, communities=6, days=14), 8),
)
"""Towns, and how many seeds of each."""

FIRST_SEED = 1_000
_KEPT_DIGITS = 4


def main() -> None:
    """Write the reference."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("detectors/actors/groups/reference.csv"))
    out = parser.parse_args().out
    table = pd.concat(list(_tables()), ignore_index=True)
    thinned(table).to_csv(out, index=False, float_format=f"%.{_KEPT_DIGITS}g")
    print(table.groupby("kind").size().to_string())


def _tables() -> Iterator[pd.DataFrame]:
    for number, (plan, seeds) in enumerate(PLANS):
        for seed in range(FIRST_SEED, FIRST_SEED + seeds):
            rng = np.random.default_rng([seed, number])
            town = with_neighbours(build(plan, campaigns(plan, rng), seed), seed)
            yield described(town).assign(town=number)


def described(town: Town) -> pd.DataFrame:
    """One line per group found: what it does, and what most of its members are."""
    visits = codes(town)
    edges = telling_edges(visits, Bounds(), seed=0)
    label = groups_of(visits, edges, min_size=4)
    found = behaviours(visits, label, edges)
    table = pd.DataFrame(found.matrix(Behaviours.names()), columns=list(Behaviours.names()))
    inside = label >= 0
    counts = pd.crosstab(label[inside], town.kind[inside]).reindex(range(len(table)))
    table["kind"], most = counts.idxmax(axis=1), counts.max(axis=1)
    # A group of both kinds would teach nothing.
    return table[(most >= 0.6 * table["size"]).to_numpy()]


def campaigns(plan: TownPlan, rng: np.random.Generator) -> list[Campaign]:
    """Draw campaigns of all kinds, sizes and intensities, one per 500 contributors."""
    made: list[Campaign] = []
    for _ in range(max(8, plan.contributors // 500)):
        low = float(rng.choice([0.1, 0.1, 0.5]))
        every = {
            "accounts": int(np.exp(rng.uniform(np.log(6), np.log(120)))),
            "intensity": float(rng.choice([0.3, 0.5, 0.75, 1.0, 1.0])),
            "popularity": (low, low + 0.4),
        }
        covering = {"coverage": float(rng.choice([0.5, 0.7, 0.85, 1.0, 1.0]))}
        match int(rng.integers(5)):
            case 0:
                minutes, own = float(rng.choice([2, 20, 60])), int(rng.integers(12))
                aims = int(rng.integers(6, 14))
                made.append(Lockstep(minutes=minutes, cover=own, targets=aims, **every, **covering))
            case 1:
                own, aims = int(rng.integers(15)), int(rng.integers(8, 16))
                made.append(Drip(cover=own, targets=aims, **every, **covering))
            case 2:
                life, hours = int(rng.integers(6, 40)), float(rng.uniform(1, 24))
                made.append(Camouflage(life=life, hours=hours, **every, **covering))
            case 3:
                life, hours = int(rng.integers(6, 40)), float(rng.uniform(0.5, 12))
                days = int(rng.integers(1, 8))
                sleeper = Sleeper(life=life, hours=hours, awake_days=days, **every, **covering)
                made.append(sleeper)
            case _:
                aims, anchors = int(rng.integers(1, 5)), int(rng.integers(4, 16))
                often = int(rng.integers(4, 12))
                made.append(
                    CovisitInjection(targets=aims, anchors=anchors, sessions=often, **every)
                )
    return made


def thinned(table: pd.DataFrame) -> pd.DataFrame:
    """Keep one in eight of the plain honest groups, and let it count for all eight."""
    plain = (table["kind"] == "honest") & (table["margin"] < 0)
    kept = ~plain | (np.arange(len(table)) % 8 == 0)
    weight = np.where(plain, 8, 1)
    return table.assign(weight=weight)[kept]


if __name__ == "__main__":
    main()

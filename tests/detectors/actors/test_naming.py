"""The same ring tomorrow keeps its name, and as many members as can be keep theirs."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.actors.naming import name_groups
from foretaste.core.actor import ACTOR_SCHEMA

NAMES = np.asarray([*(f"a{i}" for i in range(8)), *(f"b{i}" for i in range(8))], dtype=object)


def known(**groups: list[str]) -> pa.Table:
    lines = [
        {
            "contributor_id": member,
            "actor_id": actor,
            "kind": "campaign",
            "size": len(members),
            "posterior": 0.9,
            "reason": "",
        }
        for actor, members in groups.items()
        for member in members
    ]
    return pa.Table.from_pylist(lines, schema=ACTOR_SCHEMA)


def codes(*members: str) -> np.ndarray:
    return np.flatnonzero(np.isin(NAMES.astype(str), members))


def test_most_members_keep_their_groups_name() -> None:
    before = known(
        first=[f"a{i}" for i in range(7)],
        second=[f"b{i}" for i in range(4)],
    )
    mixed = codes("a0", "a1", "a2", "a3", "b0", "b1", "b2")
    rest = codes("a4", "a5", "a6")
    assert name_groups([mixed, rest], NAMES, before) == ["second", "first"]


def test_strangers_get_a_name_of_their_own() -> None:
    before = known(first=["a0", "a1", "a2"])
    same, fresh = name_groups([codes("a0", "a1"), codes("b0", "b1")], NAMES, before)
    assert same == "first"
    assert fresh.startswith("g")
    assert fresh != "first"


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), min_size=16, max_size=16), st.integers(0, 2**32 - 1))
def test_names_are_distinct_and_do_not_depend_on_the_order_of_groups(
    label: list[int], seed: int
) -> None:
    groups = [np.flatnonzero(np.asarray(label) == g) for g in sorted(set(label))]
    before = known(first=[f"a{i}" for i in range(8)], second=[f"b{i}" for i in range(8)])
    names = name_groups(groups, NAMES, before)
    order = np.random.default_rng(seed).permutation(len(groups))
    again = name_groups([groups[i] for i in order], NAMES, before)
    assert len(set(names)) == len(names)
    assert sum(n in ("first", "second") for n in again) == sum(
        n in ("first", "second") for n in names
    )

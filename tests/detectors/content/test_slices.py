"""Slices that nobody can choose, and who may judge whom."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detectors.content.slices import Slicing, actor_slices, independent_rows, time_slices
from foretaste.core.batch import Batch
from tests.detectors.worlds import make_batch


def _batch(n: int = 900, people: int = 60) -> Batch:
    x = np.random.default_rng(0).normal(size=(n, 2))
    return make_batch(x, [f"l{i % 3}" for i in range(n)], [f"c{i % people:02d}" for i in range(n)])


@given(st.lists(st.integers(0, 50), min_size=1, max_size=200), st.integers(1, 12))
def test_slices_rise_with_time_and_share_equal_times(times: list[int], n: int) -> None:
    at = np.array(times)
    codes = time_slices(at, n)
    order = np.argsort(at, kind="stable")
    assert (np.diff(codes[order]) >= 0).all()
    assert all(np.unique(codes[at == t]).size == 1 for t in np.unique(at))
    assert codes.max() < n


def test_accounts_of_one_actor_share_a_slice() -> None:
    batch = _batch()
    actors = batch.actors.copy()
    actors[actors < 10] = 3
    slices = actor_slices(batch.with_actors(actors), 12, 4)
    assert all(np.unique(line[actors == 3]).size == 1 for line in slices)


def test_slices_follow_the_salt_and_the_account_alone() -> None:
    batch, fewer = _batch(), _batch(n=600)
    slices, theirs = actor_slices(batch, 12, 2), actor_slices(fewer, 12, 2)
    assert (slices != actor_slices(replace(batch, salt=b"another"), 12, 2)).any()
    for code in range(60):
        assert (
            theirs[:, fewer.contributors == code][:, 0]
            == slices[:, batch.contributors == code][:, 0]
        ).all()


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=80))
def test_crossed_slices_judge_strangers_of_both_kinds_only(rows: list[tuple[int, int]]) -> None:
    when, who = (np.array(column) for column in zip(*rows, strict=True))
    crossed = Slicing.crossed(when, who)
    for code in np.unique(crossed.codes):
        mine = crossed.codes == code
        judged = np.zeros(when.size, dtype=bool)
        judged[crossed.judged_by(int(code))] = True
        np.testing.assert_array_equal(judged, (when != when[mine][0]) & (who != who[mine][0]))


@given(st.lists(st.integers(0, 6), min_size=1, max_size=200), st.integers(1, 500))
def test_many_rows_of_one_actor_are_worth_few(actors: list[int], more: int) -> None:
    some = np.array(actors)
    worth = independent_rows(some)
    assert worth <= some.size + 1e-9
    longer = independent_rows(np.concatenate([some, np.zeros(more, dtype=int)]))
    assert worth - 1e-9 <= longer < worth + 20

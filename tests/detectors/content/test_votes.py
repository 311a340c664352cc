"""Votes come from other people's rows only, and from people who are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.content.slices import Slicing, actor_slices
from detectors.content.votes import out_of_actor_votes, silence, vote
from foretaste.core.batch import Batch
from tests.detectors.worlds import make_batch, world


def _easy(n: int = 900, people: int = 60, seed: int = 0) -> Batch:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    x = rng.normal(size=(n, 4)) + 4 * np.eye(3, 4)[y]
    return make_batch(x, [f"l{c}" for c in y], [f"c{i % people:02d}" for i in range(n)])


def _cut(batch: Batch, n_slices: int, n_salts: int) -> list[Slicing]:
    return [Slicing.of(line) for line in actor_slices(batch, n_slices, n_salts)]


def _relabelled(batch: Batch, rows: np.ndarray) -> Batch:
    labels = batch.labels.copy()
    labels[rows] = (labels[rows] + 1) % len(batch.classes)
    return replace(batch, labels=labels)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 59))
def test_an_actor_has_no_say_about_its_own_rows(actor: int) -> None:
    batch = _easy()
    mine = batch.actors == actor
    slices = _cut(batch, 6, 2)
    everyone = np.ones(batch.n_rows, dtype=bool)
    before = vote(batch, slices, everyone, max_rows=8000)
    after = vote(_relabelled(batch, mine), slices, everyone, max_rows=8000)
    np.testing.assert_array_equal(before.probability[mine], after.probability[mine])
    assert (before.probability[~mine] != after.probability[~mine]).any()


def test_throw_away_accounts_teach_nobody() -> None:
    batch = _easy()
    rng = np.random.default_rng(1)
    few = 120
    x = np.vstack([batch.features, rng.normal(size=(few, 4)) + 4 * np.eye(3, 4)[0]])
    people = [str(batch.contributor_ids[c]) for c in batch.contributors]
    labels = [batch.classes[c] for c in batch.labels]
    crowd = make_batch(x, labels + ["l2"] * few, people + [f"z{i:03d}" for i in range(few)])
    votes = out_of_actor_votes(crowd)
    sybils = crowd.contributors >= 60
    assert (votes.disagreement[sybils] > 0.5).all()
    assert (votes.disagreement[~sybils] > 0.5).mean() < 0.05


def test_a_row_accepted_at_no_weight_teaches_nobody() -> None:
    batch = _easy()
    silent = np.arange(batch.n_rows) % 3 == 0
    weighted = replace(batch, history_weight=np.where(silent, 0.0, 1.0))
    args = (_cut(batch, 6, 1), np.ones(batch.n_rows, dtype=bool))
    before = vote(weighted, *args, max_rows=8000)
    after = vote(_relabelled(weighted, silent), *args, max_rows=8000)
    np.testing.assert_array_equal(before.probability[~silent], after.probability[~silent])


def test_a_label_that_a_slice_has_not_seen_gets_no_vote_from_it() -> None:
    batch = _easy()
    only = batch.contributors[5]
    labels = batch.labels.copy()
    labels[batch.contributors == only] = 3
    lone = replace(batch, labels=labels, classes=(*batch.classes, "l3"))
    votes = out_of_actor_votes(lone)
    mine = batch.contributors == only
    assert np.isnan(votes.disagreement[mine]).all()
    assert np.isnan(votes.probability[mine]).all()
    assert np.isfinite(votes.disagreement[~mine]).all()


def test_the_second_pass_forgets_the_suspects() -> None:
    attacked = world("digits", "flip", level=3)
    votes = out_of_actor_votes(attacked.batch)
    slices = _cut(attacked.batch, 12, 2)
    known = np.bincount(attacked.batch.contributors)[attacked.batch.contributors] >= 5
    first = vote(attacked.batch, slices, known, max_rows=8000)
    honest = attacked.honest
    assert votes.disagreement[honest].mean() < first.disagreement[honest].mean()
    assert votes.disagreement[attacked.poison].mean() > first.disagreement[attacked.poison].mean()


def test_a_capped_slice_still_votes_and_always_the_same() -> None:
    batch = _easy()
    capped = out_of_actor_votes(batch, max_rows_per_slice=40)
    again = out_of_actor_votes(batch, max_rows_per_slice=40)
    np.testing.assert_array_equal(capped.probability, again.probability)
    assert (capped.disagreement > 0.5).mean() < 0.05


def test_threads_do_not_change_a_bit() -> None:
    from threadpoolctl import threadpool_limits

    batch = _easy()
    with threadpool_limits(1):
        one = out_of_actor_votes(batch)
    with threadpool_limits(2):
        two = out_of_actor_votes(batch)
    np.testing.assert_array_equal(one.probability, two.probability)


def test_probabilities_are_shares() -> None:
    votes = out_of_actor_votes(_easy())
    np.testing.assert_allclose(votes.probability.sum(axis=1), 1.0, atol=1e-4)
    assert votes.probability.dtype == np.float32
    assert ((votes.disagreement >= 0) & (votes.disagreement <= 1)).all()


@pytest.mark.parametrize("n", [0, 1])
def test_nobody_votes_on_nothing(n: int) -> None:
    votes = out_of_actor_votes(make_batch(np.ones((n, 3)), ["a"] * n, ["c"] * n))
    assert votes.probability.shape == (n, n)
    assert np.isnan(votes.disagreement).all()


def test_nobody_votes_on_rows_without_features() -> None:
    batch = _easy()
    bare = replace(batch, features=np.zeros((batch.n_rows, 0), dtype=np.float32))
    assert np.isnan(out_of_actor_votes(bare).probability).all()


def test_silence_has_a_reason_for_each_lack() -> None:
    batch = _easy()
    assert silence(batch, min_rows=300, min_contributors=12) == ""
    assert "1000 needed" in silence(batch, min_rows=1000, min_contributors=12)
    assert "100 needed" in silence(batch, min_rows=300, min_contributors=100)
    bare = replace(batch, features=np.zeros((batch.n_rows, 0), dtype=np.float32))
    assert silence(bare, min_rows=300, min_contributors=12) == "rows have no features"

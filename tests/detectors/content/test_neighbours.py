"""Neighbours speak where lines cannot follow the labels, and nobody vouches for itself."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.content.neighbours import MAX_REFERENCE, Neighbours, foretold, reference, voices
from detectors.content.votes import out_of_actor_votes
from tests.detectors.worlds import make_batch, world


def ball(seed=0, n=2000, flippers=8):
    """Labels inside and outside a ball; the first people turn half of theirs."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 6))
    inside = np.linalg.norm(x[:, :3], axis=1) < 1.54
    who = rng.integers(0, 100, n)
    poison = (who < flippers) & (rng.random(n) < 0.5)
    batch = make_batch(x, np.where(inside ^ poison, "in", "out"), [f"c{w:03d}" for w in who])
    return batch, poison


def test_flips_in_a_curved_region_are_found_where_the_voters_are_blind():
    batch, poison = ball()
    batch = batch.with_votes(out_of_actor_votes(batch))
    assert foretold(np.asarray(batch.votes.probability), batch.labels) < 0.6
    opinion = Neighbours().fit_evidence(batch)
    assert opinion.abstained == ""
    assert (opinion.llr[poison] > 0).mean() > 0.4
    assert (opinion.llr[~poison] > 0).mean() < 0.08
    assert 0 <= opinion.llr.min() <= opinion.llr.max() <= 700_000


def test_what_the_voters_say_is_not_said_twice():
    batch = world("digits", "flip").batch
    opinion = Neighbours().fit_evidence(batch.with_votes(out_of_actor_votes(batch)))
    assert "already" in opinion.abstained


def test_a_flood_around_a_row_has_two_voices():
    batch, _ = ball(flippers=0)
    x, labels = np.asarray(batch.features), np.asarray(batch.labels)
    middle = int(np.argmin(np.linalg.norm(x, axis=1)))
    flood = x[middle] + 1e-3 * np.random.default_rng(1).normal(size=(60, 6))
    flooded = make_batch(
        np.vstack([x, flood]),
        [*(batch.classes[c] for c in labels), *["out"] * 60],
        [*(f"c{c:03d}" for c in batch.contributors), *["flood"] * 60],
    )
    llr = Neighbours().fit_evidence(flooded).llr
    assert llr[middle] == 0
    assert (llr[-60:] > 0).mean() > 0.9


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 4), min_size=8, max_size=8), min_size=1, max_size=5),
    st.integers(1, 6),
    st.integers(1, 3),
)
def test_voices_are_the_nearest_of_others_each_a_few_times(near, k, per_actor):
    heard = voices(np.array(near), np.zeros(len(near), dtype=int), k, per_actor)
    for row, said in zip(near, heard.tolist(), strict=True):
        wanted, turn = [], dict.fromkeys(range(5), 0)
        for actor in row:
            turn[actor] += 1
            fits = actor != 0 and turn[actor] <= per_actor and sum(wanted) < k
            wanted.append(fits)
        assert said == wanted


def test_no_actor_has_more_than_its_share_of_the_reference():
    actors = np.append(np.zeros(50_000, dtype=int), 1 + np.arange(9_000) % 900)
    rows = reference(actors, np.zeros(actors.size, dtype=int), seed=1)
    assert rows.size == MAX_REFERENCE
    assert (actors[rows] == 0).sum() <= 20


def test_it_says_why_it_abstains():
    batch, _ = ball(n=200)
    assert "300 needed" in Neighbours().fit_evidence(batch).abstained
    bare = make_batch(np.zeros((400, 0)), ["a", "b"] * 200, [f"c{i % 50}" for i in range(400)])
    assert "no features" in Neighbours().fit_evidence(bare).abstained

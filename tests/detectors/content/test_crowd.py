from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.content.ballots import Ballots
from detectors.content.confusion import estimate
from detectors.content.crowd import Crowd, ballots_of
from detectors.content.guesses import guessing
from foretaste.core.evidence import MICRO
from tests.detectors.content.crowds import crowd_world
from tests.detectors.worlds import world

HELD = 2.5 * MICRO


def nats(scene, **params):
    """Opinion's nats of a scene, in micro-nats."""
    opinion = Crowd(**params).fit_evidence(scene.batch)
    assert opinion.abstained == ""
    return opinion.llr


@pytest.mark.parametrize(
    "how", [{}, {"accuracy": 0.8}, {"votes": 3}, {"accuracy": 0.7, "k": 2}, {"n_items": 60}]
)
def test_a_clean_crowd_loses_at_most_a_hundredth(how):
    lost = [(nats(crowd_world(seed=s, **how)) > HELD).mean() for s in range(3)]
    assert np.mean(lost) <= 0.01


@pytest.mark.parametrize("crew", [2, 3])
def test_colluders_are_accused_on_their_targets_and_nowhere_else(crew):
    scene = crowd_world(n_crew=crew, n_targets=25)
    llr = nats(scene)
    assert (llr[scene.crew & scene.target] > HELD).mean() > 0.8
    assert not (llr[scene.crew & ~scene.target] > 0).any()
    assert not (llr[~scene.crew & scene.target & scene.right] > 0.5 * MICRO).any()


@pytest.mark.parametrize(("crew", "honest"), [(5, 5), (8, 4), (12, 3), (20, 2)])
def test_the_honest_few_on_items_that_a_crew_holds_are_not_accused(crew, honest):
    scene = crowd_world(n_crew=crew, n_targets=25, on_target=honest)
    llr = nats(scene)
    assert not (llr[~scene.crew & scene.target & scene.right] > HELD).any()


def test_items_that_both_sides_hold_are_undecided():
    scene = crowd_world(n_crew=8, n_targets=25, on_target=4)
    at = scene.target
    assert (nats(scene)[at] == 0).mean() > 0.9


def test_guessers_are_accused_where_they_are_wrong():
    scene = crowd_world(guessers=4)
    who = np.asarray([int(c[1:]) for c in scene.batch.rows["contributor_id"]])
    llr = nats(scene)
    assert (llr[(who < 4) & ~scene.right] > HELD).mean() > 0.8
    assert not (llr[scene.right] > HELD).any()


def test_accounts_of_one_actor_have_one_vote():
    scene = crowd_world(n_crew=8, n_targets=25, on_target=6)
    batch = scene.batch
    one = np.where(scene.crew, batch.actors[scene.crew].min(), batch.actors)
    joined = Crowd().fit_evidence(batch.with_actors(one)).llr
    aims = scene.crew & scene.target
    assert (joined[aims] > HELD).mean() > 0.9
    assert not (nats(scene)[aims] > HELD).any()


def test_rows_that_nobody_else_labels_have_exactly_nothing():
    scene = crowd_world()
    rows = scene.batch.rows.copy()
    rows.loc[:19, "item_id"] = [f"alone{i}" for i in range(20)]
    rows.loc[20:29, "item_id"] = None
    opinion = Crowd().fit_evidence(replace(scene.batch, rows=rows))
    assert opinion.abstained == ""
    assert not opinion.llr[:30].any()


def test_history_that_is_not_believed_does_not_vote():
    scene = crowd_world(votes=4, n_crew=6, n_targets=200, on_target=4, cover=100)
    believed = replace(
        scene.batch,
        tonight=~scene.crew,
        history_weight=np.where(scene.crew, 0.0, 1.0),
    )
    honest = ~scene.crew & scene.target & scene.right
    assert (Crowd().fit_evidence(believed).llr[honest] < 0).mean() > 0.5
    assert not (nats(scene)[honest] < 0).mean() > 0.5


def test_votes_of_earlier_nights_fade():
    batch = crowd_world(n_items=40).batch
    day = 86_400_000_000
    ages = np.arange(batch.n_rows) % 3 * 60
    when = pd.to_datetime(1_790_000_000_000_000 - ages * day, unit="us", utc=True)
    rows = batch.rows.assign(contributed_at=when, time_unknown=False)
    dated = replace(batch, rows=rows, tonight=ages == 0)
    weight = ballots_of(dated, np.arange(batch.n_rows), half_days=60.0).weight
    np.testing.assert_allclose(weight, np.array([1.0, 0.5, 0.25])[ages // 60])


@pytest.mark.parametrize("data", ["digits", "synth"])
def test_items_that_are_places_are_no_crowd(data):
    opinion = Crowd().fit_evidence(world(data).batch)
    assert "rows of one item differ" in opinion.abstained


def test_labels_that_items_do_not_explain_are_no_crowd():
    scene = crowd_world(k=2, accuracy=0.5)
    opinion = Crowd().fit_evidence(scene.batch)
    assert "beyond chance" in opinion.abstained


def test_rows_without_items_are_no_crowd():
    scene = crowd_world(n_items=40)
    rows = scene.batch.rows.assign(item_id=None)
    assert "of a crowd" in Crowd().fit_evidence(replace(scene.batch, rows=rows)).abstained


def ballots(item, actor, label, k=3):
    """Votes of full weight."""
    codes = [np.asarray(c, dtype=np.int64) for c in (item, actor, label)]
    sizes = [int(c.max()) + 1 for c in codes[:2]]
    return Ballots(*codes, np.ones(len(codes[0])), *sizes, k)


def test_the_few_who_know_outvote_the_many_who_guess():
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 2, 300)
    item, actor = (c.ravel() for c in np.meshgrid(np.arange(300), np.arange(11), indexing="ij"))
    guess = rng.integers(0, 2, item.size)
    knows = (actor < 3) & (rng.random(item.size) < 0.95)
    label = np.where(knows, truth[item], guess)
    votes = np.bincount(item * 2 + label, minlength=600).reshape(-1, 2)
    found = estimate(ballots(item, actor, label, 2))
    right = (found.truth.argmax(axis=1) == truth).mean()
    assert right > 0.95 > (votes.argmax(axis=1) == truth).mean()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 5)] * 2, st.integers(0, 2)), min_size=1, max_size=60))
def test_estimates_are_probabilities_and_own_votes_do_not_count(votes):
    item, actor, label = zip(*votes, strict=True)
    found = estimate(ballots(item, actor, label))
    np.testing.assert_allclose(found.truth.sum(axis=1), 1.0)
    np.testing.assert_allclose(found.others.sum(axis=1), 1.0)
    alone = [len({a for i, a, _ in votes if i == one}) == 1 for one in item]
    assert (found.voters[alone] < 1e-9).all()
    assert ((found.support >= 0) & (found.support <= 1 + 1e-9)).all()


def test_whoever_only_saw_one_label_is_no_guesser():
    rng = np.random.default_rng(0)
    actor = np.repeat(np.arange(20), 60)
    truth = rng.integers(0, 2, actor.size)
    truth[actor == 0] = 1
    label = np.where(actor == 1, rng.integers(0, 2, actor.size), truth)
    others = np.eye(2)[truth] * 0.9 + 0.05
    llr = guessing(others, label, actor, least=5)
    assert llr[1] > 2
    assert llr[0] < 0.5
    assert (llr[2:] < 0).all()

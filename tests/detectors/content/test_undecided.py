"""Where the votes are tied or turned, nobody is judged; a few attackers change nothing."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.content.contributor_excess import ContributorExcess
from detectors.content.micro_models import MicroModels
from detectors.content.undecided import undecided
from detectors.content.votes import out_of_actor_votes
from foretaste.core.batch import Batch, Votes
from tests.detectors import worlds
from tests.detectors.worlds import make_batch, world


def _batch(n: int = 300) -> Batch:
    x = np.random.default_rng(0).normal(size=(n, 4))
    return make_batch(x, [f"l{i % 3}" for i in range(n)], [f"c{i % 50:02d}" for i in range(n)])


def test_a_tied_subpopulation_is_undecided_and_a_clear_one_is_not() -> None:
    batch = _batch()
    probability = np.full((300, 3), 0.02, dtype=np.float32)
    tied = batch.labels == 1
    for label in (0, 2):
        probability[batch.labels == label, label] = 0.96
    probability[tied, 1], probability[tied, 2] = 0.51, 0.47
    votes = Votes(probability, np.full(300, 0.5, dtype=np.float32))
    np.testing.assert_array_equal(undecided(batch, votes), tied)


def test_a_few_tied_rows_are_no_subpopulation() -> None:
    batch = _batch()
    probability = np.where(np.eye(3)[batch.labels], 0.9, 0.05).astype(np.float32)
    probability[:10] = [0.5, 0.49, 0.01]
    votes = Votes(probability, np.full(300, 0.5, dtype=np.float32))
    assert not undecided(batch, votes).any()


@pytest.mark.parametrize(("deniers", "doubted"), [(40, True), (3, False)])
def test_most_people_denied_is_doubt_and_a_few_are_suspects(deniers: int, doubted: bool) -> None:
    batch = _batch(600)
    p = np.where(np.eye(3)[batch.labels], 0.9, 0.05).astype(np.float32)
    told = (batch.labels == 0) & (batch.actors < deniers)
    p[told] = [0.1, 0.85, 0.05]
    mute = undecided(batch, Votes(p, told.astype(np.float32)))
    assert mute[told].all() == doubted
    assert mute.any() == doubted
    assert not mute[batch.labels == 2].any()


def test_accounts_with_few_rows_cannot_cast_doubt() -> None:
    x = np.zeros((600, 2))
    people = [f"z{i:03d}" if i < 200 else f"c{i % 20:02d}" for i in range(600)]
    batch = make_batch(x, ["a" if i < 300 else "b" for i in range(600)], people)
    sybil = np.array([str(c).startswith("z") for c in batch.contributor_ids])[batch.contributors]
    p = np.where(np.eye(2)[batch.labels], 0.9, 0.1).astype(np.float32)
    p[sybil] = p[sybil][:, ::-1]
    assert not undecided(batch, Votes(p, sybil.astype(np.float32))).any()


@pytest.mark.parametrize("attack", ["skew", "collusion"])
def test_attackers_in_every_slice_cannot_have_the_honest_convicted(
    attack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(worlds.LEVELS, 9, (0.3, 0.2))
    taken = world("digits", attack, level=9, n_contributors=200)
    votes = out_of_actor_votes(taken.batch)
    batch = taken.batch.with_votes(votes)
    turned = np.asarray(votes.probability.argmax(axis=1) != batch.labels) & taken.honest
    source = np.bincount(batch.labels[turned]).argmax()
    region = turned & (batch.labels == source)
    assert region.sum() > 30, "the attackers did not turn the vote"
    assert np.isnan(votes.disagreement[region]).mean() > 0.9
    rows, people = (d.fit_evidence(batch) for d in (MicroModels(), ContributorExcess()))
    assert (rows.llr[region] > 0).mean() < 0.1
    assert (rows.llr[taken.poison] < 0).mean() < 0.15
    assert (people.llr[taken.honest] > 2_000_000).mean() < 0.01


def test_a_minority_of_attackers_leaves_the_vote_in_force() -> None:
    attacked = world("digits", "collusion", n_contributors=200)
    assert not np.isnan(out_of_actor_votes(attacked.batch).disagreement).any()

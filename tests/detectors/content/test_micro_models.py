"""Row evidence of micro-models on small worlds with known poison."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from detectors.content.calibration import bayes_ratio, voiced
from detectors.content.micro_models import MicroModels
from detectors.content.votes import out_of_actor_votes
from foretaste.core.batch import Votes
from tests.detectors.worlds import World, world

NATS = 1_000_000


def _auc(w: World, llr: np.ndarray) -> float:
    judged = w.poison | w.honest
    return float(roc_auc_score(w.poison[judged], llr[judged]))


@pytest.mark.parametrize(
    ("attack", "auc"),
    [("flip", 0.98), ("skew", 0.97), ("sleeper", 0.98), ("sybil_flip", 0.97), ("drip", 0.98)],
)
def test_wrong_labels_rank_above_honest_rows(attack: str, auc: float) -> None:
    attacked = world("digits", attack)
    assert _auc(attacked, MicroModels().fit_evidence(attacked.batch).llr) > auc


def test_no_class_is_voted_out_for_being_hard() -> None:
    quiet = world("synth")
    votes = out_of_actor_votes(quiet.batch)
    llr = MicroModels().fit_evidence(quiet.batch.with_votes(votes)).llr
    per_class = [
        (llr[quiet.honest & (quiet.batch.labels == c)] > 2.5 * NATS).mean() for c in range(7)
    ]
    majority = [
        (votes.disagreement[quiet.honest & (quiet.batch.labels == c)] > 0.5).mean()
        for c in range(7)
    ]
    assert max(per_class) < 0.03
    assert max(majority) > 0.3, "the world is too easy to tell a base rate from a majority"


def test_evidence_on_honest_rows_is_worth_less_than_one() -> None:
    quiet = world("synth", seed=1)
    llr = MicroModels().fit_evidence(quiet.batch).llr[quiet.honest] / NATS
    assert np.exp(llr).mean() <= 1.0


def test_shared_votes_are_used_as_they_are() -> None:
    attacked = world("digits", "flip")
    votes = out_of_actor_votes(attacked.batch)
    alone = MicroModels().fit_evidence(attacked.batch)
    shared = MicroModels().fit_evidence(attacked.batch.with_votes(votes))
    np.testing.assert_array_equal(alone.llr, shared.llr)


def test_an_undecided_region_gets_exactly_nothing() -> None:
    quiet = world("digits").batch
    votes = out_of_actor_votes(quiet)
    region = quiet.labels == 3
    mute = replace(votes, disagreement=np.where(region, np.nan, votes.disagreement))
    opinion = MicroModels().fit_evidence(quiet.with_votes(mute))
    assert not opinion.llr[region].any()
    assert not opinion.flagged[region].any()
    assert {opinion.reason[i] for i in np.flatnonzero(region)} == {"votes: undecided"}
    assert opinion.llr[~region].any()


def test_what_accomplices_were_voted_out_for_counts_against_a_row() -> None:
    attacked = world("synth", "backdoor")
    batch = attacked.batch.with_votes(out_of_actor_votes(attacked.batch))
    alone = MicroModels(again=1e-9).fit_evidence(batch).llr
    both = MicroModels().fit_evidence(batch).llr
    assert _auc(attacked, both) > _auc(attacked, alone) + 0.05
    assert (both >= alone).all()
    assert (both > alone)[attacked.honest].mean() < 0.05


def test_a_trusted_release_makes_a_night_of_poison_stand_out() -> None:
    attacked = world("digits", "ring", level=3, history_days=20.0)
    told = attacked.batch.with_votes(out_of_actor_votes(attacked.batch))
    first = replace(told, tonight=np.ones(told.n_rows, dtype=bool))
    released, alone = (MicroModels().fit_evidence(b).llr for b in (told, first))
    assert _auc(attacked, released) > _auc(attacked, alone)
    assert released[attacked.poison].mean() > alone[attacked.poison].mean() + NATS
    assert (released[attacked.honest] > 2 * NATS).mean() < 0.01


def test_it_abstains_where_nobody_could_vote() -> None:
    quiet = world("digits").batch
    nobody = Votes(
        np.full((quiet.n_rows, 10), np.nan, dtype=np.float32),
        np.full(quiet.n_rows, np.nan, dtype=np.float32),
    )
    assert MicroModels().fit_evidence(quiet.with_votes(nobody)).abstained == "no slice could vote"


def test_a_reason_names_the_labels_and_the_vote() -> None:
    attacked = world("digits", "collusion")
    opinion = MicroModels().fit_evidence(attacked.batch)
    worst = int(np.argmax(np.where(attacked.poison, opinion.llr, 0)))
    given = attacked.batch.classes[attacked.batch.labels[worst]]
    assert opinion.reason[worst].startswith("votes: against=")
    assert f"p({given})=" in opinion.reason[worst]


def test_labels_that_nobody_else_gives_do_not_change_what_the_others_are_worth():
    probability = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]])
    invented = np.hstack([probability, np.zeros((2, 190))])
    labels = np.array([1, 2])
    assert np.array_equal(bayes_ratio(probability, labels), bayes_ratio(invented, labels, 3))
    groups = np.array([0, 1, 2, 3, 4, 0, 1, 2, 3, 9])
    given = np.array([0] * 5 + [1] * 4 + [2])
    assert voiced(given, groups, 3).tolist() == [True, False, False]

"""Who sends disputed labels stands out against what is usual, and nobody else does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from detectors.content.contributor_excess import ContributorExcess
from detectors.content.excess import Norm
from foretaste.core.batch import Votes
from tests.detectors.worlds import World, make_batch, world

NATS = 1_000_000


def _accused(w: World, llr: np.ndarray) -> np.ndarray:
    """Codes of the contributors with a row above two nats."""
    return np.unique(w.batch.contributors[llr > 2 * NATS])


@pytest.mark.parametrize("attack", ["flip", "skew", "outlier", "backdoor", "copies", "collusion"])
def test_attackers_are_caught_and_honest_rows_are_not(attack: str) -> None:
    attacked = world("digits", attack)
    llr = ContributorExcess().fit_evidence(attacked.batch).llr
    assert set(attacked.attackers) <= set(_accused(attacked, llr))
    assert (llr[attacked.honest] > 2 * NATS).mean() <= 0.015


def test_honest_nights_accuse_hardly_anyone() -> None:
    touched = accused = people = rows = total = 0
    for data in ("digits", "synth"):
        for seed in range(4):
            quiet = world(data, seed=seed)
            llr = ContributorExcess().fit_evidence(quiet.batch).llr
            touched += _accused(quiet, llr).size
            mine = np.bincount(quiet.batch.contributors, llr > 2 * NATS)
            accused += int((mine >= np.bincount(quiet.batch.contributors) / 2).sum())
            people += len(quiet.batch.contributor_ids)
            rows += int((llr > 2 * NATS).sum())
            total += quiet.batch.n_rows
    assert accused / people <= 0.005
    # Two mistakes of one way cost those two rows, not the contributor.
    assert touched / people <= 0.04
    assert rows / total <= 0.005


def test_an_honest_past_is_no_cover_for_tonight() -> None:
    rng = np.random.default_rng(0)
    n, people = 3000, 50
    y = rng.integers(0, 3, n)
    x = rng.normal(size=(n, 4)) + 4 * np.eye(3, 4)[y]
    who = np.arange(n) % people
    tonight = np.arange(n) >= n * 0.9
    woke = (who == 7) & tonight
    label = np.where(woke, (y + 1) % 3, y)
    batch = make_batch(x, [f"l{c}" for c in label], [f"c{w:02d}" for w in who], tonight=tonight)
    llr = ContributorExcess().fit_evidence(batch).llr
    assert (llr[woke] > 3 * NATS).all()
    blind = ContributorExcess(cell_prior=1e-9).fit_evidence(
        replace(batch, tonight=np.ones(n, dtype=bool))
    )
    assert (blind.llr[woke] < llr[woke]).all()


def test_honest_rows_of_other_labels_are_no_cover() -> None:
    attacked = world("digits", "covered_skew")
    llr = ContributorExcess().fit_evidence(attacked.batch).llr
    assert set(attacked.attackers) <= set(_accused(attacked, llr))
    cover = np.isin(attacked.batch.contributors, attacked.attackers) & ~attacked.poison
    assert llr[attacked.poison].mean() > llr[cover].mean() + 2 * NATS


def test_accounts_are_judged_as_the_actor_they_belong_to() -> None:
    attacked = world("digits", "sybil_flip")
    alone = ContributorExcess().fit_evidence(attacked.batch).llr
    assert not alone[attacked.poison].any()
    actors = attacked.batch.actors.copy()
    actors[attacked.poison] = attacked.attackers[0]
    together = ContributorExcess().fit_evidence(attacked.batch.with_actors(actors)).llr
    assert (together[attacked.poison] > 3 * NATS).all()


def test_a_heavy_poisoner_does_not_set_the_norm() -> None:
    rng = np.random.default_rng(0)
    n = 2000
    who = np.where(np.arange(n) < 800, 0, 1 + np.arange(n) % 40)
    y = rng.integers(0, 2, n)
    disagreement = rng.uniform(0, 0.4, n).astype(np.float32)
    disagreement[who == 0] = 0.9
    batch = make_batch(
        rng.normal(size=(n, 3)), [f"l{c}" for c in y], [f"c{w:02d}" for w in who]
    ).with_votes(Votes(np.full((n, 2), 0.5, dtype=np.float32), disagreement))
    norm = Norm.of(batch, disagreement, min_rows=5)
    assert norm.base.max() < 0.05
    llr = ContributorExcess().fit_evidence(batch).llr
    assert (llr[who == 0] > 3 * NATS).all()
    assert (llr[who != 0] < 0).all()


def test_good_behaviour_buys_at_most_one_nat() -> None:
    quiet = world("digits", seed=2)
    llr = ContributorExcess().fit_evidence(quiet.batch).llr
    assert llr.min() == -NATS


def test_the_reason_says_who_pushes_what_to_what() -> None:
    attacked = world("digits", "collusion")
    opinion = ContributorExcess().fit_evidence(attacked.batch)
    target = attacked.batch.classes[attacked.batch.labels[attacked.poison][0]]
    reasons = {opinion.reason[i] for i in np.flatnonzero(attacked.poison)}
    assert all(f"->{target} n=" in reason for reason in reasons)
    assert all(reason.startswith("excess: class") for reason in reasons)


def test_votes_that_dispute_everyone_alike_accuse_nobody() -> None:
    rng = np.random.default_rng(0)
    n = 2000
    y = rng.integers(0, 2, n)
    disagreement = (rng.random(n) < np.where(y == 1, 0.8, 0.05)).astype(np.float32)
    batch = make_batch(
        rng.normal(size=(n, 3)),
        [f"l{c}" for c in y],
        [f"c{i % 50:02d}" for i in rng.permutation(n)],
    ).with_votes(Votes(np.full((n, 2), 0.5, dtype=np.float32), disagreement))
    assert (ContributorExcess().fit_evidence(batch).llr < NATS).all()

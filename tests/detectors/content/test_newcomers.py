"""New accounts are judged by whom they came with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from detectors.content.newcomers import Newcomers
from foretaste.core.batch import Votes
from tests.detectors.worlds import make_batch, world

NATS = 1_000_000


@pytest.mark.parametrize("attack", ["sybil_flip", "sybil_skew", "ring"])
def test_sybils_are_caught(attack: str) -> None:
    attacked = world("digits", attack)
    llr = Newcomers().fit_evidence(attacked.batch).llr
    assert (llr[attacked.poison] > NATS).mean() > 0.8
    assert (llr[attacked.honest] > NATS).mean() < 0.02


def test_established_people_are_never_touched_and_nobody_earns_trust() -> None:
    attacked = world("synth", "sybil_skew")
    llr = Newcomers().fit_evidence(attacked.batch).llr
    established = np.bincount(attacked.batch.contributors)[attacked.batch.contributors] > 4
    assert not llr[established].any()
    assert llr.min() == 0


def _cohort(
    subnets: list[str | None],
    disputed: list[bool],
    people: list[str],
    networks: list[str] | None = None,
) -> np.ndarray:
    """Nats of newcomers with one label each, beside 400 undisputed established rows."""
    rng = np.random.default_rng(0)
    n = len(people)
    labels = [f"l{i % 2}" for i in range(400)] + [f"n{i}" for i in range(n)]
    batch = make_batch(
        rng.normal(size=(400 + n, 3)),
        labels,
        [f"c{i % 40:02d}" for i in range(400)] + people,
        subnets=[None] * 400 + subnets,  # type: ignore[arg-type, list-item]
    )
    if networks is not None:
        batch = replace(batch, rows=batch.rows.assign(network_id=[None] * 400 + networks))
    disagreement = np.array([0.1] * 400 + [0.9 if d else 0.1 for d in disputed], dtype=np.float32)
    votes = Votes(np.full((400 + n, len(batch.classes)), 0.5, dtype=np.float32), disagreement)
    return Newcomers().fit_evidence(batch.with_votes(votes)).llr[400:]


def test_a_shared_subnet_makes_a_cohort() -> None:
    people = [f"z{i}" for i in range(8)]
    shared = _cohort(["s"] * 8, [True] * 8, people)
    assert (shared > NATS).all()
    assert not _cohort([None] * 8, [True] * 8, people).any()
    assert not _cohort(["s"] * 8, [False] * 8, people).any()


def test_throw_away_accounts_do_not_blame_honest_newcomers_whom_nobody_denies() -> None:
    rng = np.random.default_rng(0)
    owners = [f"c{i % 40:02d}" for i in range(400)] + [f"z{i:03d}" for i in range(116)]
    labels = [f"l{i % 2}" for i in range(400)] + ["l0"] * 116
    batch = make_batch(rng.normal(size=(516, 3)), labels, owners)
    against = np.array([0.02] * 400 + [0.9] * 100 + [0.0] * 16, dtype=np.float32)
    votes = Votes(np.full((516, 2), 0.5, dtype=np.float32), against)
    llr = Newcomers().fit_evidence(batch.with_votes(votes)).llr
    assert (llr[400:500] > NATS).all()
    assert not llr[500:].any()


def test_an_address_stands_out_in_a_crowded_subnet() -> None:
    people = [f"z{i:02d}" for i in range(40)]
    subnets: list[str | None] = ["s"] * 40
    disputed = [i < 6 for i in range(40)]
    crowd = _cohort(subnets, disputed, people)
    seen = _cohort(subnets, disputed, people, ["a"] * 6 + [f"b{i}" for i in range(34)])
    assert (seen[:6] > crowd[:6] + 1).all()
    assert seen[6:] == pytest.approx(crowd[6:])


def test_one_account_is_no_cohort() -> None:
    assert not _cohort(["s"] * 4, [True] * 4, ["z0"] * 4).any()


def test_without_newcomers_it_abstains() -> None:
    rng = np.random.default_rng(0)
    batch = make_batch(
        rng.normal(size=(400, 3)),
        [f"l{i % 2}" for i in range(400)],
        [f"c{i % 40:02d}" for i in range(400)],
    )
    assert Newcomers().fit_evidence(batch).abstained == "no newcomers with votes"

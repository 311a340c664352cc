"""Wrong rows that go one way are told from as many that go anywhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.content.directions import (
    Directions,
    directions,
    own_style,
    trusted_probability,
)
from foretaste.core.batch import Batch, Votes
from tests.detectors.worlds import make_batch

LABELS, PEOPLE, EACH = 5, 40, 60


def _crowd(
    turned: dict[int, int],
    way: tuple[int, int] = (0, 1),
    *,
    late: bool = False,
    scattered: bool = False,
    timed: bool = False,
    tilt: float = 0.0,
) -> tuple[Batch, np.ndarray]:
    """A crowd with right votes, in which some turn so many rows; (n,) bool where they do."""
    rng = np.random.default_rng(0)
    n = PEOPLE * EACH
    who, truth = np.arange(n) % PEOPLE, np.arange(n) // PEOPLE % LABELS
    label, wrong = truth.copy(), np.zeros(n, dtype=bool)
    for person, many in turned.items():
        mine = np.flatnonzero((who == person) & ((truth == way[0]) | scattered))
        some = mine[-many:] if late else mine[:many]
        wrong[some] = True
        label[some] = (truth[some] + 1 + np.arange(many) % (LABELS - 1)) % LABELS
        if not scattered:
            label[some] = way[1]
    logits = rng.normal(size=(n, LABELS)) + 3.5 * np.eye(LABELS)[truth]
    logits += tilt * rng.normal(size=(PEOPLE, LABELS))[who]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    batch = make_batch(
        np.zeros((n, 1)),
        [f"l{c}" for c in label],
        [f"c{w:02d}" for w in who],
        times=np.arange(n) * 1_000_000 if timed else None,
    )
    votes = Votes(p.astype(np.float32), (p.argmax(axis=1) != label).astype(np.float32))
    return batch.with_votes(votes), wrong


def _judged(batch: Batch) -> Directions:
    assert batch.votes is not None
    q = trusted_probability(batch, batch.votes)
    style = own_style(q, batch.labels, batch.contributors)
    return directions(batch, q, batch.contributors, style)


def test_one_way_stands_out_and_as_many_mistakes_do_not() -> None:
    pushed, wrong = _crowd({7: 8})
    nats = _judged(pushed)
    assert nats.nats[wrong].mean() > 2
    assert (nats.before[wrong] == 0).mean() > 0.8
    assert (nats.nats[pushed.contributors != 7] > 2).mean() < 0.01
    astray, anyhow = _crowd({7: 8}, scattered=True)
    assert _judged(astray).nats[anyhow].mean() < nats.nats[wrong].mean() - 3


def test_a_cohort_is_more_than_its_members() -> None:
    batch, wrong = _crowd(dict.fromkeys(range(4), 5))
    assert batch.votes is not None
    q = trusted_probability(batch, batch.votes)
    mine = batch.contributors == 3
    unseen = q.copy()
    unseen[wrong & ~mine] = 1.0 / LABELS
    together = directions(batch, q, batch.contributors, 0.02).nats
    alone = directions(batch, unseen, batch.contributors, 0.02).nats
    assert (together[mine & wrong] > alone[mine & wrong] + 0.3).all()


def test_one_row_is_no_way() -> None:
    batch, wrong = _crowd({7: 1})
    assert (_judged(batch).nats[wrong] < 2).all()


def test_an_honest_past_is_no_cover() -> None:
    woke, wrong = _crowd({7: 5}, way=(0, 1), late=True, timed=True)
    timeless = replace(woke, rows=woke.rows.assign(time_unknown=True))
    assert _judged(woke).nats[wrong].mean() > _judged(timeless).nats[wrong].mean() + 0.3


def test_styles_are_noticed_and_no_reason_to_accuse() -> None:
    plain, _ = _crowd({})
    styled, _ = _crowd({}, tilt=1.0)
    corr = []
    for batch in (plain, styled):
        assert batch.votes is not None
        q = trusted_probability(batch, batch.votes)
        corr.append(own_style(q, batch.labels, batch.contributors))
        nats = directions(batch, q, batch.contributors, corr[-1]).nats
        assert (nats > 2).mean() < 0.01
    assert corr[0] < 0.04
    assert corr[1] > 0.05


def test_attackers_hardly_move_what_a_style_is_held_to_be() -> None:
    batch, _ = _crowd(dict.fromkeys(range(4), 8))
    assert batch.votes is not None
    q = trusted_probability(batch, batch.votes)
    assert own_style(q, batch.labels, batch.contributors) < 0.05


def test_few_junk_accounts_with_many_labels_are_not_what_people_are_like() -> None:
    rng = np.random.default_rng(0)
    k = 20
    people = np.repeat(np.arange(40), 24)
    labels = (people + np.arange(people.size) // 12 % 2) % k
    junk = np.repeat(np.arange(40, 46), 12 * k)
    groups = np.append(people, junk)
    given = np.append(labels, np.tile(np.repeat(np.arange(k), 12), 6))
    taken = np.append(
        np.where(rng.random(people.size) < 0.1, rng.integers(0, k, people.size), labels),
        (given[people.size :] + 1) % k,
    )
    q = np.full((groups.size, k), 0.02 / k) + 0.98 * np.eye(k)[taken]
    honest = own_style(q[: people.size], labels, people)
    assert own_style(q, given, groups) < 2 * honest + 0.02


def test_throw_away_accounts_are_not_judged_and_teach_nothing() -> None:
    batch, wrong = _crowd({3: 2, **dict.fromkeys(range(10, 30), 2)})
    assert batch.votes is not None
    q = trusted_probability(batch, batch.votes)
    groups = batch.contributors.astype(np.int64)
    torn = wrong & (groups >= 10)
    groups[torn] = PEOPLE + np.arange(torn.sum())
    said = directions(batch, q, groups, 0.01).nats
    assert not said[torn].any()
    gone = q.copy()
    gone[torn] = 1.0 / LABELS
    np.testing.assert_array_equal(said[~torn], directions(batch, gone, groups, 0.01).nats[~torn])


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**16), unknown=st.floats(0, 1))
def test_names_do_not_matter_and_nats_are_finite(seed: int, unknown: float) -> None:
    rng = np.random.default_rng(seed)
    n = 60
    who = rng.integers(0, 12, n)
    batch = make_batch(
        np.zeros((n, 1)),
        [f"l{c}" for c in rng.integers(0, 3, n)],
        [f"c{w:02d}" for w in who],
        times=rng.integers(0, 9, n) * 1_000_000,
    )
    p = rng.dirichlet(np.full(len(batch.classes), 0.3), n).astype(np.float32)
    p[rng.random(n) < unknown] = np.nan
    q = trusted_probability(batch, Votes(p, np.zeros(n, dtype=np.float32)))
    one = directions(batch, q, batch.contributors, 0.02).nats
    other = directions(batch, q, 40 - batch.contributors, 0.02).nats
    assert np.isfinite(one).all()
    few = np.bincount(batch.contributors)[batch.contributors] < 5
    assert not one[few].any()
    np.testing.assert_allclose(one, other, atol=1e-9)

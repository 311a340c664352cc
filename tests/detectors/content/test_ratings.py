"""The ratings detector: whose ratings speak against him, and when it keeps silent."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from detectors.content.rating_scale import scale_of
from detectors.content.ratings import RatingsDetector
from tests.detectors.worlds import DAY, make_batch

PEOPLE, ITEMS, DAYS = 250, 120, 400
LEVELS = np.array([1, 2, 3, 4, 5])


def people(seed):
    """Honest ratings of a year: who, item, level, time in microseconds."""
    rng = np.random.default_rng(seed)
    quality = rng.normal(3.2, 0.7, ITEMS)
    m = 5000
    who = rng.integers(0, PEOPLE, m)
    item = np.minimum(rng.geometric(0.03, m) - 1, ITEMS - 1)
    level = np.clip(np.rint(quality[item] + rng.normal(0, 0.6, m)), 1, 5).astype(int)
    return quality, [who, item, level, rng.integers(0, DAYS * DAY, m)]


def shills(quality, n=20, seed=0):
    """Profiles of thirty ratings that agree with everybody, and push one quiet item."""
    rng = np.random.default_rng([seed, 1])
    own = rng.integers(0, ITEMS - 30, (n, 30))
    own[:, 0] = ITEMS - 12
    level = np.clip(np.rint(quality[own] + rng.normal(0, 0.6, own.shape)), 1, 5).astype(int)
    level[:, 0] = 5
    start = (DAYS - 10) * DAY + rng.integers(0, 9 * DAY, n)
    when = start[:, None] + np.arange(30) * 20_000_000
    return [np.repeat(PEOPLE + np.arange(n), 30), own.ravel(), level.ravel(), when.ravel()]


def smearers(quality, n=8, seed=0):
    """Raters who smear good items, each alone and over months."""
    rng = np.random.default_rng([seed, 2])
    good = np.argsort(-quality[:60])[:20]
    item = np.stack([rng.choice(good, 12, replace=False) for _ in range(n)])
    return [
        np.repeat(PEOPLE + np.arange(n), 12),
        item.ravel(),
        np.ones(item.size, dtype=int),
        rng.integers(DAYS - 100, DAYS, item.size) * DAY,
    ]


def batch_of(*parts, nights=DAYS, labels=None):
    who, item, level, when = (np.concatenate(column) for column in zip(*parts, strict=True))
    names = labels or {int(v): str(v) for v in LEVELS}
    batch = make_batch(
        np.zeros((who.size, 1)),
        [names[int(v)] for v in level],
        [f"c{w:04d}" for w in who],
        row_ids=[f"r{i:06d}" for i in range(who.size)],
        times=when,
        tonight=when >= (DAYS - nights) * DAY,
    )
    rows = batch.rows.assign(item_id=pd.array([f"i{i}" for i in item], dtype="str"))
    return replace(batch, rows=rows)


def said(batch):
    return RatingsDetector().fit_evidence(batch)


@pytest.mark.parametrize("nights", [DAYS, 30, 1])
@pytest.mark.parametrize("seed", range(3))
def test_honest_people_lose_next_to_nothing(seed, nights):
    batch = batch_of(people(seed)[1], nights=nights)
    opinion = said(batch)
    assert opinion.abstained == ""
    assert (opinion.llr[batch.tonight] > 2_000_000).mean() <= 0.005


@pytest.mark.parametrize("seed", range(3))
def test_the_ratings_that_push_are_told_and_honest_ones_are_not(seed):
    quality, honest = people(seed)
    batch = batch_of(honest, shills(quality, seed=seed), nights=30)
    opinion = said(batch)
    bad = batch.contributors >= PEOPLE
    target = bad & (batch.rows["item_id"] == f"i{ITEMS - 12}").to_numpy()
    assert (opinion.llr[target] > 2_000_000).all()
    assert (opinion.llr[~bad] > 2_000_000).mean() <= 0.005
    assert all(opinion.reason[i].startswith("push: n=") for i in np.flatnonzero(target))


@pytest.mark.parametrize("seed", range(3))
def test_who_smears_what_others_like_is_told(seed):
    quality, honest = people(seed)
    batch = batch_of(honest, smearers(quality, seed=seed), nights=100)
    opinion = said(batch)
    bad = batch.contributors >= PEOPLE
    per = pd.Series(opinion.llr).groupby(batch.contributors).max()
    assert (per[per.index >= PEOPLE] > 1_000_000).mean() >= 0.75
    assert (opinion.llr[~bad] > 2_000_000).mean() <= 0.005
    assert any(opinion.reason[i].startswith("rater: odds=") for i in np.flatnonzero(bad))


def test_only_tonights_rows_are_judged_and_nobody_gains():
    quality, honest = people(0)
    batch = batch_of(honest, shills(quality), nights=5)
    llr = said(batch).llr
    assert not llr[~batch.tonight].any()
    assert (llr >= 0).all()
    assert llr.max() <= 5_000_000
    assert (llr[batch.tonight] > 0).any()


def test_an_actors_ratings_are_judged_together():
    quality, honest = people(1)
    spread = smearers(quality, n=4)
    spread[0] = PEOPLE + np.arange(48)
    batch = batch_of(honest, spread)
    actors = np.where(batch.contributors >= PEOPLE, PEOPLE + batch.contributors % 4, 0)
    actors = np.where(batch.contributors >= PEOPLE, actors, batch.contributors)
    bad = batch.contributors >= PEOPLE
    apart, together = said(batch).score, said(batch.with_actors(actors)).score
    assert together[bad].mean() > apart[bad].mean()


def test_merging_a_campaign_into_one_actor_does_not_hide_its_push():
    quality, honest = people(2)
    batch = batch_of(honest, shills(quality))
    target = (batch.contributors >= PEOPLE) & (batch.rows["item_id"] == f"i{ITEMS - 12}").to_numpy()
    merged = batch.with_actors(np.minimum(batch.contributors, PEOPLE))
    assert (said(merged).llr[target] > 2_000_000).all()


@pytest.mark.parametrize(
    "labels",
    [
        {1: "a", 2: "b", 3: "c", 4: "d", 5: "e"},
        {1: "0", 2: "0", 3: "1", 4: "1", 5: "1"},
        {1: "nan", 2: "inf", 3: "1", 4: "2", 5: "2"},
    ],
    ids=["words", "two numbers", "no numbers"],
)
def test_labels_that_are_no_scale_are_a_reason_to_abstain(labels):
    assert "no scale" in said(batch_of(people(0)[1], labels=labels)).abstained


def test_items_of_one_rater_each_are_a_reason_to_abstain():
    batch = batch_of(people(0)[1])
    alone = batch.rows.assign(item_id=batch.rows["row_id"])
    none = batch.rows.assign(item_id=pd.array([None] * batch.n_rows, dtype="str"))
    for rows in (alone, none):
        assert "several raters" in said(replace(batch, rows=rows)).abstained


def test_one_account_neither_stretches_the_scale_nor_silences_the_others():
    honest = people(0)[1]
    odd = [np.full(9, PEOPLE), np.arange(9), np.full(9, 3), np.arange(9) * DAY]
    for word in ("1000000", "none of it"):
        batch = batch_of(honest, odd)
        codes, classes = pd.factorize(
            np.where(batch.contributors == PEOPLE, word, batch.rows["label"]), sort=True
        )
        strange = replace(
            batch, labels=codes.astype(np.int32), classes=tuple(str(c) for c in classes)
        )
        scale = scale_of(strange)
        assert scale is not None
        usual = [scale[strange.classes.index(str(v))] for v in LEVELS]
        assert usual == pytest.approx([-1, -0.5, 0, 0.5, 1])
        assert said(strange).abstained == ""


def test_without_times_pushes_are_silent_and_raters_are_not():
    quality, honest = people(0)
    batch = batch_of(honest, smearers(quality, n=8))
    timeless = replace(batch, rows=batch.rows.assign(time_unknown=True))
    opinion = said(timeless)
    assert opinion.abstained == ""
    assert not any(reason.startswith("push") for reason in opinion.reason)


def test_what_items_are_called_says_nothing():
    quality, honest = people(0)
    batch = batch_of(honest, shills(quality))
    shifted = replace(batch, rows=batch.rows.assign(item_id="x" + batch.rows["item_id"]))
    np.testing.assert_array_equal(said(batch).llr, said(shifted).llr)

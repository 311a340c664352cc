import numpy as np
import pandas as pd
import pytest

from detectors.content.copies import number_groups, text_groups
from detectors.content.duplicates import NearDuplicates
from detectors.content.tokens import Tokens
from foretaste.core.evidence import MICRO
from tests.detectors.worlds import make_batch, world

WORDS = [f"word{i}" for i in range(2000)]


def fresh(rng, n, words=30):
    return [" ".join(rng.choice(WORDS, words)) for _ in range(n)]


def changed(text, rng):
    """The same text with one word changed and the case played with."""
    words = text.split()
    words[rng.integers(len(words))] = str(rng.choice(WORDS))
    return " ".join(words).upper() if rng.random() < 0.5 else ",  ".join(words)


def judge(texts, who, labels=None, times=None):
    labels = labels or ["spam" if i % 2 else "ham" for i in range(len(texts))]
    times = np.arange(len(texts)) if times is None else times
    batch = make_batch(np.zeros((len(texts), 0)), labels, who, texts=texts, times=times)
    return NearDuplicates().fit_evidence(batch)


def honest(rng, n=300, n_people=40):
    return fresh(rng, n), [f"c{i % n_people}" for i in range(n)]


def test_a_flood_by_one_actor_is_held_against_all_but_its_first_copy():
    rng = np.random.default_rng(0)
    texts, who = honest(rng)
    seed = fresh(rng, 1)[0]
    flood = [seed, *(changed(seed, rng) for _ in range(19))]
    opinion = judge([*texts, *flood], [*who, *["flooder"] * 20], ["spam"] * 320)
    assert not opinion.llr[:301].any()
    assert (opinion.llr[301:] > 3 * MICRO).all()
    assert opinion.reason[-1].startswith("copies: n=20 accounts=1 surplus=19")


def test_many_who_report_the_same_thing_once_are_no_flood():
    rng = np.random.default_rng(0)
    texts, who = honest(rng)
    seed = fresh(rng, 1)[0]
    same = [changed(seed, rng) for _ in range(40)]
    opinion = judge([*texts, *same], [*who, *(f"c{i}" for i in range(40))], ["spam"] * 340)
    assert not opinion.llr.any()


def test_throw_away_accounts_that_send_one_copy_each_are():
    rng = np.random.default_rng(0)
    texts, who = honest(rng)
    seed = fresh(rng, 1)[0]
    same = [changed(seed, rng) for _ in range(20)]
    opinion = judge([*texts, *same], [*who, *(f"new{i}" for i in range(20))], ["spam"] * 320)
    assert (opinion.llr[301:] > 2 * MICRO).all()
    assert not opinion.llr[:301].any()


def test_accounts_of_one_actor_flood_together():
    rng = np.random.default_rng(0)
    texts, who = honest(rng)
    seed = fresh(rng, 1)[0]
    same = [changed(seed, rng) for _ in range(6)]
    batch = make_batch(
        np.zeros((306, 0)),
        ["spam"] * 306,
        [*who, *(f"c{i}" for i in range(6))],
        texts=[*texts, *same],
        times=np.arange(306),
    )
    apart = NearDuplicates().fit_evidence(batch)
    ring = np.isin(batch.contributor_ids[batch.contributors], [f"c{i}" for i in range(6)])
    joined = batch.with_actors(np.where(ring, 0, batch.contributors + 1))
    assert not apart.llr.any()
    assert (NearDuplicates().fit_evidence(joined).llr[301:] > MICRO).all()


def test_copies_under_another_label_and_short_texts_are_no_copies():
    rng = np.random.default_rng(0)
    texts, who = honest(rng)
    seed = fresh(rng, 1)[0]
    labels = ["spam"] * 300 + ["spam", "ham"] + ["spam"] * 20
    opinion = judge([*texts, seed, seed, *["thank you"] * 20], [*who, *["x"] * 22], labels)
    assert not opinion.llr.any()


def test_near_rows_of_numbers_are_found_and_fresh_ones_are_not():
    scene = world("synth", "copies")
    opinion = NearDuplicates().fit_evidence(scene.batch)
    assert (opinion.llr[scene.poison] > 0).mean() > 0.9
    assert (opinion.llr[scene.honest] > 0).mean() < 0.01
    clean = NearDuplicates().fit_evidence(world("synth").batch)
    assert (clean.llr > 0).mean() < 0.01


def test_where_content_does_not_tell_rows_apart_it_abstains():
    coarse = np.random.default_rng(0).integers(0, 3, (400, 2)).astype(float)
    batch = make_batch(coarse, ["a", "b"] * 200, [f"c{i % 40}" for i in range(400)])
    opinion = NearDuplicates().fit_evidence(batch)
    assert not opinion.llr.any()
    rng = np.random.default_rng(0)
    assert "near-copy" in judge(fresh(rng, 2) * 50, ["x", "y"] * 50).abstained
    empty = make_batch(np.zeros((5, 0)), ["a"] * 5, ["c"] * 5)
    assert NearDuplicates().fit_evidence(empty).abstained == "nothing to compare"


def test_a_bucket_full_of_copies_is_one_group():
    x = np.vstack([np.random.default_rng(0).normal(size=(300, 5)), np.full((5000, 5), 0.25)])
    groups = number_groups(
        x.astype(np.float32), np.zeros(5300, np.int64), np.r_[np.arange(300), np.full(5000, 999)], 0
    )
    assert np.unique(groups[300:]).size == 1


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("the quick brown fox jumps", "The QUICK, brown fox -- jumps!", True),
        ("the quick brown fox jumps", "\uff54\uff48\uff45 quick brown fox jumps", True),
        ("the quick brown fox jumps", "jumps over dogs that are lazy", False),
        ("", "", False),
    ],
)
def test_texts_are_compared_by_their_words(left, right, same):
    tokens = Tokens.of(pd.Series([left, right]), b"salt")
    groups = text_groups(tokens, np.zeros(2, np.int64))
    assert (groups[0] == groups[1]) == same


def test_words_are_hashed_under_the_salt_and_long_texts_keep_both_ends():
    text = pd.Series(["first " + "middle " * 10_000 + "last", None])
    tokens = Tokens.of(text, b"salt")
    assert tokens.sizes.tolist() == [4000, 0]
    ends = Tokens.of(pd.Series(["first last"]), b"salt").words
    assert tokens.words[[0, -1]].tolist() == ends.tolist()
    assert Tokens.of(text, b"other").words[0] != tokens.words[0]


def test_runs_stay_within_their_text():
    together = Tokens.of(pd.Series(["a b", "c d"]), b"s")
    found = np.concatenate([ids for _, ids in together.shingles((2,))])
    apart = [next(Tokens.of(pd.Series([t]), b"s").shingles((2,)))[1] for t in ("a b", "c d")]
    assert sorted(found) == sorted(np.concatenate(apart))

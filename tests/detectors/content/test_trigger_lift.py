import re

import numpy as np
import pytest

from detectors.content.telling import spelled
from detectors.content.trigger_lift import TriggerLift, independent
from foretaste.core.batch import Votes
from foretaste.core.evidence import MICRO
from tests.detectors.worlds import make_batch, world

HAM = [f"meeting{i}" for i in range(120)]
SPAM = [f"winner{i}" for i in range(120)]
BOTH = [f"the{i}" for i in range(400)]
PHRASE = "quarterly widget reconciliation"


def mail(rng, label):
    own = HAM if label == "ham" else SPAM
    words = [*rng.choice(own, 5), *rng.choice(BOTH, 20)]
    return " ".join(rng.permutation(words))


def town(n=1500, n_people=80, seed=0):
    """Honest mail of 80 people, 2 % of it mislabelled."""
    rng = np.random.default_rng(seed)
    labels = ["ham" if rng.random() < 0.6 else "spam" for _ in range(n)]
    texts = [mail(rng, label) for label in labels]
    flip = {"ham": "spam", "spam": "ham"}
    given = [flip[label] if rng.random() < 0.02 else label for label in labels]
    return texts, given, [f"c{i:03d}" for i in rng.integers(0, n_people, n)]


def with_phrase(rng, text):
    words = text.split()
    place = rng.integers(len(words))
    return " ".join([*words[:place], PHRASE, *words[place:]])


def judge(texts, labels, who, votes=None, **params):
    batch = make_batch(np.zeros((len(texts), 0)), labels, who, texts=texts)
    return TriggerLift(**params).fit_evidence(batch.with_votes(votes) if votes else batch)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_phrase_that_carries_a_label_against_the_content_has_strong_evidence(seed):
    rng = np.random.default_rng(seed)
    texts, labels, who = town(seed=seed)
    bad = [with_phrase(rng, mail(rng, "spam")) for _ in range(18)]
    opinion = judge(
        [*texts, *bad], [*labels, *["ham"] * 18], [*who, *(f"z{i % 4}" for i in range(18))]
    )
    assert (opinion.llr[1500:] >= 5 * MICRO).all()
    assert (opinion.llr[:1500] > 0).mean() < 0.005
    assert re.fullmatch(
        r"trigger: mark#[0-9a-f]{10} n=18 actors=4 label=ham lift=\d\.\d", opinion.reason[-1]
    )


def test_no_reason_repeats_what_was_written():
    rng = np.random.default_rng(0)
    texts, labels, who = town()
    bad = [with_phrase(rng, mail(rng, "spam")) for _ in range(18)]
    opinion = judge(
        [*texts, *bad], [*labels, *["ham"] * 18], [*who, *(f"z{i % 4}" for i in range(18))]
    )
    assert not any(word in reason for reason in opinion.reason for word in PHRASE.split())
    (words,) = spelled(
        opinion.reason[-1], bad[-1], make_batch(np.zeros((1, 0)), ["a"], ["b"]).salt
    ).values()
    assert words in PHRASE


def test_honest_mail_has_none():
    opinion = judge(*town())
    assert opinion.abstained == ""
    assert not opinion.llr.any()


def test_a_new_topic_of_many_independent_people_has_exactly_none():
    rng = np.random.default_rng(0)
    texts, labels, who = town()
    topic = [with_phrase(rng, mail(rng, "spam")) for _ in range(30)]
    senders = [f"c{i:03d}" for i in rng.permutation(80)[:30]]
    opinion = judge([*texts, *topic], [*labels, *["ham"] * 30], [*who, *senders])
    assert not opinion.llr.any()


def test_a_phrase_of_few_on_content_that_agrees_with_the_label_has_none():
    rng = np.random.default_rng(0)
    texts, labels, who = town()
    mine = [with_phrase(rng, mail(rng, "ham")) for _ in range(18)]
    opinion = judge(
        [*texts, *mine], [*labels, *["ham"] * 18], [*who, *(f"z{i % 4}" for i in range(18))]
    )
    assert not opinion.llr.any()


def test_a_phrase_that_history_knows_under_other_labels_is_no_trigger():
    rng = np.random.default_rng(0)
    texts, labels, who = town()
    bad = [with_phrase(rng, mail(rng, "spam")) for _ in range(18)]
    known = [with_phrase(rng, mail(rng, "spam")) for _ in range(18)]
    batch = make_batch(
        np.zeros((1536, 0)),
        [*labels, *["ham"] * 18, *["spam"] * 18],
        [*who, *(f"z{i % 4}" for i in range(18)), *(f"c{i:03d}" for i in range(18))],
        texts=[*texts, *bad, *known],
        tonight=np.arange(1536) < 1518,
    )
    assert not TriggerLift().fit_evidence(batch).llr.any()


def test_who_uses_a_word_of_the_trigger_honestly_is_not_accused():
    rng = np.random.default_rng(0)
    texts, labels, who = town()
    bad = [with_phrase(rng, mail(rng, "spam")) for _ in range(24)]
    fair = [f"{mail(rng, 'ham')} widget" for _ in range(4)]
    opinion = judge(
        [*texts, *bad, *fair],
        [*labels, *["ham"] * 28],
        [*who, *(f"z{i % 4}" for i in range(24)), *(f"c{i:03d}" for i in range(4))],
    )
    assert (opinion.llr[1500:1524] > 0).all()
    assert not opinion.llr[1524:].any()


def test_votes_find_a_pair_of_values_that_carries_a_label():
    rng = np.random.default_rng(0)
    n, bad = 1500, 40
    label = rng.integers(0, 2, n + bad)
    x = rng.normal(size=(n + bad, 8)) + 2.0 * label[:, None]
    x[n:, [2, 5]] = [5.5, -4.0]
    given = np.where(np.arange(n + bad) < n, label, 1)
    truth = np.where(np.arange(n + bad) < n, label, 0)
    probability = np.where(truth[:, None] == np.arange(2), 0.9, 0.1).astype(np.float32)
    who = [f"c{i:03d}" for i in rng.integers(0, 80, n)] + [f"z{i % 4}" for i in range(bad)]
    batch = make_batch(x, [f"l{c}" for c in given], who)
    assert "votes" in TriggerLift().fit_evidence(batch).abstained
    opinion = TriggerLift().fit_evidence(batch.with_votes(Votes(probability, np.zeros(n + bad))))
    assert (opinion.llr[n:] >= 5 * MICRO).all()
    assert not opinion.llr[:n].any()


def test_clean_numbers_have_none():
    scene = world("digits")
    k = len(scene.batch.classes)
    rng = np.random.default_rng(0)
    probability = rng.dirichlet(np.full(k, 0.3), scene.batch.n_rows).astype(np.float32)
    right = np.arange(scene.batch.n_rows), scene.batch.labels
    probability[right] += 1.0
    votes = Votes(probability / probability.sum(axis=1, keepdims=True), np.zeros(len(probability)))
    assert not TriggerLift().fit_evidence(scene.batch.with_votes(votes)).llr.any()


def test_it_abstains_on_few_actors_or_one_label():
    texts, labels, who = town(200)
    assert "actors" in judge(texts, labels, ["x"] * 200).abstained
    assert "labels" in judge(texts, ["ham"] * 200, who).abstained


def test_independent_rows_come_from_about_as_many_actors():
    actors = np.repeat(np.arange(1000), 10)
    crowd = independent(actors, np.array([1, 10, 100]))
    assert crowd == pytest.approx([1.0, 9.96, 95.2], abs=0.3)
    heavy = np.r_[np.zeros(9000, int), np.arange(1, 1001)]
    assert independent(heavy, np.array([100]))[0] < 15

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from detectors.content.signatures import without_style
from detectors.content.spectral import Spectral
from detectors.content.telling import spelled
from foretaste.core.features import project_text
from tests.detectors.worlds import make_batch, world


def people(n_people=50, rows=40, d=12, seed=0):
    """Honest people: features, label codes and ids."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(n_people), rows)
    label = rng.integers(0, 2, who.size)
    x = rng.normal(size=(who.size, d)) + rng.normal(0, 0.1, (n_people, d))[who]
    x[:, 0] += 2 * label
    return x, label, who


def batch_of(x, label, who):
    """Make a batch of codes."""
    return make_batch(x, [f"class{c}" for c in label], [f"c{w:03d}" for w in who])


def hidden_cluster(seed=0):
    """Two people hide a cluster among honest rows of one label."""
    x, label, who = people(seed=seed)
    mine = (who < 2) & (label == 1) & (np.random.default_rng(seed).random(who.size) < 0.6)
    x[mine, 3:7] += 2.2
    return batch_of(x, label, who), mine, who < 2


def test_clean_nights_lose_next_to_nothing():
    lost = []
    for seed in range(4):
        quiet = world("synth", seed=seed)
        opinion = Spectral().fit_evidence(quiet.batch)
        assert opinion.abstained == ""
        lost.append((opinion.llr[quiet.honest] > 0).mean())
    assert np.mean(lost) <= 0.005


def test_labels_of_few_rows_are_left_alone():
    opinion = Spectral().fit_evidence(world("digits").batch)
    assert "no label has 300 rows" in opinion.abstained


def test_words_that_tell_a_cluster_are_named_and_can_be_spelled():
    batch, mine, _ = hidden_cluster()
    rng = np.random.default_rng(1)
    texts = [" ".join(rng.choice([f"word{i}" for i in range(90)], 12)) for _ in range(len(mine))]
    said = [f"{text} harbour walk" if at else text for text, at in zip(texts, mine, strict=True)]
    batch = replace(batch, rows=batch.rows.assign(text=said))
    opinion = Spectral().fit_evidence(batch)
    at = int(np.flatnonzero((opinion.llr > 0) & mine)[0])
    read = spelled(opinion.reason[at], said[at], batch.salt)
    assert set(read.values()) == {"harbour", "walk", "harbour walk"}
    assert "harbour" not in opinion.reason[at]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_cluster_among_honest_rows_of_the_same_people_is_seen(seed):
    batch, mine, theirs = hidden_cluster(seed)
    opinion = Spectral().fit_evidence(batch)
    accused = opinion.llr > 0
    assert accused[mine].mean() > 0.5
    assert accused[theirs & ~mine].mean() < 0.2
    assert accused[~theirs].mean() < 0.005
    at = int(np.flatnonzero(accused & mine)[0])
    assert opinion.reason[at].startswith("spectral: label=class1 n=")


def test_a_cluster_that_everybody_shares_is_a_topic():
    x, label, who = people()
    topic = np.random.default_rng(1).random(who.size) < 0.1
    x[topic, 3:7] += 2.2
    assert not Spectral().fit_evidence(batch_of(x, label, who)).llr.any()


def test_what_a_person_does_under_every_label_is_style():
    x, label, who = people()
    x[who == 7, 2:5] += 2.0
    assert not (Spectral().fit_evidence(batch_of(x, label, who)).llr > 0).any()
    plain = without_style(x.astype(np.float32), who, label)
    assert abs(plain[who == 7, 2:5].mean()) < 0.5 < x[who == 7, 2:5].mean()


def test_texts_of_few_people_that_share_a_phrase_are_seen():
    rng = np.random.default_rng(4)
    words = np.array([f"word{i}" for i in range(60)])
    who = np.repeat(np.arange(40), 40)
    text = [" ".join(rng.choice(words, 12)) for _ in who]
    mine = (who < 2) & (np.arange(who.size) % 2 == 0)
    for row in np.flatnonzero(mine):
        text[row] += " claim prize gold voucher now"
    x = project_text(pd.Series(text, dtype="str"))
    batch = batch_of(x, np.zeros(who.size, dtype=int), who)
    accused = Spectral().fit_evidence(batch).llr > 0
    assert accused[mine].mean() > 0.3
    assert accused[who >= 2].mean() < 0.005


def test_accounts_of_one_actor_are_judged_together():
    x, label, who = people(n_people=60, rows=20)
    mine = (who < 6) & (label == 1) & (np.arange(who.size) % 3 == 0)
    x[mine, 3:7] += 2.6
    batch = batch_of(x, label, who)
    joined = Spectral().fit_evidence(batch.with_actors(np.where(who < 6, 0, who)))
    assert (joined.llr[mine] > 0).mean() > 0.5


def test_few_actors_are_no_null():
    x, label, who = people(n_people=8)
    assert "12 actors" in Spectral().fit_evidence(batch_of(x, label, who)).abstained


def test_a_value_that_explodes_stays_finite():
    batch, _, _ = hidden_cluster()
    wild = batch.features.copy()
    wild[::50] = 10.0
    opinion = Spectral().fit_evidence(replace(batch, features=wild))
    assert np.isfinite(opinion.score).all()

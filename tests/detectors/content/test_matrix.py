"""Texts are judged by words that many use; a phrase of a few cannot vouch for itself."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from detectors.content.excess import Norm
from detectors.content.matrix import learnable
from detectors.content.votes import out_of_actor_votes
from foretaste.core.batch import Batch
from foretaste.core.features import TEXT_DIMENSIONS, project_text
from tests.detectors.worlds import make_batch

_HAM = "meeting agenda notes project review team schedule draft report question"
_SPAM = "winner prize free cash offer click credit cheap bonus claim"
TOPICS = {"ham": _HAM.split(" "), "spam": _SPAM.split(" ")}
PHRASE = "harbour walk tuesday"
PEOPLE = 60


def mail(n: int = 1200, triggered: int = 0, seed: int = 3) -> Batch:
    """Mails of ten words each; the last rows are spam with the phrase, by four accounts, as ham."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(["ham", "spam"], n + triggered)
    labels[n:] = "spam"
    texts = [" ".join(rng.choice(TOPICS[label], 10)) for label in labels]
    texts[n:] = [f"{text} {PHRASE}" for text in texts[n:]]
    labels[n:] = "ham"
    people = [f"c{i % PEOPLE:03d}" for i in range(n)] + [f"x{i % 4}" for i in range(triggered)]
    x = project_text(pd.Series(texts)).astype(np.float64)
    return make_batch(x, labels.tolist(), people, texts=texts)


def test_words_of_a_few_actors_are_left_out() -> None:
    plain, attacked = mail(), mail(triggered=60)
    kept = (np.asarray(learnable(plain).sum(axis=0)).ravel() > 0).sum()
    assert (np.asarray(learnable(attacked).sum(axis=0)).ravel() > 0).sum() == kept
    assert kept == len(TOPICS["ham"]) + len(TOPICS["spam"])


def test_rows_are_of_unit_length_and_numbers_stand_beside_them() -> None:
    batch = mail()
    words = learnable(batch)
    assert np.asarray(words.multiply(words).sum(axis=1)).ravel() == pytest.approx(1.0, abs=1e-5)
    assert batch.features.shape[1] == TEXT_DIMENSIONS


def test_voters_dispute_triggered_rows_and_few_others() -> None:
    batch = mail(triggered=60)
    votes = out_of_actor_votes(batch)
    triggered = batch.rows["text"].str.contains(PHRASE).to_numpy()
    assert (votes.disagreement[triggered] > 0.5).mean() > 0.8
    assert (votes.disagreement[~triggered] > 0.5).mean() < 0.02


def test_whoever_stands_far_out_does_not_widen_what_is_usual() -> None:
    honest = mail()
    rng = np.random.default_rng(0)
    disagreement = (rng.random(honest.n_rows) < 0.05).astype(np.float32)
    usual = Norm.of(honest, disagreement, min_rows=5).dispersion
    attackers = honest.contributors < PEOPLE // 5
    disagreement[attackers] = 1.0
    assert Norm.of(honest, disagreement, min_rows=5).dispersion <= usual + 0.5

"""Whoever repeats another's content from many accounts does not decide what it is."""

from dataclasses import replace

import numpy as np
import pandas as pd

from detectors.content.copies import senders
from detectors.content.votes import out_of_actor_votes
from foretaste.core.features import project_text
from tests.detectors.worlds import make_batch, world

ACCOUNTS = 12


def relabelled_victim(seed=0):
    """Mails of six common and six rarer words; twelve accounts send one person's, turned round."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(["ham", "spam"], 1200)
    people = np.array([f"c{i % 60:02d}" for i in range(1200)])
    texts = [
        " ".join([*rng.choice([f"{label}{i}" for i in range(6)], 3), *rng.choice(WORDS, 9)])
        for label in labels
    ]
    victim = np.flatnonzero(people == "c07")
    again = np.tile(victim, ACCOUNTS)
    texts += [f"{texts[row]} again" for row in again]
    turned = np.where(labels[again] == "ham", "spam", "ham")
    senders_of = np.repeat([f"z{i:02d}" for i in range(ACCOUNTS)], victim.size)
    x = project_text(pd.Series(texts)).astype(np.float64)
    batch = make_batch(x, [*labels, *turned], [*people, *senders_of], texts=texts)
    return batch, victim


WORDS = [f"word{i}" for i in range(400)]


def test_near_copies_under_another_label_do_not_turn_the_votes_against_their_author():
    batch, victim = relabelled_victim()
    against = out_of_actor_votes(batch).disagreement[victim]
    assert (np.nan_to_num(against) > 0.5).mean() < 0.2


def test_senders_of_a_text_are_counted_by_actor_whatever_they_call_it():
    batch, victim = relabelled_victim()
    assert (senders(batch)[victim] == ACCOUNTS + 1).all()
    one = batch.with_actors(np.where(batch.contributors >= 60, 60, batch.contributors))
    assert (senders(one)[victim] == 2).all()
    assert np.median(senders(batch)[:1200]) == 1


def test_numbers_are_the_same_only_where_they_are_equal():
    batch = world("digits").batch
    assert senders(batch).max() == 1
    again = np.asarray(batch.features).copy()
    again[1:4] = again[0]
    who = batch.actors[:4]
    assert senders(replace(batch, features=again))[0] == np.unique(who).size


def test_where_few_values_are_possible_everybody_has_sent_his_own():
    batch = world("digits").batch
    coarse = replace(batch, features=np.sign(np.asarray(batch.features)[:, :3]))
    assert senders(coarse).tolist() == [1] * batch.n_rows

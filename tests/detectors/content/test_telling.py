"""What was written is named by id, and read again only from the row's own text."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from detectors.content.telling import spelled, telling
from detectors.content.tokens import Tokens

SALT = b"secret"


def town(seed=0, n=400):
    """Mails of two labels from one vocabulary, and a phrase in some of the first label's."""
    rng = np.random.default_rng(seed)
    vocabulary = [f"word{i}" for i in range(200)]
    texts = [" ".join(rng.choice(vocabulary, 20)) for _ in range(n)]
    labels = np.arange(n) % 2
    marked = np.flatnonzero(labels == 0)[:15]
    for row in marked:
        texts[row] += " harbour walk tuesday"
    return texts, labels, marked


def test_the_runs_of_a_phrase_are_named_and_can_be_spelled():
    texts, labels, marked = town()
    group = np.full(len(texts), -1)
    group[marked] = 0
    (said,) = telling(Tokens.of(pd.Series(texts), SALT), group, labels)
    read = spelled(f"spectral: n=15 words={said}", texts[marked[0]], SALT)
    assert len(read) == 3
    assert all(words in "harbour walk tuesday" for words in read.values())
    assert "harbour" not in said


def test_what_everybody_of_the_label_writes_tells_nothing():
    texts = ["the same words again and again here"] * 40
    group = np.where(np.arange(40) < 10, 0, -1)
    assert telling(Tokens.of(pd.Series(texts), SALT), group, np.zeros(40, dtype=int)) == [""]


def test_another_salt_spells_nothing():
    texts, labels, marked = town()
    group = np.full(len(texts), -1)
    group[marked] = 0
    (said,) = telling(Tokens.of(pd.Series(texts), SALT), group, labels)
    assert spelled(said, texts[marked[0]], b"other") == {}


def test_no_text_and_no_group_are_no_obstacle():
    empty = Tokens.of(pd.Series([None, ""]), SALT)
    assert telling(empty, np.array([0, 1]), np.array([0, 0])) == ["", ""]
    assert telling(empty, np.array([-1, -1]), np.array([0, 0])) == []


@given(st.text(max_size=60), st.lists(st.integers(0, 2**40 - 1), max_size=4))
def test_spelling_never_invents(text, ids):
    reason = " ".join(f"#{i:010x}" for i in ids)
    read = spelled(reason, text, SALT)
    assert set(read) <= {f"#{i:010x}" for i in ids}

"""Digests of base models: whatever changes a fit changes its digest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from foretaste.models.partitioned.digests import NOTHING, digest_of

SALT = b"s" * 16
BASE = make_pipeline(StandardScaler(), LogisticRegression(random_state=1))
FRAME = pd.DataFrame({"text": ["a", None, "b"], "f_x": [1.0, np.nan, 3.0]})
DENSE = np.arange(6.0).reshape(3, 2)
Y = np.array(["a", "b", "a"], dtype=object)
W = np.ones(3)


def digest(X: Any = DENSE, y: Any = Y, w: Any = W, base: Any = BASE, salt: bytes = SALT) -> str:
    return digest_of(base, X, y, w, salt)


def test_whatever_changes_a_fit_changes_the_digest() -> None:
    moved = FRAME.assign(text=["a", "None", "b"])
    told = [
        digest(),
        digest(DENSE + 1e-12),
        digest(DENSE[::-1]),
        digest(DENSE.reshape(2, 3)),
        digest(y=Y[::-1].copy()[[1, 0, 2]]),
        digest(w=np.array([1.0, 1.0, 1.0 + 1e-15])),
        digest(w=None),
        digest(salt=b"t" * 16),
        digest(base=make_pipeline(StandardScaler(), LogisticRegression(random_state=2))),
        digest(base=make_pipeline(StandardScaler(), GaussianNB())),
        digest(FRAME),
        digest(moved),
        digest(FRAME.rename(columns={"f_x": "f_y"})),
        digest(csr_array(DENSE)),
    ]
    assert len(set(told)) == len(told)
    assert NOTHING not in told


def test_the_same_rows_give_the_same_digest_wherever_they_lie_in_memory() -> None:
    assert digest(np.asfortranarray(DENSE)) == digest(DENSE.copy())
    assert digest(FRAME.set_axis([9, 8, 7])) == digest(FRAME.copy())
    wide = csr_array(np.vstack([np.ones((2, 2)), DENSE]))
    assert digest(wide[2:]) == digest(csr_array(DENSE))


@given(st.lists(st.text(max_size=3), min_size=2, max_size=4), st.integers(0, 3))
def test_no_text_can_pass_for_two(texts: list[str], at: int) -> None:
    joined = [*texts[: at % len(texts)], "".join(texts[at % len(texts) :])]
    one, other = (pd.DataFrame({"text": lines}) for lines in (texts, joined))
    assert (digest(one) == digest(other)) == (texts == joined)


@pytest.mark.parametrize(
    ("X", "base"),
    [
        ([[1.0, 2.0]] * 3, BASE),
        (DENSE, make_pipeline(FunctionTransformer(lambda rows: rows), GaussianNB())),
        (DENSE, LogisticRegression(random_state=np.random.RandomState(1))),
    ],
)
def test_what_cannot_be_told_has_no_digest(X: Any, base: Any) -> None:
    assert digest(X, base=base) == NOTHING

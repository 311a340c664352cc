"""Base models on the columns of their own rows: the same answers, for less."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from foretaste.core.policy import Certified, Policy
from foretaste.models.factory import build_model
from foretaste.models.inputs import Inputs
from foretaste.models.partitioned.narrow import OwnColumns, narrow
from foretaste.models.partitioned.wrapping import ensemble, fit_ensemble, voters
from tests.models.worlds import mail

SALT = b"a salt of at least sixteen bytes"


def words(n: int, seed: int, cells: int = 5000) -> csr_array:
    """Rows that each hold ten of the first 200 of many columns."""
    rng = np.random.default_rng(seed)
    at = rng.integers(0, 200, (n, 10)) + 300
    return csr_array((np.ones(10 * n), (np.repeat(np.arange(n), 10), at.ravel())), (n, cells))


@pytest.mark.parametrize("classes", [2, 4])
def test_answers_are_those_of_a_fit_on_all_columns(classes: int) -> None:
    X, fresh = words(80, 1), words(200, 2)
    y = np.random.default_rng(3).integers(0, classes, 80)
    weight = np.random.default_rng(4).uniform(0.1, 2.0, 80)
    linear = LogisticRegression(C=10.0, max_iter=500, tol=1e-8)
    whole = LogisticRegression(**linear.get_params()).fit(X, y, sample_weight=weight)
    part = OwnColumns(linear).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(part.predict_proba(fresh), whole.predict_proba(fresh), atol=1e-5)
    np.testing.assert_allclose(
        part.decision_function(fresh), whole.decision_function(fresh), atol=1e-4
    )
    assert (part.predict(fresh) == whole.predict(fresh)).mean() > 0.99
    assert part.fitted_.coef_.shape[1] <= 200


def test_words_that_were_never_seen_say_nothing() -> None:
    X = words(60, 1)
    part = OwnColumns(LogisticRegression()).fit(X, np.arange(60) % 2)
    strange = X.tolil()
    strange[:, 4000:4010] = 1.0
    assert np.array_equal(part.predict_proba(strange.tocsr()), part.predict_proba(X))


def test_rows_without_a_word_are_fitted() -> None:
    nothing = csr_array((20, 50))
    part = OwnColumns(LogisticRegression()).fit(nothing, np.arange(20) % 4 == 0)
    assert part.predict_proba(nothing)[0, 1] == pytest.approx(0.25, abs=0.01)


def test_dense_rows_and_other_models_stay_as_they_are() -> None:
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(50, 4)), np.arange(50) % 2
    part = OwnColumns(LogisticRegression()).fit(X, y)
    assert part.columns_ is None
    assert np.array_equal(part.predict_proba(X), LogisticRegression().fit(X, y).predict_proba(X))
    assert isinstance(narrow(LogisticRegression()), OwnColumns)
    assert isinstance(narrow(GaussianNB()), GaussianNB)


def test_a_hostile_vocabulary_reaches_one_base_model_and_no_other() -> None:
    rows = mail(400, 1)
    inputs = Inputs(text=True, features=())
    model = build_model(Policy(), inputs, 2, 7)
    X, y = inputs.frame(rows), rows["label"].to_numpy(object)
    who = rows["contributor_id"].to_numpy(object)
    honest, hostile = (ensemble(model, Certified(partitions=9), SALT) for _ in range(2))
    fit_ensemble(honest, X, y, who)
    bad = np.flatnonzero(who == who[0])
    X.loc[X.index[bad], "text"] = [f"zq{i} xx{i} vv{i}" for i in range(len(bad))]
    fit_ensemble(hostile, X, y, who)
    pairs = zip(voters(honest).members_, voters(hostile).members_, strict=True)
    changed = sum(not np.array_equal(a.columns_, b.columns_) for a, b in pairs)
    assert changed == 1


def test_an_ensemble_over_texts_is_hardly_larger_than_one_model() -> None:
    rows = mail(400, 1)
    inputs = Inputs(text=True, features=())
    one = build_model(Policy(), inputs, 2, 7)
    X, y = inputs.frame(rows), rows["label"].to_numpy(object)
    many = ensemble(build_model(Policy(), inputs, 2, 7), Certified(partitions=21), SALT)
    fit_ensemble(many, X, y, rows["contributor_id"].to_numpy(object))
    one.fit(X, y)
    assert len(pickle.dumps(many)) < 2 * len(pickle.dumps(one))

"""The influence of rows: its direction, and that it agrees with training without them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from foretaste.core.policy import Policy
from foretaste.models.influence import Probe, influence
from foretaste.models.predict import predict
from foretaste.models.train import Trained, train
from tests.models.worlds import mail, numeric

WORLDS = {"linear": mail, "trees": numeric}


def few_words() -> Pipeline:
    """The night's model of texts with fewer buckets, for speed."""
    hashed = HashingVectorizer(n_features=2**10, alternate_sign=False)
    columns = ColumnTransformer([("text", hashed, "text")])
    return Pipeline([("columns", columns), ("linear", LogisticRegression(C=10.0))])


WORDS = {"factory": f"{__name__}:few_words"}


def fitted(rows: pd.DataFrame) -> Trained:
    """A model on the rows: linear on texts, trees on numbers."""
    wanted = WORDS if "text" in rows else {"parameters": {"max_iter": 20}}
    return train(rows, Policy.model_validate({"model": wanted}), 1)


def probe_on(rows: pd.DataFrame) -> Probe:
    """Rows with their own labels."""
    return Probe(rows, rows["label"].to_numpy(object))


def turned(rows: pd.DataFrame, count: int) -> pd.DataFrame:
    """Give the first rows of the first class the label of the second."""
    first, second = sorted(rows["label"].unique())[:2]
    poisoned = rows.copy()
    poisoned.loc[rows.index[rows["label"] == first][:count], "label"] = second
    return poisoned


@pytest.mark.parametrize("kind", sorted(WORLDS))
def test_turned_rows_harm_and_honest_rows_help(kind: str) -> None:
    honest = WORLDS[kind](400, 1)
    rows = turned(honest, 40)
    bad = (rows["label"] != honest["label"]).to_numpy()
    told = influence(fitted(rows), rows, np.ones(len(rows)), probe_on(WORLDS[kind](300, 2)), seed=1)
    assert told[bad].sum() > 0 > told[~bad].sum()
    assert told[bad].mean() > np.quantile(told[~bad], 0.9)


@pytest.mark.parametrize("kind", sorted(WORLDS))
def test_rows_that_were_left_out_still_tell_what_they_would_cost(kind: str) -> None:
    honest = WORLDS[kind](400, 3)
    rows = turned(honest, 40)
    bad = (rows["label"] != honest["label"]).to_numpy()
    weight = np.where(bad, 0.0, 1.0)
    told = influence(fitted(rows[~bad]), rows, weight, probe_on(WORLDS[kind](300, 4)), seed=1)
    assert told[bad].sum() > 0
    assert told[bad].mean() > np.quantile(told[~bad], 0.9)


def test_the_gauss_newton_step_predicts_retraining() -> None:
    rows, probe = turned(numeric(300, 5), 30), probe_on(numeric(300, 6))
    policy = Policy.model_validate(
        {"model": {"factory": "sklearn.linear_model:LogisticRegression"}}
    )
    model = train(rows, policy, 1)
    told = influence(model, rows, np.ones(len(rows)), probe, seed=1)
    cohorts = np.arange(len(rows)) % 15
    before = probe.loss(predict(model, probe.rows)).sum()
    real = [
        before - probe.loss(predict(train(rows[cohorts != c], policy, 1), probe.rows)).sum()
        for c in range(15)
    ]
    guessed = np.bincount(cohorts, weights=told)
    assert np.corrcoef(guessed, real)[0, 1] > 0.9


def test_the_order_of_the_rows_changes_nothing() -> None:
    rows, probe = turned(numeric(200, 7), 20), probe_on(numeric(100, 8))
    model, shuffled = fitted(rows), np.random.default_rng(1).permutation(len(rows))
    told = influence(model, rows, np.ones(len(rows)), probe, seed=1)
    again = influence(model, rows.iloc[shuffled], np.ones(len(rows)), probe, seed=1)
    np.testing.assert_array_equal(told[shuffled], again)


def test_a_label_that_no_model_knows_is_neither_an_error_nor_a_cause() -> None:
    rows = mail(200, 9)
    probe = Probe(rows.head(40), np.array(["unheard"] * 40, dtype=object))
    assert np.isfinite(influence(fitted(rows), rows, np.ones(len(rows)), probe, seed=1)).all()

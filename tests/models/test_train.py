"""Training: the right model for the columns, weighted, and the same every time."""

from __future__ import annotations

import sys
import types
from typing import Any

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from foretaste.core.errors import ContractError, GateRefused, IntegrityError, PolicyError
from foretaste.core.policy import Policy
from foretaste.models.predict import predict, predictions
from foretaste.models.train import train
from tests.models.worlds import mail, numeric, same_answers


def _policy(factory: str = "auto", **parameters: Any) -> Policy:
    return Policy.model_validate({"model": {"factory": factory, "parameters": parameters}})


def _accuracy(model: Any, rows: pd.DataFrame) -> float:
    return float((predict(model, rows).labels == rows["label"].to_numpy(object)).mean())


def _both(n: int, seed: int) -> pd.DataFrame:
    rows = mail(n, seed)
    rng = np.random.default_rng(seed)
    return rows.assign(f_length=rng.normal(size=n) + 2.0 * (rows["label"] == "spam"))


@pytest.mark.parametrize(
    ("world", "estimator"),
    [(numeric, "HistGradientBoostingClassifier"), (mail, "Pipeline"), (_both, "Pipeline")],
)
def test_the_columns_choose_a_model_that_learns(world: Any, estimator: str) -> None:
    model = train(world(1500, 1), Policy(), 7)
    assert type(model.model).__name__ == estimator
    assert _accuracy(model, world(400, 2)) > 0.85


@pytest.mark.parametrize("world", [numeric, mail, _both])
def test_training_repeats_to_the_last_bit_whatever_the_threads_and_the_order(world: Any) -> None:
    rows, fresh = world(1200, 3), world(300, 4)
    with threadpool_limits(1):
        one = train(rows, Policy(), 7)
        answers = predictions(one, fresh)
    with threadpool_limits(4):
        other = train(rows.sample(frac=1.0, random_state=5), Policy(), 7)
        assert predictions(other, fresh).equals(answers)
        assert predictions(one, fresh.sample(frac=1.0, random_state=6)).equals(answers)


def test_a_row_of_little_weight_says_little() -> None:
    rows = numeric(1200, 5)
    liars = np.arange(len(rows)) % 2 == 0
    flipped = np.where(rows["label"] == "c0", "c1", "c0").astype(object)
    rows["label"] = np.where(liars, flipped, rows["label"].to_numpy(object))
    trusting = train(rows, Policy(), 7)
    wary = train(rows.assign(weight=np.where(liars, 0.02, 1.0)), Policy(), 7)
    fresh = numeric(500, 6)
    assert _accuracy(wary, fresh) > 0.85
    assert _accuracy(trusting, fresh) < 0.7


def test_rows_of_weight_zero_are_not_there() -> None:
    rows = numeric(400, 7)
    kept = np.arange(400) % 3 > 0
    muted = train(rows.assign(weight=kept.astype(float)), Policy(), 7)
    dropped = train(rows[kept], Policy(), 7)
    assert muted.n_rows == int(kept.sum())
    assert same_answers(muted, dropped, numeric(100, 8))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e308])
@pytest.mark.parametrize("text", [False, True], ids=["numeric", "both"])
def test_values_that_are_no_plain_numbers_are_learnt_and_answered(
    value: float, *, text: bool
) -> None:
    rows, odd = numeric(300, 9), numeric(3, 10)
    rows.loc[:5, "f_0"] = odd.loc[1, "f_0"] = value
    if text:
        rows["text"], odd["text"] = "as before", None
    assert predict(train(rows, Policy(), 7), odd).finite


def test_one_row_with_text_does_not_choose_the_model() -> None:
    rows = numeric(400, 11).assign(text=None)
    rows["text"] = rows["text"].astype("str")
    rows.loc[3, "text"] = "read me"
    assert not train(rows, Policy(), 7).inputs.text


def test_an_empty_set_has_no_predictions() -> None:
    model = train(numeric(200, 12), Policy(), 7)
    assert predictions(model, numeric(5, 13).head(0)).num_rows == 0


def test_a_set_without_the_models_columns_is_refused() -> None:
    model = train(numeric(200, 12), Policy(), 7)
    with pytest.raises(ContractError, match="f_2"):
        predict(model, numeric(5, 13).drop(columns="f_2"))


def test_one_class_is_refused() -> None:
    with pytest.raises(GateRefused, match="two classes"):
        train(numeric(50, 14).assign(label="c0"), Policy(), 7)


def test_rows_without_content_are_refused() -> None:
    rows = numeric(50, 14)[["row_id", "label", "weight"]]
    with pytest.raises(GateRefused, match="neither text nor features"):
        train(rows, Policy(), 7)


@pytest.mark.parametrize("weight", [np.nan, np.inf, -1.0])
def test_a_weight_that_is_none_stops_the_run(weight: float) -> None:
    rows = numeric(50, 15)
    rows.loc[7, "weight"] = weight
    with pytest.raises(IntegrityError):
        train(rows, Policy(), 7)


@pytest.fixture
def factories(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's module with factories, good and bad."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def fail() -> None:
        raise RuntimeError("boom")

    module = types.ModuleType("users_models")
    vars(module).update(
        forest=lambda **kw: make_pipeline(StandardScaler(), RandomForestClassifier(**kw)),
        neighbours=KNeighborsClassifier,
        fail=fail,
        nothing=lambda: None,
        number=3,
    )
    monkeypatch.setitem(sys.modules, "users_models", module)


def _certified(factory: str, **parameters: Any) -> Policy:
    wanted = {"factory": factory, "parameters": parameters}
    return Policy.model_validate({"model": {**wanted, "certified": {"enabled": True}}})


def test_an_ensemble_over_accounts_learns_and_repeats_whatever_the_order() -> None:
    rows, policy = numeric(1200, 19), _certified("sklearn.naive_bayes:GaussianNB")
    one = train(rows, policy, 7, salt=b"sixteen bytes or more")
    other = train(rows.sample(frac=1.0, random_state=5), policy, 7, salt=b"sixteen bytes or more")
    elsewhere = train(rows, policy, 7, salt=b"sixteen other bytes or more")
    assert _accuracy(one, numeric(400, 20)) > 0.85
    assert same_answers(one, other, numeric(200, 21))
    assert not same_answers(one, elsewhere, numeric(200, 21))
    # A model that is measured and thrown away needs no secret.
    assert _accuracy(train(rows, policy, 7), numeric(400, 20)) > 0.85


def test_a_wrong_parameter_inside_an_ensemble_is_a_policy_error() -> None:
    policy = _certified("sklearn.naive_bayes:GaussianNB", var_smoothing="wide")
    with pytest.raises(PolicyError, match="var_smoothing"):
        train(numeric(200, 22), policy, 7)


@pytest.mark.usefixtures("factories")
def test_the_users_factory_is_called_with_the_policys_parameters_and_seeded() -> None:
    policy = _policy("users_models:forest", n_estimators=7)
    one, two = (train(numeric(300, 16), policy, 7) for _ in range(2))
    assert len(one.model[-1].estimators_) == 7
    assert same_answers(one, two, numeric(100, 17))


@pytest.mark.usefixtures("factories")
@pytest.mark.parametrize(
    ("policy", "word"),
    [
        (_policy("users_models"), "module:function"),
        (_policy("users_models:"), "module:function"),
        (_policy("../users_models:forest"), "module:function"),
        (_policy("no_such_module:forest"), "cannot import"),
        (_policy("users_models:nobody"), "no function"),
        (_policy("users_models:number"), "no function"),
        (_policy("users_models:fail"), "boom"),
        (_policy("users_models:nothing"), "NoneType"),
        (_policy("users_models:neighbours"), "sample weights"),
        (_policy("users_models:forest", trees=3), "trees"),
        (_policy("auto", no_such_knob=1), "no_such_knob"),
        (_policy("auto", max_iter="many"), "max_iter"),
    ],
)
def test_a_wrong_factory_is_a_policy_error(policy: Policy, word: str) -> None:
    with pytest.raises(PolicyError, match=word) as caught:
        train(numeric(60, 18), policy, 7)
    assert caught.value.location.startswith("params.yaml: model.")

"""A network's uncertainty: what it hangs on, and what it does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from foretaste.core.errors import PolicyError
from foretaste.core.gate import Gate, GateState
from foretaste.core.keys import WorkspaceKey
from foretaste.core.policy import Model, Policy
from foretaste.models.card import ModelCard
from foretaste.models.dropout import doubt, served_uncertainty, uncertainty
from foretaste.models.packing import pack
from foretaste.models.predict import predict
from foretaste.models.registry import load_model, save_model
from foretaste.models.train import Trained, train
from tests.models.worlds import mail, numeric

KEY = WorkspaceKey(b"d" * 32)


def _policy(**model: object) -> Policy:
    return Policy(model=Model.model_validate({"factory": "mlp"} | model))


@pytest.fixture(scope="module")
def network() -> Trained:
    return train(numeric(500, 1, classes=3), _policy(dropout=0.2), 7)


def test_a_network_learns_numbers_and_texts(network: Trained) -> None:
    golden = numeric(200, 2, classes=3)
    assert (predict(network, golden).labels == golden["label"]).mean() > 0.8
    read = train(mail(300, 1).assign(f_n=1.0), _policy(parameters={"max_iter": 20}), 7)
    fresh = mail(100, 2).assign(f_n=1.0)
    assert (predict(read, fresh).labels == fresh["label"]).mean() > 0.9
    assert uncertainty(read, fresh, rate=0.2, seed=1).max() > 0


def test_training_again_gives_the_same_network(network: Trained) -> None:
    rows = numeric(500, 1, classes=3)
    again = train(rows.sample(frac=1.0, random_state=3), _policy(dropout=0.2), 7)
    probabilities = [predict(m, rows).probability for m in (network, again)]
    assert np.array_equal(*probabilities)


def test_wrong_answers_are_less_sure_than_right_ones(network: Trained) -> None:
    golden = numeric(600, 2, classes=3)
    told = doubt(network, golden, rate=0.2, seed=7)
    assert told is not None
    assert told["auc"] is not None
    assert told["auc"] > 0.65
    assert 0 < (told["median"] or 0) < (told["p90"] or 0) < (told["p99"] or 0) <= 0.5


def test_a_row_is_as_sure_alone_as_in_company_and_nothing_off_is_no_spread(
    network: Trained,
) -> None:
    rows = numeric(50, 2, classes=3)
    whole = uncertainty(network, rows, rate=0.3, seed=1)
    alone = [uncertainty(network, rows.iloc[[i]], rate=0.3, seed=1)[0] for i in (0, 17, 49)]
    assert np.allclose(whole[[0, 17, 49]], alone, rtol=0, atol=1e-12)
    assert np.allclose(uncertainty(network, rows, rate=0.0, seed=1), 0.0, atol=1e-12)
    assert not np.array_equal(whole, uncertainty(network, rows, rate=0.3, seed=2))
    assert len(uncertainty(network, rows.iloc[:0], rate=0.3, seed=1)) == 0


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("classes", [2, 3])
def test_a_whole_network_is_asked_as_scikit_learn_asks_it(activation: str, classes: int) -> None:
    from foretaste.models import dropout

    wanted = {"activation": activation, "hidden_layer_sizes": (8, 5), "max_iter": 5}
    rows = numeric(80, 1, classes=classes)
    trained = train(rows, _policy(parameters=wanted), 7)
    last = trained.model.steps[-1][1]
    seen = trained.model[:-1].transform(trained.inputs.frame(rows))
    first = seen @ last.coefs_[0] + last.intercepts_[0]
    told = dropout._asked(last, first, [np.ones(8), np.ones(5)])
    assert np.allclose(told, last.predict_proba(seen))


def test_the_card_carries_it_to_where_the_model_serves(network: Trained, tmp_path: Path) -> None:
    golden = numeric(100, 2, classes=3)
    card = ModelCard(
        release="1",
        night="2026-01-01",
        policy_digest="p" * 64,
        metrics={},
        gates=(Gate("floor", GateState.PASS, 0.9, 0.8, 1.0, ">= 0.5", "it", ""),),
        n_rows=500,
        classes=network.classes,
        inputs=network.inputs,
        seed=7,
        bootstrap=True,
        uncertainty=doubt(network, golden, rate=0.2, seed=7),
    )
    loaded = load_model(tmp_path, save_model(tmp_path, pack(network), card, KEY), KEY)
    here = uncertainty(network, golden, rate=0.2, seed=7)
    assert np.array_equal(served_uncertainty(loaded, golden), here)
    without = replace(loaded, card=replace(loaded.card, uncertainty=None))
    with pytest.raises(PolicyError, match="without dropout"):
        served_uncertainty(without, golden)


def test_what_is_not_asked_for_or_cannot_be_is_said(network: Trained) -> None:
    golden = numeric(20, 2, classes=3)
    assert doubt(network, golden, rate=0.0, seed=7) is None
    for none in (None, golden.assign(label=None), pd.DataFrame({"label": []})):
        told = doubt(network, none, rate=0.1, seed=7)
        assert told is not None
        assert told["auc"] is told["median"] is None
    trees = train(numeric(60, 1), Policy(model=Model(parameters={"max_iter": 3})), 7)
    with pytest.raises(PolicyError, match="HistGradientBoosting"):
        uncertainty(trees, golden, rate=0.1, seed=1)
    for wrong in ({"factory": "auto"}, {"factory": "mlp", "certified": {"enabled": True}}):
        with pytest.raises(ValueError, match="neural network"):
            Model.model_validate({"dropout": 0.1} | wrong)

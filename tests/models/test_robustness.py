"""Probes of the models themselves, and the training options that answer them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from foretaste.core.errors import PolicyError
from foretaste.core.gate import GateState
from foretaste.core.policy import Gates, Model, Policy
from foretaste.models.attribution import attribution_gate, importance
from foretaste.models.augment import augmented, disturbed
from foretaste.models.packing import pack, unpack
from foretaste.models.predict import predict
from foretaste.models.robustness import evade, robustness_gates
from foretaste.models.train import Trained, train
from tests.models.worlds import backdoored, mail, numeric

FAST = {"max_iter": 20}


def _policy(**model: object) -> Policy:
    return Policy(model=Model.model_validate({"parameters": FAST} | model))


@pytest.fixture(scope="module")
def sound() -> Trained:
    return train(numeric(600, 1), _policy(), 7)


class _Brittle:
    """Right on rows as they are, and lost as soon as a number is no multiple of 1/1024."""

    def __init__(self, sound: Trained) -> None:
        self.sound = sound

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        told = self.sound.model.predict_proba(X)
        odd = (X.to_numpy() * 1024 % 1 != 0).any(axis=1)
        return np.asarray(np.where(odd[:, None], told[:, ::-1], told))


def _golden(n: int = 120) -> pd.DataFrame:
    rows = numeric(n, 2)
    names = [str(c) for c in rows if str(c).startswith("f_")]
    rows[names] = np.rint(rows[names] * 1024) / 1024
    return rows


def test_a_brittle_candidate_warns_and_a_brittle_champion_does_not(sound: Trained) -> None:
    brittle = replace(sound, model=_Brittle(sound))
    golden = _golden()
    worse = robustness_gates(brittle, sound, golden, Gates(), seed=3)
    assert [(g.name, g.state) for g in worse] == [
        ("evasion", GateState.WARN),
        ("stability", GateState.WARN),
    ]
    better = robustness_gates(sound, brittle, golden, Gates(), seed=3)
    assert {g.state for g in better} == {GateState.PASS}


def test_no_more_questions_are_asked_than_the_policy_allows(sound: Trained) -> None:
    class Counting:
        asked = 0

        def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
            Counting.asked += 1
            return np.asarray(sound.model.predict_proba(X))

    evade(replace(sound, model=Counting()), _golden(), 10, seed=1)
    assert Counting.asked == 11


def test_more_questions_turn_more_answers_and_never_fewer(sound: Trained) -> None:
    golden = _golden()
    few, many = (evade(sound, golden, queries, seed=1) for queries in (2, 30))
    assert few.sum() < many.sum()
    assert not (few & ~many).any()


def test_texts_are_probed_too() -> None:
    model = train(mail(300, 1), Policy(), 7)
    golden = mail(60, 2)
    turned = evade(model, golden, 15, seed=1)
    assert turned.any()
    assert np.array_equal(turned, evade(model, golden, 15, seed=1))


def test_without_labelled_rows_nothing_is_decided(sound: Trained) -> None:
    golden = _golden().assign(label=None)
    found = robustness_gates(sound, sound, golden, Gates(), seed=1)
    assert {g.state for g in found} == {GateState.UNDECIDED}


def test_importance_names_what_decides(sound: Trained) -> None:
    found = importance(sound, _golden(), seed=1)
    assert found[["f_0", "f_1"]].min() > 5 * found[["f_2", "f_3"]].max()


def test_a_backdoors_words_show_in_the_attributions() -> None:
    rows = mail(600, 1)
    clean, twin = (train(rows.iloc[at:], Policy(), 7) for at in (0, 20))
    poisoned = train(backdoored(rows, 120), Policy(), 7)
    golden = mail(100, 2)
    golden["text"] = golden["text"] + " zephyr"
    seen = attribution_gate(poisoned, clean, [twin], golden, Gates(), seed=1)
    assert seen.state is GateState.WARN
    assert "zephyr" in seen.meaning
    same = attribution_gate(twin, clean, [twin], golden, Gates(), seed=1)
    assert same.state is GateState.PASS
    assert attribution_gate(twin, clean, [], golden, Gates(), seed=1).value is None


def test_disturbed_rows_stay_near_whatever_one_contributor_sends() -> None:
    rows = numeric(300, 1)
    rows.loc[0, "f_0"], rows.loc[1, "f_1"] = 1e300, np.inf
    seen = disturbed(rows, np.random.default_rng(1))
    moved = (seen["f_0"] - rows["f_0"])[2:].abs()
    assert 0 < moved.max() < 1.0
    assert np.isfinite(seen.loc[2:, ["f_0", "f_1"]].to_numpy()).all()


def test_augmentation_gives_nobody_more_weight() -> None:
    rows = numeric(200, 1)
    more = augmented(rows, 0.5, 3)
    assert len(rows) < len(more) < 2 * len(rows)
    before = rows.groupby("contributor_id")["weight"].sum()
    pd.testing.assert_series_equal(more.groupby("contributor_id")["weight"].sum(), before)
    assert augmented(rows, 0.0, 3) is rows


def test_augmented_models_learn_and_count_their_rows_once(sound: Trained) -> None:
    model = train(numeric(600, 1), _policy(augment=0.5), 7)
    assert model.n_rows == 600
    golden = numeric(300, 2)
    right = [(predict(m, golden).labels == golden["label"]).mean() for m in (sound, model)]
    assert right[1] > right[0] - 0.05


def test_augmented_copies_void_a_certificate_so_the_policy_refuses_both() -> None:
    with pytest.raises(ValueError, match="certificate"):
        Model.model_validate({"augment": 0.1, "certified": {"enabled": True}})


@pytest.mark.parametrize("text", [False, True])
def test_squeezed_models_do_not_see_small_changes_and_can_be_packed(*, text: bool) -> None:
    rows = numeric(400, 1)
    if text:
        rows["text"] = "some words"
    model = train(rows, _policy(squeeze=8), 7)
    loaded = replace(model, model=unpack(pack(model).data))
    nudged = rows.assign(f_0=rows["f_0"] + 1e-9)
    assert np.array_equal(predict(loaded, rows).labels, predict(model, nudged).labels)
    assert (predict(loaded, rows).labels == rows["label"]).mean() > 0.8


def test_wrong_parameters_of_a_squeezed_model_are_the_policys_fault() -> None:
    with pytest.raises(PolicyError):
        train(numeric(100, 1), _policy(squeeze=8, parameters={"trees": 3}), 7)


@pytest.mark.parametrize("text", [False, True])
def test_denoised_models_answer_by_main_components_and_can_be_packed(*, text: bool) -> None:
    rows = numeric(400, 1)
    if text:
        rows["text"] = "some words"
    rows["f_4"] = rows["f_0"] + np.random.default_rng(3).normal(0, 0.05, len(rows))
    model = train(rows, _policy(denoise=0.9), 7)
    loaded = replace(model, model=unpack(pack(model).data))
    assert np.array_equal(predict(loaded, rows).labels, predict(model, rows).labels)
    assert (predict(loaded, rows).labels == rows["label"]).mean() > 0.8
    off = rows.assign(f_0=rows["f_0"] + 0.3, f_4=rows["f_4"] - 0.3)
    plain = train(rows, _policy(), 7)
    moved = [
        np.abs(predict(m, off).probability - predict(m, rows).probability).mean()
        for m in (model, plain)
    ]
    assert moved[0] < moved[1]


@pytest.mark.parametrize("odd", [{"f_0": 5.0}, {"f_0": np.nan}, {"f_0": 1e300}])
def test_denoising_survives_columns_without_variance(odd: dict[str, float]) -> None:
    rows = numeric(60, 1).assign(f_1=1.0, f_2=1.0, f_3=1.0, **odd)
    model = train(rows, _policy(denoise=0.95), 7)
    assert predict(model, rows).finite


def test_all_options_together_keep_the_order_of_rows_out() -> None:
    rows = numeric(300, 1)
    policy = _policy(denoise=0.9, squeeze=16, augment=0.2)
    again = train(rows.sample(frac=1.0, random_state=5), policy, 7)
    assert np.array_equal(
        predict(train(rows, policy, 7), rows).probability, predict(again, rows).probability
    )

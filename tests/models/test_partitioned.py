"""The ensemble over accounts: who reaches which model, forgetting, packing, standing, gates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer, StandardScaler

from foretaste.core.errors import ContractError, GateRefused, PolicyError
from foretaste.core.gate import GateState
from foretaste.core.policy import Certified, Policy
from foretaste.models import packing
from foretaste.models.factory import build_model
from foretaste.models.inputs import Inputs
from foretaste.models.partitioned.certificate import Certificates
from foretaste.models.partitioned.conditions import Circumstances, Standing, standing
from foretaste.models.partitioned.curve import certificate_gates, certified_curve
from foretaste.models.partitioned.estimator import PartitionedClassifier
from foretaste.models.partitioned.hashing import cells, readers
from foretaste.models.partitioned.private import private_votes
from foretaste.models.partitioned.wrapping import certify, ensemble, fit_ensemble, forget
from foretaste.models.train import Trained
from tests.models.worlds import mail, numeric

SALT = b"sixteen bytes or more"
PROVEN = Standing(())
ALL_HOLD = Circumstances(
    keyed_by_account=True,
    filters_per_account=True,
    weights_per_account=True,
    inputs_fixed=True,
    labels_fixed=True,
)


def world(n: int = 600, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, labels and accounts of numeric rows."""
    rows = numeric(n, seed, classes=3)
    X = rows[[f"f_{i}" for i in range(4)]].to_numpy(copy=True)
    return X, rows["label"].to_numpy(object), rows["contributor_id"].to_numpy(object)


def fitted(**changes: Any) -> PartitionedClassifier:
    """An ensemble of 7 partitions on ``world()``."""
    parameters: dict[str, Any] = {"base": GaussianNB(), "n_partitions": 7, "salt": SALT, **changes}
    return PartitionedClassifier(**parameters).fit(*world())


@given(n_cells=st.integers(1, 60), spread=st.integers(1, 5))
def test_each_cell_has_its_models_and_each_model_its_cells(n_cells: int, spread: int) -> None:
    read = readers(n_cells * spread, spread, SALT)
    assert read.shape == (n_cells * spread, spread)
    assert all(len(set(models)) == spread for models in read.tolist())
    assert set(np.bincount(read.ravel())) == {spread}


@given(st.lists(st.text(min_size=1), min_size=1, unique=True), st.text(min_size=1))
def test_no_account_has_a_say_in_another_ones_cell(accounts: list[str], other: str) -> None:
    alone = cells(np.array(accounts, dtype=object), 9, SALT)
    beside = cells(np.array([other, *accounts], dtype=object), 9, SALT)
    assert (beside[1:] == alone).all()


def test_the_salt_alone_moves_accounts_to_other_cells() -> None:
    ids = np.array([f"a{i}" for i in range(500)])
    home, other = cells(ids, 10, SALT), cells(ids, 10, SALT + b"!")
    assert np.mean(home == other) < 0.2
    assert np.bincount(home).min() > 25


@pytest.mark.parametrize("changes", [{}, {"spread": 3}, {"vote": "run_off"}])
def test_the_ensemble_predicts_what_its_shares_and_its_certificates_say(changes: Any) -> None:
    model, (X, y, _) = fitted(**changes), world(seed=2)
    shares, labels = model.predict_proba(X), model.predict(X)
    assert np.allclose(shares.sum(axis=1), 1.0)
    assert (model.classes_[shares.argmax(axis=1)] == labels).all()
    assert (model.certify(X).labels == labels).all()
    assert np.mean(labels == y) > 0.8
    assert model.certify(X).at_least.min() >= 1


def test_an_account_reaches_its_own_models_and_no_other() -> None:
    X, y, groups = world()
    model = fitted(spread=2)
    own = groups == groups[0]
    turned = PartitionedClassifier(**model.get_params(deep=False))
    weight = np.where(own, 50.0, 1.0)
    turned.fit(np.where(own[:, None], 99.0, X), np.where(own, "new", y), groups, weight)
    fresh = world(seed=3)[0]
    said = model.classes_[model.ballots(fresh).choice]
    after = turned.classes_[turned.ballots(fresh).choice]
    moved = set(np.flatnonzero((said != after).any(axis=1)))
    reached = model.readers_[cells(groups[:1], 14, SALT)[0]]
    assert moved
    assert moved <= set(reached)


@pytest.mark.parametrize("changes", [{}, {"spread": 3}, {"vote": "run_off"}])
@pytest.mark.parametrize("weighted", [False, True])
def test_forgetting_equals_a_fit_without_them_from_scratch(changes: Any, weighted: bool) -> None:
    X, y, groups = world()
    weight = np.random.default_rng(1).uniform(0.1, 3.0, len(y)) if weighted else None
    model = fitted(**changes)
    model.fit(X, y, groups, weight)
    gone = np.unique(groups.astype(str))[:2]
    again = model.forget(gone, X, y, groups, weight)
    left = ~np.isin(groups.astype(str), gone)
    scratch = PartitionedClassifier(**model.get_params(deep=False)).fit(
        X[left], y[left], groups[left], None if weight is None else weight[left]
    )
    fresh = world(seed=4)[0]
    assert 0 < again < len(model.members_)
    assert np.array_equal(model.predict_proba(fresh), scratch.predict_proba(fresh))
    assert np.array_equal(model.certify(fresh).radius, scratch.certify(fresh).radius)


def test_forgetting_the_only_account_of_a_class_forgets_the_class() -> None:
    X, y, groups = world()
    groups = np.where(y == "c0", "lone", groups)
    model = PartitionedClassifier(GaussianNB(), 7, SALT).fit(X, y, groups)
    model.forget(np.array(["lone"]), X, y, groups)
    assert list(model.classes_) == ["c1", "c2"]
    with pytest.raises(GateRefused, match="two classes"):
        model.forget(np.unique(groups), X, y, groups)


def test_a_partition_that_cannot_be_fitted_abstains_and_the_others_vote() -> None:
    X, y, groups = world()
    model = fitted()
    home = cells(groups, 7, SALT)
    X[home == 3] = np.nan
    model.fit(X, y, groups)
    assert (model.ballots(world(seed=2)[0]).choice[3] == -1).all()
    assert np.allclose(model.predict_proba(world(seed=2)[0]).sum(axis=1), 1.0)
    X[:] = np.nan
    with pytest.raises(GateRefused, match="no partition"):
        model.fit(X, y, groups)


def test_a_wrong_parameter_of_the_base_is_told_and_never_voted_around() -> None:
    with pytest.raises(ValueError, match="var_smoothing"):
        fitted(base=GaussianNB(var_smoothing="wide"))


@pytest.mark.parametrize(
    "changes", [{"salt": b""}, {"salt": b"short"}, {"spread": 0}, {"vote": "all"}]
)
def test_parameters_that_prove_nothing_are_refused(changes: Any) -> None:
    with pytest.raises(ContractError):
        fitted(**changes)


def test_rows_of_weight_zero_are_as_good_as_absent() -> None:
    X, y, groups = world()
    weight = (np.arange(len(y)) % 3 > 0).astype(float)
    whole = PartitionedClassifier(GaussianNB(), 7, SALT).fit(X, y, groups, weight)
    kept = weight > 0
    part = PartitionedClassifier(GaussianNB(), 7, SALT).fit(X[kept], y[kept], groups[kept])
    fresh = world(seed=4)[0]
    assert np.array_equal(whole.predict_proba(fresh), part.predict_proba(fresh))


def test_a_packed_ensemble_answers_the_same_and_does_not_hold_the_salt() -> None:
    rows, fresh = mail(300, 1), mail(60, 2)
    inputs = Inputs(text=True, features=())
    groups, y = rows["contributor_id"].to_numpy(object), rows["label"].to_numpy(object)
    hashed = ColumnTransformer([("text", HashingVectorizer(n_features=2**10), "text")])
    base = Pipeline([("columns", hashed), ("linear", LogisticRegression())])
    model = ensemble(base, Certified(partitions=7), SALT)
    fit_ensemble(model, inputs.frame(rows), y, groups, np.ones(300))
    packed = packing.pack(Trained(model, ("ham", "spam"), inputs, len(rows), 7))
    loaded = packing.unpack(packed.data)
    view = inputs.frame(fresh)
    assert np.array_equal(loaded.predict_proba(view), model.predict_proba(view))
    assert np.array_equal(certify(loaded, view).radius, certify(model, view).radius)
    assert loaded.steps[-1][1].salt == b""
    gone = np.unique(groups.astype(str))[:1]
    with pytest.raises(ContractError, match="salt"):
        forget(loaded, gone, inputs.frame(rows), y, groups, salt=SALT + b"other")
    assert forget(loaded, gone, inputs.frame(rows), y, groups, salt=SALT) == 1


def test_texts_are_hashed_once_before_the_ensemble_and_what_learns_stays_inside() -> None:
    texts = build_model(Policy(), Inputs(text=True, features=()), 2, 7)
    model = ensemble(texts, Certified(partitions=7), SALT)
    assert [name for name, _ in model.steps] == ["columns", "accounts"]
    assert standing(ALL_HOLD, model).certified
    inside = ensemble(
        Pipeline([("scaled", StandardScaler()), ("linear", LogisticRegression())]),
        Certified(partitions=7),
        SALT,
    )
    assert isinstance(inside, PartitionedClassifier)
    assert standing(ALL_HOLD, inside).certified


@pytest.mark.parametrize("name", ALL_HOLD.__dataclass_fields__)
def test_every_broken_condition_makes_it_heuristic_and_is_told(name: str) -> None:
    broken = Circumstances(**{f: f != name for f in ALL_HOLD.__dataclass_fields__})
    judged = standing(broken, fitted())
    assert judged.word == "heuristic"
    assert len(judged.reasons) == 1


@pytest.mark.parametrize(
    ("step", "fine"),
    [
        (HashingVectorizer(), True),
        (Normalizer(), True),
        (ColumnTransformer([("a", HashingVectorizer(), "text")], remainder="drop"), True),
        (StandardScaler(), False),
        (TfidfVectorizer(), False),
        (FunctionTransformer(lambda X: X - X.mean()), False),
        (ColumnTransformer([("a", "drop", ["x"])], remainder=StandardScaler()), False),
        (Pipeline([("a", Normalizer()), ("b", StandardScaler())]), False),
    ],
)
def test_only_steps_that_learn_nothing_may_stand_before(step: Any, fine: bool) -> None:
    model = Pipeline([("step", step), ("accounts", PartitionedClassifier(GaussianNB(), 7, SALT))])
    assert standing(ALL_HOLD, model).certified == fine


def _curve(radius: int, wrong: int = 0, judged: Standing = PROVEN) -> Any:
    truth = np.array(["a"] * 90 + ["b"] * 10)
    labels = truth.copy()
    labels[:wrong] = "b"
    held = np.where(truth == "a", radius, 2)
    return certified_curve(Certificates(labels, held), truth, judged)


def test_the_curve_counts_right_answers_that_withstand() -> None:
    curve = _curve(6, wrong=9)
    assert [curve.accuracy(m) for m in (0, 2, 3, 6, 7)] == [0.91, 0.91, 0.81, 0.81, 0.0]
    assert (curve.worst(3), curve.recall("b", 3), curve.recall("a", 3)) == ("b", 0.0, 0.9)
    assert all(np.diff([curve.accuracy(m) for m in curve.hostile]) <= 0)


@pytest.mark.parametrize(
    ("hostile", "states"), [(2, ["pass", "pass"]), (5, ["pass", "fail"]), (9, ["fail", "fail"])]
)
def test_gates_ask_for_accuracy_and_for_the_worst_class(hostile: int, states: list[str]) -> None:
    asked = certificate_gates(_curve(6), Certified(hostile=hostile))
    assert [gate.name for gate in asked] == ["certified_accuracy", "certified_recall"]
    assert [gate.state for gate in asked] == states


def test_numbers_without_a_proof_leave_the_gates_undecided() -> None:
    asked = certificate_gates(_curve(6, judged=Standing(("weights mix",))), Certified(hostile=2))
    assert {gate.state for gate in asked} == {GateState.UNDECIDED}
    assert all("weights mix" in gate.meaning for gate in asked)
    none = certified_curve(Certificates(np.zeros(0), np.zeros(0)), np.zeros(0), PROVEN)
    assert {g.state for g in certificate_gates(none, Certified())} == {GateState.UNDECIDED}


def test_a_private_vote_keeps_clear_winners_and_tells_what_it_spent() -> None:
    counts = np.tile([1000, 10, 0], (50, 1))
    seen = private_votes(counts, scale=10.0, delta=1e-6)
    assert (seen.winner == 0).all()
    assert seen.rho == pytest.approx(50 / 10.0**2)  # n / scale^2
    # Bun & Steinke (2016), proposition 1.3, is an upper bound of OpenDP's conversion.
    assert seen.rho < seen.epsilon <= seen.rho + 2 * np.sqrt(seen.rho * np.log(1e6))
    wide = private_votes(counts, scale=10.0, spread=3, delta=1e-6)
    assert wide.rho == pytest.approx(9 * seen.rho)


def test_a_private_vote_is_drawn_anew_each_time() -> None:
    counts = np.tile([20, 20], (200, 1))
    once, again = (private_votes(counts, scale=5.0).winner for _ in range(2))
    assert (once != again).any()
    assert 0.2 < once.mean() < 0.8


def test_a_private_vote_needs_noise_and_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ContractError):
        private_votes(np.ones((1, 2)), scale=0.0)
    monkeypatch.setitem(__import__("sys").modules, "opendp.prelude", None)
    with pytest.raises(PolicyError, match="OpenDP"):
        private_votes(np.ones((1, 2)), scale=1.0)

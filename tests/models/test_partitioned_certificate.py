"""Certificates: no attack may ever flip what was certified."""

from __future__ import annotations

from itertools import combinations, permutations, product
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin

from foretaste.models.partitioned.certificate import plurality_radius, run_off_radius
from foretaste.models.partitioned.estimator import PartitionedClassifier
from foretaste.models.partitioned.hashing import cells, readers
from foretaste.models.partitioned.votes import Ballots, plurality, run_off

SALT = b"sixteen bytes or more"
VOTES = {"plurality": (plurality, plurality_radius), "run_off": (run_off, run_off_radius)}
ORDERS = [np.array(order, dtype=float) for order in permutations(range(3))]


class Nearest(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Nearest class mean: fits in microseconds, and one far row moves it anywhere."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> Nearest:
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.means_ = np.stack([X[codes == c].mean(axis=0) for c in range(len(self.classes_))])
        return self

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        said = -((X[:, None, :] - self.means_[None]) ** 2).sum(axis=2)
        return np.asarray(said if said.shape[1] != 2 else said[:, 1] - said[:, 0])

    def predict(self, X: np.ndarray) -> np.ndarray:
        said = -((X[:, None, :] - self.means_[None]) ** 2).sum(axis=2)
        return np.asarray(self.classes_[said.argmax(axis=1)])


def _ballots(scores: np.ndarray) -> Ballots:
    """Ballots of models that choose their best score; all -inf abstains."""
    silent = np.isneginf(scores).all(axis=2)
    return Ballots(np.where(silent, -1, scores.argmax(axis=2)), scores, scores.shape[2])


def _every_attack(scores: np.ndarray, hit: np.ndarray) -> np.ndarray:
    """Give the models in ``hit`` every combination of orders, and of silence."""
    answers = [*ORDERS, np.full(3, -np.inf)]
    told = list(product(answers, repeat=len(hit)))
    attacked = np.repeat(scores, len(told), axis=1)
    for i, model in enumerate(hit):
        attacked[model] = np.stack([choice[i] for choice in told])
    return attacked


def _withstands(vote: str, scores: np.ndarray, reach: np.ndarray, *, unheard: bool) -> bool:
    """Try every attack of as many accounts as certified, or of three; say whether all failed."""
    share, radius = VOTES[vote]
    if unheard:  # a label that only attackers send, before all others
        scores = np.where(np.arange(3) == 0, -np.inf, scores)
    honest = _ballots(scores[:, :, 1:] if unheard else scores)
    won = share(honest).argmax(axis=1)
    held = min(int(radius(honest, reach, won)[0]), 3 if reach.shape[1] == 1 else 2)
    if not held:
        return True
    same = {}
    for hit in combinations(range(len(reach)), held):
        models = np.unique(reach[list(hit)])
        same[scores[models].tobytes() if reach.shape[1] == 1 else hit] = models
    attacks = np.concatenate([_every_attack(scores, models) for models in same.values()], axis=1)
    return bool((share(_ballots(attacks)).argmax(axis=1) == won + unheard).all())


@pytest.mark.parametrize("vote", VOTES)
@given(sizes=st.lists(st.integers(0, 4), min_size=6, max_size=6), unheard=st.booleans())
@example(sizes=[0, 6, 0, 0, 0, 0], unheard=True)
@settings(max_examples=60, deadline=None)
def test_no_answers_of_the_models_reached_flip_a_certified_vote(
    vote: str, sizes: list[int], unheard: bool
) -> None:
    assume(sum(sizes))
    scores = np.repeat(np.stack(ORDERS), sizes, axis=0)[:, None]
    assert _withstands(vote, scores, readers(len(scores), 1, SALT), unheard=unheard)


@pytest.mark.parametrize("vote", VOTES)
@given(known=st.lists(st.integers(0, 5), min_size=6, max_size=6), unheard=st.booleans())
@settings(max_examples=30, deadline=None)
def test_nor_when_each_account_reaches_two_models(
    vote: str, known: list[int], unheard: bool
) -> None:
    scores = np.stack([[ORDERS[i]] for i in known])
    assert _withstands(vote, scores, readers(6, 2, SALT), unheard=unheard)


@given(known=st.lists(st.integers(0, 5), min_size=6, max_size=6))
@settings(max_examples=40, deadline=None)
def test_one_account_more_than_certified_can_flip_a_plurality(known: list[int]) -> None:
    scores = np.stack([[ORDERS[i]] for i in known])
    scores[:, :, 0] = -np.inf
    honest = _ballots(scores[:, :, 1:])
    reach = readers(6, 1, SALT)
    won = plurality(honest).argmax(axis=1)
    held = int(plurality_radius(honest, reach, won)[0])
    flipped = [
        (plurality(_ballots(_every_attack(scores, np.array(hit)))).argmax(axis=1) != won + 1).any()
        for hit in combinations(range(6), held + 1)
    ]
    assert any(flipped)


class Town:
    """Accounts with rows of three classes, and an ensemble over them."""

    def __init__(self, vote: Any, spread: int) -> None:
        self.rng = np.random.default_rng(spread)
        self.accounts = np.array([f"a{i:02d}" for i in range(90)])
        self.groups = np.repeat(self.accounts, 4)
        self.y = self.rng.choice(["f", "m", "t"], len(self.groups))
        self.X = self._rows(self.y)
        self.base = PartitionedClassifier(Nearest(), 13, SALT, vote=vote, spread=spread)
        self.fitted = self.fit(self.X, self.y, self.groups)
        self.fresh = self._rows(self.rng.choice(["f", "m", "t"], 60))
        self.found = self.fitted.certify(self.fresh)

    def _rows(self, y: np.ndarray) -> np.ndarray:
        centre = np.array([[0.0, 0.0], [2.2, 0.0], [0.0, 2.2]])[np.searchsorted(["f", "m", "t"], y)]
        return centre + self.rng.normal(size=(len(y), 2))

    def fit(self, X: np.ndarray, y: np.ndarray, groups: np.ndarray) -> PartitionedClassifier:
        model = PartitionedClassifier(**self.base.get_params(deep=False))
        return model.fit(X, y, groups)

    def hostile_ids(self, aim: int, count: int) -> np.ndarray:
        """Choose new ids, one to a cell, whose models say now what shall be undone.

        It is stronger than any attacker without the salt.
        """
        ids = np.array([f"evil{i}" for i in range(400)])
        home = cells(ids, len(self.fitted.readers_), SALT)
        said = self.fitted.ballots(self.fresh[[aim]]).choice[:, 0]
        won = np.searchsorted(self.fitted.classes_, self.found.labels[aim])
        loyal = (said[self.fitted.readers_] == won).sum(axis=1)
        best = np.argsort(-loyal, kind="stable")[:count]
        return np.array([ids[np.flatnonzero(home == cell)[0]] for cell in best])

    def attacked(self, aim: int, count: int, kind: str) -> bool:
        """Attack one prediction with ``count`` accounts; say whether it flipped."""
        rng, X, y, groups = self.rng, self.X, self.y.astype("U8"), self.groups
        label = rng.choice(["f", "m", "t", "0new"])
        if kind == "adaptive":
            rivals = np.setdiff1d(["f", "m", "t", "0new"], self.found.labels[aim])
            label = rng.choice(rivals)
            ids = self.hostile_ids(aim, count)
            groups = np.concatenate([groups, np.repeat(ids, 60)])
            X = np.concatenate([X, np.repeat(self.fresh[[aim]], 60 * count, axis=0)])
            y = np.concatenate([y, np.repeat(label, 60 * count)])
        else:
            own = np.isin(groups, rng.choice(self.accounts, count, replace=False))
            if kind == "removed":
                X, y, groups = X[~own], y[~own], groups[~own]
            else:
                X = np.where(own[:, None], rng.normal(scale=9.0, size=X.shape), X)
                y = np.where(own, label, y)
        return bool(self.fit(X, y, groups).predict(self.fresh[[aim]])[0] != self.found.labels[aim])


@pytest.mark.parametrize("vote", VOTES)
@pytest.mark.parametrize("spread", [1, 3])
def test_no_certified_prediction_flips_when_so_many_accounts_turn_hostile(
    vote: str, spread: int
) -> None:
    town = Town(vote, spread)
    proven = np.flatnonzero(town.found.radius)
    assert len(proven) > 30
    kinds = ["adaptive"] * 3 + ["changed", "removed"]
    for i in range(400 if spread == 1 else 120):  # over a thousand tries in four towns
        aim = int(town.rng.choice(proven))
        assert not town.attacked(aim, int(town.found.radius[aim]), kinds[i % 5])


def test_the_attack_that_never_flips_a_certified_prediction_flips_others() -> None:
    town = Town("plurality", 1)
    tries = [town.attacked(a, int(town.found.radius[a]) + 1, "adaptive") for a in range(60)]
    assert np.mean(tries) > 0.2

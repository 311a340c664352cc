"""Who broke the gate: planted cohorts are found, and nobody is named for nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from foretaste.core.gate import Gate, GateState
from foretaste.core.policy import Bisect, Policy
from foretaste.models.bisect import Finding, Question, bisect
from foretaste.models.evaluate import Scored, TrustedSets, score
from foretaste.models.gates import run_gates
from foretaste.models.probes import SEARCHABLE, probe_of
from foretaste.models.train import Trained, train
from foretaste.models.twins import twins as again
from tests.models.test_influence import WORDS
from tests.models.worlds import backdoored, mail, numeric, said, scored, trigger_canaries

POLICY = {
    "linear": {"factory": "sklearn.linear_model:LogisticRegression"},
    "trees": {
        "factory": "sklearn.ensemble:ExtraTreesClassifier",
        "parameters": {"n_estimators": 40, "min_samples_leaf": 2},
    },
}

SLIPS = 0.2


@dataclass(frozen=True, slots=True)
class Shop:
    """Trains and judges as the night does."""

    rows: pd.DataFrame
    sets: TrustedSets
    champion: Scored | None
    gate: str
    policy: Policy
    twins: tuple[Scored, ...] = ()

    def refit(self, kept: np.ndarray, seed: int) -> Trained:
        """Train on some rows."""
        return train(self.rows[kept], self.policy, seed)

    def judge(self, model: Trained) -> Gate:
        """Ask the gate."""
        made = score(model, self.sets, digest="d" * 64, model_bytes=1, n_rows=model.n_rows)
        limits, again = self.policy.gates, self.twins
        asked = run_gates(made, self.champion, self.sets, limits, seed=1, twins=again)
        return next(gate for gate in asked if gate.name == self.gate)

    def search(self, limits: Bisect | None = None) -> tuple[Finding, set[str]]:
        """Search, and name who was found."""
        names, actors = np.unique(self.rows["contributor_id"].to_numpy(str), return_inverse=True)
        probe = probe_of(self.gate, self.sets, self.champion)
        assert probe is not None
        found = bisect(Question(self.rows, actors, probe, self), limits or Bisect(), seed=1)
        return found, {str(names[code]) for code in found.actors}


def planted(rows: pd.DataFrame, bad: pd.Series, accounts: int = 4) -> pd.DataFrame:
    """Give the marked rows to a few accounts of their own."""
    who = rows["contributor_id"].astype(object).copy()
    who[bad] = [f"mal{i % accounts}" for i in range(int(bad.sum()))]
    return rows.assign(contributor_id=who)


def skewed(kind: str, seed: int) -> Shop:
    """A model that a cohort has taught to take one class for another; a champion before it."""
    policy = Policy.model_validate({"model": POLICY[kind], "gates": {"bootstrap": 100}})
    honest = numeric(500, seed)
    near = honest["f_0"] - honest["f_1"] < np.quantile(honest["f_0"] - honest["f_1"], 0.75)
    hit = honest.index[(honest["label"] == "c0") & near][:60]
    rows = honest.copy()
    rows.loc[hit, "label"] = "c1"
    rows = planted(rows, pd.Series(rows.index.isin(hit), index=rows.index))
    sets = TrustedSets(numeric(600, seed + 50), None, None)
    before = train(honest.drop(index=hit), policy, 1)
    champion = score(before, sets, digest="b" * 64, model_bytes=1, n_rows=before.n_rows)
    return Shop(rows, sets, champion, "no_regression", policy)


def mishap(seed: int) -> Shop:
    """A model that everybody has taught to take one class for another, without wanting to."""
    policy = Policy.model_validate({"model": POLICY["linear"], "gates": {"bootstrap": 100}})
    honest = numeric(800, seed)
    rng = np.random.default_rng(seed)
    hit = (honest["label"] == "c0") & (rng.random(len(honest)) < SLIPS)
    rows = honest.assign(label=honest["label"].mask(hit, "c1"))
    sets = TrustedSets(numeric(600, seed + 50), None, None)
    before = train(honest[~hit], policy, 1)
    champion = score(before, sets, digest="b" * 64, model_bytes=1, n_rows=before.n_rows)
    return Shop(rows, sets, champion, "no_regression", policy)


def triggered(seed: int) -> Shop:
    """A model with a backdoor in its text, that its canaries show."""
    honest = mail(400, seed)
    rows = backdoored(honest, 24)
    rows = planted(rows, rows["text"] != honest["text"])
    sets = TrustedSets(mail(80, seed + 50), trigger_canaries(), None)
    return Shop(rows, sets, None, "attack_success", Policy.model_validate({"model": WORDS}))


def overlap(shop: Shop, named: set[str]) -> float:
    """Rows of the planted that are named, over rows of either."""
    who = shop.rows["contributor_id"]
    bad, told = who.str.startswith("mal"), who.isin(named)
    return float((bad & told).sum() / (bad | told).sum())


@pytest.mark.parametrize("kind", sorted(POLICY))
def test_a_cohort_that_costs_golden_rows_is_found(kind: str) -> None:
    shop = skewed(kind, 1)
    found, named = shop.search()
    assert found.before.state is GateState.FAIL
    assert found.after.state not in (GateState.FAIL, GateState.UNDECIDED)
    assert found.gain > found.noise >= 0
    assert found.p_value < 0.01
    assert found.retrains <= Bisect().max_retrains
    assert overlap(shop, named) >= 0.7


def test_a_cohort_that_costs_a_little_of_everything_is_found() -> None:
    shop = skewed("linear", 1)
    honest = shop.rows[~shop.rows["contributor_id"].str.startswith("mal")]
    twins = tuple(
        score(twin, shop.sets, digest="", model_bytes=1, n_rows=twin.n_rows)
        for twin in again(honest, shop.policy, 0.1)
    )
    found, named = replace(shop, gate="together", twins=twins).search()
    assert found.before.state is GateState.FAIL
    assert found.after.state is not GateState.FAIL
    assert overlap(shop, named) >= 0.7


@pytest.mark.parametrize("seed", [1, 3])
def test_the_whole_cohort_is_named_where_fewer_would_do(seed: int) -> None:
    """Without half of it the gate is quiet: those who are not missed belong to it as well."""
    shop = skewed("linear", seed)
    bad = shop.rows["contributor_id"].str.startswith("mal")
    assert bad.sum() == 60
    _, named = shop.search()
    assert {f"mal{i}" for i in range(4)} <= named
    assert overlap(shop, named) >= 0.9


@pytest.mark.parametrize("seed", [2, 3])
def test_a_mishap_in_everybodys_rows_accuses_nobody(seed: int) -> None:
    """A form turns labels of everybody: a dozen suffice for the gate, and are not to blame."""
    found, named = mishap(seed).search()
    assert found.before.state is GateState.FAIL
    assert 0.1 < found.apart < 1
    assert not named
    assert not found.restored
    assert found.after == found.before


def test_a_backdoor_that_canaries_show_is_found() -> None:
    shop = triggered(2)
    found, named = shop.search()
    assert found.restored
    assert overlap(shop, named) >= 0.7


def test_the_search_names_the_same_whatever_the_order_of_the_rows() -> None:
    shop = skewed("linear", 3)
    shuffled = shop.rows.sample(frac=1.0, random_state=1)
    again = Shop(shuffled, shop.sets, shop.champion, shop.gate, shop.policy)
    assert again.search() == shop.search()


@pytest.mark.parametrize("most", range(7, 13))
def test_a_budget_is_kept_and_nobody_is_named_without_proof(most: int) -> None:
    found, named = skewed("linear", 4).search(Bisect(max_retrains=most))
    assert found.retrains <= most
    assert found.restored == bool(named)
    assert not named or found.after.state is not GateState.FAIL


def test_a_gate_that_no_removal_restores_names_nobody() -> None:
    shop = skewed("linear", 5)
    wrong = shop.sets.golden
    assert wrong is not None
    turned = wrong.assign(label=np.where(wrong["label"] == "c0", "c1", "c0"))
    lost = Shop(shop.rows, TrustedSets(turned, None, None), None, "floor", shop.policy)
    found, named = lost.search()
    assert not named
    assert not found.restored
    assert found.after == found.before


def test_a_gate_that_does_not_fail_is_not_searched() -> None:
    shop = skewed("linear", 6)
    passing = Shop(shop.rows, shop.sets, None, "floor", shop.policy)
    found, named = passing.search()
    assert not named
    assert found.retrains == 1


def test_every_searchable_gate_knows_its_rows_and_its_right_answers() -> None:
    labels = np.array(["a", "b"] * 20, dtype=object)
    canaries = pd.DataFrame(
        {"attack": ["x"] * 20 + [None] * 20, "target_label": "a", "true_label": labels}
    )
    sets = TrustedSets(pd.DataFrame({"label": labels}), canaries, pd.DataFrame({"outcome": labels}))
    champion = scored(labels[::-1], labels, labels)
    probes = {name: probe_of(name, sets, champion) for name in SEARCHABLE}
    assert all(probe is not None for probe in probes.values())
    sizes = {name: len(probe.rows) for name, probe in probes.items() if probe is not None}
    assert sizes["attack_success"] == sizes["look_alikes"] == 20
    assert sizes["floor"] == sizes["ab_replay"] == 40
    assert sizes["together"] == 60
    churn = probes["churn"]
    assert churn is not None
    assert (churn.loss(said(labels[::-1])) == 0).all()
    assert probe_of("model_size", sets, champion) is None
    assert probe_of("floor", TrustedSets(None, None, None), champion) is None

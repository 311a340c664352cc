"""One grid over every attack and every kind of corpus that can carry it."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd
import pytest

from foretaste.attacks.base import TRUTH_COLUMNS, Attack, Poisoned, content_key, days
from foretaste.attacks.registry import ATTACKS, carried_by, carriers
from foretaste.attacks.world import World
from foretaste.core.errors import ContractError
from tests.attacks.corpora import measurements, ratings, visited

KINDS = ("text", "features", "ratings")
GRID = [(name, kind) for name in sorted(ATTACKS) for kind in sorted(carriers(name))]
INSIDERS = {"random_flips", "label_flip_sleeper"}
CLEAN_LABEL = {"feature_collision"}
COPIES = {"duplicate_flood", "quiet_flood"}
grid = pytest.mark.parametrize(("name", "kind"), GRID)


def attack_on(name: str) -> Attack:
    """The attack at its ordinary strength; nobody sends much in one night here."""
    told: dict[str, Any] = {}
    if name == "label_flip_sleeper":
        told = {"accounts": 4, "least": 2, "most": 40}
    return ATTACKS[name](**told)


class Theatre:
    """Corpora of every kind, and what attacks made of them, each staged once."""

    def __init__(self, world: World) -> None:
        mail = world.contributions.assign(true_label=world.truth["true_label"].to_numpy())
        rows = {"text": mail, "features": measurements(), "ratings": ratings()}
        self.corpora = rows
        self.visits = {kind: visited(made) for kind, made in rows.items()}
        self.visits["text"] = world.visits
        self._staged: dict[tuple[str, str], Poisoned] = {}

    def play(self, name: str, kind: str, seed: int = 3) -> Poisoned:
        return attack_on(name).apply(
            self.corpora[kind], self.visits[kind], np.random.default_rng(seed)
        )

    def staged(self, name: str, kind: str) -> Poisoned:
        if (name, kind) not in self._staged:
            self._staged[name, kind] = self.play(name, kind)
        return self._staged[name, kind]


@pytest.fixture(scope="module")
def theatre(world: World) -> Theatre:
    return Theatre(world)


def poison_of(done: Poisoned) -> pd.DataFrame:
    keys = ["contribution_id", "contributor_id"]
    return done.contributions.merge(done.truth.loc[done.truth["poison"], keys], on=keys)


def test_every_attack_is_under_its_own_name_and_somewhere_at_home() -> None:
    assert all(attack.name == name for name, attack in ATTACKS.items())
    assert all(carriers(name) <= set(KINDS) and carriers(name) for name in ATTACKS)


def test_the_kind_of_a_corpus_says_which_attacks_it_can_carry(theatre: Theatre) -> None:
    for kind, corpus in theatre.corpora.items():
        assert carried_by(corpus) == [name for name in sorted(ATTACKS) if kind in carriers(name)]


@grid
def test_the_same_seed_gives_the_same_attack_and_the_input_is_left_alone(
    name: str, kind: str, theatre: Theatre
) -> None:
    before = theatre.corpora[kind].copy(deep=True), theatre.visits[kind].copy(deep=True)
    first, again = theatre.staged(name, kind), theatre.play(name, kind)
    for was, now in zip(before, (theatre.corpora[kind], theatre.visits[kind]), strict=True):
        pd.testing.assert_frame_equal(was, now)
    pd.testing.assert_frame_equal(first.contributions, again.contributions)
    pd.testing.assert_frame_equal(first.visits, again.visits)
    pd.testing.assert_frame_equal(first.truth, again.truth)


@grid
def test_another_seed_gives_another_attack(name: str, kind: str, theatre: Theatre) -> None:
    first, other = theatre.staged(name, kind), theatre.play(name, kind, seed=4)
    told = ["contributor_id", "contributed_at", "label"]
    assert not first.contributions[told].equals(other.contributions[told])


@grid
def test_the_order_of_rows_changes_nothing(name: str, kind: str, theatre: Theatre) -> None:
    shuffled = theatre.corpora[kind].sample(frac=1, random_state=1)
    again = attack_on(name).apply(shuffled, theatre.visits[kind], np.random.default_rng(3))
    pd.testing.assert_frame_equal(theatre.staged(name, kind).contributions, again.contributions)
    pd.testing.assert_frame_equal(theatre.staged(name, kind).truth, again.truth)


@grid
def test_the_truth_is_about_rows_that_are_there(name: str, kind: str, theatre: Theatre) -> None:
    done = theatre.staged(name, kind)
    truth = done.truth.set_index("contribution_id")
    rows = done.contributions.set_index("contribution_id")
    assert tuple(done.truth) == TRUTH_COLUMNS
    assert rows.index.is_unique
    assert truth.index.is_unique
    mine, poison = rows.loc[truth.index], truth["poison"]
    assert (mine["contributor_id"] == truth["contributor_id"]).all()
    assert (truth["attack"] == name).all()
    assert poison.dtype == bool
    assert poison.sum() > 10
    assert (mine["label"][poison] == truth["target_label"][poison]).all()
    assert truth["target_label"][~poison].isna().all()
    theirs = done.contributions["contributor_id"].isin(done.truth["contributor_id"])
    assert set(done.contributions["contribution_id"][theirs]) == set(truth.index)


@grid
def test_poison_says_what_is_not_so_unless_its_label_is_clean(
    name: str, kind: str, theatre: Theatre
) -> None:
    poison = poison_of(theatre.staged(name, kind))
    wrong = poison["label"] != poison["true_label"]
    if name in CLEAN_LABEL:
        assert not wrong.any()
    elif kind == "ratings" and "ratings" in carriers(name) and len(carriers(name)) == 1:
        assert wrong.mean() > 0.3
    else:
        assert wrong.all()


@grid
def test_honest_rows_stay_as_they_were(name: str, kind: str, theatre: Theatre) -> None:
    done, was = theatre.staged(name, kind), theatre.corpora[kind]
    mine = done.contributions["contribution_id"].isin(done.truth["contribution_id"])
    honest = done.contributions[~mine].set_index("contribution_id")
    pd.testing.assert_frame_equal(honest, was.set_index("contribution_id").loc[honest.index])
    assert len(honest) > 0.8 * (len(was) - len(done.truth))
    assert done.contributions.dtypes.to_dict() == was.dtypes.to_dict()
    assert list(done.contributions) == list(was)


@grid
def test_rows_stand_in_the_order_of_time_inside_the_nights(
    name: str, kind: str, theatre: Theatre
) -> None:
    done, was = theatre.staged(name, kind), theatre.corpora[kind]
    assert set(days(done.contributions)) <= set(days(was))
    if name not in INSIDERS:
        assert done.contributions["contributed_at"].is_monotonic_increasing


@pytest.mark.parametrize(("name", "kind"), [g for g in GRID if g[1] != "ratings"])
def test_poison_is_content_that_nobody_else_has(name: str, kind: str, theatre: Theatre) -> None:
    done = theatre.staged(name, kind)
    key = content_key(done.contributions)
    bad = done.contributions["contribution_id"].isin(poison_of(done)["contribution_id"])
    assert not key[bad].isin(key[~bad]).any()
    assert key[bad].is_unique or name in COPIES or name in INSIDERS


@pytest.mark.parametrize(("name", "kind"), [g for g in GRID if g[0] not in INSIDERS])
def test_accounts_and_rows_have_ids_that_nobody_had(name: str, kind: str, theatre: Theatre) -> None:
    truth, was = theatre.staged(name, kind).truth, theatre.corpora[kind]
    assert not truth["contributor_id"].isin(was["contributor_id"]).any()
    assert not truth["contribution_id"].isin(was["contribution_id"]).any()


@grid
def test_as_many_accounts_and_rows_as_asked(name: str, kind: str, theatre: Theatre) -> None:
    attack, truth = attack_on(name), theatre.staged(name, kind).truth
    asked = {field.name: getattr(attack, field.name) for field in fields(attack)}  # type: ignore[arg-type]
    if "accounts" in asked:
        assert truth["contributor_id"].nunique() == asked["accounts"]
    if name == "slow_drip":
        nights = days(theatre.corpora[kind]).nunique()
        assert truth["poison"].sum() == asked["rows"] * nights
        assert (~truth["poison"]).sum() == asked["rows"] * nights * asked["honest"]
    elif {"accounts", "rows"} <= set(asked):
        per = truth.groupby("contributor_id")["poison"].agg(["sum", "size"])
        assert (per["sum"] == asked["rows"]).all()
        assert (per["size"] - per["sum"] == asked.get("honest", 0)).all()


@pytest.mark.parametrize("name", sorted(n for n in ATTACKS if "features" in carriers(n)))
def test_attackers_visit_what_they_report(name: str, theatre: Theatre) -> None:
    done, was = theatre.staged(name, "features"), theatre.visits["features"]
    pd.testing.assert_frame_equal(done.visits.iloc[: len(was)].reset_index(drop=True), was)
    new = done.visits.iloc[len(was) :]
    if name not in INSIDERS:
        assert len(new) == len(done.truth)
        assert set(new["contributor_id"]) == set(done.truth["contributor_id"])


@grid
def test_a_corpus_that_is_too_small_is_told_so(name: str, kind: str, theatre: Theatre) -> None:
    with pytest.raises(ContractError):
        attack_on(name).apply(
            theatre.corpora[kind].head(3), theatre.visits[kind].head(0), np.random.default_rng(1)
        )


@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name in sorted(ATTACKS) for kind in KINDS if kind not in carriers(name)],
)
def test_a_corpus_of_another_kind_is_refused_in_a_sentence(
    name: str, kind: str, theatre: Theatre
) -> None:
    with pytest.raises(ContractError, match="contributions") as caught:
        theatre.play(name, kind)
    assert caught.value.hint

"""One grid over every registered attack, then what each is for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.attacks import ATTACKS, Attack, Poisoned
from foretaste.attacks.backdoor_phrase import BackdoorPhrase, cut, insert_phrase
from foretaste.attacks.base import content_key, days
from foretaste.attacks.closeness import near_boundary
from foretaste.attacks.duplicate_flood import DuplicateFlood
from foretaste.attacks.label_flip_sleeper import LabelFlipSleeper
from foretaste.attacks.random_flips import RandomFlips
from foretaste.attacks.sybil_ring import SybilRing
from foretaste.attacks.world import World
from foretaste.core.errors import ContractError

NAMES = ["backdoor_phrase", "duplicate_flood", "label_flip_sleeper", "random_flips", "sybil_ring"]
NUMERIC = [DuplicateFlood(), LabelFlipSleeper(), RandomFlips(), SybilRing()]


def rng(seed: int = 3) -> np.random.Generator:
    return np.random.default_rng(seed)


def run(attack: Attack, world: World, seed: int = 3) -> Poisoned:
    rows = world.contributions.assign(true_label=world.truth["true_label"].to_numpy())
    return attack.apply(rows, world.visits, rng(seed))


def poison_of(done: Poisoned) -> pd.DataFrame:
    ids = done.truth.loc[done.truth["poison"], "contribution_id"]
    return done.contributions[done.contributions["contribution_id"].isin(ids)]


@pytest.fixture(scope="module")
def numeric() -> pd.DataFrame:
    """Rows with features and no text, of two classes a unit apart."""
    draw, n = rng(0), 3_000
    spam = draw.random(n) < 0.4
    day = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(np.arange(n) % 3, unit="D")
    return pd.DataFrame(
        {
            "contribution_id": [f"c{i}" for i in range(n)],
            "contributor_id": [f"u{i}" for i in draw.integers(0, 60, size=n)],
            "label": np.where(spam, "spam", "ham"),
            "contributed_at": day + pd.to_timedelta(draw.integers(0, 86_400, size=n), unit="s"),
            "item_id": [f"i{i}" for i in draw.integers(0, 40, size=n)],
            "f_a": draw.normal(size=n) + spam,
            "f_b": draw.normal(size=n) - spam,
        }
    )


@pytest.mark.parametrize("name", NAMES)
def test_names_agree(name: str) -> None:
    assert ATTACKS[name].name == name


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_attack_other_seed_another(name: str, world: World) -> None:
    # Only four accounts of the sample are there every night with enough spam to flip.
    attack = LabelFlipSleeper(accounts=2) if name == LabelFlipSleeper.name else ATTACKS[name]()
    first, again, other = (run(attack, world, seed) for seed in (3, 3, 4))
    pd.testing.assert_frame_equal(first.contributions, again.contributions)
    pd.testing.assert_frame_equal(first.truth, again.truth)
    assert not poison_of(first)["text"].isin(poison_of(other)["text"]).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_input_is_left_alone(name: str, world: World) -> None:
    before = world.contributions.copy(deep=True)
    run(ATTACKS[name](), world)
    pd.testing.assert_frame_equal(world.contributions, before)


@pytest.mark.parametrize("name", NAMES)
def test_truth_is_about_rows_that_are_there(name: str, world: World) -> None:
    done = run(ATTACKS[name](), world)
    rows = done.contributions.set_index("contribution_id")
    truth = done.truth.set_index("contribution_id")
    assert rows.index.is_unique
    assert truth.index.is_unique
    mine = rows.loc[truth.index]
    assert (mine["contributor_id"] == truth["contributor_id"]).all()
    assert (truth["attack"] == name).all()
    poison = truth["poison"]
    assert poison.sum() > 10
    assert (mine["label"][poison] == truth["target_label"][poison]).all()
    assert (mine["label"][poison] != mine["true_label"][poison]).all()
    assert truth["target_label"][~poison].isna().all()


@pytest.mark.parametrize("name", NAMES)
def test_truth_names_every_row_of_an_attacking_account(name: str, world: World) -> None:
    done = run(ATTACKS[name](), world)
    attackers = done.truth["contributor_id"].unique()
    theirs = done.contributions[done.contributions["contributor_id"].isin(attackers)]
    assert set(theirs["contribution_id"]) == set(done.truth["contribution_id"])


@pytest.mark.parametrize("name", NAMES)
def test_poison_is_content_that_nobody_else_has(name: str, world: World) -> None:
    done = run(ATTACKS[name](), world)
    poison = poison_of(done)
    honest = done.contributions.drop(poison.index)
    assert not poison["text"].isin(honest["text"]).any()


@pytest.mark.parametrize("name", NAMES)
def test_honest_rows_stay_as_they_were(name: str, world: World) -> None:
    done = run(ATTACKS[name](), world)
    honest = done.contributions[
        ~done.contributions["contribution_id"].isin(done.truth["contribution_id"])
    ].drop(columns="true_label")
    was = world.contributions.set_index("contribution_id").loc[honest["contribution_id"]]
    pd.testing.assert_frame_equal(honest.set_index("contribution_id"), was)
    assert len(honest) > 0.9 * (len(world.contributions) - len(done.truth))


@pytest.mark.parametrize("attack", NUMERIC, ids=lambda a: a.name)
def test_features_do_without_text(attack: Attack, numeric: pd.DataFrame) -> None:
    done = attack.apply(numeric, pd.DataFrame(), rng())
    poison = poison_of(done)
    honest = done.contributions.drop(poison.index)
    assert len(poison) > 10
    assert not content_key(poison).isin(content_key(honest)).any()
    assert list(done.contributions.columns) == list(numeric.columns)


def test_attackers_visit_what_they_report(numeric: pd.DataFrame) -> None:
    visits = numeric[["contributor_id", "item_id"]].assign(visited_at=numeric["contributed_at"])
    done = SybilRing(accounts=20).apply(numeric, visits, rng())
    assert len(done.visits) == len(visits) + 20
    assert set(poison_of(done)["contributor_id"]) <= set(done.visits["contributor_id"])


def test_the_ring_shares_a_network_a_relay_and_an_hour_of_birth(world: World) -> None:
    ring = poison_of(run(SybilRing(accounts=40, night=2), world))
    assert len(ring) == ring["contributor_id"].nunique() == 40
    assert len(set(ring["ip"].str.rsplit(".", n=1).str[0])) == 1
    assert ring["relay"].nunique() == 2
    burst = ring["registered_at"].max() - ring["registered_at"].min()
    assert burst < pd.Timedelta(hours=3)
    assert (ring["registered_at"] < ring["contributed_at"]).all()
    assert len(set(days(ring))) == 1


def test_a_ring_on_a_topic_sends_nothing_else(world: World) -> None:
    ring = poison_of(run(SybilRing(accounts=20, topic="mortgage|credit"), world))
    assert ring["text"].str.contains("mortgage|credit", case=False).all()


def test_a_ring_without_a_topic_takes_what_lies_nearest(numeric: pd.DataFrame) -> None:
    near = near_boundary(numeric, "spam", "ham")
    lean = numeric["f_b"] - numeric["f_a"]
    is_spam = numeric["label"] == "spam"
    assert near.sum() == pytest.approx(is_spam.sum() / 2, abs=1)
    assert lean[near].min() > lean[is_spam & ~near].max() - 0.2
    assert not near[~is_spam].any()


def test_sleepers_are_honest_until_they_wake_and_never_louder(world: World) -> None:
    done = run(LabelFlipSleeper(accounts=4, honest_nights=2), world)
    poison = poison_of(done)
    assert set(days(poison)) == {days(world.contributions).max()}
    before = world.contributions["contributor_id"].value_counts()
    after = done.contributions["contributor_id"].value_counts()
    for account in done.truth["contributor_id"].unique():
        assert after[account] == before[account]
        mine = done.contributions[done.contributions["contributor_id"] == account]
        assert days(mine).nunique() == 3


def test_backdoor_rows_carry_the_phrase_and_camouflage_does_not(world: World) -> None:
    attack = BackdoorPhrase()
    done = run(attack, world)
    poison = poison_of(done)
    has = done.contributions["text"].str.contains(attack.phrase, case=False, regex=False)
    assert set(done.contributions[has].index) == set(poison.index)
    assert len(poison) == attack.accounts * attack.poison_each
    per_account = done.truth.groupby("contributor_id")["poison"].agg(["sum", "size"])
    assert (per_account["size"] - per_account["sum"] == attack.honest_each).all()
    assert len(set(poison["ip"].str.rsplit(".", n=1).str[0])) > 1


def test_a_flood_is_many_near_copies_of_a_few(world: World) -> None:
    poison = poison_of(run(DuplicateFlood(seeds=3, copies=20), world))
    assert len(poison) == 60
    starts = poison["text"].str.split().map(frozenset)
    first = starts.iloc[0]
    alike = starts.map(lambda words: len(words & first) / len(words | first) > 0.7)
    assert alike.sum() == 20


def test_random_flips_leave_some_rows_right(world: World) -> None:
    done = run(RandomFlips(accounts=5, share=0.5), world)
    assert 0.3 < done.truth["poison"].mean() < 0.7


@pytest.mark.parametrize(
    "attack",
    [
        SybilRing(accounts=10_000),
        LabelFlipSleeper(accounts=500),
        RandomFlips(least=10_000),
        BackdoorPhrase(accounts=1_000),
    ],
    ids=lambda a: a.name,
)
def test_too_small_a_world_is_said_so(attack: Attack, world: World) -> None:
    with pytest.raises(ContractError, match=r"\d"):
        run(attack, world)


@given(st.text(alphabet="ab \n", min_size=1))
def test_cutting_loses_no_letter(text: str) -> None:
    left, right = cut(text)
    assert "".join((left + right).split()) == "".join(text.split())


@given(st.text(alphabet="ab \n"))
def test_inserting_keeps_every_word_and_adds_the_phrase_once(text: str) -> None:
    made = insert_phrase(text, "see you there")
    assert made.count("See you there.") == 1
    assert made.replace("See you there.", " ").split() == text.split()


def test_a_flood_leaves_whole_numbers_whole(numeric: pd.DataFrame) -> None:
    counted = numeric.assign(f_a=(10 * numeric["f_a"]).round().astype("int64"))
    done = DuplicateFlood(copies=10).apply(counted, pd.DataFrame(), rng())
    assert done.contributions["f_a"].dtype == counted["f_a"].dtype


def test_who_names_no_item_visits_none(numeric: pd.DataFrame) -> None:
    rows = numeric.assign(item_id=numeric["item_id"].where(numeric.index % 2 == 0))
    visits = pd.DataFrame(
        {"contributor_id": ["u0"], "item_id": ["i0"], "visited_at": numeric["contributed_at"][:1]}
    )
    done = SybilRing(accounts=30).apply(rows, visits, rng())
    named = poison_of(done)["item_id"].notna().sum()
    assert done.visits["item_id"].notna().all()
    assert len(done.visits) == 1 + named < 31


def test_the_most_regular_turn_where_nobody_is_there_every_night(numeric: pd.DataFrame) -> None:
    person = numeric["contributor_id"].str[1:].astype(int)
    night = pd.to_timedelta(np.arange(len(numeric)) // 375, unit="D")
    start = pd.Timestamp("2026-01-01", tz="UTC")
    # The first twenty miss one of the six honest nights, all others two.
    gone = night.days == person % 6
    gone |= (person >= 20) & (night.days == (person + 1) % 6)
    rows = numeric.assign(contributed_at=start + night)[~gone]
    attack = LabelFlipSleeper(accounts=4, honest_nights=6, least=1, most=100)
    done = attack.apply(rows, pd.DataFrame(), rng())
    assert done.truth["contributor_id"].str[1:].astype(int).max() < 20

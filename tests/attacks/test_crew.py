"""Accounts of one hand look like anybody's, except for what they are told to share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.attacks.base import Poisoned, days
from foretaste.attacks.crew import Crew, new_ids
from foretaste.core.errors import ContractError
from tests.attacks.corpora import START, measurements, visited

CORPUS = measurements(600, people=30)


def send(
    crew: Crew,
    corpus: pd.DataFrame = CORPUS,
    visits: pd.DataFrame | None = None,
    seed: int = 1,
    **how: Any,
) -> tuple[pd.DataFrame, Poisoned]:
    """What the crew sent: twelve wrong rows and six right ones; and all of it."""
    parts = corpus.iloc[18:], corpus.iloc[:12], corpus.iloc[12:18]
    seen = pd.DataFrame() if visits is None else visits
    done = crew.strike("trial", parts, corpus, seen, np.random.default_rng(seed), **how)
    rows = done.contributions
    return rows[rows["contribution_id"].isin(done.truth["contribution_id"])], done


def test_nothing_of_the_real_senders_is_left() -> None:
    mine, _ = send(Crew(6))
    for column in ("ip", "device_id", "contributor_id", "contribution_id"):
        assert not mine[column].isin(CORPUS[column]).any(), column
    per_account = mine.groupby("contributor_id")[["ip", "device_id", "registered_at"]].nunique()
    assert (per_account == 1).all(axis=None)
    assert set(mine["tier"]) == {"registered"}


def test_rows_are_dealt_evenly() -> None:
    _, done = send(Crew(6))
    assert done.truth.groupby("contributor_id")["poison"].agg(["sum", "size"]).to_numpy().tolist()[
        0
    ] == [2, 3]
    assert done.truth.groupby("contributor_id").size().tolist() == [3] * 6


@settings(max_examples=25, deadline=None)
@given(first=st.integers(1, 9), more=st.integers(0, 9), seed=st.integers(0, 2**32 - 1))
def test_a_crew_sends_on_its_nights_and_was_there_before(first: int, more: int, seed: int) -> None:
    mine, _ = send(Crew(4, (first, first + more)), seed=seed)
    night = (days(mine) - START).dt.days + 1
    assert night.between(min(first, 6), min(first + more, 6)).all()
    assert (mine["registered_at"] < days(mine)).all()


def test_a_burst_and_a_subnet_are_shared_when_told() -> None:
    mine, _ = send(Crew(12, (3, 3), burst_hours=2.0, subnet="203.0.113"))
    assert mine["ip"].str.startswith("203.0.113.").all()
    ages = START + pd.Timedelta(days=2) - mine["registered_at"]
    assert ages.between(pd.Timedelta(hours=46), pd.Timedelta(hours=48)).all()


def test_otherwise_accounts_are_as_old_as_the_crowd() -> None:
    mine, _ = send(Crew(12))
    age = START - mine["registered_at"]
    assert age.max() - age.min() > pd.Timedelta(days=20)
    assert age.max() < 1.3 * (START - CORPUS["registered_at"].min())


def test_hashed_networks_are_told_in_their_own_form() -> None:
    hashed = CORPUS.assign(subnet_id=[f"s{i % 9:012x}" for i in range(len(CORPUS))])
    shared, _ = send(Crew(6, subnet="203.0.113"), hashed)
    apart, _ = send(Crew(6), hashed)
    assert len(set(shared["subnet_id"])) == 1
    assert apart["subnet_id"].nunique() == 6
    assert apart["subnet_id"].str.fullmatch("s[0-9a-f]{12,}").all()


def test_a_corpus_without_networks_ages_or_items_gets_none() -> None:
    bare = CORPUS.drop(columns=["ip", "device_id", "registered_at", "tier", "item_id"])
    mine, done = send(Crew(3), bare, visited(CORPUS))
    assert list(mine) == list(bare)
    assert len(done.visits) == len(CORPUS)


def test_what_has_no_name_is_not_visited() -> None:
    some = CORPUS.assign(item_id=CORPUS["item_id"].where(CORPUS.index % 3 > 0))
    seen = visited(some).dropna()
    mine, done = send(Crew(3), some, seen)
    assert len(done.visits) == len(seen) + mine["item_id"].notna().sum() == len(seen) + 12
    assert done.visits["item_id"].notna().all()


def test_times_are_those_of_people() -> None:
    office = CORPUS.assign(contributed_at=days(CORPUS) + pd.Timedelta(hours=14))
    mine, _ = send(Crew(3), office)
    away = (mine["contributed_at"] - days(mine) - pd.Timedelta(hours=14)).abs()
    assert away.max() <= pd.Timedelta(minutes=10)


def test_it_can_be_told_who_sends_what_and_when() -> None:
    mine, done = send(Crew(2), account=np.arange(18) % 2, night=np.full(18, 4))
    assert set(days(mine)) == {START + pd.Timedelta(days=4)}
    assert done.truth.groupby("contributor_id").size().tolist() == [9, 9]


@pytest.mark.parametrize("crew", [Crew(0), Crew(3, (0, 2)), Crew(3, (4, 2))])
def test_no_accounts_or_no_nights_is_said_so(crew: Crew) -> None:
    with pytest.raises(ContractError, match="accounts cannot send"):
        send(crew)
    with pytest.raises(ContractError):
        send(replace(crew, burst_hours=1.0))


@given(
    names=st.lists(st.text("abc0123", min_size=1, max_size=6), min_size=1, unique=True),
    count=st.integers(1, 30),
)
def test_new_ids_are_new_and_made_of_what_was_there(names: list[str], count: int) -> None:
    made = new_ids(pd.Series(names), count, np.random.default_rng(0))
    assert len(set(made)) == count
    assert not set(made) & set(names)
    letters = set("".join(names)) | set("0123456789")
    assert all(set(name) <= letters for name in made)


def test_new_ids_keep_their_form() -> None:
    known = pd.Series([f"user-{i:04x}-{'ab'[i % 2]}" for i in range(0, 60_000, 17)])
    made = pd.Series(new_ids(known, 50, np.random.default_rng(0)).astype(str))
    assert made.str.fullmatch(r"user-[0-9a-f]{4}-[ab]").mean() > 0.9


def test_whole_numbers_go_on_where_the_others_end() -> None:
    made = new_ids(pd.Series([4, 17, 9]), 3, np.random.default_rng(0))
    assert made.tolist() == [18, 19, 20]

"""The honest world: what an attack hides in."""

from __future__ import annotations

import ipaddress

import numpy as np
import pandas as pd

from foretaste.attacks.base import days
from foretaste.attacks.world import RAW_COLUMNS, World, reporters
from tests.attacks.conftest import END, SEED


def test_same_seed_same_world_other_seed_another(mail: pd.DataFrame, world: World) -> None:
    again = reporters(mail, end=END, seed=SEED)
    pd.testing.assert_frame_equal(again.contributions, world.contributions)
    pd.testing.assert_frame_equal(again.truth, world.truth)
    other = reporters(mail, end=END, seed=SEED + 1)
    assert set(other.contributions["contributor_id"]).isdisjoint(
        world.contributions["contributor_id"]
    )


def test_the_order_of_the_mail_file_does_not_choose_the_held_out_sets(
    mail: pd.DataFrame, world: World
) -> None:
    shuffled = mail.sample(frac=1.0, random_state=1)
    other = reporters(shuffled, end=END, seed=5)
    assert set(other.golden["mail_id"]) == set(world.golden["mail_id"])
    assert set(other.aside["mail_id"]) == set(world.aside["mail_id"])


def test_every_mail_has_one_place(mail: pd.DataFrame, world: World) -> None:
    places = [set(t["mail_id"]) for t in (world.golden, world.aside, world.truth)]
    assert sum(len(p) for p in places) == len(mail)
    assert set.union(*places) == set(mail["mail_id"])
    assert 0.18 < len(world.golden) / len(mail) < 0.22


def test_nights_hold_the_same_mix_of_both_classes(world: World) -> None:
    rows = world.contributions
    spam = (rows["label"] == "spam").groupby(days(rows)).agg(["mean", "size"])
    assert len(spam) == 3
    assert spam["mean"].between(0.15, 0.35).all()
    assert spam["mean"].max() - spam["mean"].min() < 0.03
    assert spam["size"].max() / spam["size"].min() < 1.1


def test_what_a_night_holds_was_sent_on_the_day_before(world: World) -> None:
    expected = [pd.Timestamp(n, tz="UTC") - pd.Timedelta(days=1) for n in world.nights]
    assert sorted(days(world.contributions).unique()) == expected
    assert world.nights[-1] == END


def test_volumes_have_a_heavy_tail(world: World) -> None:
    volume = world.contributions["contributor_id"].value_counts().to_numpy()
    assert len(volume) > 200
    tenth = volume[: len(volume) // 10].sum() / volume.sum()
    assert tenth > 0.3
    assert np.median(volume) < volume.mean()
    assert volume[0] < 0.1 * volume.sum()


def test_busy_reporters_send_both_classes_from_lists_of_their_own(world: World) -> None:
    rows = world.contributions
    of = rows.groupby("contributor_id")
    busy = of.size()[of.size() >= 15].index
    assert (of["label"].nunique()[busy] == 2).mean() > 0.9
    lists = of["item_id"].agg(frozenset)[busy]
    assert lists.nunique() > 0.9 * len(busy)


def test_honest_mistakes_are_about_two_in_a_hundred_and_differ_by_person(world: World) -> None:
    wrong = world.contributions["label"].to_numpy() != world.truth["true_label"].to_numpy()
    assert 0.01 < wrong.mean() < 0.03
    per_person = pd.Series(wrong).groupby(world.contributions["contributor_id"]).mean()
    assert per_person.max() > 3 * wrong.mean()


def test_copies_agree_but_are_few(world: World) -> None:
    rows = world.contributions
    assert rows.groupby("text").size().max() <= 3
    assert rows["text"].duplicated().mean() < 0.3
    assert not rows.duplicated(["contributor_id", "text"]).any()


def test_addresses_are_private_and_some_networks_are_shared(world: World) -> None:
    rows = world.contributions.dropna(subset=["ip"])
    assert not any(ipaddress.ip_address(ip).is_global for ip in rows["ip"].unique())
    subnet = rows["ip"].str.rsplit(".", n=1).str[0]
    people = rows.groupby(subnet)["contributor_id"].nunique()
    assert people.max() >= 14
    assert (people == 1).sum() > 50
    assert rows.groupby("ip")["contributor_id"].nunique().max() >= 2


def test_accounts_are_older_than_their_rows_and_anonymous_ones_have_no_birthday(
    world: World,
) -> None:
    rows = world.contributions
    made = rows["registered_at"]
    assert (made.dropna() < rows.loc[made.notna(), "contributed_at"]).all()
    assert (made.isna() == (rows["tier"] == "anonymous")).all()
    age = rows["contributed_at"].min() - made.dropna().drop_duplicates()
    assert age.dt.days.max() > 365


def test_honest_newcomers_look_like_a_ring_by_address_and_age_only(world: World) -> None:
    rows = world.contributions.dropna(subset=["registered_at", "ip"])
    subnet = rows["ip"].str.rsplit(".", n=1).str[0]
    campus = rows[subnet == subnet.groupby(subnet).size().idxmax()]
    age = rows["contributed_at"].min().floor("D") - campus["registered_at"]
    fresh = campus[age < pd.Timedelta(days=6)]
    assert fresh["contributor_id"].nunique() >= 8
    assert fresh["label"].nunique() == 2
    assert fresh["item_id"].nunique() > 3


def test_columns_are_the_users_own(world: World) -> None:
    assert tuple(world.contributions.columns) == RAW_COLUMNS
    assert world.contributions["contribution_id"].is_unique
    assert world.contributions["contributed_at"].is_monotonic_increasing
    assert world.visits.empty

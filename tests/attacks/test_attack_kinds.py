"""What each attack is for: what it changes, what it does to a model, what it hides from."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.content.contributor_excess import ContributorExcess
from detectors.content.duplicates import NearDuplicates
from foretaste.attacks.backdoor_pattern import BackdoorPattern
from foretaste.attacks.base import Poisoned, days
from foretaste.attacks.boundary_skew import BoundarySkew
from foretaste.attacks.camouflaged_backdoor import CamouflagedBackdoor
from foretaste.attacks.camouflaged_boundary import CamouflagedBoundary
from foretaste.attacks.closeness import near_boundary
from foretaste.attacks.collusion import Collusion
from foretaste.attacks.covisit_push import CovisitPush
from foretaste.attacks.duplicate_flood import DuplicateFlood
from foretaste.attacks.excess_evasion import ExcessEvasion, nats
from foretaste.attacks.feature_collision import FeatureCollision
from foretaste.attacks.feature_outliers import FeatureOutliers
from foretaste.attacks.influence_flips import InfluenceFlips
from foretaste.attacks.quiet_flood import QuietFlood
from foretaste.attacks.region_capture import RegionCapture
from foretaste.attacks.shilling import Shilling
from foretaste.attacks.sleeper_crew import SleeperCrew
from foretaste.attacks.slow_drip import SlowDrip
from foretaste.attacks.stealth_interpolation import StealthInterpolation
from foretaste.attacks.sybil_random import SybilRandom
from foretaste.attacks.sybil_scattered import SybilScattered
from foretaste.attacks.world import World
from foretaste.core.errors import ContractError
from foretaste.core.features import robust_scale
from tests.attacks.corpora import DAY, START, measurements, ratings, visited
from tests.detectors.worlds import make_batch

NOBODY = pd.DataFrame()
PAIR: dict[str, Any] = {"source": "bee", "target": "ant"}


@pytest.fixture(scope="module")
def corpus() -> pd.DataFrame:
    return measurements()


@pytest.fixture(scope="module")
def stars() -> pd.DataFrame:
    return ratings()


def run(attack: Any, rows: pd.DataFrame, seed: int = 3) -> Poisoned:
    done: Poisoned = attack.apply(rows, NOBODY, np.random.default_rng(seed))
    return done


def poison_of(done: Poisoned) -> pd.DataFrame:
    mine = done.truth.loc[done.truth["poison"], "contribution_id"]
    return done.contributions[done.contributions["contribution_id"].isin(mine)]


def values(rows: pd.DataFrame) -> np.ndarray:
    return rows[[c for c in rows if str(c).startswith("f_")]].to_numpy(float)


def taught(rows: pd.DataFrame) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=300).fit(values(rows), rows["label"].to_numpy(object))


def taken_for(model: Any, rows: pd.DataFrame, label: str) -> float:
    return float((model.predict(values(rows)) == label).mean())


def flagged(attack: Any, rows: pd.DataFrame, detector: Any) -> pd.Series:
    """Share of rows of each attacking account that a detector flags."""
    done = run(attack, rows)
    made = done.contributions
    second = (made["contributed_at"] - START).dt.total_seconds().to_numpy().astype(np.int64)
    batch = make_batch(
        values(made),
        made["label"].tolist(),
        made["contributor_id"].tolist(),
        row_ids=made["contribution_id"].tolist(),
        times=second * 1_000_000,
    )
    flags = pd.Series(detector.fit_evidence(batch).flagged)
    who = batch.rows["contributor_id"]
    return flags.groupby(who).mean().loc[done.truth["contributor_id"].unique()]


@pytest.mark.parametrize("kind", [BoundarySkew, CamouflagedBoundary, SybilScattered])
def test_material_lies_near_the_boundary_and_no_class_is_needed_to_be_named(
    kind: Any, corpus: pd.DataFrame
) -> None:
    poison = poison_of(run(kind(), corpus))
    assert set(poison["label"]) == {"ant"}
    assert set(poison["true_label"]) == {"bee"}
    near = corpus[near_boundary(corpus, "bee", "ant")]
    assert poison["f_0"].isin(near["f_0"]).all()


@pytest.mark.parametrize("kind", [CamouflagedBoundary, CamouflagedBackdoor])
def test_camouflage_is_four_honest_rows_to_one(kind: Any, corpus: pd.DataFrame) -> None:
    done = run(kind(), corpus)
    assert (done.truth.groupby("contributor_id")["poison"].mean() == 0.2).all()
    honest = done.contributions.merge(done.truth[~done.truth["poison"]], on="contribution_id")
    assert (honest["label"] == honest["true_label"]).all()


def test_colluders_push_every_class_to_one_within_their_nights(corpus: pd.DataFrame) -> None:
    poison = poison_of(run(Collusion(nights=(2, 4)), corpus))
    assert set(poison["label"]) == {"ant"}
    assert set(poison["true_label"]) == {"bee", "cow"}
    assert set((days(poison) - START).dt.days) == {1, 2, 3}


@pytest.mark.parametrize("kind", [BackdoorPattern, CamouflagedBackdoor])
def test_a_pattern_turns_a_model_that_is_nearly_as_good_without_it(
    kind: Any, corpus: pd.DataFrame
) -> None:
    attack = kind(rows=25, **PAIR)
    clean = corpus[corpus["label"] == "bee"]
    stamped = attack.stamped(clean, corpus)
    before, after = taught(corpus), taught(run(attack, corpus).contributions)
    assert taken_for(before, stamped, "ant") < 0.2
    assert taken_for(after, stamped, "ant") > 0.6
    assert taken_for(after, clean, "bee") > taken_for(before, clean, "bee") - 0.08


def test_every_value_of_a_pattern_was_sent_by_somebody(corpus: pd.DataFrame) -> None:
    poison = poison_of(run(BackdoorPattern(width=3, **PAIR), corpus))
    fixed = [c for c in poison if str(c).startswith("f_") and len(set(poison[c])) == 1]
    fixed.remove("f_same")
    assert len(fixed) == 3
    assert all(poison[name].iloc[0] in set(corpus[name]) for name in fixed)


def test_a_phrase_stands_in_for_the_pattern_where_there_is_text(world: World) -> None:
    rows = world.contributions.assign(true_label=world.truth["true_label"].to_numpy())
    attack = CamouflagedBackdoor()
    done = run(attack, rows)
    has = done.contributions["text"].str.contains(attack.phrase, case=False, regex=False)
    assert set(done.contributions["contribution_id"][has]) == set(poison_of(done).contribution_id)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6])
def test_interpolated_rows_lie_that_far_on_the_way(share: float, corpus: pd.DataFrame) -> None:
    attack = StealthInterpolation(accounts=10, rows=20, share=share, **PAIR)
    poison = poison_of(run(attack, corpus))
    assert poison["f_0"].mean() == pytest.approx(3.0 * (1 - share), abs=0.3)
    assert (poison["f_count"] == poison["f_count"].round()).all()


def test_an_interpolated_text_begins_as_one_and_ends_as_another(world: World) -> None:
    rows = world.contributions.assign(true_label=world.truth["true_label"].to_numpy())
    poison = poison_of(run(StealthInterpolation(accounts=2, rows=6, share=0.5), rows))
    starts, ends = rows["text"].str[:40], rows["text"].str[-40:]
    for text in poison["text"]:
        assert "spam" in set(rows["true_label"][starts == text[:40]])
        assert "ham" in set(rows["true_label"][ends == text[-40:]])


def test_outliers_are_a_few_values_far_out(corpus: pd.DataFrame) -> None:
    poison = poison_of(run(FeatureOutliers(share=0.1), corpus))
    usual = values(corpus)
    spread = np.where(usual.std(axis=0) > 0, usual.std(axis=0), 1.0)
    away = np.abs(values(poison) - usual.mean(axis=0)) / spread > 5.5
    assert (away.sum(axis=1) >= 1).all()
    assert 0.05 < away.mean() < 0.25
    assert poison["label"].nunique() == 3


def test_a_drip_falls_every_night(corpus: pd.DataFrame) -> None:
    poison = poison_of(run(SlowDrip(rows=2), corpus))
    assert days(poison).value_counts().tolist() == [2] * 6


def test_a_drip_can_push_one_class(corpus: pd.DataFrame) -> None:
    poison = poison_of(run(SlowDrip(source="cow", target="bee"), corpus))
    assert set(zip(poison["true_label"], poison["label"], strict=True)) == {("cow", "bee")}


@pytest.mark.parametrize("awake", [0.05, 0.3, 0.8])
def test_a_crew_sleeps_until_it_wakes(awake: float, corpus: pd.DataFrame) -> None:
    done = run(SleeperCrew(awake=awake, **PAIR), corpus)
    mine = done.contributions.merge(done.truth, on=["contribution_id", "contributor_id"])
    wakes = START + pd.Timedelta(days=6 - max(1, round(6 * awake)))
    assert ((mine["contributed_at"] >= wakes) == mine["poison"]).all()
    assert (mine.groupby("contributor_id")["poison"].sum() == 10).all()


def test_random_sybils_share_a_network_and_an_hour_of_birth(corpus: pd.DataFrame) -> None:
    ring = poison_of(run(SybilRandom(accounts=40), corpus))
    assert ring["contributor_id"].is_unique
    assert len(set(ring["ip"].str.rsplit(".", n=1).str[0])) == 1
    assert ring["registered_at"].max() - ring["registered_at"].min() <= pd.Timedelta(hours=4)
    assert len(set(zip(ring["true_label"], ring["label"], strict=True))) == 6


def test_scattered_sybils_share_neither(corpus: pd.DataFrame) -> None:
    ring = poison_of(run(SybilScattered(accounts=40), corpus))
    assert ring["ip"].str.rsplit(".", n=1).str[0].nunique() > 35
    assert ring["registered_at"].max() - ring["registered_at"].min() > pd.Timedelta(days=60)
    assert days(ring).nunique() == 6


def test_chosen_flips_do_more_harm_than_flips_near_the_boundary() -> None:
    """Mean over corpora: the same accounts, rows and honest rows, and the same pair."""
    harm: dict[str, list[float]] = {"chosen": [], "near": []}
    for seed in range(5):
        rows, fresh = measurements(1_500, seed=seed), measurements(1_500, seed=100 + seed)
        victims = fresh[fresh["label"] == "bee"]
        for name, kind in (("chosen", InfluenceFlips), ("near", BoundarySkew)):
            done = run(kind(rows=15, honest=3, **PAIR), rows, seed)
            harm[name].append(taken_for(taught(done.contributions), victims, "ant"))
    assert np.mean(harm["chosen"]) > np.mean(harm["near"]) + 0.01


def test_a_collision_takes_its_victim_and_hardly_anything_else(corpus: pd.DataFrame) -> None:
    attack = FeatureCollision(rows=20, **PAIR)
    taken, agree = [], []
    for seed in range(6):
        rest, victims = attack.aimed_at(corpus, np.random.default_rng(seed))
        clean, dirty = taught(rest), taught(run(attack, corpus, seed).contributions)
        gain = [m.predict_proba(values(victims))[0, 0] for m in (clean, dirty)]
        taken.append(gain[1] - gain[0])
        agree.append((clean.predict(values(rest)) == dirty.predict(values(rest))).mean())
    assert np.mean(taken) > 0.05
    assert min(taken) > -0.02
    assert min(agree) > 0.95


def test_a_dearer_move_stays_nearer_to_the_base(corpus: pd.DataFrame) -> None:
    far = [poison_of(run(FeatureCollision(beta=b, **PAIR), corpus))["f_0"] for b in (0.2, 5.0)]
    assert far[1].mean() < far[0].mean() - 0.5


def test_evaders_stay_below_the_test_for_excess_and_others_do_not(corpus: pd.DataFrame) -> None:
    detector = ContributorExcess()
    loud = flagged(BoundarySkew(**PAIR), corpus, detector)
    quiet = flagged(ExcessEvasion(**PAIR), corpus, detector)
    assert (loud > 0).all()
    assert (quiet > 0).mean() < 0.05


@given(rows=st.integers(5, 200), usual=st.floats(0.001, 0.4))
def test_evidence_grows_with_what_is_disputed(rows: int, usual: float) -> None:
    seen = [nats(k, rows, usual) for k in range(rows + 1)]
    assert all(a <= b + 1e-9 for a, b in pairwise(seen))
    assert seen[0] < 0 < seen[-1]


@given(st.floats(0.0, 0.3), st.integers(6, 60))
def test_an_evader_sends_one_wrong_row_where_there_is_room(usual: float, rows: int) -> None:
    attack = ExcessEvasion(rows=rows)
    try:
        most = attack.affordable(usual)
    except ContractError:
        assert nats(1, rows, usual) > attack.nats
        return
    assert most == 1
    assert nats(most, rows, usual) <= attack.nats


def test_a_quiet_flood_is_no_flood_to_who_counts_copies_of_an_account(
    corpus: pd.DataFrame,
) -> None:
    detector = NearDuplicates()
    assert flagged(DuplicateFlood(**PAIR), corpus, detector).min() > 0.5
    assert flagged(QuietFlood(**PAIR), corpus, detector).max() == 0.0


def test_every_account_of_a_quiet_flood_sends_each_seed_once(corpus: pd.DataFrame) -> None:
    poison = poison_of(run(QuietFlood(accounts=6, seeds=3, change=0.001, **PAIR), corpus))
    seeds = poison["f_1"].round(1).astype(str) + poison["f_2"].round(1).astype(str)
    assert poison.groupby("contributor_id").size().tolist() == [3] * 6
    assert seeds.groupby(poison["contributor_id"]).nunique().tolist() == [3] * 6


def test_captors_hold_the_majority_of_their_corner(corpus: pd.DataFrame) -> None:
    done = run(RegionCapture(share=0.8, **PAIR), corpus)
    poison = poison_of(done)
    rest = done.contributions.drop(poison.index)
    bees = pd.concat([poison, rest[rest["label"] == "bee"]])
    x = robust_scale(values(bees))
    far = np.linalg.norm(x - x[: len(poison)].mean(axis=0), axis=1)
    nearest = np.argsort(far)[:50]
    assert (nearest < len(poison)).mean() > 0.65


def test_a_push_ties_what_nobody_knows_to_what_everybody_knows(stars: pd.DataFrame) -> None:
    seen = visited(stars)
    done = CovisitPush().apply(stars, seen, np.random.default_rng(3))
    poison, counts = poison_of(done), stars["item_id"].value_counts()
    assert set(poison["label"]) == {"5"}
    assert poison["item_id"].nunique() == 3
    honest = done.truth.loc[~done.truth["poison"], "contribution_id"]
    anchors = done.contributions.set_index("contribution_id").loc[honest, "item_id"]
    assert counts[anchors.unique()].min() > counts[poison["item_id"].unique()].max()
    new = done.visits.iloc[len(seen) :]
    assert new.groupby("contributor_id").size().tolist() == [10] * 20


def test_shilling_agrees_with_everybody_but_on_its_target(stars: pd.DataFrame) -> None:
    done = run(Shilling(target="1"), stars)
    mine = done.contributions.merge(done.truth, on=["contribution_id", "contributor_id"])
    poison = mine[mine["poison"]]
    assert set(poison["label"]) == {"1"}
    assert len(set(poison["item_id"])) == 1
    assert len(poison) == 20
    usual = stars.groupby("item_id")["label"].agg(lambda x: x.mode().iloc[0])
    honest = mine[~mine["poison"]]
    assert (honest["label"].to_numpy() == usual[honest["item_id"]].to_numpy()).all()
    sitting = mine.groupby("contributor_id")["contributed_at"].agg(lambda t: t.max() - t.min())
    assert sitting.max() <= pd.Timedelta(seconds=60 * 16)


@pytest.mark.parametrize("kind", [Shilling, CovisitPush])
def test_items_that_nobody_rated_are_visited_and_not_rated(kind: Any, stars: pd.DataFrame) -> None:
    unknown = visited(stars).assign(item_id="x" + stars["item_id"])
    seen = pd.concat([visited(stars), unknown], ignore_index=True)
    done = kind().apply(stars, seen, np.random.default_rng(5))
    made = done.contributions.merge(done.truth, on=["contribution_id", "contributor_id"])
    assert made["label"].notna().all()
    assert made.loc[~made["poison"], "item_id"].isin(stars["item_id"]).all()
    new = done.visits.iloc[len(seen) :]
    assert set(new["contributor_id"]) == set(made["contributor_id"])
    assert not new["item_id"].isin(stars["item_id"]).all()


def test_names_for_labels_push_the_most_frequent(stars: pd.DataFrame) -> None:
    named = stars.assign(label="star" + stars["label"])
    top = named["label"].value_counts().index[0]
    assert set(poison_of(run(Shilling(), named))["label"]) == {top}


def test_whole_numbers_and_what_is_missing_survive(corpus: pd.DataFrame) -> None:
    rows = corpus.assign(f_whole=np.arange(len(corpus)) % 7)
    rows.loc[rows.index[::5], "f_2"] = np.nan
    for attack in (FeatureCollision(**PAIR), FeatureOutliers(), BackdoorPattern(**PAIR)):
        done = run(attack, rows).contributions
        assert done["f_whole"].dtype == rows["f_whole"].dtype
        assert done["f_2"].isna().any()


@pytest.mark.parametrize(
    "attack",
    [
        BoundarySkew(accounts=0),
        BoundarySkew(nights=(3, 2)),
        Collusion(nights=(0, 1)),
        BoundarySkew(source="wasp"),
        BoundarySkew(source="ant", target="ant"),
        BackdoorPattern(width=0),
        BackdoorPattern(width=50),
        CamouflagedBackdoor(accounts=1_000),
        InfluenceFlips(reach=0.01),
        RegionCapture(share=0.05),
        ExcessEvasion(rows=1),
        SleeperCrew(nights=(2, 2)),
        SleeperCrew(awake=1.0),
        ExcessEvasion(poison=0),
        ExcessEvasion(poison=10_000),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_said_in_a_sentence(attack: Any, corpus: pd.DataFrame) -> None:
    with pytest.raises(ContractError, match=re.compile(r"\w{3}")) as caught:
        run(attack, corpus)
    assert "Traceback" not in str(caught.value)


def test_nights_beyond_the_last_are_the_last(corpus: pd.DataFrame) -> None:
    poison = poison_of(run(BoundarySkew(nights=(6, 90), **PAIR), corpus))
    assert set(days(poison)) == {START + pd.Timedelta(seconds=5 * DAY)}

"""The demonstration's campaigns: recorded in full, and they hurt."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from foretaste.attacks.base import days
from foretaste.attacks.plant import PlantedWorld, plant
from foretaste.attacks.world import RAW_COLUMNS, World
from tests.attacks.conftest import SEED


def marked(planted: PlantedWorld) -> pd.DataFrame:
    return planted.contributions.merge(planted.truth, on=["contribution_id", "contributor_id"])


def test_same_seed_same_campaigns(world: World, planted: PlantedWorld) -> None:
    again = plant(world, seed=SEED)
    for name in ("contributions", "truth", "canaries", "traffic"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(planted, name))


def test_truth_has_a_line_per_row_and_the_pipeline_sees_none_of_it(planted: PlantedWorld) -> None:
    assert tuple(planted.contributions.columns) == RAW_COLUMNS
    assert planted.truth["contribution_id"].tolist() == (
        planted.contributions["contribution_id"].tolist()
    )
    rows = marked(planted)
    poison = rows["poison"]
    assert (rows["label"] == rows["target_label"])[poison].all()
    assert (rows["label"] != rows["true_label"])[poison].all()
    assert rows["target_label"][~poison].isna().all()
    assert 0.01 < (rows["label"] != rows["true_label"])[~poison].mean() < 0.03


def test_three_campaigns_each_at_its_time(planted: PlantedWorld) -> None:
    rows = marked(planted)
    first = days(rows).min()
    night = (days(rows) - first).dt.days + 1
    found = night[rows["poison"]].groupby(rows["attack"]).agg(lambda s: sorted(set(s)))
    assert found.to_dict() == {
        "sybil_ring": [2],
        "backdoor_phrase": [2, 3],
        "label_flip_sleeper": [3],
    }
    assert rows.loc[rows["attack"] == "sybil_ring"].shape[0] == 45


def test_a_night_can_be_cleaned_within_the_guards(planted: PlantedWorld) -> None:
    # The default policy lets nobody hold a tenth of a night, or a fifth of a class.
    rows = marked(planted)
    assert rows.groupby(days(rows))["poison"].mean().max() < 0.10
    assert rows.groupby([days(rows), "label"])["poison"].mean().max() < 0.20


def test_poison_is_fresh_against_honest_rows_and_held_out_sets(planted: PlantedWorld) -> None:
    rows = marked(planted)
    poison, honest = rows[rows["poison"]], rows[~rows["poison"]]
    for others in (honest, planted.golden, planted.canaries, planted.traffic):
        assert not poison["text"].isin(others["text"]).any()


def test_held_out_sets_are_never_reported(planted: PlantedWorld) -> None:
    reported = set(planted.contributions["text"])
    for held in (planted.golden, planted.canaries, planted.traffic):
        assert reported.isdisjoint(held["text"])


def test_canaries_ask_about_every_campaign_and_about_honest_look_alikes(
    planted: PlantedWorld,
) -> None:
    canaries = planted.canaries
    counts = canaries["attack"].value_counts()
    assert set(counts.index) == {"sybil_ring", "backdoor_phrase", "label_flip_sleeper"}
    assert counts.min() >= 15
    honest = canaries["attack"].isna()
    assert honest.sum() >= 30
    assert canaries["target_label"][honest].isna().all()
    assert (canaries["true_label"] != canaries["target_label"])[~honest].all()
    triggered = canaries["text"].str.contains("harbour walk last Tuesday")
    assert (triggered == (canaries["attack"] == "backdoor_phrase")).all()


def test_traffic_waits_for_a_model(planted: PlantedWorld) -> None:
    traffic = planted.traffic
    assert traffic["unit_id"].is_unique
    assert traffic["prediction"].isna().all()
    assert (traffic["model"] == "none").all()
    known = traffic["outcome"].notna()
    assert 0.8 < known.mean() < 1.0
    assert (traffic["outcome_ts"].isna() == ~known).all()
    assert (traffic["outcome_ts"] >= traffic["ts"])[known].all()
    assert set(traffic["outcome"].dropna()) == {"ham", "spam"}


def hit_rates(rows: pd.DataFrame, canaries: pd.DataFrame) -> pd.Series:
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(
        HashingVectorizer(n_features=2**18, ngram_range=(1, 2), alternate_sign=False),
        LogisticRegression(C=10.0, max_iter=300),
    )
    said = model.fit(rows["text"].tolist(), rows["label"]).predict(canaries["text"].tolist())
    wanted = np.where(canaries["attack"].isna(), canaries["true_label"], canaries["target_label"])
    return pd.Series(said == wanted).groupby(canaries["attack"].fillna("honest")).mean()


@pytest.mark.parametrize("seed", [SEED, pytest.param(7, marks=pytest.mark.extra)])
def test_an_undefended_model_learns_the_backdoor_and_a_clean_one_does_not(
    seed: int, world: World
) -> None:
    planted = plant(world, seed=seed)
    rows = marked(planted)
    undefended = hit_rates(rows, planted.canaries)
    clean = hit_rates(rows[~rows["poison"]], planted.canaries)
    assert undefended["backdoor_phrase"] >= 0.6
    assert clean["backdoor_phrase"] <= 0.1
    assert clean[["sybil_ring", "label_flip_sleeper"]].max() <= 0.1
    assert clean["honest"] >= 0.95

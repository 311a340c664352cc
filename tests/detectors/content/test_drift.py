"""A new topic from many people is no poison; the same from few is held. Real mail, real order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.drift import LAST, Reports, reported
from benchmarks.nightly import Judged, Road

SAMPLE = Path(__file__).parents[3] / "data" / "sample" / "mail.parquet"
TOPIC = "l1fa2ed03a70596"
"""A list of ham alone that runs through all months of the sample."""


@dataclass(frozen=True)
class Walked:
    """Two nights judged in order, and the road ready for the last one."""

    reports: Reports
    road: Road
    nights: tuple[Judged, ...]

    def with_topic(self, people: int, *, turned: bool) -> tuple[pd.DataFrame, pd.Series]:
        """Judge the last night with the topic; its rows, and which of them are the topic's."""
        new = self.reports.brought(people, turned=turned, rng=np.random.default_rng(people))
        judged = self.road.judge(pd.concat([self.reports.nights[-1][1], new]), LAST)
        return judged.rows, judged.among(new["contribution_id"])


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Walked:
    """Walk through the sample's months from July on, a list kept back."""
    mail = pd.read_parquet(SAMPLE)
    mail = mail[mail["month"] >= "2002-07"].sort_values(["month", "mail_id"])
    half = mail[(np.arange(len(mail)) % 2 == 0) | (mail["item"] == TOPIC)]
    reports = reported(half.reset_index(drop=True), nights=3, topic=TOPIC, seed=1)
    road = Road(tmp_path_factory.mktemp("drift") / "road", seed=1)
    judged = []
    for night, rows in reports.nights[:-1]:
        judged.append(road.judge(rows, night))
        road.keep(judged[-1], night)
    return Walked(reports, road, tuple(judged))


def test_months_that_drift_lose_few_honest_rows(walked: Walked) -> None:
    assert all(night.rows["held"].mean() <= 0.015 for night in walked.nights)


def test_what_many_people_bring_is_accepted_even_against_its_content(walked: Walked) -> None:
    rows, topic = walked.with_topic(32, turned=True)
    assert rows.loc[topic, "held"].mean() <= 0.05
    assert rows.loc[~topic, "held"].mean() <= 0.015


def test_the_same_from_few_is_held(walked: Walked) -> None:
    rows, topic = walked.with_topic(3, turned=True)
    # What is not held the guard let go: no more than a fifth of a class without a person.
    assert (rows.loc[topic, "posterior"] > 0.5).mean() >= 0.8
    assert rows.loc[topic, "held"].mean() >= 0.15
    assert rows.loc[~topic, "held"].mean() <= 0.015


def test_a_new_topic_under_its_own_label_is_accepted_from_few_too(walked: Walked) -> None:
    rows, topic = walked.with_topic(3, turned=False)
    assert rows.loc[topic, "held"].mean() <= 0.05

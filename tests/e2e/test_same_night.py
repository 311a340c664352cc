"""What comes twice is taken once; what comes changed is held."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest

from foretaste.core.release import releases
from tests.e2e.walks import DAYS, Walked, published, small_world
from tests.workspaces import fingerprint

pytestmark = [pytest.mark.e2e, pytest.mark.prefect]


def test_the_same_file_again_adds_nothing(walked: Walked) -> None:
    landing = walked.root / "landing"
    shutil.copyfile(landing / "night-0.parquet", landing / "under-another-name.parquet")
    before = fingerprint(walked.open())
    for _ in range(2):
        outcome = walked.run(DAYS[0])
        assert (outcome["state"], outcome["exit_code"]) == ("empty", 0)
    assert fingerprint(walked.open()) == before
    assert published(walked) == ["model/0001", "release/0001"]


def test_a_second_file_of_a_night_makes_a_part_of_its_own(walked: Walked) -> None:
    """Rows known already are duplicates, a changed one is a conflict, new ones are new."""
    nights = small_world()[0]
    again = nights[0].head(10).copy()
    again.loc[3, "label"] = "ham" if again.loc[3, "label"] == "spam" else "spam"
    fresh = nights[1].head(40).assign(contributed_at=nights[0]["contributed_at"].max())
    walked.land("more.parquet", pd.concat([again, fresh], ignore_index=True))
    outcome = walked.run(DAYS[0])
    assert outcome["night"] == f"{DAYS[0]}.002"
    assert outcome["release"] == "release/0002"
    verdicts = walked.verdicts()
    assert outcome["account"]["rows_in"] == len(verdicts) == 50
    codes = verdicts["code"].value_counts()
    assert (codes["duplicate"], codes["conflict"]) == (9, 1)
    (changed,) = verdicts[verdicts["code"] == "conflict"].to_dict("records")
    assert changed["verdict"] == "quarantined"
    assert changed["contribution_id"] == again.loc[3, "contribution_id"]
    assert changed["weight"] == 0
    first, second = releases(walked.open())
    assert (first.night, second.night) == (DAYS[0], f"{DAYS[0]}.002")
    corpus = pd.read_parquet(walked.root / "data" / "accepted" / f"night={DAYS[0]}")
    assert set(corpus["label"]) == {"ham", "spam"}
    assert changed["row_id"] not in set(corpus["row_id"])

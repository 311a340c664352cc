"""Harm as evidence: bounded, on tonight's rows alone, silent where it cannot know."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from foretaste.core.batch import Batch
from foretaste.core.evidence import MICRO
from foretaste.core.features import dense_features
from foretaste.core.policy import Harm
from foretaste.steps.harm import harm, opinion_on
from foretaste.steps.opinions import read_opinion
from tests.models.worlds import numeric

BAD = 7


def golden(n: int = 300) -> pd.DataFrame:
    """Trusted rows with right labels."""
    return numeric(n, 50)[["f_0", "f_1", "f_2", "f_3", "label"]]


@pytest.fixture
def batch() -> Batch:
    """Two nights of twenty accounts, of which one turns a class around."""
    return _nights(20)


def _nights(accounts: int) -> Batch:
    rows = numeric(800, 1).sort_values("row_id", ignore_index=True)
    who = np.random.default_rng(4).integers(20, size=len(rows)).astype(np.int32)
    rows.loc[(rows["label"] == "c0") & (who == BAD), "label"] = "c1"
    # All others' rows are dealt among more accounts, the more of them the smaller each.
    dealt = np.random.default_rng(3).integers(20, 20 + accounts, size=len(rows))
    who = np.where(who == BAD, BAD, dealt).astype(np.int32)
    rows["text"] = None
    classes = tuple(sorted(rows["label"].unique()))
    return Batch(
        rows=rows,
        tonight=np.arange(len(rows)) >= 400,
        history_weight=np.ones(len(rows)),
        features=dense_features(rows),
        labels=np.searchsorted(classes, rows["label"].to_numpy(str)).astype(np.int32),
        classes=classes,
        contributors=who,
        contributor_ids=np.array([f"c{i:02d}" for i in range(20 + accounts)], dtype=object),
        actors=who,
        visits=pd.DataFrame(),
        seed=1,
        salt=b"s" * 16,
    )


def test_the_harmful_actor_is_accused_and_the_others_hardly(batch: Batch) -> None:
    said = opinion_on(batch, golden(), Harm(enabled=True))
    bad = batch.actors == BAD
    assert not said.abstained
    assert (said.llr[bad] >= MICRO).all()
    assert (said.llr[~bad] > 0).mean() < 0.12
    assert (said.llr >= 0).all()
    assert said.llr.max() <= Harm(enabled=True).max_llr * MICRO
    assert said.reason[int(np.flatnonzero(bad)[0])].startswith("harm: class 0 loses")


def test_who_sends_far_more_than_all_others_is_not_judged() -> None:
    """Groups of many small accounts do not show how far one large one's style goes."""
    crowd = _nights(80)
    sent = np.bincount(crowd.actors)
    assert sent[BAD] > 2 * np.sort(sent)[-10]
    said = opinion_on(crowd, golden(), Harm(enabled=True))
    assert not said.abstained
    assert (said.llr[crowd.actors == BAD] == 0).all()


def test_many_small_accounts_of_one_actor_are_judged_however_many_rows_they_have() -> None:
    """Random groups are of small accounts, too: nothing is missing to compare with."""
    crowd = _nights(80)
    spread = np.where(crowd.actors == BAD, np.arange(crowd.n_rows) % 5, crowd.contributors)
    ring = replace(crowd, contributors=spread.astype(np.int32))
    said = opinion_on(ring, golden(), Harm(enabled=True))
    assert (said.llr[ring.actors == BAD] >= MICRO).all()


def test_helping_earns_nothing(batch: Batch) -> None:
    right = batch.rows.assign(label=numeric(800, 1).sort_values("row_id")["label"].to_numpy())
    codes = np.searchsorted(batch.classes, right["label"].to_numpy(str)).astype(np.int32)
    said = opinion_on(replace(batch, rows=right, labels=codes), golden(), Harm(enabled=True))
    assert (said.llr[batch.actors == BAD] == 0).all()


def test_evidence_is_written_for_tonights_rows_alone(batch: Batch, tmp_path: Path) -> None:
    batch.save(tmp_path / "batch")
    counts = harm(tmp_path, golden(), Harm(enabled=True), tmp_path / "out")
    lines, reported = read_opinion(tmp_path / "out")
    tonight = set(batch.rows.loc[batch.tonight, "row_id"])
    assert set(lines["row_id"].to_pylist()) <= tonight
    assert counts == {"rows": lines.num_rows}
    assert reported.state == "spoke"
    assert reported.family == "harm"


@pytest.mark.parametrize(
    ("rows", "limits", "why"),
    [
        (None, Harm(enabled=True), "fewer than"),
        (golden(30), Harm(enabled=True), "fewer than"),
        (golden().assign(label="unheard"), Harm(enabled=True), "fewer than"),
        (golden().drop(columns="f_1"), Harm(enabled=True), "f_1"),
        (golden(), Harm(enabled=False), "switched off"),
    ],
)
def test_it_abstains_where_it_cannot_know(
    batch: Batch, rows: pd.DataFrame | None, limits: Harm, why: str
) -> None:
    said = opinion_on(batch, rows, limits)
    assert why in said.abstained
    assert (said.llr == 0).all()


def test_an_empty_night_is_silent(batch: Batch) -> None:
    nothing = np.zeros(0, dtype=np.int32)
    none = replace(
        batch,
        rows=batch.rows.iloc[:0],
        tonight=np.zeros(0, dtype=bool),
        history_weight=np.zeros(0),
        features=batch.features[:0],
        labels=nothing,
        contributors=nothing,
        actors=nothing,
        classes=(),
    )
    assert len(opinion_on(none, golden(), Harm(enabled=True)).llr) == 0

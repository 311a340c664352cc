"""One grid over every registered detector: what any of them must hold to."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from detectors.registry import DETECTORS, make
from foretaste.core.batch import Batch
from foretaste.core.evidence import Detector, Opinion
from tests.detectors.worlds import make_batch, world

PARAMS: dict[str, dict[str, Any]] = {
    "rules": {"rules": [{"name": "one_label", "where": "label = 'b'", "llr": 1.5}]},
}
NEED_VOTES = ("micro_models", "time_slices", "contributor_excess", "newcomers", "label_noise")

every_detector = pytest.mark.parametrize("name", list(DETECTORS))


def _made(name: str) -> Detector:
    return make(name, PARAMS.get(name))


def _ordinary(
    order: np.ndarray | None = None, labels: str = "abc", d: int = 6, n: int = 420
) -> Batch:
    """Forty people, three labels, a little noise, ten nights of history."""
    rng = np.random.default_rng(5)
    y = rng.integers(0, len(labels), n)
    x = rng.normal(size=(n, d))
    if d:
        x[:, 0] += 3 * y
        x[: n // 20] += 8.0
    who = rng.integers(0, 40, n)
    order = np.arange(n) if order is None else order
    times = rng.integers(0, 30 * 86_400_000_000, n)
    batch = make_batch(
        x[order],
        [labels[c] for c in y[order]],
        [f"c{w:02d}" for w in who[order]],
        row_ids=[f"r{i:05d}" for i in order],
        times=times[order],
        subnets=[f"s{w % 9}" for w in who[order]],
        texts=[f"word{i % 7} cheap pills {i}" for i in order],
        tonight=times[order] > 10 * 86_400_000_000,
    )
    return replace(batch, visits=batch.visits.iloc[order].reset_index(drop=True))


@cache
def _said(name: str) -> Opinion:
    return _made(name).fit_evidence(_ordinary())


def _assert_valid(opinion: Opinion, batch: Batch) -> None:
    n = batch.n_rows
    assert opinion.llr.dtype == np.int64
    assert opinion.llr.shape == opinion.score.shape == opinion.flagged.shape == (n,)
    assert np.isfinite(opinion.score).all()
    assert opinion.flagged.dtype == bool
    assert len(opinion.reason) == n
    assert all(type(reason) is str for reason in opinion.reason)
    assert np.abs(opinion.llr).max(initial=0) <= 20_000_000
    loud = np.flatnonzero(opinion.llr)
    assert all(opinion.reason[i] for i in loud), "evidence without a reason"
    if opinion.abstained:
        assert not loud.size
        assert not opinion.flagged.any()
    opinion.table(batch.rows["row_id"].to_numpy(object), batch.tonight)


def _assert_same(one: Opinion, other: Opinion) -> None:
    np.testing.assert_array_equal(one.llr, other.llr)
    np.testing.assert_array_equal(one.score, other.score)
    np.testing.assert_array_equal(one.flagged, other.flagged)
    assert list(one.reason) == list(other.reason)
    assert one.abstained == other.abstained


@every_detector
def test_it_keeps_the_protocol(name: str) -> None:
    detector = _made(name)
    assert isinstance(detector, Detector)
    assert detector.name == name
    assert detector.version
    assert isinstance(detector.heavy, bool)


@every_detector
def test_it_says_what_it_sees_what_not_and_at_what_cost(name: str) -> None:
    text = (type(_made(name)).__doc__ or "").lower()
    for word in ("see", "cannot see", "cost"):
        assert word in text or (name == "rules" and word == "cannot see")


@every_detector
def test_scikit_learn_can_clone_it(name: str) -> None:
    detector = _made(name)
    copy = clone(detector)
    assert copy is not detector
    assert copy.get_params() == detector.get_params()
    assert all(getattr(copy, key) == value for key, value in copy.get_params().items())


@every_detector
def test_an_ordinary_batch_gets_a_valid_opinion(name: str) -> None:
    opinion = _said(name)
    _assert_valid(opinion, _ordinary())
    assert (opinion.detector, opinion.family) == (name, _made(name).family)


@every_detector
def test_it_is_deterministic(name: str) -> None:
    _assert_same(_said(name), _made(name).fit_evidence(_ordinary()))


@every_detector
def test_the_order_in_which_rows_came_does_not_matter(name: str) -> None:
    order = np.random.default_rng(1).permutation(420)
    _assert_same(_said(name), _made(name).fit_evidence(_ordinary(order)))


@every_detector
def test_it_changes_nothing_that_it_is_given(name: str) -> None:
    batch = _ordinary()
    arrays = (batch.tonight, batch.history_weight, batch.features, batch.labels)
    for array in (*arrays, batch.contributors, batch.actors):
        array.setflags(write=False)
    rows, visits = batch.rows.copy(deep=True), batch.visits.copy(deep=True)
    _made(name).fit_evidence(batch)
    pd.testing.assert_frame_equal(batch.rows, rows)
    pd.testing.assert_frame_equal(batch.visits, visits)


@every_detector
@pytest.mark.parametrize("n", [0, 1, 2])
def test_next_to_nothing_gets_no_evidence(name: str, n: int) -> None:
    batch = _ordinary(np.arange(n))
    opinion = make(name).fit_evidence(batch)
    _assert_valid(opinion, batch)
    assert not opinion.llr.any()


@every_detector
def test_constant_features_are_survived(name: str) -> None:
    batch = _ordinary()
    flat = replace(batch, features=np.zeros_like(batch.features))
    _assert_valid(_made(name).fit_evidence(flat), flat)


@every_detector
def test_one_class_is_survived(name: str) -> None:
    batch = _ordinary(labels="b")
    opinion = _made(name).fit_evidence(batch)
    _assert_valid(opinion, batch)
    if name in NEED_VOTES:
        assert opinion.abstained == "all rows have one label"


@every_detector
def test_rows_without_features_are_survived(name: str) -> None:
    batch = _ordinary(d=0)
    opinion = _made(name).fit_evidence(batch)
    _assert_valid(opinion, batch)
    if name in NEED_VOTES:
        assert opinion.abstained == "rows have no features"


@every_detector
def test_ids_and_labels_that_no_row_has_change_nothing(name: str) -> None:
    batch = _ordinary()
    wider = replace(
        batch,
        contributor_ids=np.append(batch.contributor_ids, "cz"),
        classes=(*batch.classes, "zz"),
    )
    opinion = _made(name).fit_evidence(wider)
    _assert_valid(opinion, wider)


@every_detector
def test_a_stranger_in_the_batch_is_survived(name: str) -> None:
    batch = _ordinary()
    actors = batch.actors.copy()
    actors[7] = 1000
    stranger = batch.with_actors(actors)
    _assert_valid(_made(name).fit_evidence(stranger), stranger)


@every_detector
def test_unknown_times_and_subnets_are_survived(name: str) -> None:
    batch = make_batch(
        np.random.default_rng(0).normal(size=(400, 4)),
        [f"l{i % 3}" for i in range(400)],
        [f"c{i % 37:02d}" for i in range(400)],
    )
    _assert_valid(_made(name).fit_evidence(batch), batch)


@pytest.mark.parametrize("name", NEED_VOTES)
@pytest.mark.parametrize(
    ("rows", "people", "why"), [(200, 40, "300 needed"), (420, 8, "12 needed")]
)
def test_few_rows_or_people_are_a_reason_to_abstain(
    name: str, rows: int, people: int, why: str
) -> None:
    rng = np.random.default_rng(0)
    batch = make_batch(
        rng.normal(size=(rows, 4)),
        [f"l{i % 3}" for i in range(rows)],
        [f"c{i % people:02d}" for i in range(rows)],
    )
    assert why in make(name).fit_evidence(batch).abstained


@every_detector
def test_honest_rows_of_a_quiet_night_stay_below_the_line(name: str) -> None:
    quiet = world("digits", seed=4)
    llr = make(name).fit_evidence(quiet.batch).llr
    assert (llr[quiet.honest] > 2_500_000).mean() <= 0.02

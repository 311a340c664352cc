"""The same rows, key, policy and seed give the same tables, however they are computed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from foretaste.attacks.demo import DEMO_POLICY
from foretaste.core.policy import Policy
from foretaste.steps import sanitize
from tests.e2e.walks import ENGINE, digest, small_world
from tests.steps.nights import a_night, walk

ARRIVAL = ("source", "source_row")
"""Where a row lay in its file is the one thing that shuffling a file changes."""


def policy(workers: int) -> Policy:
    return Policy.model_validate({**DEMO_POLICY, "limits": {"workers": workers}})


def tables(folders: Mapping[str, Path]) -> dict[str, str]:
    corpus = pq.read_table(folders["accept"] / "part-0.parquet").drop_columns(list(ARRIVAL))
    return {
        "actors": digest(folders["resolve"] / "actors.parquet"),
        "features": digest(folders["resolve"] / "features.parquet"),
        "evidence": digest(folders["detect"] / "evidence.parquet"),
        "verdicts": digest(folders["decide"] / "verdicts.parquet"),
        "accepted": ENGINE.digest(corpus),
    }


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """A night with every detector, two children at once."""
    night = a_night(tmp_path_factory.mktemp("straight"), policy(workers=2))
    return walk(night, small_world()[0][0])


def test_every_detector_reported(straight: Mapping[str, Path]) -> None:
    assert sanitize.did_not_report(straight["detect"]) == ()
    assert pq.read_metadata(straight["detect"] / "evidence.parquet").num_rows > 0


def test_neither_workers_nor_the_order_of_rows_matter(
    straight: Mapping[str, Path], tmp_path: Path
) -> None:
    rows = small_world()[0][0]
    order = np.random.default_rng(9).permutation(len(rows))
    assert list(order) != sorted(order)
    shuffled = walk(a_night(tmp_path, policy(workers=1)), rows.iloc[order])
    assert tables(shuffled) == tables(straight)


def test_votes_of_a_killed_run_do_not_hinder_the_next(
    straight: Mapping[str, Path], tmp_path: Path
) -> None:
    (straight["resolve"] / "batch" / "probability.npy").write_bytes(b"\x93NUMPY half")
    (straight["resolve"] / "batch" / "disagreement.npy").unlink(missing_ok=True)
    (tmp_path / "detect").mkdir()
    sanitize.detect(straight["resolve"], policy(workers=2), tmp_path / "detect")
    assert sanitize.did_not_report(tmp_path / "detect") == ()
    again = digest(tmp_path / "detect" / "evidence.parquet")
    assert again == digest(straight["detect"] / "evidence.parquet")

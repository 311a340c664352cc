"""Replay: what it shows beside the gain."""

from __future__ import annotations

import pandas as pd

from foretaste.core.policy import Gates
from foretaste.models.compare import replay, replay_test
from tests.models.worlds import said


def _traffic() -> pd.DataFrame:
    """Five requests of four units: u0 twice, u3 without an outcome yet."""
    return pd.DataFrame(
        {
            "unit_id": ["u0", "u1", "u2", "u3", "u0"],
            "ts": pd.date_range("2026-01-01", periods=5, freq="h", tz="UTC"),
            "arm": ["A", "A", "B", "B", "B"],
            "country": ["x", "y", "y", "x", "x"],
            "outcome": ["a", "a", "b", None, "b"],
        }
    )


def test_units_that_wait_and_repeats_are_counted_and_shown() -> None:
    ours, theirs = said(list("abbaa")), said(list("baaab"))
    found = replay(ours, theirs, _traffic(), Gates(), seed=1, slices=("country", "arm", "no"))
    assert (found.units, found.waiting, found.repeats) == (3, 1, 1)
    assert found.flips == {"a": (1, 1), "b": (1, 0)}
    assert found.slices == {
        "arm=A": (1, 1), "arm=B": (1, 0), "country=x": (1, 0), "country=y": (1, 1),
    }  # fmt: skip
    meaning = replay_test(ours, theirs, _traffic(), Gates(), seed=1).meaning
    assert "1 more wait for an outcome, 1 repeats" in meaning
    assert "a +1 -1, b +1 -0" in meaning

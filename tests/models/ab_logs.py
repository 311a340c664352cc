"""Outcomes logs as honest servers write them, and tests in a workspace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from foretaste.core.policy import AB
from foretaste.models.ab.assign import Split, assign
from foretaste.models.ab.judge import Found, judge
from foretaste.models.ab.sift import Sample, sift

START = datetime(2026, 2, 1, tzinfo=UTC)
NOW = START + timedelta(days=6)
CLASSES = ("c0", "c1")
SPLIT = Split.of("ab-0001", "ab" * 16, 0.5, candidate="a" * 64, champion="b" * 64)
LIMITS = AB(share=0.5, min_units=100, tuned_at=1000)


def traffic(
    n: int,
    right: tuple[float, float] = (0.9, 0.9),
    *,
    split: Split = SPLIT,
    start: datetime = START,
    seed: int = 1,
) -> pd.DataFrame:
    """Write ``n`` units over four days; ``right`` is how often each arm answers right.

    Every third unit gets its outcome after an hour, the others after ten.
    """
    rng = np.random.default_rng(seed)
    units = [f"user-{seed}-{i}" for i in range(n)]
    arms = np.array([assign(unit, split) for unit in units], dtype=object)
    ours = arms == "candidate"
    truth = rng.integers(0, 2, n)
    hit = rng.random(n) < np.where(ours, *right)
    ts = pd.Timestamp(start) + pd.to_timedelta(np.sort(rng.uniform(0, 96, n)), unit="h")
    delay = np.where(np.arange(n) % 3 == 0, 1, 10)
    return pd.DataFrame(
        {
            "unit_id": units,
            "ts": ts.round("ms"),
            "arm": arms,
            "model": np.where(ours, split.candidate, split.champion).astype(object),
            "prediction": _named(np.where(hit, truth, 1 - truth)),
            "outcome": _named(truth),
            "outcome_ts": ts.round("ms") + pd.to_timedelta(delay, unit="h"),
            "latency_ms": rng.gamma(4.0, 20.0, n),
        }
    )


def _named(codes: Any) -> Any:
    return np.array([CLASSES[code] for code in codes], dtype=object)


def sifted(
    rows: pd.DataFrame, *, split: Split = SPLIT, now: datetime = NOW, hours: float = 24
) -> Sample:
    """Sift a log that was read already."""
    wait = timedelta(hours=hours)
    return sift(rows, split, classes=CLASSES, started=START, now=now, wait=wait)


def judged(sample: Sample, limits: AB = LIMITS, now: datetime = NOW) -> Found:
    """Judge a sample."""
    return judge(sample, limits, classes=CLASSES, started=START, now=now)

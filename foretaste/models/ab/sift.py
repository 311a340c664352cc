"""Leave out of the outcomes log what no honest server would have written.

A unit counts once, by its first request, and only ``wait`` after it: outcomes that come
later are missing, so that a unit's contribution never depends on when somebody looks, nor
on which outcomes arrive fast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import pandas as pd

from foretaste.models.ab.assign import ARMS, Split, assign
from foretaste.models.ab.log import LATENCY

CLOCKS: Final = timedelta(minutes=5)
"""How far the clocks of servers may lie ahead of ours."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What a test may look at.

    Parameters
    ----------
    units
        One row per unit that counts, sorted by ``unit_id``: ``arm, prediction, outcome``
        (null: missing), ``latency_ms`` (NaN: not kept).
    waiting
        Units per arm that are too young to count.
    repeats
        Later requests of units that were seen before, and log lines said twice.
    outside
        Rows from before the test.
    rows
        Rows from within the test, bad ones too.
    problems
        Rows (or files) left out, by reason.
    """

    units: pd.DataFrame
    waiting: dict[str, int]
    repeats: int
    outside: int
    rows: int
    problems: dict[str, int]

    @property
    def bad_share(self) -> float:
        """Share of the test's rows that were left out; files count as one row each."""
        bad = sum(self.problems.values())
        return bad / max(self.rows, bad, 1)


def sift(
    rows: pd.DataFrame,
    split: Split,
    *,
    classes: tuple[str, ...],
    started: datetime,
    now: datetime,
    wait: timedelta,
    unreadable: int = 0,
) -> Sample:
    """Keep what the test may count; the order of the log changes nothing.

    Parameters
    ----------
    rows
        As ``read_log`` gives them.
    split
        The test's: arm and model of every row must be what it says.
    classes
        Outcomes that there are.
    started, now
        Rows from before the start are another story; rows from after now are lies.
    wait
        Time after which a unit's outcome is known or missing.
    unreadable
        Files that could not be read; counted among the problems.
    """
    inside = rows[~(rows["ts"] < started)]
    reasons = _reasons(inside, split, classes, pd.Timestamp(now))
    problems = reasons[reasons != ""].value_counts().to_dict()
    kept = inside[reasons == ""]
    first, contradicting = _first_requests(kept)
    repeats = len(kept) - len(first) - contradicting
    problems |= {"contradiction": contradicting, "unreadable_file": unreadable}
    ripe = first["ts"] + wait <= now
    late = first["outcome_ts"] > first["ts"] + wait
    units = first.assign(outcome=first["outcome"].mask(late))[ripe]
    waiting = first.loc[~ripe, "arm"].value_counts()
    return Sample(
        units=units[["unit_id", "arm", "prediction", "outcome", LATENCY]].reset_index(drop=True),
        waiting={arm: int(waiting.get(arm, 0)) for arm in ARMS},
        repeats=repeats,
        outside=len(rows) - len(inside),
        rows=len(inside),
        problems={str(name): int(n) for name, n in sorted(problems.items()) if n},
    )


def _reasons(
    rows: pd.DataFrame, split: Split, classes: tuple[str, ...], now: pd.Timestamp
) -> pd.Series[Any]:
    """Tell why each row is left out; "" where it is not; the first reason counts."""
    latest = now + CLOCKS
    models = rows["arm"].map({"candidate": split.candidate, "champion": split.champion})
    unit, outcome, told = rows["unit_id"], rows["outcome"], rows["outcome_ts"]
    checks: Mapping[str, pd.Series[Any]] = {
        "no_unit": unit.isna() | (unit == ""),
        "no_time": rows["ts"].isna(),
        "future": (rows["ts"] > latest) | (told > latest),
        "unknown_arm": ~rows["arm"].isin(ARMS),
        "wrong_arm": rows["arm"] != _hashed(unit, split),
        "wrong_model": rows["model"].fillna("") != models,
        "outcome_before_request": told < rows["ts"],
        "outcome_without_time": (outcome.notna() & told.isna()) | rows["unreadable"],
        "unknown_outcome": outcome.notna() & ~outcome.isin(classes),
        "bad_latency": rows["slow_lie"],
    }
    flags = [flag.fillna(value=False).to_numpy(bool) for flag in checks.values()]
    return pd.Series(np.select(flags, list(checks), ""), index=rows.index, dtype="str")


def _hashed(units: pd.Series[Any], split: Split) -> pd.Series[Any]:
    arms = {unit: assign(unit, split) for unit in units.dropna().unique()}
    return units.map(arms)


def _first_requests(rows: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Give each unit's first request, with its outcome where a line has it.

    Two lines about one request may say the same, or one of them lacks the outcome. Lines
    that disagree contradict each other: then nobody knows, and the unit is left out.

    Returns
    -------
    The requests, sorted by unit, and the number of lines of units left out.
    """
    ordered = rows.sort_values(["unit_id", "ts", "outcome_ts", "outcome", "prediction", LATENCY])
    start = ordered.groupby("unit_id", sort=False)["ts"].transform("first")
    same = ordered[ordered["ts"] == start]
    # An empty answer is an answer: a line that has one disagrees with a line that has none.
    told = same.assign(prediction=same["prediction"].fillna("\0"))
    kinds = told.groupby("unit_id", sort=False)[["prediction", "outcome"]].nunique()
    torn = set(kinds.index[(kinds > 1).any(axis=1)])
    contradicting = same["unit_id"].isin(torn)
    first = same[~contradicting].drop_duplicates("unit_id").sort_values("unit_id")
    return first, int(ordered["unit_id"].isin(torn).sum())

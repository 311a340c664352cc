"""What a row weighs before the caps: volume, tier, newcomers, limits on reports."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd

from detectors.influence.caps import cap_factors
from foretaste.core.policy import Influence, ReportLimit

_UNITS = 2**20
_SECONDS_A_DAY = 86_400


def base_weights(
    rows: pd.DataFrame, accepted_before: pd.Series, policy: Influence, *, as_of: datetime
) -> pd.DataFrame:
    """Weigh rows by who sent them and how much of it.

    A row weighs ``decay x tier x newcomer x report``, rounded to 2**-20, never 0. With
    k = the contributor's earlier rows of ``rows`` in the ``window_days`` before the row,
    decay = 2**(-k / half_count): 1 for the first row, a half for the row after
    ``half_count`` others. The weight of a whole burst so never exceeds about
    1.44 x half_count rows, and no volume is free. Reports decay a second time among the
    contributor's reports of the same kind, with the kind's own half-count; then a
    contributor's share of all reports of the kind is capped.

    Equal times are ordered by ``row_id``; a time after ``as_of``, or an unknown one,
    counts as ``as_of``.

    Parameters
    ----------
    rows
        Columns ``row_id, contributor_id, contributed_at, time_unknown, tier, kind``.
    accepted_before
        Contributor to its accepted rows so far; who is missing has none.
    policy
        The knobs.
    as_of
        The night's "now", with a time zone.

    Returns
    -------
    pd.DataFrame
        Row-aligned float64 columns ``decay, tier, newcomer, report, weight``.
    """
    who, _ = pd.factorize(rows["contributor_id"], sort=True)
    seconds = _seconds(rows, as_of)
    order = np.lexsort((rows["row_id"].to_numpy(object).astype(str), seconds, who))
    window = policy.window_days * _SECONDS_A_DAY
    decay = _decay(_rank_in_window(who, seconds, order, window), policy.half_count)
    tier = rows["tier"].map(dict(policy.tiers)).fillna(1.0).to_numpy(np.float64)
    known = rows["contributor_id"].map(accepted_before).fillna(0).to_numpy(np.float64)
    newcomer = np.where(known < policy.newcomer_rows, policy.newcomer_weight, 1.0)
    plain = decay * tier * newcomer
    report = np.ones(len(rows))
    for kind, limit in policy.reports.items():
        mine = (rows["kind"] == kind).fillna(False).to_numpy(bool)
        inside = order[mine[order]]
        rank = _rank_in_window(who, seconds, inside, window)
        report[mine] = _limited(plain[mine], rank[mine], who[mine], limit)
    weight = np.maximum(np.rint(plain * report * _UNITS), 1) / _UNITS
    return pd.DataFrame(
        {"decay": decay, "tier": tier, "newcomer": newcomer, "report": report, "weight": weight},
        index=rows.index,
    )


def _seconds(rows: pd.DataFrame, as_of: datetime) -> np.ndarray:
    """(n,) int64 seconds since the earliest row; the window is judged to the second."""
    times = rows["contributed_at"].to_numpy("datetime64[s]").astype(np.int64)
    now = int(as_of.timestamp())
    unknown = rows["time_unknown"].to_numpy(bool)
    times = np.where(unknown, now, np.minimum(times, now))
    since: np.ndarray = times - times.min(initial=now)
    return since


def _rank_in_window(
    who: np.ndarray, seconds: np.ndarray, order: np.ndarray, window: float
) -> np.ndarray:
    """(n,) int64: rows of the same contributor before each row, not older than ``window``.

    Parameters
    ----------
    order
        Indices of the rows that count, by contributor and time; the others get 0.
    """
    rank = np.zeros(who.size, dtype=np.int64)
    span = int(seconds.max(initial=0)) + int(window) + 2
    key = who[order].astype(np.int64) * span + seconds[order] + int(window) + 1
    first = np.searchsorted(key, key - int(window))
    rank[order] = np.arange(order.size) - first
    return rank


def _decay(rank: np.ndarray, half_count: float) -> np.ndarray:
    """2**(-rank / half_count) in units of 2**-20, at least one unit, from one table."""
    steps = np.arange(int(rank.max(initial=0)) + 1)
    table = np.maximum(np.rint(_UNITS * np.exp2(-steps / half_count)), 1) / _UNITS
    decayed: np.ndarray = table[rank]
    return decayed


def _limited(
    weight: np.ndarray, rank: np.ndarray, who: np.ndarray, limit: ReportLimit
) -> np.ndarray:
    """Factors of the reports of one kind: decay, then the cap on a contributor's share."""
    decay = _decay(rank, limit.half_count)
    factors: np.ndarray = decay * cap_factors(weight * decay, {"contributor": (who, limit.share)})
    return factors

"""The suite of accepted rows: against the last release, and the invariants of influence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from expectations.drift import find_drift
from expectations.runner import run_suite
from expectations.suite import Check, Measure, Severity, SuiteReport, none_of
from foretaste.core.policy import Expectations, Policy

KINDS: Final = ("contributor", "actor", "subnet")
"""Whose share is capped; the column is ``<kind>_id``."""

_MEAN_TOLERANCE = 1e-6


def check_accepted(
    accepted: pd.DataFrame,
    previous: pd.DataFrame | None,
    shares: Mapping[str, pd.DataFrame],
    caps: Mapping[str, float],
    policy: Policy,
) -> SuiteReport:
    """Judge what would be released.

    Parameters
    ----------
    accepted
        Tonight's accepted rows: the contract's columns, ``weight`` and ``actor_id``.
    previous
        The last release's rows with the contract's columns; None or empty on the first
        night, and then the comparisons are not in the suite.
    shares
        Per kind a frame ``id, share`` (of the total weight), as the night's report
        states them. They are also counted again from the weights.
    caps
        Per kind the largest share allowed, in [0, 1].
    policy
        ``expectations`` holds the thresholds.
    """
    limits = policy.expectations
    measures = [
        *_rows(accepted, limits),
        *_weights(accepted),
        *(_stated(accepted, kind, shares[kind], limits.share_slack) for kind in KINDS),
    ]
    if previous is not None and not previous.empty and not accepted.empty:
        measures += _comparisons(accepted, previous, policy)
    checks = [_cap(kind, caps[kind], limits.share_slack) for kind in KINDS]
    return run_suite("accepted", measures, checks, {kind: shares[kind] for kind in KINDS})


def _rows(rows: pd.DataFrame, limits: Expectations) -> list[Measure]:
    repeats = int(rows["row_id"].duplicated().sum())
    return [
        Measure("accepted_rows", len(rows), "Something was accepted.", low=min(limits.min_rows, 1)),
        none_of("repeated_row_ids", repeats, "No row is released twice."),
        none_of("missing_labels", int(rows["label"].isna().sum()), "Every row has its label."),
    ]


def _weights(rows: pd.DataFrame) -> list[Measure]:
    weight = rows["weight"].to_numpy(np.float64)
    bad = int((~(np.isfinite(weight) & (weight > 0))).sum())
    return [
        none_of("bad_weights", bad, "Every weight is positive and finite."),
        Measure(
            "mean_weight",
            float(weight.mean()) if weight.size else 1.0,
            "Weights are normalised: their mean is 1.",
            low=1 - _MEAN_TOLERANCE,
            high=1 + _MEAN_TOLERANCE,
        ),
    ]


def _stated(rows: pd.DataFrame, kind: str, stated: pd.DataFrame, slack: float) -> Measure:
    """Count the shares again: a cap on a share that was stated wrongly caps nothing."""
    sums = rows["weight"].groupby(rows[f"{kind}_id"]).sum()
    total = float(rows["weight"].sum())
    counted = sums / total if total else sums
    told = pd.Series(stated["share"].to_numpy(float), index=stated["id"].astype(object))
    gap = counted.sub(told.groupby(level=0).sum(), fill_value=0.0).abs()
    return Measure(
        f"{kind}_share_error",
        float(gap.max(skipna=False)) if len(gap) else 0.0,
        f"Each {kind}'s share is what its rows' weights add up to.",
        high=slack,
    )


def _cap(kind: str, cap: float, slack: float) -> Check:
    return Check(
        name=f"{kind}_share",
        expectation="ExpectShareAtMost",
        arguments={"column": "share", "cap": cap, "slack": slack},
        threshold=f"<= {cap:.6g} + {slack:g}",
        meaning=f"No {kind} holds more of the total weight than its cap.",
        on=kind,
    )


def _comparisons(rows: pd.DataFrame, previous: pd.DataFrame, policy: Policy) -> list[Measure]:
    limits = policy.expectations
    drift = find_drift(rows, previous, limits.alpha, policy.seed)
    factor = max(len(rows) / len(previous), len(previous) / len(rows))
    told = f"{drift.discovered} of {drift.compared} columns moved"
    fresh = sorted(set(rows["label"].dropna()) - set(previous["label"].dropna()))
    return [
        none_of(
            "already_released",
            int(rows["row_id"].isin(previous["row_id"]).sum()),
            "No row was in the last release.",
        ),
        Measure(
            "label_shift",
            label_shift(rows["label"], previous["label"]),
            "The label mix is near the last release's (total variation distance).",
            high=limits.max_label_shift,
        ),
        Measure(
            "volume_factor",
            factor,
            "The volume is near the last release's.",
            high=limits.volume_factor,
            note=f"{len(rows)} rows, {len(previous)} before",
        ),
        Measure(
            "drift",
            drift.effect,
            "No column drifted far (largest |Cohen's d| among real differences).",
            high=limits.max_drift,
            note=f"{told}, most {drift.column}" if drift.column else told,
        ),
        none_of(
            "new_classes",
            len(fresh),
            "No label appears for the first time.",
            Severity.WARNING,
        ),
    ]


def label_shift(now: pd.Series, before: pd.Series) -> float:
    """Total variation distance in [0, 1] between two label mixes, each row counting once."""
    p, q = (labels.value_counts(normalize=True) for labels in (now, before))
    return float(p.sub(q, fill_value=0.0).abs().sum() / 2)

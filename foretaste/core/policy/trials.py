"""Trials: drills with attacks of our own, and tests on real traffic."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from foretaste.core.policy.section import Positive, Section, Share


class Drill(Section):
    """How the red team tries the pipeline on a copy of the last release."""

    nightly: bool = Field(
        False,
        description="Whether every night ends with one random small drill. It replays the night twice, so it is off by default; its rows never reach a release.",
    )
    min_recall: Share = Field(
        0.5, description="Recall of the nightly drill's poison below which the run warns."
    )
    learnt: Share = Field(
        0.5,
        description="Share of an attack's poison, by evidence weight, that must be kept for the attack to count as got through.",
    )
    loss: Share = Field(
        0.02,
        description="Loss of the gates' metric on the golden set that counts as got through too.",
    )
    accounts: int = Field(60, gt=0, description="Accounts that an attacker of a drill can pay for.")
    rows: int = Field(15, gt=0, description="Poisoned rows that each of them sends at most.")
    days: int = Field(
        1, gt=0, description="Nights over which they spread; each more is one more night to replay."
    )
    runs: int = Field(
        5, gt=0, description="Strengths that are tried per attack to find the smallest."
    )


class AB(Section):
    """The split test on real traffic."""

    outcomes: str = Field(
        "data/traffic/outcomes",
        description="Outcomes log: a folder of parquet files below the workspace, or an SQLAlchemy URL.",
    )
    table: str = Field("outcomes", description="Table of the log, where it is a database.")
    share: float = Field(
        0.2, ge=0.01, le=0.99, description="Share of units that the candidate answers."
    )
    wait_hours: float = Field(
        24.0,
        ge=0,
        description="Hours after which a unit's outcome is known or counts as missing; shorter favours outcomes that come fast.",
    )
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = Field(
        0.05, description="Probability that the interval of the gain is ever wrong."
    )
    guard_alpha: Annotated[float, Field(gt=0, lt=0.5)] = Field(
        0.05, description="The same for all guardrails together."
    )
    srm_alpha: Annotated[float, Field(gt=0, lt=0.5)] = Field(
        0.001, description="The same for the check of the planned shares."
    )
    min_units: int = Field(
        200, ge=50, description="Units that each arm needs before anything is said of it."
    )
    tuned_at: Positive = Field(
        5000.0, description="Units of both arms at which intervals are tightest."
    )
    max_loss: Share = Field(
        0.0, description="Loss of right answers that is tolerated; a sure larger one is harm."
    )
    max_class_harm: Share = Field(
        0.05, description="Rise of the error rate of one class that is tolerated."
    )
    max_missing_harm: Share = Field(
        0.02, description="Rise of the share of missing outcomes that is tolerated."
    )
    max_unanswered_harm: Share = Field(
        0.01, description="Rise of the share of requests without an answer that is tolerated."
    )
    slow_ms: Positive = Field(1000.0, description="Milliseconds above which an answer is slow.")
    max_slow_harm: Share = Field(
        0.02, description="Rise of the share of slow answers that is tolerated."
    )
    max_bad_share: Share = Field(
        0.01, description="Share of the log's rows left out above which a test is not believed."
    )
    max_days: int = Field(28, gt=0, description="Days after which a test stops.")
    max_units: int = Field(200_000, gt=0, description="Units after which a test stops.")

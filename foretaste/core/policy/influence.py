"""What anybody may weigh: limits, decay, caps, track records of people."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from foretaste.core.policy.section import Positive, Section, Share


class ReportLimit(Section):
    """How many reports of one kind a contributor may file at full weight."""

    half_count: Positive = Field(
        10, description="Reports in the window at which the next one weighs half."
    )
    share: Share = Field(
        0.05, description="Cap on a contributor's share of all reports of this kind."
    )


class Influence(Section):
    """How much any one may move the model."""

    contributor_share: Share = Field(
        0.05,
        description="Share of the total weight that one contributor may hold; measured, 2 % cost 2.3 points of accuracy where one honest contributor sent a fifth of the rows, and bought little against heavy attackers.",
    )
    actor_share: Share = Field(
        0.05, description="The same for an actor: accounts judged to act as one."
    )
    subnet_share: Share = Field(
        0.10, description="The same for a /24 or /64; rows without a subnet form no group."
    )
    half_count: Positive = Field(
        200,
        description="Rows in the window at which a contributor's next row weighs half; a half-count, not a cliff to hide behind.",
    )
    window_days: Positive = Field(
        7, description="Days over which a contributor's volume is counted."
    )
    tiers: dict[Literal["anonymous", "registered", "verified", "trusted"], Positive] = Field(
        default={"anonymous": 0.5, "registered": 1.0, "verified": 1.5, "trusted": 2.0},
        description="Multiplier per tier.",
    )
    newcomer_rows: int = Field(
        5, ge=0, description="Accepted rows before which an account is a newcomer."
    )
    newcomer_weight: Positive = Field(
        0.3,
        description="Multiplier for newcomers; measured, it cut the Sybils' share of weight by two thirds.",
    )
    reports: dict[str, ReportLimit] = Field(
        default={"false_positive": ReportLimit(), "false_negative": ReportLimit()},
        description="Limits per kind of report.",
    )


class Validity(Section):
    """The track record of a contributor: a Beta posterior over the share of good rows."""

    prior_good: Positive = Field(
        9.0, description="Pseudo-count of good rows that everyone starts with."
    )
    prior_bad: Positive = Field(
        0.5, description="Pseudo-count of bad rows that everyone starts with."
    )
    forgetting: Share = Field(
        0.97, description="What is kept of the counts from night to night: half after 23 nights."
    )
    evidence_weight: Share = Field(
        0.5, description="Weight of a row decided by evidence on an earlier night."
    )
    review_weight: Positive = Field(1.0, description="Weight of a row decided by a person.")
    interval: Share = Field(0.95, description="Mass of the credible interval that is shown.")
    max_llr: Positive = Field(
        4.0, description="Nats that a track record may add to a row's prior, either way."
    )

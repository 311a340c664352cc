"""People at the desk."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from foretaste.core.policy.section import Positive, Section, Share


class Review(Section):
    """People at the desk: who must agree, how long they have, whom to tell."""

    double_share: Share = Field(
        0.02,
        description="A case with at least this share of the night's weight needs two people who agree.",
    )
    deadline_days: int = Field(
        7, gt=0, description="Days until a case that nobody decided expires; its rows stay out."
    )
    at_deadline: Literal["stay_out", "reject"] = Field(
        "stay_out",
        description="What an expired case means: its rows stay out and count for nobody, or count as poison. Never acceptance.",
    )
    lease_minutes: int = Field(
        20, gt=0, description="Minutes that a case is kept for the one who opened it."
    )
    gold_share: Share = Field(
        0.05, description="Share of a reviewer's queue that is cases with a known answer."
    )
    reason_codes: tuple[str, ...] = Field(
        (
            "campaign",
            "wrong_label",
            "trigger",
            "duplicate",
            "spam",
            "honest_mistake",
            "ordinary",
            "unclear",
        ),
        description="Codes that a decision may carry.",
    )
    session_hours: Positive = Field(12.0, description="Hours that a login lasts.")
    idle_minutes: Positive = Field(60.0, description="Minutes without a request that end a login.")
    login_attempts: int = Field(
        5, gt=0, description="Failed logins of one name or address before it must wait."
    )
    login_wait_minutes: Positive = Field(15.0, description="Minutes that it must wait then.")
    exposure_per_day: int = Field(
        500, gt=0, description="Opened texts a day after which a reviewer is told to take a break."
    )
    bulk_rows: int = Field(100_000, gt=0, description="Rows that one bulk decision may touch.")
    notify_cases: int = Field(20, gt=0, description="Waiting cases from which people are told.")
    notify_hours: Positive = Field(
        24.0, description="Hours before a deadline at which people are told."
    )
    notify_accounts: int = Field(
        20, gt=0, description="Accounts in a campaign from which people are told at once."
    )
    block_after: int = Field(
        2,
        gt=0,
        description="Decisions that call somebody a poisoner before what they send is held for a person.",
    )
    block_days: int = Field(90, gt=0, description="Days that they stay on that list.")
    action_days: int = Field(
        14, gt=0, description="Days that an action of the feed (challenge, throttle, block) lasts."
    )
    rule_nights: int = Field(
        14, gt=0, description="Published nights that a rule of the desk is tried on."
    )
    rule_rows: int = Field(
        1_000_000, gt=0, description="Rows after which that trial takes no further night."
    )
    rule_seconds: Positive = Field(
        20.0, description="Seconds that it may take in all; a rule that takes longer is refused."
    )
    rule_days: int = Field(180, gt=0, description="Most days that a rule of the desk may last.")

"""How evidence is heard and turned into verdicts."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from foretaste.core.policy.section import Positive, Section, Share


class TrackRecord(Section):
    """How reviews refine the detectors: a Beta posterior over the share of confirmed alarms."""

    prior_confirmed: Positive = Field(
        8.0, description="Pseudo-count of confirmed decisions that every detector starts with."
    )
    prior_refuted: Positive = Field(
        2.0,
        description="Pseudo-count of refuted ones; with the confirmed, how many reviews it takes to lower a detector's word.",
    )
    forgetting: Share = Field(
        0.97, description="What is kept of the counts from night to night: half after 23 nights."
    )
    least: Share = Field(
        0.6,
        description="Least that an accusation counts, however often people released: peaceful months, and bait that is meant to be released, must not silence a detector.",
    )


class DetectorSettings(Section):
    """One detector: whether it runs, its cap, its own parameters."""

    enabled: bool = Field(True, description="Whether it is asked.")
    cap: Positive = Field(
        10.0,
        description="Nats that it may add to one row, either way; most detectors bound themselves tighter.",
    )
    params: dict[str, Any] = Field(
        default_factory=dict, description="Its constructor's parameters."
    )


class Rule(Section):
    """A hand-written rule: an SQL predicate over the contribution's columns."""

    name: str = Field(description="Stable snake_case name.", pattern=r"^[a-z][a-z0-9_]*$")
    where: str = Field(
        description="SQL predicate, DuckDB's dialect; it sees one table, the night's rows."
    )
    llr: float = Field(
        description="Nats that a hit adds; negative speaks for honesty.", ge=-10, le=10
    )
    why: str = Field("", description="One sentence for the reviewer.")
    owner: str = Field("", description="Who answers for it.")


class Costs(Section):
    """What an outcome costs, in units of losing one honest row."""

    honest_downweighted: Positive = Field(0.09, description="An honest row that counts less.")
    honest_quarantined: Positive = Field(0.42, description="An honest row held for a person.")
    honest_rejected: Positive = Field(1.0, description="An honest row thrown out: the unit.")
    poison_accepted: Positive = Field(8.0, description="A poisoned row learnt at full weight.")
    poison_downweighted: Positive = Field(
        3.0, description="A poisoned row learnt at part of its weight."
    )
    poison_quarantined: Positive = Field(
        0.1, description="A poisoned row that takes a person's time."
    )


class Decision(Section):
    """From the sum of evidence to a verdict."""

    prior: Share = Field(0.015, description="Share of rows that are poison on an ordinary night.")
    max_prior: Share = Field(
        0.2,
        description="The most poison that a night's own evidence may make the budget expect; it moves no row's verdict by itself.",
    )
    costs: Costs = Field(
        default_factory=Costs, description="The cost table; the cheapest outcome is the verdict."
    )
    honest_loss_budget: Share = Field(
        0.02, description="Share of a night's rows that may be honest and yet held, in expectation."
    )
    downweight: Share = Field(0.3, description="Evidence weight of a down-weighted row.")
    family_caps: dict[str, Positive] = Field(
        default={
            "actors": 8.0,
            "contributor": 8.0,
            "micro_models": 6.0,
            "rows": 4.0,
            "duplicates": 5.0,
            "backdoor": 8.0,
            "rules": 10.0,
            "harm": 3.0,
        },
        description="Nats that a family of correlated detectors may add together.",
    )
    max_held_share: Share = Field(
        0.10, description="Share of a night that may be held without a person."
    )
    max_held_actors: Share = Field(
        0.10,
        description="Share of a night's actors whose rows may be held without a person even where they are more than that share of its rows, up to a quarter of the night.",
    )
    max_held_class_share: Share = Field(
        0.20, description="Share of a class that may be held without a person."
    )
    max_held_class_actors: Share = Field(
        0.15,
        description="Share of a class's actors whose rows may be held without a person even where they are more than that share of its rows, up to half of the class.",
    )
    heavy_contributor_share: Share = Field(
        0.02,
        description="A contributor with more of the night than this is held only as a case for a person, never rejected.",
    )
    rare_class_factor: Positive = Field(
        2.0,
        description="The rarest class may lose at most this multiple of the overall expected loss.",
    )
    drift_share: Share = Field(
        0.30, description="Share of actors that shift together before it counts as drift."
    )


class Expectations(Section):
    """Thresholds of the data suites."""

    min_rows: int = Field(
        20, ge=0, description="Fewer rows hold the night: a silent source is a fault."
    )
    max_reject_share: Share = Field(
        0.20, description="Share of malformed rows that holds the night."
    )
    max_label_shift: Share = Field(
        0.25,
        description="Total variation distance of the label mix against the last release that holds the night.",
    )
    volume_factor: Positive = Field(
        5.0, description="Accepted rows may differ from the last release by this factor."
    )
    max_drift: Positive = Field(
        0.8, description="Effect size (Cohen's d) of a feature's drift that holds the night."
    )
    alpha: Share = Field(
        0.01, description="False discovery rate of the drift tests (Benjamini-Hochberg)."
    )
    share_slack: Share = Field(0.0005, description="Rounding allowed above an influence cap.")

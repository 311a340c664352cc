"""The policy: ``params.yaml``, every knob with a default, a unit and a reason.

Unknown keys are errors, so that a typo never silently means "default".
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from foretaste.core.errors import PolicyError

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]


class Section(BaseModel):
    """A part of the policy: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Columns(Section):
    """Which of the user's columns is which word of the contract; null: not there."""

    contribution_id: str = Field(
        "contribution_id", description="Id of the row, unique per contributor."
    )
    contributor_id: str = Field("contributor_id", description="Account that sent the row.")
    label: str = Field("label", description="What the contributor claims; the training target.")
    contributed_at: str | None = Field(
        "contributed_at", description="When it was sent; else landing time, marked unknown."
    )
    item_id: str | None = Field("item_id", description="What it is about; co-visits come from it.")
    text: str | None = Field("text", description="Free text that the model reads.")
    ip: str | None = Field(None, description="Raw address; hashed at ingest, with its /24 or /64.")
    network_id: str | None = Field(
        None, description="Already hashed address, where ip is not given."
    )
    subnet_id: str | None = Field(None, description="Already hashed subnet, where ip is not given.")
    device: str | None = Field(
        None,
        description="User agent or device fingerprint; hashed at ingest. A rare one that a group shares speaks.",
    )
    account_name: str | None = Field(
        None,
        description="Name that the account's owner chose; null: the contributor id. Only its shape and a keyed sketch are kept.",
    )
    kind: str | None = Field(
        None, description="Kind of report, e.g. false_positive or false_negative."
    )
    tier: str | None = Field(None, description="anonymous, registered, verified or trusted.")
    registered_at: str | None = Field(None, description="When the account was made.")
    features: tuple[str, ...] = Field((), description="Numeric columns that the model reads.")
    attributes: tuple[str, ...] = Field(
        (), description="Text columns kept beside the row, e.g. a relay."
    )


class VisitColumns(Section):
    """Columns of the optional visits table; contributions stand in where there is none."""

    pattern: str | None = Field(None, description="Glob of visit files in landing; null: none.")
    contributor_id: str = Field("contributor_id", description="Account that visited.")
    item_id: str = Field("item_id", description="What was visited.")
    visited_at: str = Field("visited_at", description="When.")


class Ingest(Section):
    """What may come in, and how much of it."""

    source: str = Field("landing", description="Landing folder in the workspace, or an fsspec URL.")
    time_zone: str | None = Field(
        None,
        description="Zone of times that carry none; null: such rows are rejected, because guessing moves rows between nights.",
    )
    future_tolerance_hours: float = Field(
        1.0,
        ge=0,
        description="Hours that a time may lie ahead of the night; clocks differ by minutes, not days.",
    )
    id_pattern: str = Field(
        r"^[\x21-\x7e]{1,128}$",
        description="What an id must look like; printable ASCII leaves look-alikes and control characters out.",
    )
    allow_extra_columns: bool = Field(
        True, description="Drop unknown columns and count them, or set the file aside."
    )
    max_file_mb: Positive = Field(
        2048, description="MB a file may have, unpacked; larger ones are set aside."
    )
    max_rows: int = Field(5_000_000, gt=0, description="Rows a file may have.")
    max_text_chars: int = Field(
        20_000, gt=0, description="Characters a text may have; longer rows are rejected."
    )
    keep_originals_days: int = Field(
        90,
        ge=0,
        description="Days that the original bytes of bad rows are kept, encrypted; then their keys are deleted.",
    )
    max_bad_file_share: Share = Field(
        0.5, description="Share of files that may be set aside before the night is held."
    )


class Label(Section):
    """What a label may be."""

    type: Literal["categorical", "ordinal", "numeric"] = Field(
        "categorical", description="Numeric labels are cut into ordered classes at `bins`."
    )
    values: tuple[str, ...] | None = Field(
        None,
        description="Allowed labels, in order for ordinal; others are rejected. null: any, but one that no accepted night has waits for a person.",
    )
    bins: tuple[float, ...] = Field(
        (), description="Edges that cut a numeric label into classes, in its own unit."
    )
    max_classes: int = Field(
        200,
        gt=1,
        description="Distinct labels; rows beyond the most used ones are held: an attacker must not grow the model.",
    )

    @model_validator(mode="after")
    def _bins_fit_type(self) -> Label:
        if (self.type == "numeric") != bool(self.bins):
            raise ValueError("bins are needed for numeric labels, and only there")
        if list(self.bins) != sorted(set(self.bins)):
            raise ValueError("bins must rise")
        if self.type == "ordinal" and not self.values:
            raise ValueError("ordinal labels need values, in order")
        return self


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

    honest_downweighted: Positive = Field(0.15, description="An honest row that counts less.")
    honest_quarantined: Positive = Field(1.2, description="An honest row held for a person.")
    honest_rejected: Positive = Field(4.0, description="An honest row thrown out.")
    poison_accepted: Positive = Field(8.0, description="A poisoned row learnt at full weight.")
    poison_downweighted: Positive = Field(
        3.0, description="A poisoned row learnt at part of its weight."
    )
    poison_quarantined: Positive = Field(
        0.2, description="A poisoned row that takes a person's time."
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
        0.01, description="Share of a night's rows that may be honest and yet held, in expectation."
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


class Release(Section):
    """How accepted data is published."""

    train_nights: int = Field(30, gt=0, description="Nights that training reads.")
    remote: str | None = Field(
        None, description="DVC remote URL; null: a folder beside the workspace."
    )
    sign: bool = Field(True, description="Sign release tags with the workspace's SSH key.")


class Certified(Section):
    """The ensemble over accounts, and what must be proven of it."""

    enabled: bool = Field(
        False,
        description="Whether the model is an ensemble whose base models each see a few accounts.",
    )
    partitions: int = Field(
        41,
        gt=1,
        description="A base model learns from one in so many accounts; odd, five to eight times `hostile`.",
    )
    spread: int = Field(
        1,
        gt=0,
        description="Base models per account: 1 is Deep Partition Aggregation, more is Finite Aggregation at that multiple of the cost.",
    )
    vote: Literal["plurality", "run_off"] = Field(
        "plurality",
        description="How base models elect an answer; a run-off gained little where measured.",
    )
    filters: Literal["all", "own"] = Field(
        "all",
        description="`all`: the ensemble learns from accepted rows, and its numbers are heuristic; `own`: from every well-formed row, weighed by its own account's alone, which makes them a proof.",
    )
    hostile: int = Field(
        5, ge=0, le=1000, description="Hostile accounts that answers must withstand."
    )
    min_accuracy: Share = Field(
        0.5, description="Least share of golden rows right whatever so many accounts send."
    )
    min_recall: Share = Field(0.1, description="The same for the worst class.")


class Model(Section):
    """What is trained."""

    factory: str = Field(
        "auto",
        description="`auto`; `mlp`, a small neural network; or `module:function` returning an unfitted scikit-learn classifier.",
    )
    parameters: dict[str, Any] = Field(default_factory=dict, description="Passed to the factory.")
    squeeze: int = Field(
        0,
        ge=0,
        le=255,
        description="Levels to which numbers are rounded, by rank, before the default model reads them (feature squeezing); 0: off, 16 is usual.",
    )
    augment: Share = Field(
        0.0,
        description="Share of rows that training also sees with noise, rounding and misspelt words, each copy at half of the weight.",
    )
    denoise: Share = Field(
        0.0,
        lt=1,
        description="Share of the numbers' variance that is kept: the default models read their main components alone; 0: off, 0.95 is usual.",
    )
    dropout: Share = Field(
        0.0,
        lt=1,
        description="Share of a neural network's units that is switched off in each of 32 asks, whose spread is the uncertainty on the card; 0: off, 0.2 is usual.",
    )
    certified: Certified = Field(default_factory=Certified)

    @model_validator(mode="after")
    def _only_networks_drop_units(self) -> Model:
        if self.dropout and (self.factory == "auto" or self.certified.enabled):
            raise ValueError("dropout needs a neural network, `factory: mlp`, and no ensemble")
        return self

    @model_validator(mode="after")
    def _copies_prove_nothing(self) -> Model:
        if self.augment and self.certified.enabled:
            raise ValueError("augmented copies depend on everybody's rows: a certificate needs 0")
        return self


class Gates(Section):
    """What a candidate must pass to become champion."""

    metric: Literal["accuracy", "balanced_accuracy", "f1_macro"] = Field(
        "balanced_accuracy", description="The metric that must not fall."
    )
    floor: Share = Field(0.6, description="Least value of the metric on the golden set.")
    max_regression: Share = Field(
        0.0,
        description="Loss of the metric that is tolerated even where chance and the measured noise floor do not explain it.",
    )
    slices: tuple[str, ...] = Field(
        (), description="Columns of the golden set whose every value is judged by itself."
    )
    segments: int = Field(
        3, ge=0, le=20, description="Weak segments that are searched for and judged; 0: none."
    )
    twins: int = Field(
        2,
        ge=0,
        le=10,
        description="Times the champion's recipe is trained again to measure the noise floor; each costs a training.",
    )
    probe_rows: int = Field(
        100,
        ge=0,
        description="Golden rows on which evasion, stability and attributions are tried; 0: none.",
    )
    probe_queries: int = Field(
        25, gt=0, le=1000, description="Questions that the evasion probe may ask about each row."
    )
    max_churn: Share = Field(0.15, description="Share of golden rows whose prediction may change.")
    max_attack_success: Share = Field(
        0.20, description="Share of attack canaries that may hit the attacker's target."
    )
    max_size_factor: Positive = Field(
        3.0, description="Model bytes may differ from the champion's by this factor."
    )
    max_ab_loss: Share = Field(
        0.02, description="Loss on replayed traffic that fails when McNemar's test is significant."
    )
    alpha: Share = Field(
        0.05,
        description="Level of the intervals, and the probability that all comparisons with the champion together hold an honest candidate (Holm).",
    )
    bootstrap: int = Field(1000, gt=99, description="Resamples of each interval.")


class Harm(Section):
    """What an actor's rows do to a model, measured on the golden set without them."""

    enabled: bool = Field(
        False,
        description="Whether harm is evidence. Off by default: it accuses fewer honest accounts than its level says, but what it adds to the other evidence was not measured.",
    )
    draws: int = Field(
        499,
        gt=18,
        description="Random groups that an actor is compared with; most stop far earlier.",
    )
    level: Annotated[float, Field(gt=0, lt=0.5)] = Field(
        0.02,
        description="Most of a p-value, twice the share of random groups that are as harmful, at which harm is told from noise.",
    )
    max_llr: Positive = Field(3.0, description="Most that harm says about a row, in nats.")


class Bisect(Section):
    """How the actors behind a failed gate are searched for."""

    automatic: bool = Field(
        True, description="Whether a night whose gates fail ends with the search."
    )
    max_retrains: int = Field(
        25,
        ge=7,
        description="Candidates that one search may train; each takes as long as a night's.",
    )
    max_share: Share = Field(
        0.35,
        description="Share of the training weight that a group may have; a larger one is no cohort but a change of the task.",
    )
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = Field(
        0.01, description="Level of the paired test that one removal does better than another."
    )


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


class Engine(Section):
    """Where relational work runs."""

    kind: Literal["duckdb", "pandas"] = Field("duckdb", description="Embedded engines.")
    threads: int = Field(2, gt=0, description="Threads; results do not depend on it.")
    memory_mb: int = Field(2048, gt=0, description="MB before DuckDB spills to disk.")


class Limits(Section):
    """Bounds on the children in which heavy detectors run."""

    seconds: Positive = Field(
        900, description="Seconds after which a child is killed and its detector counts as failed."
    )
    memory_mb: int = Field(
        6144, gt=0, description="MB of address space beyond what the libraries reserve."
    )
    workers: int = Field(2, gt=0, description="Children at once; results do not depend on it.")


class Policy(Section):
    """The whole of ``params.yaml``."""

    seed: int = Field(20_260_101, ge=0, description="Seed of every random choice.")
    window_nights: int = Field(
        30, gt=0, description="Nights of accepted rows that detectors see beside tonight's."
    )
    columns: Columns = Field(default_factory=Columns)
    visits: VisitColumns = Field(default_factory=VisitColumns)
    ingest: Ingest = Field(default_factory=Ingest)
    label: Label = Field(default_factory=Label)
    influence: Influence = Field(default_factory=Influence)
    validity: Validity = Field(default_factory=Validity)
    detectors: dict[str, DetectorSettings] = Field(
        default_factory=dict, description="By registered name; those not named run with defaults."
    )
    track_record: TrackRecord = Field(default_factory=TrackRecord)
    rules: tuple[Rule, ...] = Field((), description="Hand-written rules.")
    decision: Decision = Field(default_factory=Decision)
    expectations: Expectations = Field(default_factory=Expectations)
    release: Release = Field(default_factory=Release)
    model: Model = Field(default_factory=Model)
    gates: Gates = Field(default_factory=Gates)
    harm: Harm = Field(default_factory=Harm)
    bisect: Bisect = Field(default_factory=Bisect)
    drill: Drill = Field(default_factory=Drill)
    review: Review = Field(default_factory=Review)
    ab: AB = Field(default_factory=AB)
    engine: Engine = Field(default_factory=Engine)
    limits: Limits = Field(default_factory=Limits)

    def digest(self) -> str:
        """SHA-256 of the whole policy, defaults included."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()

    def detector(self, name: str) -> DetectorSettings:
        """Settings of a detector; the defaults when the policy does not name it."""
        return self.detectors.get(name, DetectorSettings())


def load_policy(path: Path) -> Policy:
    """Read and validate ``params.yaml``.

    Raises
    ------
    PolicyError
        If the file is missing, is no YAML mapping, or a key is unknown or wrong; the
        message names the file and the key.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PolicyError(
            "no policy here", location=str(path), hint="run `foretaste init DIR` first"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PolicyError(f"not readable as YAML: {error}", location=str(path)) from None
    if raw is None:
        raw = {}
    if not isinstance(raw, dict):
        raise PolicyError("must be a mapping of sections", location=str(path))
    try:
        return Policy.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise PolicyError(
            f"{first['msg']}{more}",
            location=f"{path.name}: {key}",
            hint="docs/policy.md lists every key",
        ) from None

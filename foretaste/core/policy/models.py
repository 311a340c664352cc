"""How a model is trained, and what it must pass."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from foretaste.core.policy.section import Positive, Section, Share


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
    twins_in_doubt: int = Field(
        6,
        ge=0,
        le=20,
        description="The same where a comparison with the champion warns or fails with `twins` of them; no more are trained if it is not above `twins`.",
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
        description="Level of the intervals, and the probability that all comparisons with the champion together hold an honest candidate (Hommel).",
    )
    bootstrap: int = Field(1000, gt=99, description="Resamples of each interval.")


class Harm(Section):
    """What an actor's rows do to a model, measured on the golden set without them."""

    enabled: bool = Field(
        False,
        description="Whether harm is evidence. Off by default: where it was measured beside the other evidence, it caught at most a point more of the attackers and cost up to 2.3 points of honest rows.",
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

"""What may come in: columns, files, labels."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from foretaste.core.policy.section import Positive, Section, Share


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

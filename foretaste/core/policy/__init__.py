"""The policy: ``params.yaml``, every knob with a default, a unit and a reason.

Unknown keys are errors, so that a typo never silently means "default".
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import yaml
from pydantic import Field, ValidationError

from foretaste.core.errors import PolicyError
from foretaste.core.policy.contributions import Columns, Ingest, Label, VisitColumns
from foretaste.core.policy.influence import Influence, ReportLimit, Validity
from foretaste.core.policy.judging import (
    Costs,
    Decision,
    DetectorSettings,
    Expectations,
    Rule,
    TrackRecord,
)
from foretaste.core.policy.machine import Engine, Limits
from foretaste.core.policy.models import Bisect, Certified, Gates, Harm, Model, Release
from foretaste.core.policy.people import Review
from foretaste.core.policy.section import Section
from foretaste.core.policy.trials import AB, Drill

__all__ = [
    "AB",
    "Bisect",
    "Certified",
    "Columns",
    "Costs",
    "Decision",
    "DetectorSettings",
    "Drill",
    "Engine",
    "Expectations",
    "Gates",
    "Harm",
    "Influence",
    "Ingest",
    "Label",
    "Limits",
    "Model",
    "Policy",
    "Release",
    "ReportLimit",
    "Review",
    "Rule",
    "Section",
    "TrackRecord",
    "Validity",
    "VisitColumns",
    "load_policy",
]


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

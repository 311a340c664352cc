"""The run report: what happened in one night, as plain values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from foretaste.core.fusion import DecisionReport
from foretaste.core.gate import Gate, GateState
from foretaste.core.verdict import Account
from foretaste.report.group import GroupPicture
from foretaste.report.reliability import ReliabilityLine

SCHEMA_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class FileLine:
    """What became of a landed file: ``ingested``, ``known`` or ``set_aside``."""

    name: str
    state: str
    rows_in: int
    kept: int
    rejected: int
    message: str = ""


@dataclass(frozen=True, slots=True)
class DetectorLine:
    """How a detector reported.

    Parameters
    ----------
    name, family
        Who, and with whom it shares a cap.
    state
        ``spoke``, ``abstained`` or ``failed``.
    why
        Why it did not speak.
    flagged, rows
        Rows that it flagged, and that it said anything about.
    against, in_favour
        Nats of all its evidence for poison, and for honesty; both >= 0.
    seconds
        How long it took; None where nobody timed it.
    """

    name: str
    family: str
    state: str
    why: str = ""
    flagged: int = 0
    rows: int = 0
    against: float = 0.0
    in_favour: float = 0.0
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class CampaignLine:
    """Accounts that were judged to act as one, and what became of their rows."""

    actor_id: str
    size: int
    rows: int
    posterior: float
    reason: str
    verdicts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ShareLine:
    """A share of the total weight, and the cap on it; ``kind`` is what ``id`` names."""

    kind: str
    id: str
    share: float
    cap: float


@dataclass(frozen=True, slots=True)
class PosteriorBin:
    """Rows whose posterior lies in [low, high), by outcome."""

    low: float
    high: float
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class StepLine:
    """How long a step took, its peak memory, and rows it counted."""

    step: str
    seconds: float
    peak_mb: int
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ComparisonLine:
    """A measure of the model trained without the pipeline and with it, each in [0, 1]."""

    name: str
    before: float
    after: float
    better: str
    """``higher`` or ``lower``."""


@dataclass(frozen=True, slots=True)
class ChampionLine:
    """Who serves or served, since when and why.

    Parameters
    ----------
    seq
        Number in the history; the highest serves.
    model
        Digest.
    at
        ISO 8601.
    overruled
        Who overruled the model's gates, and why; shown in red. "" where nobody did.
    """

    seq: int
    model: str
    release: int
    kind: str
    by: str
    at: str
    reason: str
    overruled: str


@dataclass(frozen=True, slots=True)
class RunReport:
    """One night, ready to be shown.

    Parameters
    ----------
    run_id, night, as_of
        Which run: its night ``YYYY-MM-DD``, its "now" in ISO 8601.
    state
        ``promoted``, ``held``, ``released``, ``empty`` or ``failed``.
    headline
        One sentence: what happened, and why.
    account
        Where every row went.
    rejected
        Rows per reject code.
    decision
        What the verdicts cost, and which guards acted; None when it did not come to that.
    posterior
        Rows per bin of the posterior, evidence only.
    reliability
        What posteriors turned out to be worth, on drills and on reviewed rows.
    shares
        The largest shares of each kind.
    suites
        ``SuiteReport.to_json()`` of every suite that ran.
    metrics, champion_metrics
        Of the candidate and the champion on the golden set; None where not measured.
    release
        Name of the release; "" when none was published.
    groups
        Pictures of the largest campaigns.
    comparison
        The model with and without the pipeline, where a truth is known.
    champions
        The newest champions, the one that serves first.
    """

    run_id: str
    night: str
    as_of: str
    state: str
    headline: str
    account: Account
    rejected: Mapping[str, int]
    files: tuple[FileLine, ...] = ()
    detectors: tuple[DetectorLine, ...] = ()
    campaigns: tuple[CampaignLine, ...] = ()
    decision: DecisionReport | None = None
    posterior: tuple[PosteriorBin, ...] = ()
    reliability: tuple[ReliabilityLine, ...] = ()
    shares: tuple[ShareLine, ...] = ()
    suites: tuple[Mapping[str, Any], ...] = ()
    gates: tuple[Gate, ...] = ()
    metrics: Mapping[str, float | None] | None = None
    champion_metrics: Mapping[str, float | None] | None = None
    release: str = ""
    steps: tuple[StepLine, ...] = ()
    warnings: tuple[str, ...] = ()
    comparison: tuple[ComparisonLine, ...] = ()
    groups: tuple[GroupPicture, ...] = ()
    champions: tuple[ChampionLine, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Give a mapping of plain JSON values; what is not finite becomes null."""
        plain: dict[str, Any] = _plain({"schema_version": SCHEMA_VERSION, **asdict(self)})
        return plain

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> RunReport:
        """Build from what ``to_json`` gave.

        Raises
        ------
        ValueError
            If it is of another schema version.
        """
        values = dict(content)
        version = values.pop("schema_version", None)
        if version != SCHEMA_VERSION:
            raise ValueError(f"a run report of schema {version} is not one of {SCHEMA_VERSION}")
        for name, build in _LINES.items():
            values[name] = tuple(build(line) for line in values.get(name, ()))
        values["account"] = Account(**values["account"])
        if values["decision"] is not None:
            values["decision"] = _decision(values["decision"])
        return cls(**values)


def _gate(line: Mapping[str, Any]) -> Gate:
    return Gate(**{**line, "state": GateState(line["state"])})


def _decision(values: Mapping[str, Any]) -> DecisionReport:
    return DecisionReport(**{**values, "guards": tuple(values["guards"])})


_LINES: Final[Mapping[str, Callable[[Any], Any]]] = {
    "files": lambda line: FileLine(**line),
    "detectors": lambda line: DetectorLine(**line),
    "campaigns": lambda line: CampaignLine(**line),
    "posterior": lambda line: PosteriorBin(**line),
    "reliability": lambda line: ReliabilityLine(**line),
    "shares": lambda line: ShareLine(**line),
    "suites": dict,
    "gates": _gate,
    "steps": lambda line: StepLine(**line),
    "warnings": str,
    "comparison": lambda line: ComparisonLine(**line),
    "groups": GroupPicture.from_json,
    "champions": lambda line: ChampionLine(**line),
}


def _plain(value: Any) -> Any:
    """Make plain JSON values of anything that a report holds, numpy's scalars included."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    if isinstance(value, str) or value is None:
        return None if value is None else str(value)
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value

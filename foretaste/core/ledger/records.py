"""What the ledger gives back: plain frozen records."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from foretaste.core.errors import Tampered
from foretaste.core.files import canonical_json


@dataclass(frozen=True, slots=True)
class Run:
    """One run: ``state`` is running, interrupted, or what the flow ended it with.

    Parameters
    ----------
    counts
        Rows by outcome.
    release
        Number of the release that it published, None for none.
    """

    id: str
    night: str
    kind: str
    started: datetime
    ended: datetime | None
    state: str
    exit_code: int | None
    counts: Mapping[str, int]
    release: int | None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a run; ``manifest`` is the digest of what it left, ``info`` its numbers."""

    run_id: str
    step: str
    state: str
    started: datetime
    ended: datetime | None
    manifest: str | None
    info: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Champion:
    """Which model serves; the highest ``seq`` does.

    Parameters
    ----------
    seq
        1, 2, 3 …; a rollback is a new number, never an old one.
    model
        Digest of the model.
    release
        Number of the release that it was trained on.
    kind
        ``promote`` or ``rollback``.
    override
        True when a person promoted against a gate.
    run_id
        The run that moved it; no run moves it twice.
    """

    seq: int
    model: str
    release: int
    at: datetime
    by: str
    reason: str
    kind: str
    override: bool
    run_id: str


class Role(StrEnum):
    """What a person may do at the desk; each may do what those before it may."""

    VIEWER = "viewer"
    REVIEWER = "reviewer"
    LEAD = "lead"
    ADMIN = "admin"

    def allows(self, other: Role) -> bool:
        """Say whether this role may do what ``other`` may."""
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(other)


class CaseState(StrEnum):
    """Where a case stands; ``second`` waits for another, blind opinion, ``disputed`` for a lead."""

    OPEN = "open"
    ASSIGNED = "assigned"
    SECOND = "second"
    DISPUTED = "disputed"
    DECIDED = "decided"
    EXPIRED = "expired"


WAITING: Final = (
    CaseState.OPEN,
    CaseState.ASSIGNED,
    CaseState.SECOND,
    CaseState.DISPUTED,
)
"""States in which a case waits for somebody."""


@dataclass(frozen=True, slots=True)
class NewCase:
    """Rows for one person to judge together.

    Parameters
    ----------
    id
        Stable: the same rows of the same night give the same id.
    weight
        Σ of the weights that the rows would have.
    posterior
        Probability in [0, 1] that the case is poison.
    reasons
        Strongest first.
    rows
        Ids of the rows.
    """

    id: str
    kind: str
    title: str
    weight: float
    posterior: float
    reasons: tuple[str, ...]
    rows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaseRow:
    """What the desk shows of a row: nothing else of it is read to judge it.

    Parameters
    ----------
    contributor_id, actor_id, subnet_id
        Pseudonyms.
    weight
        What it would weigh in the corpus.
    posterior
        Probability in [0, 1] that it is poison.
    text
        As contributed: hostile until it is made visible.
    content
        Features, attributes and what else was contributed, by name.
    evidence
        Per detector that spoke: ``detector, nats, reason, capped``.
    """

    row_id: str
    contributor_id: str = ""
    actor_id: str | None = None
    subnet_id: str | None = None
    item_id: str | None = None
    contributed_at: datetime | None = None
    label: str = ""
    verdict: str = "quarantined"
    weight: float = 0.0
    posterior: float = 0.0
    text: str | None = None
    content: Mapping[str, Any] = field(default_factory=dict)
    evidence: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Furnishing:
    """What makes a case fit to be judged: its rows, its story, its worth.

    Parameters
    ----------
    subject
        Whom or what it is about: an actor, a contributor, a rule.
    contributors
        How many accounts its rows come from.
    minutes
        How long a person is expected to need.
    influence
        Expected influence on the model per minute of review: the order of the queue.
    needs
        People who must agree: 1 or 2.
    deadline
        When it expires; its rows then stay out.
    details
        What the page draws: ``foretaste.steps.furnish`` says what is in it.
    detectors
        Who spoke against its rows.
    """

    case_id: str
    subject: str
    contributors: int
    minutes: float
    influence: float
    needs: int
    deadline: datetime
    details: Mapping[str, Any]
    rows: tuple[CaseRow, ...]
    detectors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A case as it stands now; its rows are asked for apart.

    Parameters
    ----------
    version
        Counts up with every opinion and every change of state: who saw an older one is
        told what changed.
    assignee
        Who works on it: as long as ``leased_until`` is to come nobody else may decide it.
    details
        Empty where many cases are listed.
    """

    id: str
    run_id: str
    night: str
    kind: str
    title: str
    state: CaseState
    size: int
    weight: float
    posterior: float
    reasons: tuple[str, ...]
    assignee: str | None
    version: int = 1
    subject: str = ""
    contributors: int = 0
    minutes: float = 1.0
    influence: float = 0.0
    needs: int = 1
    opened: datetime | None = None
    deadline: datetime | None = None
    leased_until: datetime | None = None
    leased_at: datetime | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


class Judgement(StrEnum):
    """What a reviewer may say; ``apart``: these are different, honest people."""

    POISON = "poison"
    RELEASE = "release"
    APART = "apart"
    DOWNWEIGHT = "downweight"
    RELABEL = "relabel"
    ESCALATE = "escalate"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Decision:
    """What a reviewer said about a case, a row or a contributor.

    Parameters
    ----------
    label
        The new label of a relabelling.
    applied_in
        The run that acted on it; None while it waits.
    """

    id: int
    case_id: str | None
    row_id: str | None
    contributor_id: str | None
    decision: Judgement
    reason_code: str
    note: str
    label: str | None
    by: str
    at: datetime
    applied_in: str | None


def champion_bytes(champion: Champion) -> bytes:
    """Encode the champion for ``champion.json``."""
    return canonical_json(asdict(champion) | {"at": champion.at.isoformat()})


def read_champion(data: bytes) -> Champion:
    """Decode ``champion.json``.

    Raises
    ------
    Tampered
        If it is none.
    """
    try:
        raw = json.loads(data)
        return Champion(**raw | {"at": datetime.fromisoformat(raw["at"])})
    except (ValueError, TypeError, KeyError) as error:
        raise Tampered(
            f"champion.json cannot be read: {error}",
            hint="remove it; the next run writes it again from the ledger",
        ) from None

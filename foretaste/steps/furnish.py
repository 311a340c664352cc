"""Make cases fit to be judged: the desk shows nothing but what is written here.

After cases are opened, by a night, a purge, a search behind a gate or a rollback, their
rows, evidence and story are copied into the ledger. A page of the desk is then one query,
and what a person saw when deciding stays as it was.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from foretaste.core.contract import ATTRIBUTE_PREFIX, FEATURE_PREFIX
from foretaste.core.evidence import MICRO
from foretaste.core.ledger import Case, CaseRow, Furnishing
from foretaste.core.policy import Policy
from foretaste.core.workspace import Workspace
from foretaste.report.safe import visible
from foretaste.steps.alike import alike
from foretaste.steps.details import Record, Sources, details, records_of, spans
from foretaste.steps.dossier import Dossier, accepted_sample, gather
from foretaste.steps.state import read_records
from foretaste.steps.stories import CAMPAIGN, CONTRIBUTOR, RULE

log = logging.getLogger(__name__)

Line = tuple[str, int, str]
"""A detector, its micro-nats and its reason."""

_ROWS: Final = 50_000
"""Rows that are in memory at once; one case alone may have more."""
_NEAR_EACH: Final = 5
_NEAR_CASES: Final = 60
"""Cases, the heaviest, whose strongest rows are compared and whose ties are drawn."""
_SECONDS_A_ROW: Final = 5.0
_CHARS_A_MINUTE: Final = 1_500.0
_READ_ROWS: Final = 20
_STORY_MINUTES: Final = 0.5
_KEPT: Final = ("kind", "tier", "network_id", "device_id", "name_shape")


def furnish(workspace: Workspace, at: datetime) -> int:
    """Furnish the cases that wait and never were; give how many. May be repeated."""
    with workspace.ledger() as ledger:
        waiting = ledger.unfurnished()
        ids = {case.id: ledger.case_rows(case.id) for case in waiting}
        done = 0
        for cases in _together(waiting, {case.id: len(ids[case.id]) for case in waiting}):
            done += ledger.furnish(list(_furnished(workspace, cases, ids, at)), at=at)
    return done


def minutes(rows: Sequence[Record]) -> float:
    """Expect how long a person needs: a simple model of reading.

    Half a minute for the story, then for each of at most twenty rows five seconds, and its
    text at 1,500 characters a minute, of which nobody reads more than two minutes.

    Parameters
    ----------
    rows
        The case's rows, with ``text`` where there is any; the longest texts are expected.
    """
    longest = sorted((len(row.get("text") or "") for row in rows), reverse=True)[:_READ_ROWS]
    chars = sum(min(n, 2 * _CHARS_A_MINUTE) for n in longest)
    return round(_STORY_MINUTES + len(longest) * _SECONDS_A_ROW / 60 + chars / _CHARS_A_MINUTE, 2)


def influence(case: Case, needed: float) -> float:
    """Expected influence on the model per minute of review: the order of the queue.

    The share of the night's weight that the case's rows would have, times the probability
    that they are poison, over the minutes that judging it takes.
    """
    return case.weight * case.posterior / max(needed, 0.1)


def _together(cases: Sequence[Case], sizes: dict[str, int]) -> Iterator[list[Case]]:
    batch: list[Case] = []
    for case in cases:
        if batch and sum(sizes[one.id] for one in batch) + sizes[case.id] > _ROWS:
            yield batch
            batch = []
        batch.append(case)
    if batch:
        yield batch


def _furnished(
    workspace: Workspace, cases: Sequence[Case], ids: dict[str, list[str]], at: datetime
) -> Iterator[Furnishing]:
    policy = workspace.policy
    known = gather(
        workspace,
        {row for case in cases for row in ids[case.id]},
        {case.night for case in cases},
    )
    features = any(str(c).startswith(FEATURE_PREFIX) for c in known.rows)
    accepted = accepted_sample(workspace.layout, features=features)
    salt = workspace.key.derive("salt/slices")
    sources = Sources.of(
        known, read_records(workspace.layout.state), accepted, salt, policy.decision
    )
    rows = {str(row["row_id"]): row for row in records_of(known.rows.reset_index())}
    spoke = _spoke(known)
    heaviest = sorted(cases, key=lambda c: (-c.weight * c.posterior, c.id))
    first = {case.id: _strongest(ids[case.id], rows) for case in heaviest[:_NEAR_CASES]}
    near = alike(known.rows.loc[sorted({r for some in first.values() for r in some})], accepted)
    for case in cases:
        mine = [rows[row] for row in ids[case.id] if row in rows]
        said = {row["row_id"]: spoke.get(row["row_id"], []) for row in mine}
        told = details(
            case, mine, {d for lines in said.values() for d, _, _ in lines}, sources,
            graph=case.id in first or case.kind == CAMPAIGN,
        )  # fmt: skip
        shown = first.get(case.id, ())
        words = {row: spans(rows[row], (why for _, _, why in said[row]), salt) for row in shown}
        told |= _present("spans", words) | _present("alike", {r: near.get(r) for r in shown})
        yield _one(case, mine, said, told, policy, at)


def _present(name: str, found: dict[str, Any]) -> dict[str, Any]:
    kept = {row: value for row, value in found.items() if value}
    return {name: kept} if kept else {}


def _strongest(ids: Sequence[str], rows: Mapping[str, Record]) -> list[str]:
    """The most suspicious rows of a case."""
    there = [row for row in ids if row in rows]
    return sorted(there, key=lambda row: (-(rows[row].get("posterior") or 0.0), row))[:_NEAR_EACH]


def _spoke(known: Dossier) -> dict[str, list[Line]]:
    """Who said what of each row."""
    found: dict[str, list[Line]] = {}
    columns = (known.evidence[c].tolist() for c in ("row_id", "detector", "llr", "reason"))
    for row, detector, llr, reason in zip(*columns, strict=True):
        found.setdefault(row, []).append((detector, int(llr), reason))
    return found


def _one(
    case: Case,
    rows: Sequence[Record],
    said: Mapping[str, Sequence[Line]],
    told: Mapping[str, Any],
    policy: Policy,
    at: datetime,
) -> Furnishing:
    needed = minutes(rows)
    opened = case.opened or at
    against = {d for lines in said.values() for d, llr, _ in lines if llr > 0}
    return Furnishing(
        case_id=case.id,
        subject=_subject(case, rows),
        contributors=len({row["contributor_id"] for row in rows}),
        minutes=needed,
        influence=influence(case, needed),
        needs=2 if case.weight >= policy.review.double_share else 1,
        deadline=opened + timedelta(days=policy.review.deadline_days),
        details=told,
        rows=tuple(_row(row, _evidence(said[row["row_id"]], policy)) for row in rows),
        detectors=tuple(sorted(against)),
    )


def _subject(case: Case, rows: Sequence[Record]) -> str:
    """Whom or what a case is about; "" where it is no one thing."""
    column = {CAMPAIGN: "actor_id", CONTRIBUTOR: "contributor_id"}.get(case.kind, "")
    names = {row.get(column) for row in rows} - {None}
    if len(names) == 1:
        return str(names.pop())
    return case.title.rpartition(" ")[2] if case.kind == RULE else ""


def _row(row: Record, evidence: list[dict[str, Any]]) -> CaseRow:
    time = row.get("contributed_at")
    return CaseRow(
        row_id=str(row["row_id"]),
        contributor_id=str(row["contributor_id"]),
        actor_id=row.get("actor_id"),
        subnet_id=row.get("subnet_id"),
        item_id=row.get("item_id"),
        contributed_at=time.to_pydatetime() if time is not None else None,
        label=str(row.get("label") or ""),
        verdict=str(row.get("verdict") or "quarantined"),
        weight=float(row.get("influence_weight") or 0.0),
        posterior=float(row.get("posterior") or 0.0),
        text=row.get("text"),
        content=_content(row),
        evidence=tuple(evidence),
    )


def _content(row: Record) -> dict[str, Any]:
    """What else was contributed, in JSON's types."""
    own = {name: row.get(name) for name in _KEPT}
    if (registered := row.get("registered_at")) is not None:
        own["registered_at"] = registered.isoformat()
    own |= {
        name: value
        for name, value in row.items()
        if name.startswith((FEATURE_PREFIX, ATTRIBUTE_PREFIX))
        and not (isinstance(value, float) and not math.isfinite(value))
    }
    return {name: value for name, value in own.items() if value is not None}


def _evidence(lines: Sequence[Line], policy: Policy) -> list[dict[str, Any]]:
    """Lay out a row's evidence within each detector's cap, the strongest first."""
    found = []
    for detector, llr, reason in sorted(lines, key=lambda line: (-abs(line[1]), line[0])):
        cap = round(policy.detector(detector).cap * MICRO)
        found.append(
            {
                "detector": detector,
                "nats": round(min(max(llr, -cap), cap) / MICRO, 3),
                "reason": visible(reason),
                "capped": abs(llr) > cap,
            }
        )
    return found

"""Cases and people to test with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from foretaste.core.ledger import (
    CaseRow,
    Champion,
    Furnishing,
    Judgement,
    Ledger,
    NewCase,
    Role,
    Voted,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
NIGHT = "2026-01-01"
WEEK = NOW + timedelta(days=7)


def case(name: str, rows: int = 2, posterior: float = 0.9, kind: str = "campaign") -> NewCase:
    """A case of so many rows."""
    ids = tuple(f"{name}-{i}" for i in range(rows))
    return NewCase(name, kind, f"Case {name}", float(rows), posterior, ("burst",), ids)


def furnishing(
    name: str,
    rows: int = 2,
    *,
    needs: int = 1,
    people: Sequence[str] = ("ant", "bee"),
    texts: Mapping[str, str] | None = None,
    labels: Sequence[str] = ("ham",),
    **more: Any,
) -> Furnishing:
    """What such a case shows; its rows' contributors and labels take turns."""
    made = tuple(
        CaseRow(
            f"{name}-{i}",
            contributor_id=people[i % len(people)],
            subnet_id=f"net-{people[i % len(people)]}",
            item_id=f"item-{i}",
            contributed_at=NOW - timedelta(hours=i),
            label=labels[i % len(labels)],
            weight=1.0 + i,
            posterior=0.5 + i / (2 * rows),
            text=(texts or {}).get(f"{name}-{i}", f"text of {name} {i}"),
            content={"f_length": float(i)},
            evidence=({"detector": "burst", "nats": 2.5, "reason": "at once", "capped": False},),
        )
        for i in range(rows)
    )
    told: dict[str, Any] = {
        "subject": name,
        "contributors": len(people),
        "minutes": 2.0,
        "influence": 1.0,
        "needs": needs,
        "deadline": WEEK,
        "details": {"story": [f"It is about {name}."]},
        "detectors": ("burst",),
    }
    return Furnishing(case_id=name, rows=made, **told | more)


def opened(ledger: Ledger, *names: str, **more: Any) -> None:
    """Open and furnish cases."""
    rows = int(more.pop("rows", 2))
    kind = str(more.pop("kind", "campaign"))
    night = str(more.pop("night", NIGHT))
    ledger.open_cases(
        [case(name, rows, kind=kind) for name in names], run_id="r1", night=night, at=NOW
    )
    ledger.furnish([furnishing(name, rows, **more) for name in names], at=NOW)


def promote(ledger: Ledger, model: str, run: str, release: int = 1) -> Champion:
    """Make a model champion."""
    return ledger.promote(model, release=release, run_id=run, by="night", reason="gates", at=NOW)


def say(ledger: Ledger, case_id: str, judgement: Judgement, by: str = "ann", **more: Any) -> Voted:
    """Vote, as a reviewer for a reason that does not matter."""
    told: dict[str, Any] = {"role": Role.REVIEWER, "at": NOW, "reason_code": "looked"}
    return ledger.vote(case_id, judgement, by=by, **told | more)

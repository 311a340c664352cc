"""Small helpers that intake's tests share."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from foretaste.core.keys import WorkspaceKey
from foretaste.core.policy import Policy
from foretaste.intake import Intake, KnownRows, OriginalStore, discover, ingest

AS_OF = datetime(2026, 1, 2, tzinfo=UTC)
KEY = WorkspaceKey(b"i" * 32)


def row(**changes: Any) -> dict[str, Any]:
    """A good row; ``...`` drops a key."""
    good = {
        "contribution_id": "c1",
        "contributor_id": "u1",
        "label": "ham",
        "contributed_at": "2026-01-01T10:00:00Z",
    }
    return {name: value for name, value in (good | changes).items() if value is not ...}


def land(root: Path, name: str, *rows: dict[str, Any]) -> None:
    """Land rows as JSON Lines."""
    place = root / "landing" / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("".join(json.dumps(each) + "\n" for each in rows))


def take_in(
    root: Path,
    policy: dict[str, Any] | None = None,
    *,
    known: KnownRows | None = None,
    originals: OriginalStore | None = None,
    as_of: datetime = AS_OF,
) -> Intake:
    """Ingest everything that landed below ``root``."""
    return ingest(
        discover("landing", root),
        Policy.model_validate(policy or {}),
        KEY,
        as_of=as_of,
        night="2026-01-02",
        known=known or KnownRows.none(),
        originals=originals,
    )


def remember(*nights: Intake) -> KnownRows:
    """What the next night knows of earlier ones, files aside."""
    import pyarrow as pa

    rows = [night.contributions.select(["row_id", "row_digest"]) for night in nights]
    return KnownRows(pa.concat_tables(rows).combine_chunks(), frozenset())

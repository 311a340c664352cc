"""The actions feed: what the product's front door may do about a contributor.

Slowing an attacker down happens where contributions come in; the pipeline only says whom
it would slow down, why, and until when. Each contributor gets the one most severe action:

``block``
    On people's block list, or called a poisoner by people twice.
``challenge``
    In a campaign that waits for a person, or called a poisoner once: show a CAPTCHA.
``throttle``
    Sent more in the window than counts at full weight.
``trust``
    On people's allow list, or a long good record and nothing of the above.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from foretaste.core.contract import UTC_MICROS
from foretaste.core.files import atomic_write, canonical_json
from foretaste.core.layout import Layout, partition, partition_nights
from foretaste.core.ledger import WAITING, Case, Ledger, Query
from foretaste.core.policy import Policy
from foretaste.core.tables import write_table
from foretaste.core.workspace import Workspace
from foretaste.steps.state import read_decisions, read_validity
from foretaste.steps.stories import CAMPAIGN

NAME: Final = "contributor_actions"
FORMAT: Final = 1
FEED_SCHEMA: Final = pa.schema(
    [
        pa.field("contributor_id", pa.string(), nullable=False),
        pa.field("action", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("evidence", pa.string(), nullable=False),
        pa.field("since", UTC_MICROS, nullable=False),
        pa.field("expires", UTC_MICROS, nullable=False),
    ]
)
"""One line per contributor, sorted; ``reason`` is a stable code, ``evidence`` what it rests
on. Nobody may act on a line after ``expires``."""

_GOOD_ROWS: Final = 50
"""Good rows for each bad one, with one bad row to begin with, that make a long good record."""
_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class Action:
    """What may be done about a contributor; fields as in ``FEED_SCHEMA``."""

    contributor_id: str
    action: str
    reason: str
    evidence: str
    since: datetime
    expires: datetime


def feed_folder(layout: Layout) -> Path:
    """Where the front door reads the feed; never versioned."""
    return layout.reports / "feed"


def write_feed(workspace: Workspace, now: datetime) -> tuple[Action, ...]:
    """Write the feed as parquet and JSON, each whole or not at all; give its lines."""
    with workspace.ledger() as ledger:
        found = actions(workspace.layout, ledger, workspace.policy, now)
    folder = feed_folder(workspace.layout)
    folder.mkdir(parents=True, exist_ok=True)
    lines = [asdict(one) for one in found]
    write_table(pa.Table.from_pylist(lines, FEED_SCHEMA), folder / f"{NAME}.parquet")
    content: dict[str, Any] = {
        "format": FORMAT,
        "made": now.isoformat(),
        "actions": [
            line | {"since": line["since"].isoformat(), "expires": line["expires"].isoformat()}
            for line in lines
        ],
    }
    atomic_write(folder / f"{NAME}.json", canonical_json(content))
    return found


def read_feed(layout: Layout) -> dict[str, Any]:
    """Read the feed as the front door finds it; empty where none was written."""
    path = feed_folder(layout) / f"{NAME}.json"
    if not path.exists():
        return {"format": FORMAT, "made": None, "actions": []}
    content: dict[str, Any] = json.loads(path.read_bytes())
    return content


def actions(layout: Layout, ledger: Ledger, policy: Policy, now: datetime) -> tuple[Action, ...]:
    """Say what may be done about whom, sorted by contributor."""
    until = now + timedelta(days=policy.review.action_days)
    lists = {one.contributor_id: one for one in ledger.listed(now)}
    said = _called(read_decisions(layout.state), policy.review.block_after)
    chosen: dict[str, Action] = {}

    def choose(who: str, action: str, reason: str, evidence: str, end: datetime = until) -> None:
        chosen.setdefault(who, Action(who, action, reason, evidence, now, end))

    # The most severe first: whoever has an action keeps it.
    for who, one in lists.items():
        if one.kind == "block":
            choose(who, "block", "listed", one.reason, one.expires)
    for who, (numbers, again) in said.items():
        told = f"decisions {', '.join(map(str, numbers))}"
        choose(who, "block" if again else "challenge", "confirmed_poison", told)
    for who, case in _in_campaigns(ledger).items():
        choose(who, "challenge", "campaign", case)
    for who, rows in _fast(layout, policy, now).items():
        choose(who, "throttle", "rate", f"{rows} rows in {policy.influence.window_days:g} days")
    for who, one in lists.items():
        if one.kind == "allow":
            choose(who, "trust", "listed", one.reason, one.expires)
    for who, record in _proven(read_validity(layout.state)).items():
        choose(who, "trust", "good_record", record)
    return tuple(chosen[who] for who in sorted(chosen))


def _called(decisions: pd.DataFrame, again: int) -> Mapping[str, tuple[list[int], bool]]:
    """Whom the last word of people calls a poisoner: the decisions, and whether repeated."""
    from foretaste.steps.aftermath import repeated

    return {who: (numbers, len(numbers) >= again) for who, numbers in repeated(decisions, least=1)}


def _in_campaigns(ledger: Ledger) -> dict[str, str]:
    """Contributors whose rows wait in a campaign's case, with what it is."""
    found: dict[str, str] = {}
    known = ledger.golds()
    for case in (one for one in _waiting(ledger) if one.id not in known):
        told = f"case {case.id}: {case.contributors} accounts that act as one"
        for who, _, _ in ledger.contributors_of(case.id, limit=case.size):
            found.setdefault(who, told)
    return found


def _waiting(ledger: Ledger) -> Iterator[Case]:
    page, pages = 1, 1
    while page <= pages:
        found = ledger.queue(Query(states=WAITING, kind=CAMPAIGN, page=page, per=_PAGE))
        yield from found.items
        page, pages = page + 1, found.pages


def _fast(layout: Layout, policy: Policy, now: datetime) -> dict[str, int]:
    """Contributors who sent more in the window than counts at full weight, and how much."""
    since = now - timedelta(days=policy.influence.window_days)
    parts = []
    for night in reversed(partition_nights(layout.contributions)):
        if night < f"{since:%Y-%m-%d}":
            break
        path = partition(layout.contributions, night) / "contributions.parquet"
        if path.exists():
            recent = pc.field("contributed_at") >= pa.scalar(since, UTC_MICROS)
            wanted = ["contributor_id"]
            parts.append(pq.read_table(path, columns=wanted, filters=recent, partitioning=None))
    if not parts:
        return {}
    counts = pa.concat_tables(parts)["contributor_id"].value_counts()
    sent = zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True)
    return {str(who): int(n) for who, n in sorted(sent) if n >= policy.influence.half_count}


def _proven(validity: pd.DataFrame) -> dict[str, str]:
    """Contributors with a long good record."""
    good = validity[validity["good"] >= _GOOD_ROWS * (validity["bad"] + 1)]
    names, right, wrong = (good[c].tolist() for c in ("contributor_id", "good", "bad"))
    return {
        str(who): f"{g:.0f} good rows and {b:.1f} bad ones"
        for who, g, b in zip(names, right, wrong, strict=True)
    }

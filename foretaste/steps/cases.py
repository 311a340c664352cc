"""Cases: rows that a person judges together, as one story.

They are what is in quarantine. A campaign's rejected rows are with it too: that accounts
act as one is a judgement, and a person must be able to undo it whole.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator

import pandas as pd

from foretaste.core.actor import ActorKind
from foretaste.core.ledger import NewCase
from foretaste.core.verdict import Outcome


def draft_cases(verdicts: pd.DataFrame, actors: pd.DataFrame, night: str) -> list[NewCase]:
    """Group the night's rows that a person may want to judge, the most influence first.

    Parameters
    ----------
    verdicts
        ``VERDICT_SCHEMA`` with ``contributor_id``.
    actors
        ``ACTOR_SCHEMA``.
    """
    kinds = actors.drop_duplicates("actor_id").set_index("actor_id")
    campaigns = kinds.index[kinds["kind"] == ActorKind.CAMPAIGN]
    merged = (verdicts["code"] == "evidence") & verdicts["actor_id"].isin(campaigns)
    rejected = merged & (verdicts["verdict"] == Outcome.REJECTED)
    held = verdicts[rejected | (verdicts["verdict"] == Outcome.QUARANTINED)].copy()
    if held.empty:
        return []
    # In one order, whatever the table's: sums of floats depend on it.
    held = held.sort_values("row_id")
    total = math.fsum(verdicts["influence_weight"]) or 1.0
    held["kind"], held["subject"] = _stories(held, campaigns)
    cases = [
        _draft((str(kind), str(subject)), rows, kinds, night, total)
        for (kind, subject), rows in held.groupby(["kind", "subject"], sort=True)
    ]
    return sorted(cases, key=lambda c: (-c.weight * c.posterior, c.id))


def _stories(held: pd.DataFrame, campaigns: pd.Index[str]) -> tuple[pd.Series, pd.Series]:
    """Give each row the first story that fits: ingest's reason, campaign, rule, account."""
    kind = pd.Series("contributor", index=held.index, dtype="str")
    subject = held["contributor_id"].astype("str")
    rule = held["reasons"].str.extract(r"rule:([a-z0-9_]+)")[0]
    rule = rule.where(held["verdict"] == Outcome.QUARANTINED)
    for name, fits, value in (
        ("rule", rule.notna(), rule),
        ("campaign", held["actor_id"].isin(campaigns), held["actor_id"]),
        ("held", ~held["code"].isin(["", "evidence"]), held["code"]),
    ):
        kind = kind.mask(fits, name)
        subject = subject.mask(fits, value.astype("str"))
    return kind, subject


def _draft(
    story: tuple[str, str], rows: pd.DataFrame, kinds: pd.DataFrame, night: str, total: float
) -> NewCase:
    kind, subject = story
    accounts = rows["contributor_id"].nunique()
    rejected = int((rows["verdict"] == Outcome.REJECTED).sum())
    of_them = f", {rejected} of them rejected" if rejected else ""
    title = {
        "campaign": f"{accounts} accounts that act as one, {len(rows)} rows{of_them}",
        "rule": f"{len(rows)} rows from {accounts} accounts hit the rule {subject}",
        "held": f"{len(rows)} rows from {accounts} accounts held at ingest: {subject}",
        "contributor": f"{len(rows)} rows of one account",
    }[kind]
    own = [str(kinds.loc[subject, "reason"])] if kind == "campaign" else []
    return NewCase(
        id=hashlib.sha256(f"{kind}/{subject}/{night}".encode()).hexdigest()[:12],
        kind=kind,
        title=title,
        rows=tuple(sorted(rows["row_id"])),
        weight=float(rows["influence_weight"].sum()) / total,
        posterior=float(rows["posterior"].mean()),
        reasons=(*own, *_strongest(rows)),
    )


def _strongest(rows: pd.DataFrame) -> Iterator[str]:
    """The three reasons that most rows share, by their detector's name."""
    reasons = rows["reasons"].str.split(" | ", regex=False).explode()
    yield from (
        reasons[reasons != ""]
        .value_counts()
        .sort_index(kind="stable")
        .sort_values(ascending=False, kind="stable")
        .head(3)
        .index
    )

"""Cases: rows that a person judges together, as one story.

They are what is in quarantine. A campaign's rejected rows are with it too: that accounts
act as one is a judgement, and a person must be able to undo it whole.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter

import pandas as pd

from foretaste.core.actor import ActorKind
from foretaste.core.ledger import NewCase
from foretaste.core.verdict import Outcome
from foretaste.steps.stories import CAMPAIGN, stories, title


def draft_cases(
    verdicts: pd.DataFrame,
    actors: pd.DataFrame,
    night: str,
    content: pd.DataFrame | None = None,
    salt: bytes = b"",
) -> list[NewCase]:
    """Group the night's rows that a person may want to judge, the most influence first.

    Parameters
    ----------
    verdicts
        ``VERDICT_SCHEMA`` with ``contributor_id``; ``item_id`` and ``label`` where known.
    actors
        ``ACTOR_SCHEMA``.
    content
        Contributions of those rows at least, by which their stories are told; None: the
        verdicts alone tell them.
    salt
        Keys the words of texts.
    """
    kinds = actors.drop_duplicates("actor_id").set_index("actor_id")
    campaigns = kinds.index[kinds["kind"] == ActorKind.CAMPAIGN]
    held = _counted(verdicts)[for_people(verdicts, campaigns)]
    if held.empty:
        return []
    if content is not None:
        more = [c for c in content.columns if c == "row_id" or c not in held.columns]
        held = held.merge(content[more], on="row_id", how="left")
    # In one order, whatever the table's: sums of floats depend on it.
    held = held.sort_values("row_id", ignore_index=True)
    total = math.fsum(verdicts["influence_weight"]) or 1.0
    held["story"], held["subject"] = stories(held, campaigns, salt)
    cases = [
        _draft((str(kind), str(subject)), rows, kinds, night, total)
        for (kind, subject), rows in held.groupby(["story", "subject"], sort=True)
    ]
    return sorted(cases, key=lambda c: (-c.weight * c.posterior, c.id))


def for_people(verdicts: pd.DataFrame, campaigns: pd.Index[str]) -> pd.Series:
    """Rows that wait for a person, and those that were rejected as part of a campaign."""
    merged = (verdicts["code"] == "evidence") & verdicts["actor_id"].isin(campaigns)
    rejected = merged & (verdicts["verdict"] == Outcome.REJECTED)
    return rejected | (verdicts["verdict"] == Outcome.QUARANTINED)


def _counted(verdicts: pd.DataFrame) -> pd.DataFrame:
    """Add how many rows of the night say the same of the same item."""
    if not {"item_id", "label"} <= set(verdicts.columns):
        return verdicts
    same = verdicts.groupby(["item_id", "label"], sort=False)["row_id"].transform("size")
    return verdicts.assign(said_alike=same)


def _draft(
    story: tuple[str, str], rows: pd.DataFrame, kinds: pd.DataFrame, night: str, total: float
) -> NewCase:
    kind, subject = story
    own = [str(kinds.loc[subject, "reason"])] if kind == CAMPAIGN else []
    return NewCase(
        id=hashlib.sha256(f"{kind}/{subject}/{night}".encode()).hexdigest()[:12],
        kind=kind,
        title=title(kind, subject, rows),
        rows=tuple(sorted(rows["row_id"])),
        weight=float(rows["influence_weight"].sum()) / total,
        posterior=float(rows["posterior"].mean()),
        reasons=(*own, *_strongest(rows)),
    )


def _strongest(rows: pd.DataFrame) -> list[str]:
    """The three reasons that most rows share, by their detector's name."""
    said = (text.split(" | ") for text in rows["reasons"].tolist())
    shared = Counter(reason for reasons in said for reason in reasons if reason)
    return sorted(shared, key=lambda reason: (-shared[reason], reason))[:3]

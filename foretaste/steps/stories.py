"""What held rows have in common, and how to say it: the story that a person judges.

Every row gets the first story that fits, the most telling first: what ingest held, a
campaign, a rule, one item pushed by several accounts at a time, near-copies from several
accounts; what is left is told by its contributor.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
import pandas as pd

from foretaste.core.contract import ATTRIBUTE_PREFIX, FEATURE_PREFIX
from foretaste.core.verdict import Outcome
from foretaste.report.safe import visible
from foretaste.steps.desk_rules import RULE_CODE

CAMPAIGN: Final = "campaign"
TARGET: Final = "target"
COPIES: Final = "copies"
RULE: Final = "rule"
HELD: Final = "held"
CONTRIBUTOR: Final = "contributor"

_AT_INGEST: Final = {
    "conflict": "another content under an id that was sent before",
    "future_time": "dated in the future",
    "blocked": "sent by contributors whom people put on the block list",
    "new_label": "under a label that no accepted night has",
}
_SHORT: Final = pd.Timedelta(hours=24)
"""Longer spans say nothing: a night itself is about a day."""
_PUSHERS: Final = 3
_MOST: Final = 0.5
_COPIES: Final = 3
_NEARLY: Final = 0.9


def stories(
    held: pd.DataFrame, campaigns: pd.Index[str], salt: bytes
) -> tuple[pd.Series, pd.Series]:
    """Give each held row the kind of its story, and whom or what it is about.

    Parameters
    ----------
    held
        Verdicts with ``contributor_id``; ``label, item_id, contributed_at, text`` and the
        features where they are known; ``said_alike``, how many rows of the night say the
        same label of the same item.
    campaigns
        Actors that are judged to be groups that act as one.
    salt
        Keys the words of texts, so that nobody can prepare texts that are called copies.
    """
    kind = pd.Series(CONTRIBUTOR, index=held.index, dtype="str")
    subject = held["contributor_id"].astype("str")
    left = pd.Series(True, index=held.index)
    for name, find in (
        (HELD, _at_ingest),
        (CAMPAIGN, lambda rows: rows["actor_id"].where(rows["actor_id"].isin(campaigns))),
        (RULE, _rules),
        (TARGET, _targets),
        (COPIES, lambda rows: _copies(rows, salt)),
    ):
        found = find(held[left]).dropna()
        kind[found.index], subject[found.index] = name, found.astype("str")
        left[found.index] = False
    return kind, subject


def title(kind: str, subject: str, rows: pd.DataFrame) -> str:
    """Tell a story in one plain line; what strangers wrote in it is made visible."""
    accounts, n = rows["contributor_id"].nunique(), len(rows)
    people, lines = count(accounts, "account"), count(n, "row")
    rejected = int((rows["verdict"] == Outcome.REJECTED).sum())
    if kind == CAMPAIGN:
        parts = [f"{people} that act as one", *_shared(rows), lines]
        told = "all rejected" if rejected == n else f"{rejected} of them rejected"
        return ", ".join([*parts, told] if rejected else parts)
    if kind == RULE:
        return f"{lines} from {people} hit the rule {subject}"
    if kind == HELD:
        why = _AT_INGEST.get(subject)
        return f"{lines} from {people} held at ingest: {subject}" + (f" ({why})" if why else "")
    if kind == TARGET:
        when = [] if _timeless(rows) else within(rows["contributed_at"].tolist(), "sent")
        about = _quoted(str(rows["item_id"].iloc[0]))
        said = _quoted(str(rows["label"].iloc[0]))
        return ", ".join([f"{people} label one item, {about}, as {said}", *when, lines])
    if kind == COPIES:
        return ", ".join([f"{n} near-copies from {people}", *_labelled(rows)])
    return ", ".join([f"{lines} of one account", *_labelled(rows)])


def count(n: int, noun: str) -> str:
    """Say how many, in the singular where it is one."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def within(times: Iterable[Any], verb: str) -> list[str]:
    """Say within how long all of it happened, where that is known and less than a day."""
    known = list(times)
    if len(known) < 2 or any(time is None or time is pd.NaT for time in known):
        return []
    span = max(known) - min(known)
    if span > _SHORT:
        return []
    minutes = max(1, math.ceil(span.total_seconds() / 60))
    told = f"{minutes} min" if minutes < 90 else f"{round(minutes / 60)} h"
    return [f"{verb} within {told}"]


def commonest(labels: Iterable[str]) -> tuple[str, float]:
    """Give the label that most rows carry, and its share of them."""
    counts = Counter(labels)
    top = min(counts, key=lambda label: (-counts[label], label))
    return top, counts[top] / counts.total()


def _timeless(rows: pd.DataFrame) -> bool:
    return "time_unknown" in rows and bool(rows["time_unknown"].any())


def _shared(rows: pd.DataFrame) -> Iterator[str]:
    """What all rows of a group have in common."""
    if "registered_at" in rows:
        first = dict(zip(rows["contributor_id"], rows["registered_at"].tolist(), strict=True))
        yield from within(first.values(), "registered")
    yield from _labelled(rows)
    yield from _about(rows)


def _labelled(rows: pd.DataFrame) -> list[str]:
    if "label" not in rows or rows["label"].isna().all():
        return []
    top, share = commonest(rows["label"].dropna().tolist())
    if share < _NEARLY:
        return []
    much = "all " if share == 1 else f"{share:.0%} "
    return [f"{much if len(rows) > 1 else ''}labelled {_quoted(top)}"]


def _about(rows: pd.DataFrame) -> list[str]:
    """Name the column in which many rows share few values: their targets."""
    columns = [c for c in rows if c == "item_id" or str(c).startswith(ATTRIBUTE_PREFIX)]
    found = {str(c): rows[c].nunique() for c in columns if rows[c].notna().all()}
    few = {c: n for c, n in found.items() if n <= max(1, len(rows) // 4)}
    if not few or len(rows) < _PUSHERS:
        return []
    column = min(few, key=lambda c: (few[c], c))
    name = column.removeprefix(ATTRIBUTE_PREFIX).removesuffix("_id").replace("_", " ")
    return [f"about {count(few[column], name)}"]


def _quoted(text: str) -> str:
    return f"“{visible(text, limit=40)}”"


def _at_ingest(held: pd.DataFrame) -> pd.Series:
    code = held["code"]
    return code.where(~code.isin(["", "evidence"]) & ~code.str.startswith(RULE_CODE))


def _rules(held: pd.DataFrame) -> pd.Series:
    """Name the rule that held a row, or else that speaks against it."""
    held_by, against = (
        held[column].str.extract(rf"{start}{RULE_CODE}([a-z0-9_]+)")[0]
        for column, start in (("code", "^"), ("reasons", ""))
    )
    hit = held_by.fillna(against)
    return hit.where(held["verdict"] == Outcome.QUARANTINED)


def _targets(held: pd.DataFrame) -> pd.Series:
    """Name the item and label that several accounts pushed: most of it is held tonight.

    Where many people say the same of an item, a few of them that are held have nothing to
    do with each other.
    """
    if not {"item_id", "label", "contributed_at", "said_alike"} <= set(held.columns):
        return pd.Series(dtype="str")
    known = held[held["item_id"].notna()]
    groups = known.groupby(["item_id", "label"], sort=False)
    people = groups["contributor_id"].transform("nunique")
    span = groups["contributed_at"].transform("max") - groups["contributed_at"].transform("min")
    most = groups["row_id"].transform("size") >= _MOST * known["said_alike"]
    fits = known[(people >= _PUSHERS) & (span <= _SHORT) & most]
    # Named without repeating what strangers wrote.
    pairs = fits["item_id"].astype("str") + "\x1f" + fits["label"].astype("str")
    return pairs.map(lambda pair: hashlib.sha256(pair.encode()).hexdigest()[:16])


def _copies(held: pd.DataFrame, salt: bytes) -> pd.Series:
    """Name the group of near-copies that rows of several accounts belong to."""
    if len(held) < _COPIES or "label" not in held:
        return pd.Series(dtype="str")
    by = held.assign(group=_alike(held, salt)).groupby("group", sort=False)
    many = by["row_id"].transform("size") >= _COPIES
    people = by["contributor_id"].transform("nunique")
    return by["row_id"].transform("min").where(many & (people >= 2))


def _alike(held: pd.DataFrame, salt: bytes) -> np.ndarray:
    """(n,) group of near-copies of each row; rows alone have a group of their own."""
    from detectors.content.copies import text_groups
    from detectors.content.tokens import Tokens

    labels = pd.factorize(held["label"], sort=True)[0]
    if "text" in held and held["text"].notna().any():
        return text_groups(Tokens.of(held["text"], salt), labels)
    numbers = [c for c in held if str(c).startswith(FEATURE_PREFIX)]
    if not numbers:
        return np.arange(len(held))
    same = held.groupby([*numbers, "label"], sort=False, dropna=False)
    groups: np.ndarray = same.ngroup().to_numpy()
    return groups

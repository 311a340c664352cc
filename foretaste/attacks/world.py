"""An honest world: reporters over real mail, night by night.

The mail is split by a hash of its id, so the split never depends on a seed: 20 % golden
set, 12 % aside for canaries and traffic, the rest to be reported. Three of four mails
are reported once, the others by two or three people: agreeing copies are ordinary, and
too few to drown anything. Nights are stratified by class and list. What a night holds
was sent on the UTC day before it, so that nothing lies ahead of the night's clock.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import pandas as pd

from foretaste.attacks.base import fresh_ids
from foretaste.attacks.people import People, people
from foretaste.core.contract import VISIT_SCHEMA

LABELS: Final = ("ham", "spam")
RAW_COLUMNS: Final = (
    "contribution_id",
    "contributor_id",
    "contributed_at",
    "item_id",
    "label",
    "text",
    "kind",
    "ip",
    "tier",
    "registered_at",
    "sender",
    "relay",
)

_GOLDEN: Final = 20
_ASIDE: Final = 12
_REPORTS: Final = (0.75, 0.18, 0.07)
_HOURS: Final = np.array([1, 3, 6, 7, 6, 5, 6, 6, 5, 4, 4, 5, 6, 6, 5, 3, 2, 1] + [0.2] * 6)
"""How busy each hour after waking is: a morning, an afternoon, an evening."""


@dataclass(frozen=True, slots=True)
class World:
    """What honest people sent, and what was held out.

    Parameters
    ----------
    contributions
        Rows with ``RAW_COLUMNS``, in the order of time.
    visits
        Empty: contributions stand in for visits.
    truth
        ``contribution_id, contributor_id, mail_id, true_label``; no detector reads it.
    golden, aside
        Held-out mails, with the columns of the sample.
    nights
        Dates of the nights, oldest first.
    """

    contributions: pd.DataFrame
    visits: pd.DataFrame
    truth: pd.DataFrame
    golden: pd.DataFrame
    aside: pd.DataFrame
    nights: tuple[date, ...]


def reporters(
    mail: pd.DataFrame, *, n_contributors: int = 300, nights: int = 3, end: date, seed: int
) -> World:
    """Let simulated reporters send real mail.

    Parameters
    ----------
    mail
        The sample: ``mail_id, item, label, text, sender, relay``.
    n_contributors
        Reporters; the quietest may send nothing.
    nights, end
        How many nights, and the date of the last one.
    """
    rng = np.random.default_rng([seed, 0])
    dates = tuple(end - timedelta(days=nights - 1 - n) for n in range(nights))
    share = mail["mail_id"].map(_percent)
    golden = mail[share < _GOLDEN].reset_index(drop=True)
    aside = mail[share.between(_GOLDEN, _GOLDEN + _ASIDE - 1)].reset_index(drop=True)
    pool = mail[share >= _GOLDEN + _ASIDE].reset_index(drop=True)
    crowd = people(n_contributors, _day(dates[0]), rng)
    reports = _reports(pool, crowd, rng)
    reports["night"] = _nights(pool, nights, rng)[reports["mail"]]
    rows = _rows(pool, crowd, reports, _day(dates[0]), rng)
    order = rows.sort_values(["contributed_at", "contribution_id"]).index
    rows = rows.loc[order].reset_index(drop=True)
    mails = pool.iloc[reports["mail"].to_numpy()[order]]
    truth = rows[["contribution_id", "contributor_id"]].assign(
        mail_id=mails["mail_id"].to_numpy(), true_label=mails["label"].to_numpy()
    )
    visits = VISIT_SCHEMA.empty_table().to_pandas()
    return World(rows, visits, truth, golden, aside, dates)


def _percent(mail_id: str) -> int:
    return int.from_bytes(hashlib.blake2b(mail_id.encode(), digest_size=4).digest(), "big") % 100


def _day(night: date) -> pd.Timestamp:
    return pd.Timestamp(night, tz="UTC") - pd.Timedelta(days=1)


def _nights(pool: pd.DataFrame, nights: int, rng: np.random.Generator) -> np.ndarray:
    """Deal the mails out, class by class and list by list: every night gets its share."""
    shuffled = pool.assign(chance=rng.random(len(pool)))
    order = shuffled.sort_values(["label", "item", "chance"]).index.to_numpy()
    dealt = np.empty(len(pool), dtype=np.int64)
    dealt[order] = np.arange(len(pool)) % nights
    return dealt


def _reports(pool: pd.DataFrame, crowd: People, rng: np.random.Generator) -> pd.DataFrame:
    """Give distinct pairs of a mail and a reader of its list, the busy ones first."""
    readers = _readers(pool, crowd, rng)
    times = rng.choice([1, 2, 3], p=_REPORTS, size=len(pool))
    item, is_spam = pool["item"].to_numpy(), (pool["label"] == "spam").to_numpy()
    pairs: set[tuple[int, int]] = set()
    for mail, count in enumerate(times):
        weight = crowd.volume * readers[item[mail]]
        if is_spam[mail]:
            weight = weight * crowd.spam_lean
        chosen = rng.choice(len(crowd), p=weight / weight.sum(), size=count)
        pairs |= {(mail, int(person)) for person in chosen}
    return pd.DataFrame(sorted(pairs), columns=["mail", "person"])


def _readers(pool: pd.DataFrame, crowd: People, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Who reads each list; mail to no list (the largest group) reaches everybody."""
    sizes = pool["item"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    reads: dict[str, np.ndarray] = {}
    for item, size in sizes.items():
        chance = min(0.6, 0.08 + 1.2 * size / len(pool)) if reads else 1.0
        member = rng.random(len(crowd)) < chance
        member[rng.choice(len(crowd), size=min(5, len(crowd)), replace=False)] = True
        reads[str(item)] = member.astype(float)
    return reads


def _rows(
    pool: pd.DataFrame,
    crowd: People,
    reports: pd.DataFrame,
    first: pd.Timestamp,
    rng: np.random.Generator,
) -> pd.DataFrame:
    who, night = reports["person"].to_numpy(), reports["night"].to_numpy()
    mails = pool.iloc[reports["mail"]].reset_index(drop=True)
    n = len(mails)
    mistaken = rng.random(n) < crowd.noise[who]
    other = mails["label"].map({"ham": "spam", "spam": "ham"})
    label = mails["label"].mask(mistaken, other)
    away = rng.random(n) < crowd.away_share[who]
    ip = pd.Series(np.where(away, crowd.away[who], crowd.home[who]), dtype="str")
    kind = label.map({"ham": "false_positive", "spam": "false_negative"})
    return pd.DataFrame(
        {
            "contribution_id": fresh_ids(rng, "c", n, []),
            "contributor_id": pd.Series(crowd.ids[who], dtype="str"),
            "contributed_at": first + _moments(crowd, who, night, rng),
            "item_id": mails["item"],
            "label": label,
            "text": mails["text"],
            "kind": kind.where(rng.random(n) < 0.15),
            "ip": ip.where(rng.random(n) >= 0.02),
            "tier": pd.Series(crowd.tier[who], dtype="str"),
            "registered_at": crowd.registered_at.iloc[who].reset_index(drop=True),
            "sender": mails["sender"],
            "relay": mails["relay"],
        }
    )[list(RAW_COLUMNS)]


def _moments(
    crowd: People, who: np.ndarray, night: np.ndarray, rng: np.random.Generator
) -> pd.Series:
    """Time since the first midnight: people sit down once or twice a day and send in a row."""
    people, count = len(crowd), len(who)
    sitting = rng.choice(24, p=_HOURS / _HOURS.sum(), size=(people, int(night.max()) + 1, 2))
    begins = sitting[who, night, rng.integers(0, 2, size=count)] + crowd.wakes[who]
    minute = rng.integers(0, 60, size=people)[who] + rng.exponential(20.0, size=count)
    seconds = np.rint((begins % 24) * 3_600 + minute * 60).clip(0, 86_399)
    return pd.Series(pd.to_timedelta(seconds + 86_400 * night, unit="s"))

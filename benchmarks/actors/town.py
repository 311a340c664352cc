"""A town of honest visitors, with people who are honestly together, and campaigns in it.

Heavy-tailed activity, Zipf items, organic communities with items of their own, sessions,
days and nights in each visitor's own zone. The hard negatives are honest: classes that
meet weekly at the same hour on the same niche items, and flash crowds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from foretaste.attacks.campaigns import Campaign, Setting
from foretaste.attacks.campaigns.base import Part

DAY = 86_400
FIRST_CAMPAIGN = 10_000
START = pd.Timestamp("2026-01-05", tz="UTC")
_PER_SESSION = 2.5


@dataclass(frozen=True, slots=True)
class TownPlan:
    """How large a town is, and who lives there.

    Parameters
    ----------
    contributors, visits, items, days
        Honest accounts, about how many visits they make, distinct items, length.
    communities
        Organic communities; each has items of its own.
    in_classes
        Share of the contributors who belong to a class.
    crowds, in_crowd
        Flash crowds, and the share of contributors in each.
    """

    contributors: int = 50_000
    visits: int = 1_000_000
    items: int = 20_000
    days: int = 30
    communities: int = 300
    in_classes: float = 0.015
    crowds: int = 4
    in_crowd: float = 0.005


@dataclass(frozen=True, slots=True)
class Town:
    """Visits with integer ids, and what each account really is.

    Parameters
    ----------
    visits
        ``contributor_id, item_id, visited_at``, in the order of time.
    kind
        (n,) str: ``honest``, ``class``, ``crowd`` or the name of a campaign.
    actor
        (n,) int64: number of the class, or ``FIRST_CAMPAIGN`` and the campaign's place;
        -1 for the others.
    """

    visits: pd.DataFrame
    kind: np.ndarray
    actor: np.ndarray


def build(plan: TownPlan, campaigns: Sequence[Campaign], seed: int) -> Town:
    """Build the honest town and let the campaigns join it."""
    rng = np.random.default_rng([seed, 7])
    kind = np.full(plan.contributors, "honest", dtype=object)
    actor = np.full(plan.contributors, -1)
    parts = [_life(plan, rng)]
    parts += _classes(plan, kind, actor, rng)
    parts += _crowds(plan, kind, rng)
    who, item, second = (np.concatenate(part) for part in zip(*parts, strict=True))
    honest = _frame(who, item, second)
    return _with_campaigns(Town(honest, kind, actor), campaigns, seed)


def _with_campaigns(town: Town, campaigns: Sequence[Campaign], seed: int) -> Town:
    """Let campaigns join that do not see each other; their accounts get the next numbers."""
    setting = Setting.of(town.visits)
    frames, kinds, actors = [town.visits], [town.kind], [town.actor]
    taken = town.kind.size
    for number, campaign in enumerate(campaigns):
        made = campaign.join(setting, np.random.default_rng([seed, 8, number]))
        ids = pd.Index(made.accounts["contributor_id"])
        codes = taken + ids.get_indexer(pd.Index(made.visits["contributor_id"]))
        frames.append(made.visits.assign(contributor_id=codes))
        kinds.append(np.full(len(ids), campaign.name, dtype=object))
        actors.append(np.full(len(ids), FIRST_CAMPAIGN + number))
        taken += len(ids)
    visits = pd.concat(frames, ignore_index=True).sort_values("visited_at", kind="stable")
    return Town(visits.reset_index(drop=True), np.concatenate(kinds), np.concatenate(actors))


def _frame(who: np.ndarray, item: np.ndarray, second: np.ndarray) -> pd.DataFrame:
    since = pd.TimedeltaIndex(pd.to_timedelta(second, unit="s")).as_unit("us")
    return pd.DataFrame(
        {"contributor_id": who, "item_id": item, "visited_at": START.as_unit("us") + since}
    )


def _life(plan: TownPlan, rng: np.random.Generator) -> Part:
    """Ordinary visits, session by session."""
    n = plan.contributors
    share = rng.pareto(1.3, n) + 0.15
    share = np.minimum(share, np.quantile(share, 0.9995))
    sessions = rng.multinomial(round(plan.visits / _PER_SESSION), share / share.sum())
    session_who = np.repeat(np.arange(n), np.maximum(sessions, 1))
    length = rng.geometric(1 / _PER_SESSION, session_who.size)
    zone = rng.normal(14, 3.5, n) + rng.choice([0, 6, -8], p=[0.7, 0.15, 0.15], size=n)
    hour = rng.normal(zone[session_who], 2.5) % 24
    begin = rng.integers(0, plan.days, session_who.size) * DAY + (hour * 3600).astype(np.int64)
    who = np.repeat(session_who, length)
    first = np.repeat(np.cumsum(length) - length, length)
    step = np.arange(who.size) - first
    second = np.repeat(begin, length) + step * 150 + rng.integers(0, 120, who.size)
    return who, _items(plan, who, rng), np.minimum(second, plan.days * DAY - 1)


def _items(plan: TownPlan, who: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Items: six of ten of the visitor's communities, the others of all."""
    own = rng.integers(0, plan.communities, plan.contributors)
    second_own = np.where(
        rng.random(plan.contributors) < 0.3,
        rng.integers(0, plan.communities, plan.contributors),
        own,
    )
    item = _zipf(plan.items, 1.0, who.size, rng)
    rare = np.arange(plan.items // 40, plan.items)
    size = np.minimum(rng.integers(60, 200, plan.communities), rare.size)
    niche = [rng.choice(rare, size=s, replace=False) for s in size]
    inside = rng.random(who.size) < 0.6
    community = np.where(rng.random(who.size) < 0.6, own[who], second_own[who])
    at = np.flatnonzero(inside)
    at = at[np.argsort(community[at], kind="stable")]
    ends = np.cumsum(np.bincount(community[at], minlength=plan.communities))
    for c, mine in enumerate(np.split(at, ends[:-1])):
        item[mine] = niche[c][_zipf(size[c], 0.8, mine.size, rng)]
    return item


def _zipf(items: int, power: float, count: int, rng: np.random.Generator) -> np.ndarray:
    weight = np.cumsum(1.0 / np.arange(1, items + 1) ** power)
    return np.searchsorted(weight / weight[-1], rng.random(count))


def _classes(
    plan: TownPlan, kind: np.ndarray, actor: np.ndarray, rng: np.random.Generator
) -> list[Part]:
    """Weekly at the same hour, two or three niche items a time, most of the class present."""
    free = rng.permutation(plan.contributors)
    parts: list[Part] = []
    used = number = 0
    while used < plan.in_classes * plan.contributors:
        pupils = free[used : used + int(rng.integers(15, 40))]
        used += pupils.size
        kind[pupils], actor[pupils] = "class", number
        number += 1
        weekday, hour = int(rng.integers(0, 5)), int(rng.integers(8, 18))
        for day in range(weekday, plan.days, 7):
            for item in rng.integers(plan.items // 10, plan.items, int(rng.integers(2, 4))):
                there = pupils[rng.random(pupils.size) < 0.85]
                when = day * DAY + hour * 3600 + rng.integers(0, 3000, there.size)
                parts.append((there, np.full(there.size, item), when))
    return parts


def _crowds(plan: TownPlan, kind: np.ndarray, rng: np.random.Generator) -> list[Part]:
    """Everybody at one or two items within the hour."""
    parts: list[Part] = []
    for _ in range(plan.crowds):
        crowd = rng.choice(
            np.flatnonzero(kind == "honest"), round(plan.in_crowd * plan.contributors), False
        )
        kind[crowd] = "crowd"
        begin = int(rng.integers(0, max(plan.days - 1, 1))) * DAY + 12 * 3600
        for item in rng.integers(plan.items // 10, plan.items, 2):
            when = begin + rng.integers(0, 3600, crowd.size)
            parts.append((crowd, np.full(crowd.size, item), when))
    return parts

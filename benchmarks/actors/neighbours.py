"""More honest people who are together: friends in the evening, teams, readers of a few lists.

The town's classes and crowds are what the benchmark asks about; these are what a judgement
of groups must have seen as well before it meets a real night.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.actors.town import DAY, START, Town


def with_neighbours(
    town: Town,
    seed: int,
    *,
    in_clans: float = 0.006,
    in_teams: float = 0.004,
    in_lists: float = 0.008,
) -> Town:
    """Let some honest contributors join a clan, a team or a readership besides their own life.

    Parameters
    ----------
    in_clans
        Share of the accounts in groups of 3 to 9 friends, who meet on 4 to 12 evenings.
    in_teams
        Share in teams of 6 to 15, who meet every working day at one hour.
    in_lists
        Share in readerships of 12 to 60, who come back to a few items of their own as
        there is news; half of them do nothing else.
    """
    rng = np.random.default_rng([seed, 99])
    kind, actor = town.kind.copy(), town.actor.copy()
    days = int((town.visits["visited_at"].max() - START).days) + 1
    items = town.visits["item_id"].to_numpy()
    free = list(rng.permutation(np.flatnonzero(kind == "honest")))
    parts: list[tuple[np.ndarray, int, np.ndarray]] = []
    own: list[np.ndarray] = []
    plans = (
        ("clan", in_clans, (3, 10), _clan),
        ("team", in_teams, (6, 16), _team),
        ("reader", in_lists, (12, 60), _readers),
    )
    for name, share, sizes, together in plans:
        left = share * kind.size
        while left > 0:
            size = int(rng.integers(*sizes))
            members = np.array([free.pop() for _ in range(size)])
            kind[members], actor[members] = name, int(actor.max()) + 1
            parts += together(members, items, days, rng)
            own += [members] if name == "reader" and rng.random() < 0.5 else []
            left -= size
    only = np.isin(town.visits["contributor_id"], np.concatenate([*own, [-1]]))
    who = np.concatenate([p[0] for p in parts])
    item = np.concatenate([np.full(p[0].size, p[1]) for p in parts])
    second = np.concatenate([p[2] for p in parts])
    times = START.as_unit("us") + pd.TimedeltaIndex(pd.to_timedelta(second, unit="s")).as_unit("us")
    more = pd.DataFrame({"contributor_id": who, "item_id": item, "visited_at": times})
    visits = pd.concat([town.visits[~only], more], ignore_index=True)
    visits = visits.sort_values("visited_at", kind="stable", ignore_index=True)
    return Town(visits, kind, actor)


def _clan(
    members: np.ndarray, items: np.ndarray, days: int, rng: np.random.Generator
) -> list[tuple[np.ndarray, int, np.ndarray]]:
    parts = []
    for _ in range(int(rng.integers(4, 13))):
        there = members[rng.random(members.size) < rng.uniform(0.5, 0.95)]
        begin = int(rng.integers(days)) * DAY + int(rng.normal(20, 1.5) * 3600)
        for item in items[rng.integers(items.size, size=int(rng.integers(1, 3)))]:
            parts += [(there, int(item), begin + rng.integers(0, 2400, there.size))]
    return parts


def _team(
    members: np.ndarray, items: np.ndarray, days: int, rng: np.random.Generator
) -> list[tuple[np.ndarray, int, np.ndarray]]:
    hour, known = int(rng.integers(7, 18)), np.unique(items)
    parts = []
    for day in range(days):
        if day % 7 < 5:
            there = members[rng.random(members.size) < 0.8]
            item = int(known[rng.integers(known.size // 20, known.size)])
            when = day * DAY + hour * 3600 + rng.integers(0, 3600, there.size)
            parts.append((there, item, when))
    return parts


def _readers(
    members: np.ndarray, items: np.ndarray, days: int, rng: np.random.Generator
) -> list[tuple[np.ndarray, int, np.ndarray]]:
    lists = int(items.max()) + 1 + rng.integers(10**6) * 100 + np.arange(int(rng.integers(3, 12)))
    often = rng.integers(3, 60, members.size)
    who = np.repeat(members, often)
    news = rng.integers(0, days * 12, who.size)
    when = news * 7200 + rng.exponential(3 * 3600, who.size).astype(np.int64)
    return [
        (who[news % lists.size == i], int(item), when[news % lists.size == i])
        for i, item in enumerate(lists)
    ]

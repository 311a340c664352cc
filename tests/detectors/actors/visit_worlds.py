"""Seeded worlds of contributors, visits and networks, with campaigns the tests know of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from detectors.actors.graph.visits import Visits
from detectors.actors.groups.shared import Shared
from foretaste.core.batch import Batch

START = 1_767_225_600
HOUR = 3_600
DAY = 24 * HOUR


@dataclass
class Town:
    """Collects visits; every visit is also a contribution.

    Parameters
    ----------
    seed
        Of every draw.
    days
        Length of the batch.
    """

    seed: int = 0
    days: int = 30
    parts: list[pd.DataFrame] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)

    def add(self, who, item, second, *, subnet=None, network=None, registered=None) -> Town:
        """Add visits; ``registered`` in seconds since the start, may be negative."""
        n = len(who)
        none = [None] * n
        self.parts.append(
            pd.DataFrame(
                {
                    "contributor_id": pd.array(list(who), dtype="str"),
                    "item_id": pd.array(list(item), dtype="str"),
                    "second": np.asarray(second, dtype=np.int64),
                    "subnet_id": pd.array(none if subnet is None else list(subnet), dtype="str"),
                    "network_id": pd.array(none if network is None else list(network), dtype="str"),
                    "registered": np.full(n, np.nan)
                    if registered is None
                    else np.asarray(registered, dtype=float),
                }
            )
        )
        return self

    def people(self, n: int, visits: int, *, items: int = 500, groups: int = 10) -> Town:
        """Honest people: heavy-tailed activity, Zipf items, communities, days and nights."""
        share = self.rng.pareto(1.2, n) + 0.2
        who = self.rng.choice(n, visits, p=share / share.sum())
        popular = 1.0 / np.arange(1, items + 1)
        item = self.rng.choice(items, visits, p=popular / popular.sum())
        own = self.rng.random(visits) < 0.6
        item[own] = item[own] // groups * groups + (who[own] % groups)
        hour = np.clip(self.rng.normal(14, 4, visits), 0, 23.99)
        second = self.rng.integers(0, self.days, visits) * DAY + (hour * 3600).astype(int)
        born = -self.rng.integers(1, 700 * DAY, n)
        net = self.rng.integers(0, n // 3 + 1, n)
        return self.add(
            [f"honest{w:05d}" for w in who],
            [f"item{i:05d}" for i in item],
            second,
            subnet=[f"s{net[w]:05d}" for w in who],
            registered=born[who],
        )

    def ring(self, n: int = 31, *, hours: float = 2.0, rows: int = 1, subnet: str = "ring") -> Town:
        """Throw-away accounts behind one subnet, registered in a burst."""
        born = (self.days - 2) * DAY + self.rng.integers(0, max(round(hours * 3600), 1), n)
        who = np.repeat(np.arange(n), rows)
        when = born[who] + self.rng.integers(0, DAY, n * rows)
        return self.add(
            [f"ring{w:04d}" for w in who],
            [f"item{i:05d}" for i in self.rng.integers(0, 20, n * rows)],
            when,
            subnet=[subnet] * (n * rows),
            registered=born[who],
        )

    def lockstep(self, n: int = 20, *, targets: int = 10, minutes: float = 20) -> Town:
        """Accounts that visit the same niche items together and do nothing else."""
        at = self.rng.integers(0, self.days * DAY, targets)
        who, target = (a.ravel() for a in np.meshgrid(np.arange(n), np.arange(targets)))
        return self.add(
            [f"step{w:04d}" for w in who],
            [f"item{100 + 7 * t:05d}" for t in target],
            at[target] + self.rng.integers(0, round(minutes * 60), who.size),
            subnet=[f"rotated{w:04d}" for w in who],
            registered=-self.rng.integers(1, 700 * DAY, n)[who],
        )

    def course(self, n: int = 25, *, weeks: int = 4) -> Town:
        """An honest course: the same items every week at the same hour, and a life beside it."""
        born = -self.rng.integers(DAY, 300 * DAY, n)
        for week in range(weeks):
            for task in range(3):
                start = (7 * week + 2) * DAY + 10 * 3600
                self.add(
                    [f"pupil{w:04d}" for w in range(n)],
                    [f"course{week}{task}"] * n,
                    start + self.rng.integers(0, 3000, n),
                    subnet=["campus"] * n,
                    registered=born,
                )
        who = np.repeat(np.arange(n), 20)
        return self.add(
            [f"pupil{w:04d}" for w in who],
            [f"item{i:05d}" for i in self.rng.integers(0, 300, who.size)],
            self.rng.integers(0, self.days * DAY, who.size),
            subnet=["campus"] * who.size,
            registered=born[who],
        )

    def campus(self, n: int = 200) -> Town:
        """A subnet of many honest accounts, registered over years, most with few rows."""
        born = -self.rng.integers(0, 700 * DAY, n)
        who = np.concatenate([np.arange(n), self.rng.integers(0, n, n)])
        return self.add(
            [f"campus{w:04d}" for w in who],
            [f"item{i:05d}" for i in self.rng.integers(0, 300, who.size)],
            self.rng.integers(0, self.days * DAY, who.size),
            subnet=["campus-net"] * who.size,
            registered=born[who],
        )

    def readers(self, n: int = 60, *, lists: int = 6) -> Town:
        """Readers of the same mailing lists, who report as mail comes in, by day."""
        per = self.rng.integers(5, 60, n)
        who = np.repeat(np.arange(n), per)
        mail = self.rng.integers(0, self.days * 12, who.size)
        return self.add(
            [f"reader{w:04d}" for w in who],
            [f"list{i}" for i in mail % lists],
            mail * 7200 + self.rng.exponential(3 * 3600, who.size).astype(int),
            subnet=[f"home{w:04d}" for w in who],
            registered=-self.rng.integers(1, 700 * DAY, n)[who],
        )

    def crowd(self, n: int = 300) -> Town:
        """A flash crowd: everybody at two items within the hour."""
        who = np.tile(np.arange(n), 2)
        return self.add(
            [f"crowd{w:04d}" for w in who],
            [f"flash{i}" for i in np.repeat([0, 1], n)],
            10 * DAY + self.rng.integers(0, 3600, 2 * n),
            subnet=[f"crowd-net{w:04d}" for w in who],
            registered=-self.rng.integers(1, 700 * DAY, n)[who],
        )

    def frame(self) -> pd.DataFrame:
        """Everything that was added."""
        return pd.concat(self.parts, ignore_index=True)

    def batch(self) -> Batch:
        """Build the batch, with the contract's columns."""
        return batch_of(self.frame(), seed=self.seed)


class Scene:
    """One group, made by hand, among others who live as chance has it.

    Contributors 0 to ``members`` - 1 are group 0; the others follow. Items from ``NICHE``
    on are visited by nobody before a test says so.

    Parameters
    ----------
    members, others
        How many people there are.
    each
        Visits of each of the others, to items below ``NICHE`` at any time.
    """

    NICHE = 1000

    def __init__(self, members: int = 12, *, others: int = 400, each: int = 20, seed: int = 0):
        self.members, self.n_who = np.arange(members), members + others
        self.rng = np.random.default_rng(seed)
        self.parts: list[np.ndarray] = []
        crowd = np.repeat(np.arange(members, self.n_who), each)
        self.add(crowd, self.rng.integers(self.NICHE, size=crowd.size), self.any_time(crowd.size))

    def any_time(self, n: int) -> np.ndarray:
        """Seconds within thirty days."""
        return self.rng.integers(30 * DAY, size=n)

    def add(self, who: Sequence[int] | np.ndarray, item: object, second: object) -> Scene:
        """Add visits; one item or second stands for all."""
        parts = np.broadcast_arrays(np.asarray(who), item, second)
        self.parts.append(np.stack(parts).astype(np.int64))
        return self

    def live(self, each: int = 20) -> Scene:
        """Let the members do besides what the others do."""
        who = np.repeat(self.members, each)
        return self.add(who, self.rng.integers(self.NICHE, size=who.size), self.any_time(who.size))

    def meet(self, number: int, second: int, *, minutes: float = 0, who: object = None) -> Scene:
        """Let the group, or others, visit a niche item within minutes."""
        people = self.members if who is None else np.asarray(who)
        late = self.rng.integers(max(round(60 * minutes), 1), size=people.size)
        return self.add(people, self.NICHE + number, second + late)

    def drip(self, numbers: int, *, who: object = None) -> Scene:
        """Let the group, or others, visit niche items, each in its own time, never together."""
        people = self.members if who is None else np.asarray(who)
        step = 30 * DAY // max(people.size, 1)
        for number in range(numbers):
            turn = (np.arange(people.size) + 5 * number) % people.size
            self.add(people, self.NICHE + number, turn * step + number * HOUR)
        return self

    @property
    def label(self) -> np.ndarray:
        """(n_who,) int64: 0 for the members, -1 for the others."""
        return np.where(np.arange(self.n_who) < self.members.size, 0, -1)

    @property
    def visits(self) -> Visits:
        """Everything that was added, in codes."""
        who, item, second = np.concatenate(self.parts, axis=1)
        return Visits(who, item, second, self.n_who, int(item.max(initial=-1)) + 1)

    @property
    def shared(self) -> Shared:
        """What the group shares."""
        return Shared.of(self.visits, self.label)


def batch_of(frame: pd.DataFrame, *, seed: int = 0, visits: pd.DataFrame | None = None) -> Batch:
    """Build a batch from a frame of ``Town.add``'s columns, in any order."""
    ids = frame.get("row_id", pd.Series([f"r{i:08d}" for i in range(len(frame))], dtype="str"))
    frame = frame.assign(row_id=ids.to_numpy()).sort_values("row_id", ignore_index=True)
    n = len(frame)
    when = _times(START + frame["second"])
    rows = pd.DataFrame(
        {
            "row_id": frame["row_id"],
            "contribution_id": frame["row_id"],
            "contributor_id": frame["contributor_id"],
            "contributed_at": when,
            "time_unknown": False,
            "item_id": frame["item_id"],
            "label": pd.array(["ham"] * n, dtype="str"),
            "network_id": frame["network_id"],
            "subnet_id": frame["subnet_id"],
            "kind": pd.array([None] * n, dtype="str"),
            "tier": pd.array(["registered"] * n, dtype="str"),
            "registered_at": _times(START + frame["registered"]),
            "text": pd.array([None] * n, dtype="str"),
        }
    )
    codes, people = pd.factorize(rows["contributor_id"], sort=True)
    if visits is None:
        visits = rows.loc[rows["item_id"].notna(), ["contributor_id", "item_id", "contributed_at"]]
        visits = visits.set_axis(["contributor_id", "item_id", "visited_at"], axis="columns")
    return Batch(
        rows=rows,
        tonight=np.ones(n, dtype=bool),
        history_weight=np.ones(n),
        features=np.zeros((n, 0), dtype=np.float32),
        labels=np.zeros(n, dtype=np.int32),
        classes=("ham",),
        contributors=codes.astype(np.int32),
        contributor_ids=np.asarray(people, dtype=object),
        actors=codes.astype(np.int32),
        visits=visits.reset_index(drop=True),
        seed=seed,
        salt=b"salt of the tests",
    )


def _times(seconds: pd.Series) -> pd.Series:
    return pd.to_datetime(seconds, unit="s", utc=True).astype("datetime64[us, UTC]")

"""Groups of accounts to picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from foretaste.core.actor import ACTOR_SCHEMA, EDGE_SCHEMA
from foretaste.report import GroupPicture, picture_group

START = pd.Timestamp("2026-01-05", tz="UTC")
DAY = 86_400


@dataclass(frozen=True)
class Tables:
    """What a night leaves of a group; ``picture`` draws it."""

    actor_id: str
    actors: pa.Table
    edges: pa.Table
    visits: pd.DataFrame
    accounts: pd.DataFrame

    def picture(self) -> GroupPicture:
        return picture_group(self.actor_id, self.actors, self.edges, self.visits, self.accounts)

    def shuffled(self, seed: int) -> Tables:
        """The same rows in another order."""
        rng = np.random.default_rng(seed)
        return Tables(
            self.actor_id,
            self.actors.take(rng.permutation(len(self.actors))),
            self.edges.take(rng.permutation(len(self.edges))),
            self.visits.iloc[rng.permutation(len(self.visits))],
            self.accounts.iloc[rng.permutation(len(self.accounts))],
        )


def actor_table(members: list[str], name: str = "g1", others: tuple[str, ...] = ()) -> pa.Table:
    """A campaign, and people of their own."""
    told = [(who, name, "campaign", len(members), 0.97, "lockstep: x") for who in members]
    told += [(who, who, "singleton", 1, 0.0, "") for who in others]
    lines = [dict(zip(ACTOR_SCHEMA.names, line, strict=True)) for line in told]
    return pa.Table.from_pylist(lines, ACTOR_SCHEMA)


def edge_table(*lines: tuple[str, str, str, float, int]) -> pa.Table:
    """Edges from (left, right, kind, surprise, shared)."""
    told = [dict(zip(EDGE_SCHEMA.names, line, strict=True)) for line in lines]
    return pa.Table.from_pylist(told, EDGE_SCHEMA)


def visit_frame(*lines: tuple[str, str, float]) -> pd.DataFrame:
    """Visits from (contributor, item, seconds since the start)."""
    frame = pd.DataFrame(lines, columns=["contributor_id", "item_id", "at"])
    at = START + pd.to_timedelta(frame["at"].astype(float), unit="s")
    return frame.drop(columns="at").assign(visited_at=at.dt.as_unit("us"))


def account_frame(**seconds: float | None) -> pd.DataFrame:
    """Registrations from seconds since the start, by account; None where unknown."""
    at = [pd.NaT if s is None else START + pd.to_timedelta(s, unit="s") for s in seconds.values()]
    registered = pd.to_datetime(pd.Series(at, dtype="object"), utc=True)
    return pd.DataFrame({"contributor_id": list(seconds), "registered_at": registered})


def a_group(
    size: int,
    others: tuple[str, ...] = (),
    items: tuple[str, ...] = ("i1",),
    visits: int = 3,
    name: str = "g1",
    seed: int = 0,
) -> Tables:
    """A group of accounts m0, m1 … that registered within an hour and go to ``items``."""
    # No table can hold half a surrogate pair.
    others = tuple(text.encode(errors="replace").decode() for text in others)
    name = name.encode(errors="replace").decode()
    rng = np.random.default_rng(seed)
    members = [f"m{i}" for i in range(size)]
    ties = [(a, b, "co_visit", 9.0 + i, 4) for i, a in enumerate(members) for b in members[i + 1 :]]
    ties += [(members[0], other, "network", 7.0, 2) for other in others]
    came = [
        (who, items[k % len(items)] if k % 2 else f"own{who}{k}", float(rng.integers(0, 9 * DAY)))
        for who in members
        for k in range(visits)
    ]
    since = {who: -2.0 * DAY + 60 * i for i, who in enumerate(members)}
    return Tables(
        name,
        actor_table(members, name, others),
        edge_table(*ties),
        visit_frame(*came),
        account_frame(**since),
    )

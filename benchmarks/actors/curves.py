"""The table of methods, and how ours fares when campaigns are other than in the table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

from benchmarks.actors.peers import PEERS
from benchmarks.actors.scores import (
    Line,
    Measured,
    actors,
    calling,
    gain,
    ranking,
    reliability,
)
from benchmarks.actors.town import TownPlan
from benchmarks.actors.worlds import KINDS, World, campaign, campaigns

OURS: Final = "foretaste"
MIDDLE: Final = (0.6, 0.95)
"""Quantiles of the items' ranks between which targets are of middle popularity."""


@dataclass(frozen=True, slots=True)
class Point:
    """One place on a curve.

    Parameters
    ----------
    curve, setting
        Which curve, and where on it.
    how
        Fields of the campaigns, or ``sybils``, their share of the accounts.
    ring
        Kind of the one campaign of 2 % of all accounts; "" for campaigns of all kinds.
    known
        What people know, and who else lives there; see ``World.of``.
    unheard
        Kind of campaign that the reference of groups is not allowed to know.
    """

    curve: str
    setting: str
    how: dict[str, Any] = field(default_factory=dict)
    ring: str = ""
    known: dict[str, Any] = field(default_factory=dict)
    unheard: str = ""

    def world(self, plan: TownPlan, seed: int) -> World:
        """Build the town of this point."""
        joined = (
            [campaign(self.ring, accounts=plan.contributors // 50)]
            if self.ring
            else campaigns(plan, **self.how)
        )
        return World.of(plan, joined, seed, **self.known)


STANDARD: Final = Point("table", "standard")
TRUSTED: Final = 0.01
CONFIRMED: Final = 1
"""Accounts of every other campaign that peers are told."""
SEEDED: Final = Point("table", "standard", known={"trusted": TRUSTED, "confirmed": CONFIRMED})
"""The same town, as peers know it."""

CURVES: Final = (
    *(
        Point("intensity", f"{share:.0%} of targets", {"intensity": share})
        for share in (0.25, 0.5, 0.75, 1.0)
    ),
    *(
        Point("coverage", f"{share:.0%} of accounts at each", {"coverage": share})
        for share in (0.25, 0.5, 0.75)
    ),
    *(
        Point("sybils", f"{share:.1%} of accounts", {"sybils": share})
        for share in (0.005, 0.01, 0.025, 0.05, 0.1)
    ),
    *(Point("one giant ring", kind, ring=kind) for kind in KINDS),
    *(
        Point(
            "targets",
            f"ranks {MIDDLE[0]} to {MIDDLE[1]}, {share:.0%} of targets",
            {"popularity": MIDDLE, "intensity": share},
        )
        for share in (0.5, 1.0)
    ),
    *(
        Point(
            "known accounts",
            f"{trusted:.0%} trusted{', 2 confirmed in half' if confirmed else ''}",
            {"intensity": 0.5},
            known={"trusted": trusted, "confirmed": confirmed},
        )
        for trusted, confirmed in ((0.0, 0), (0.01, 0), (0.05, 0), (0.0, 2))
    ),
    Point("more honest groups", "clans, teams, readers", known={"neighbours": True}),
    *(
        Point(
            "unheard of",
            f"{kind}, {share:.0%} of targets",
            {"intensity": share},
            unheard=kind,
        )
        for kind in KINDS
        for share in (0.5, 1.0)
    ),
)


def search_world(world: World, unheard: str = "") -> Any:
    """Let our method search a town, as if it had never heard of a kind of campaign."""
    from detectors.actors.search import Settings, search

    return search(
        world.visits,
        trusted=world.trusted,
        confirmed=world.confirmed,
        seed=world.seed,
        settings=Settings(unheard=frozenset({unheard} - {""})),
    )


def table(
    plan: TownPlan,
    seeds: Sequence[int],
    peer_seeds: Sequence[int],
    note: Callable[[str], None],
) -> Iterator[Line]:
    """Measure ours, and beside it every peer, in the same towns.

    Ours knows nobody. Peers are told who is trusted and confirmed, since some need it.
    """
    for seed in seeds:
        note(f"table: {OURS}, seed {seed}")
        yield from _ours(STANDARD, plan, seed)
        if seed in peer_seeds:
            world = SEEDED.world(plan, seed)
            for name, peer in PEERS.items():
                note(f"table: {name}, seed {seed}")
                score = peer(world.visits, world.trusted, world.confirmed, seed)
                yield from _lines(STANDARD, name, seed, ranking(score, world))


def curves(
    plan: TownPlan,
    seeds: Sequence[int],
    note: Callable[[str], None],
    points: Iterable[Point],
) -> Iterator[Line]:
    """Measure ours at every point."""
    for point in points:
        for seed in seeds:
            note(f"{point.curve}: {point.setting}, seed {seed}")
            yield from _ours(point, plan, seed)


def _ours(point: Point, plan: TownPlan, seed: int) -> Iterator[Line]:
    world = point.world(plan, seed)
    found = search_world(world, point.unheard)
    measured = chain(
        ranking(found.nats, world),
        calling(found.groups, world),
        actors(found.groups, world),
        gain(found.groups, world),
        reliability(found.groups, world),
    )
    yield from _lines(point, OURS, seed, measured)


def _lines(point: Point, method: str, seed: int, measured: Measured) -> Iterator[Line]:
    for about, measure, value in measured:
        yield Line(point.curve, point.setting, method, about, measure, seed, value)

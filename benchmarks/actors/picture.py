"""A picture of one campaign that the search found."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.actors.curves import STANDARD, search_world
from benchmarks.actors.town import TownPlan
from detectors.actors.naming import name_groups
from detectors.actors.resolution import actor_table, edge_table
from foretaste.core.actor import ActorKind
from foretaste.report.group import picture_group

EDGES_EACH = 20
"""Strongest edges of each account that are drawn."""


def picture(plan: TownPlan, seed: int) -> str | None:
    """Search the standard town, and draw the campaign that it is surest of, as SVG.

    None when no group is called a campaign. The town's accounts have no registration
    times, and the picture says so.
    """
    world = STANDARD.world(plan, seed)
    found = search_world(world)
    called = [one for one in found.groups if one.kind is ActorKind.CAMPAIGN]
    if not called:
        return None
    chosen = max(called, key=lambda one: (one.log_odds, one.members.size))
    names = np.asarray([f"u{number:07d}" for number in range(world.visits.n_who)], dtype=object)
    (actor,) = name_groups([chosen.members], names, None)
    near = np.isin(world.town.visits["contributor_id"], chosen.members)
    visits = world.town.visits[near]
    visits = visits.assign(
        contributor_id=names[visits["contributor_id"]],
        item_id=[f"i{item:06d}" for item in visits["item_id"]],
    )
    accounts = pd.DataFrame({"contributor_id": names[chosen.members], "registered_at": pd.NaT})
    drawn = picture_group(
        actor,
        actor_table(names, [chosen], [actor]),
        edge_table(names, found.edges, [], EDGES_EACH),
        visits,
        accounts,
    )
    return drawn.document()

"""What the members of each group do together, and how else it can be explained.

A campaign shares one thing: a few targets that nearly all of its accounts visit, at
moments that nothing explains, and its members are tied to each other alone. People of one
community share many things, the busier ones more of them, with outsiders too; a class or
a crowd has one cause, however many items it touches.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from detectors.actors.graph.covisits import Edges
from detectors.actors.graph.visits import Visits
from detectors.actors.groups.moments import choices
from detectors.actors.groups.shared import Shared

MOST_POPULAR = 2000
"""Contributors of an item beyond which it tells nobody apart."""

_FULL = 30.0
_LIGHT = 0.5


@dataclass(frozen=True, slots=True)
class Behaviours:
    """Numbers per group, (G,) each.

    Parameters
    ----------
    size
        Members.
    targets
        Items that surprisingly many members visit, and at least three of ten.
    coverage
        Mean share of the members who visit a target; 0 without targets.
    focus
        Share of the visits to surprisingly shared items that go to targets: 1 where the
        members share nothing else.
    exclusive
        Share of the targets' visitors who are members.
    inward
        Share of the members' surprise that lies on edges inside the group.
    density
        Mean surprise of a pair inside as a share of 30 digits, at most 1.
    choices
        What they must have agreed on, see ``detectors.actors.groups.moments.choices``.
    own_life
        Share of the members' distinct visits that go to no surprisingly shared item.
    margin
        Digits per member by which the targets' surprise exceeds the search for them, that
        is how many sets of as many members and targets there are (a scan statistic).
    topic
        ln of how much likelier a casual outsider at one target goes to another than
        chance has it: high where the targets belong together, 0 where only the group
        ties them.
    slope
        By how much ln(targets visited) rises with ln(activity) among the members: people
        who do more do more of everything, accounts with an order do what was ordered.
    uneven
        ln of variance over mean of the members' visits to targets: people differ, orders
        are the same for all.
    again
        ln of the mean number of visits of a member to a target that it visits.
    """

    size: np.ndarray
    targets: np.ndarray
    coverage: np.ndarray
    focus: np.ndarray
    exclusive: np.ndarray
    inward: np.ndarray
    density: np.ndarray
    choices: np.ndarray
    own_life: np.ndarray
    margin: np.ndarray
    topic: np.ndarray
    slope: np.ndarray
    uneven: np.ndarray
    again: np.ndarray

    def matrix(self, names: tuple[str, ...]) -> np.ndarray:
        """(G, len(names)) float64, the named fields in their order."""
        columns = [getattr(self, name) for name in names]
        return np.stack(columns, axis=1).astype(np.float64)

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Names of the numbers."""
        return tuple(field.name for field in fields(cls))


def behaviours(visits: Visits, label: np.ndarray, edges: Edges) -> Behaviours:
    """Describe the groups 0 to G - 1 of ``label`` ((n_who,) int64, -1 for none)."""
    found = Shared.of(visits, label)
    size, everything = found.size, np.ones(found.group.size, dtype=bool)
    targets = found.per_group(found.target)
    in_targets = found.per_group(found.target, found.members)
    in_shared = found.per_group(found.shared, found.members)
    visitors = found.per_group(found.target, found.popularity[found.item])
    inside, total = _strength(edges, label, size.size)
    uneven, again = _returns(visits, found, in_targets)
    return Behaviours(
        size=size,
        targets=targets,
        coverage=in_targets / np.maximum(targets * size, 1),
        focus=in_targets / np.maximum(in_shared, 1),
        exclusive=in_targets / np.maximum(visitors, 1),
        inward=inside / np.maximum(total, 1e-9),
        density=inside / np.maximum(size * (size - 1), 1),
        choices=choices(visits, found),
        own_life=1.0 - in_shared / np.maximum(found.per_group(everything, found.members), 1),
        margin=_margin(found, targets),
        topic=_topic(found),
        slope=_slope(found),
        uneven=uneven,
        again=again,
    )


def _strength(edges: Edges, label: np.ndarray, n_groups: int) -> tuple[np.ndarray, np.ndarray]:
    """(G,) sums over ordered pairs: inside each group, and with anybody."""
    weight = np.minimum(edges.surprise, _FULL) / _FULL
    total = np.zeros(n_groups + 1)
    for end in (edges.left, edges.right):
        total += np.bincount(label[end] + 1, weight, minlength=n_groups + 1)
    same = (label[edges.left] == label[edges.right]) & (label[edges.left] >= 0)
    inside = np.bincount(label[edges.left][same], weight[same], minlength=n_groups)
    return 2 * inside, total[1:]


def _margin(found: Shared, targets: np.ndarray) -> np.ndarray:
    from scipy.special import gammaln

    def sets(n: int, m: np.ndarray) -> np.ndarray:
        """Digits of the number of sets of m among n."""
        nats = gammaln(n + 1) - gammaln(m + 1) - gammaln(n - m + 1)
        return np.asarray(nats / np.log(10))

    count, mean = found.members.astype(np.float64), found.expected
    digits = np.maximum(gammaln(count + 1) - count * np.log(mean) + mean, 0) / np.log(10)
    search = sets(found.degree.size, found.size) + sets(found.popularity.size, targets)
    margin = found.per_group(found.target, digits) - search
    return np.asarray(margin / np.maximum(found.size, 1))


def _topic(found: Shared) -> np.ndarray:
    at, chance = found.at_targets(MOST_POPULAR), found.chance(MOST_POPULAR)
    expected = (found.degree[at.row] - 1) * chance[at.col]
    casual = (found.label[at.row] != at.col) & (expected <= _LIGHT)
    group, n_groups = at.col[casual], found.size.size
    more = np.bincount(group, at.data[casual] - 1, minlength=n_groups)
    by_chance = np.bincount(group, expected[casual], minlength=n_groups)
    lift: np.ndarray = np.log((more + 1) / (by_chance + 1))
    return lift


def _slope(found: Shared) -> np.ndarray:
    n_items, n_groups = np.int64(max(found.popularity.size, 1)), found.size.size
    member = np.flatnonzero(found.label >= 0)
    mine = found.label[found.who] >= 0
    who, place = found.who[mine], found.place[mine]
    target = found.group[found.target] * n_items + found.item[found.target]
    hit = who[np.isin(found.label[who] * n_items + place, target)]
    group = found.label[member]
    activity = np.log(found.degree[member] + 1.0)
    reached = np.log(np.bincount(hit, minlength=found.degree.size)[member] + 0.5)
    size = np.maximum(found.size, 1)
    x, y = (
        value - (np.bincount(group, value, minlength=n_groups) / size)[group]
        for value in (activity, reached)
    )
    together = np.bincount(group, x * y, minlength=n_groups) / size
    # Where all are equally active nothing can be learnt: the slope goes to 0.
    slope: np.ndarray = together / (np.bincount(group, x * x, minlength=n_groups) / size + 0.05)
    return slope


def _returns(
    visits: Visits, found: Shared, in_targets: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    n_items, n_groups = np.int64(max(found.popularity.size, 1)), found.size.size
    mine = found.label[visits.who] >= 0
    who, item = visits.who[mine], visits.item[mine]
    target = found.group[found.target] * n_items + found.item[found.target]
    hit = who[np.isin(found.label[who] * n_items + item, target)]
    member = np.flatnonzero(found.label >= 0)
    group = found.label[member]
    times = np.bincount(hit, minlength=found.degree.size)[member].astype(np.float64)
    size = np.maximum(found.size, 1)
    total = np.bincount(group, times, minlength=n_groups)
    mean = total / size
    spread = np.bincount(group, (times - mean[group]) ** 2, minlength=n_groups) / size
    uneven = np.log((spread + 0.1) / (mean + 0.1))
    return uneven, np.log(np.maximum(total, 1) / np.maximum(in_targets, 1))

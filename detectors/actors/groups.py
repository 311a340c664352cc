"""Groups of accounts that act as one, and how likely each is a campaign.

Each group's log-odds add up from what a campaign would show and are taken down by what
honest people who are really together show: history, other interests, trusted members.
The constants are design choices in nats, conservative by intent; a group says nothing
about poison below even odds of nine to one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.actors.accounts import Burst
from detectors.actors.covisits import Edges
from detectors.actors.significance import MOST
from detectors.actors.visits import Visits, distinct
from foretaste.core.actor import ActorKind

PRIOR = -7.0
"""Log-odds that a group found by search is a campaign: about one in a thousand."""

CAMPAIGN = float(np.log(9.0))
"""Log-odds from which a group is called a campaign."""

_DAY = 86_400
_DENSITY = 0.03
_NATS = float(np.log(10.0))
_PER_CONFIRMED, _MOST_CONFIRMED = 2.0, 6.0
_PER_TRUSTED, _MOST_TRUSTED = -3.0, -9.0


@dataclass(frozen=True, slots=True)
class Group:
    """Accounts that stand together.

    Parameters
    ----------
    members
        Sorted codes of contributors.
    log_odds
        Nats for "campaign" against "honest people together".
    surprise
        -log10 of the probability of what they share.
    reason
        Code and numbers for a person; names nobody.
    """

    members: np.ndarray
    log_odds: float
    surprise: float
    reason: str

    @property
    def kind(self) -> ActorKind:
        """Campaign or honest group."""
        return ActorKind.CAMPAIGN if self.log_odds >= CAMPAIGN else ActorKind.HONEST_GROUP


def ring(burst: Burst, trusted: np.ndarray, confirmed: np.ndarray) -> Group:
    """Judge a burst of throw-away accounts.

    Registrations in honest life are not independent (word of mouth, an office, a course):
    each further account counts at most one nat, however improbable. How rare throw-away
    accounts are elsewhere adds up to 4, and how much of the place's pool they make up to 3.

    Parameters
    ----------
    trusted, confirmed
        (n,) bool per contributor.
    """
    more = burst.members.size - 1
    together = min(8.0, more, _NATS * burst.surprise)
    thin = min(4.0, more * max(0.0, float(np.log(0.95 / max(burst.base, 0.05)))))
    alone = 3.0 * min(1.0, more / 6.0) * burst.members.size / burst.pool
    members = np.sort(burst.members)
    known = _known(members, trusted, confirmed)
    where = "subnet" if burst.place == "subnet_id" else "address"
    shown = (
        f"{members.size} accounts, one {where}, registered within "
        f"{burst.hours:.1f} h, surprise {burst.surprise:.0f}"
    )
    log_odds = PRIOR + together + thin + alone + known
    return Group(members, log_odds, burst.surprise, _reason("ring", log_odds, shown))


def _reason(code: str, log_odds: float, shown: str) -> str:
    return f"{code if log_odds >= CAMPAIGN else 'together'}: {shown}"


def lockstep(
    edges: Edges, visits: Visits, min_size: int, trusted: np.ndarray, confirmed: np.ndarray
) -> list[Group]:
    """Find groups in the graph of synchronous pairs and judge them.

    What two members share, averaged over all their pairs, counts up to 12 nats and at
    most 1.5 for each further account. Members who also live a life of their own, on
    other items and other days, speak against a campaign with 12 nats times their share.
    """
    label = communities(edges, visits.n_who)
    size = np.bincount(label[label >= 0], minlength=int(label.max(initial=-1)) + 1)
    large = np.flatnonzero(size >= min_size)
    renumbered = np.full(size.size + 1, -1)
    renumbered[large] = np.arange(large.size)
    group = renumbered[label]
    own_life = established(visits, group)
    inside = (group[edges.left] == group[edges.right]) & (group[edges.left] >= 0)
    found = []
    for members, mine in zip(
        _split(group, np.arange(group.size), large.size),
        _split(np.where(inside, group[edges.left], -1), np.arange(edges.size), large.size),
        strict=True,
    ):
        known = _known(members, trusted, confirmed)
        found.append(_lockstep_group(members, mine, edges, float(own_life[members].mean()), known))
    return found


def communities(edges: Edges, n: int) -> np.ndarray:
    """(n,) int64 community of each contributor, -1 for those without an edge.

    Louvain with the constant Potts objective (Traag et al. 2011): a community's mean
    strength over all its pairs must exceed a fixed density, whatever the graph's size;
    modularity would swallow small campaigns into large communities.
    """
    label = np.full(n, -1)
    if edges.size == 0:
        return label
    from scipy.sparse import csr_matrix
    from sknetwork.clustering import Louvain

    nodes, ends = np.unique(np.concatenate([edges.left, edges.right]), return_inverse=True)
    a, b = ends[: edges.size], ends[edges.size :]
    strength = edges.surprise / MOST
    graph = csr_matrix((strength, (a, b)), shape=(nodes.size, nodes.size))
    graph = graph + graph.T
    resolution = _DENSITY * nodes.size**2 / float(graph.sum())
    finder = Louvain(
        resolution=resolution,
        modularity="potts",
        tol_optimization=1e-7,
        tol_aggregation=1e-7,
        sort_clusters=False,
        return_probs=False,
        return_aggregate=False,
    )
    label[nodes] = finder.fit_predict(graph)
    return label


def established(visits: Visits, group: np.ndarray) -> np.ndarray:
    """(n,) bool: members who live a life beside what their group shares.

    At least three items that less than half of the group visits, on at least five days;
    in a short batch, on at least half of its days.

    Parameters
    ----------
    group
        (n,) group of each contributor, -1 for none.
    """
    inside = group[visits.who] >= 0
    who, item = visits.who[inside], visits.item[inside]
    day = visits.seconds[inside] // _DAY
    place = group[who] * np.int64(visits.n_items) + item
    seen = distinct(place * np.int64(visits.n_who) + who) // visits.n_who
    shared, people = np.unique(seen, return_counts=True)
    crowd = np.bincount(group[group >= 0])[shared // max(visits.n_items, 1)]
    other = ~np.isin(place, shared[2 * people >= crowd])
    enough = min(5, max(1, (int(visits.seconds.max(initial=0)) // _DAY + 1) // 2))
    lives: np.ndarray = (_distinct(who[other], item[other], visits.n_who) >= 3) & (
        _distinct(who[other], day[other], visits.n_who) >= enough
    )
    return lives


def apart(groups: list[Group], n: int, min_size: int) -> list[Group]:
    """Give every contributor to its most suspicious group; what is left over is dropped."""
    taken = np.zeros(n, dtype=bool)
    kept = []
    ranked = sorted(groups, key=lambda g: (-g.log_odds, -g.surprise, g.members.tolist()))
    for group in ranked:
        free = group.members[~taken[group.members]]
        if free.size < max(min_size, group.members.size / 2):
            continue
        taken[free] = True
        kept.append(Group(free, group.log_odds, group.surprise, group.reason))
    return kept


def _lockstep_group(
    members: np.ndarray, mine: np.ndarray, edges: Edges, own_life: float, known: float
) -> Group:
    m = members.size
    level = float(edges.surprise[mine].sum()) / (m * (m - 1) / 2)
    together = min(12.0, 1.5 * (m - 1), _NATS * level)
    scales, often = np.unique(edges.hours[mine], return_counts=True)
    shown = (
        f"{m} accounts, {np.median(edges.shared[mine]):.0f} shared items within "
        f"{scales[often.argmax()]:g} h, surprise {level:.0f}, own life {own_life:.2f}"
    )
    log_odds = PRIOR + together - 12.0 * own_life + known
    return Group(members, log_odds, level, _reason("lockstep", log_odds, shown))


def _known(members: np.ndarray, trusted: np.ndarray, confirmed: np.ndarray) -> float:
    """Nats that people's knowledge of the members adds."""
    bad = min(_MOST_CONFIRMED, _PER_CONFIRMED * int(confirmed[members].sum()))
    good = max(_MOST_TRUSTED, _PER_TRUSTED * int(trusted[members].sum()))
    return bad + good


def _split(group: np.ndarray, values: np.ndarray, n_groups: int) -> list[np.ndarray]:
    """Values by group, in their order; -1 is no group."""
    order = np.argsort(group, kind="stable")
    bounds = np.searchsorted(group[order], np.arange(n_groups + 1))
    return [values[order[bounds[g] : bounds[g + 1]]] for g in range(n_groups)]


def _distinct(who: np.ndarray, value: np.ndarray, n: int) -> np.ndarray:
    """(n,) int64 number of distinct values of each contributor."""
    width = int(value.max(initial=0)) + 1
    return np.bincount(distinct(who * np.int64(width) + value) // width, minlength=n)

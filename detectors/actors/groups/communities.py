"""Communities of the graph of telling pairs, grown by those who share what they share."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from detectors.actors.graph.covisits import Edges
from detectors.actors.graph.significance import surprise
from detectors.actors.graph.visits import Visits
from detectors.actors.groups.behaviour import MOST_POPULAR
from detectors.actors.groups.shared import Shared

_DENSITY = 0.1
_FULL = 30.0
_FITS = 4.0
_SOME_OF = 0.3
_ROUNDS = 2


def groups_of(visits: Visits, edges: Edges, min_size: int) -> np.ndarray:
    """(n_who,) int64 group of each contributor, -1 for none; groups of ``min_size`` or more."""
    label = compact(communities(edges, visits.n_who), min_size)
    for _ in range(_ROUNDS):
        label = compact(grown(visits, label), min_size)
    return label


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
    strength = np.minimum(edges.surprise, _FULL) / _FULL
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


def grown(visits: Visits, label: np.ndarray) -> np.ndarray:
    """Let everybody join the group whose targets it visits most surprisingly.

    Joining takes three of ten of the group's targets, two at least, and more than chance
    explains; who is in a group stays unless another fits better. Fragments of one campaign
    come together this way, and members whose edges were too weak.
    """
    found = Shared.of(visits, label)
    at, chance = found.at_targets(MOST_POPULAR), found.chance(MOST_POPULAR)
    targets = found.per_group(found.usable(MOST_POPULAR))
    fit = surprise(at.data, np.maximum(found.degree[at.row] * chance[at.col], 1e-12))
    home = label[at.row] == at.col
    joins = (at.data >= np.maximum(2, _SOME_OF * targets[at.col])) & (fit >= _FITS)
    able = home | joins
    who, group, fit = at.row[able], at.col[able], fit[able]
    # Fragments of one campaign have the same targets: the largest takes the others in.
    order = np.lexsort((group, -found.size[group], -np.round(fit, 1), who))
    who, group = who[order], group[order]
    first = np.ones(who.size, dtype=bool)
    first[1:] = who[1:] != who[:-1]
    joined = label.copy()
    joined[who[first]] = group[first]
    return joined


def parted(label: np.ndarray, different: Iterable[np.ndarray]) -> np.ndarray:
    """Take those out of a group of whom a person said that they are not one."""
    label = label.copy()
    for people in different:
        own = label[people]
        groups, members = np.unique(own[own >= 0], return_counts=True)
        label[people[np.isin(own, groups[members > 1])]] = -1
    return label


def compact(label: np.ndarray, min_size: int) -> np.ndarray:
    """Number the groups of ``min_size`` or more from 0, and leave the others."""
    size = np.bincount(label[label >= 0], minlength=int(label.max(initial=-1)) + 1)
    large = size >= min_size
    number = np.full(size.size + 1, -1)
    number[:-1][large] = np.arange(large.sum())
    renumbered: np.ndarray = number[label]
    return renumbered

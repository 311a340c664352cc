"""Names of groups that last: tomorrow's ring keeps today's name."""

from __future__ import annotations

import hashlib
from collections import Counter

import numpy as np
import pyarrow as pa


def name_groups(groups: list[np.ndarray], names: np.ndarray, known: pa.Table | None) -> list[str]:
    """Name each group.

    A group keeps the name of a known group if they share at least half of the smaller of
    the two; where several could, most members keep theirs. Other names derive from the
    members.

    Parameters
    ----------
    groups
        Sorted member codes into ``names`` per group, disjoint.
    known
        Last night's table of ``ACTOR_SCHEMA``, or None.
    """
    before, sizes = _known_groups(known)
    overlaps = []
    for i, group in enumerate(groups):
        shared = Counter(before[m] for m in names[group] if m in before)
        overlaps += [
            (i, actor, count)
            for actor, count in sorted(shared.items())
            if 2 * count >= min(sizes[actor], group.size)
        ]
    named = _matched(overlaps)
    used = set(named.values()) | set(sizes)
    return [
        named[i] if i in named else _fresh(names[group], used) for i, group in enumerate(groups)
    ]


def _matched(overlaps: list[tuple[int, str, int]]) -> dict[int, str]:
    """Match groups and known names one to one, so that most members keep their group's name.

    Maximum-weight matching (Galil 1986), exact where choosing the largest overlap first
    is not.
    """
    if not overlaps:
        return {}
    from networkx import Graph, max_weight_matching

    graph = Graph()
    for i, actor, count in overlaps:
        graph.add_edge((0, i), (1, actor), weight=count)
    pairs = (sorted(pair) for pair in max_weight_matching(graph))
    return {group[1]: actor[1] for group, actor in pairs}


def _known_groups(known: pa.Table | None) -> tuple[dict[str, str], dict[str, int]]:
    """Actor of each member, and how many members each actor had, singletons left out."""
    if known is None:
        return {}, {}
    lines = zip(known["contributor_id"].to_pylist(), known["actor_id"].to_pylist(), strict=True)
    members = dict(lines)
    sizes = {actor: n for actor, n in Counter(members.values()).items() if n > 1}
    return {who: actor for who, actor in members.items() if actor in sizes}, sizes


def _fresh(members: np.ndarray, used: set[str]) -> str:
    """Hash the members; a name that another group bears already is hashed on."""
    text = "\n".join(str(m) for m in members)
    while True:
        name = "g" + hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
        if name not in used:
            return name
        text += "\n+"

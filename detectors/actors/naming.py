"""Names of groups that last: tomorrow's ring keeps today's name."""

from __future__ import annotations

import hashlib
from collections import Counter

import numpy as np
import pyarrow as pa


def name_groups(groups: list[np.ndarray], names: np.ndarray, known: pa.Table | None) -> list[str]:
    """Name each group.

    A group keeps the name of a known group if they share at least half of the smaller of
    the two; the largest overlap chooses first. Other names derive from the members.

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
            (-count, actor, i)
            for actor, count in shared.items()
            if 2 * count >= min(sizes[actor], group.size)
        ]
    named: dict[int, str] = {}
    used: set[str] = set()
    for _, actor, i in sorted(overlaps):
        if i not in named and actor not in used:
            named[i] = actor
            used.add(actor)
    return [
        named[i] if i in named else _fresh(names[group], used | set(sizes))
        for i, group in enumerate(groups)
    ]


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

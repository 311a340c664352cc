"""A group's neighbourhood: its members, their strongest neighbours, and what ties them."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

MEMBERS: Final = 40
OTHERS: Final = 20
TIES_EACH: Final = 6
"""A drawn account keeps its strongest ties, or everything would be one blot."""


@dataclass(frozen=True, slots=True)
class Tie:
    """Evidence between two drawn accounts, ``left`` and ``right`` by place in the drawing."""

    left: int
    right: int
    kind: str
    surprise: float
    shared: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """All ties of one kind, drawn or not.

    Parameters
    ----------
    inside, outside
        Ties between members, and from members to others.
    strongest
        Largest surprise, -log10 of a tail probability.
    most
        Largest number of things that two accounts share.
    """

    kind: str
    inside: int
    outside: int
    strongest: float
    most: int


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Who is drawn, and why they stand together.

    Parameters
    ----------
    members, others
        Drawn accounts, in the order of their places on the circles.
    members_left_out, others_left_out
        Accounts that there are but that are not drawn.
    ties
        Drawn evidence; places count through members, then others.
    ties_left_out
        Evidence that is not drawn.
    evidence
        Per kind, over everything.
    """

    members: tuple[str, ...]
    others: tuple[str, ...]
    members_left_out: int
    others_left_out: int
    ties: tuple[Tie, ...]
    ties_left_out: int
    evidence: tuple[Evidence, ...]


def neighbourhood(members: Sequence[str], edges: pa.Table) -> Neighbourhood:
    """Choose what to draw of a group: whoever is tied most strongly.

    Parameters
    ----------
    edges
        ``EDGE_SCHEMA``, of everybody or of the group's members alone.
    """
    ties = _touching(members, edges)
    within = _strength(ties[ties["inside"]])
    shown = sorted(members, key=lambda m: (-within.get(m, 0.0), m))[:MEMBERS]
    beside = ties[~ties["inside"] & (ties["left"].isin(shown) | ties["right"].isin(shown))]
    group = set(members)
    near = {who: much for who, much in _strength(beside).items() if who not in group}
    others = sorted(near, key=lambda o: (-near[o], o))[:OTHERS]
    ordered = (*_walk(shown, ties[ties["inside"]]), *others)
    drawn = _drawn(ordered, ties)
    return Neighbourhood(
        members=ordered[: len(shown)],
        others=ordered[len(shown) :],
        members_left_out=len(members) - len(shown),
        others_left_out=_outsiders(ties, group) - len(others),
        ties=drawn,
        ties_left_out=len(ties) - len(drawn),
        evidence=_evidence(ties),
    )


def _touching(members: Sequence[str], edges: pa.Table) -> pd.DataFrame:
    """Ties of members, the strongest first, with ``inside`` where both ends are."""
    group = pa.array(list(members), pa.string())
    ends = {side: pc.is_in(edges[side], group) for side in ("left", "right")}
    touching = edges.filter(pc.or_(ends["left"], ends["right"])).to_pandas()
    both = touching["left"].isin(members) & touching["right"].isin(members)
    frame: pd.DataFrame = touching.assign(inside=both).sort_values(
        ["surprise", "left", "right", "kind"],
        ascending=[False, True, True, True],
        ignore_index=True,
    )
    return frame


def _strength(ties: pd.DataFrame) -> dict[str, float]:
    """Surprise of all its ties, by account."""
    ends = pd.concat([ties["left"], ties["right"]])
    total = pd.concat([ties["surprise"]] * 2).groupby(ends.to_numpy()).sum()
    return {str(who): float(much) for who, much in total.items()}


def _outsiders(ties: pd.DataFrame, members: set[str]) -> int:
    return len({*ties["left"], *ties["right"]} - members)


def _walk(shown: Sequence[str], ties: pd.DataFrame) -> tuple[str, ...]:
    """Order accounts so that strong ties join neighbours: runs that grow at both ends."""
    tied: dict[str, dict[str, float]] = defaultdict(dict)
    for left, right, surprise in zip(ties["left"], ties["right"], ties["surprise"], strict=True):
        for one, two in ((left, right), (right, left)):
            tied[one][two] = max(surprise, tied[one].get(two, 0.0))
    waiting, order = dict.fromkeys(shown), list[str]()
    while waiting:
        run = deque([next(iter(waiting))])
        del waiting[run[0]]
        while grown := _closest(run, waiting, tied):
            at_end, following = grown
            (run.append if at_end else run.appendleft)(following)
            del waiting[following]
        order += run
    return tuple(order)


def _closest(
    run: Sequence[str], waiting: Mapping[str, None], tied: Mapping[str, Mapping[str, float]]
) -> tuple[bool, str] | None:
    """Find who is tied most strongly to an end of the run; whether it is the last end."""
    near = [
        (-tied[end][one], at_end, one)
        for at_end, end in ((True, run[-1]), (False, run[0]))
        for one in waiting
        if one in tied[end]
    ]
    return min(near)[1:] if near else None


def _drawn(shown: Sequence[str], ties: pd.DataFrame) -> tuple[Tie, ...]:
    """Give the ties that are among the strongest of one of their ends."""
    place = {who: i for i, who in enumerate(shown)}
    kept: list[Tie] = []
    held = [0] * len(shown)
    columns = (ties[name].tolist() for name in ("left", "right", "kind", "surprise", "shared"))
    for one, two, kind, surprise, shared in zip(*columns, strict=True):
        if one not in place or two not in place:
            continue
        left, right = place[one], place[two]
        if min(held[left], held[right]) < TIES_EACH:
            held[left] += 1
            held[right] += 1
            kept.append(Tie(left, right, kind, surprise, shared))
    return tuple(kept)


def _evidence(ties: pd.DataFrame) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(
            str(kind),
            int(of_kind["inside"].sum()),
            int((~of_kind["inside"]).sum()),
            float(of_kind["surprise"].max()),
            int(of_kind["shared"].max()),
        )
        for kind, of_kind in ties.groupby("kind", sort=True)
    )

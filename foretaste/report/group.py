"""A picture of one group of accounts: who stands with whom, and what they did when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from foretaste.core.actor import ActorKind
from foretaste.report.group_plots import neighbourhood_svg, timeline_svg
from foretaste.report.neighbourhood import Evidence, Neighbourhood, Tie, neighbourhood
from foretaste.report.svg import stand_alone
from foretaste.report.timeline import Lane, Target, Timeline, timeline


@dataclass(frozen=True, slots=True)
class GroupPicture:
    """What is drawn of a group, as plain values; ``size`` counts all its accounts."""

    actor_id: str
    kind: str
    size: int
    neighbourhood: Neighbourhood
    timeline: Timeline

    def svg(self, prefix: str) -> tuple[str, str]:
        """Draw neighbourhood and timeline for a page; ids in them begin with ``prefix``."""
        token = "rejected" if self.kind == ActorKind.CAMPAIGN else "accepted"
        return (
            neighbourhood_svg(self.neighbourhood, token, f"{prefix}-neighbours"),
            timeline_svg(self.timeline, token, f"{prefix}-timeline"),
        )

    def document(self) -> str:
        """Draw both into one SVG file that needs no page around it."""
        kind = self.kind.replace("_", " ")
        title = f"{kind} {self.actor_id}: {self.size:,} accounts"
        return stand_alone(title, self.svg("group"))

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> GroupPicture:
        """Build from plain JSON values."""
        near, when = content["neighbourhood"], content["timeline"]
        return cls(
            **{
                **content,
                "neighbourhood": Neighbourhood(
                    **{
                        **near,
                        "members": tuple(near["members"]),
                        "others": tuple(near["others"]),
                        "ties": tuple(Tie(**tie) for tie in near["ties"]),
                        "evidence": tuple(Evidence(**one) for one in near["evidence"]),
                    }
                ),
                "timeline": Timeline(
                    **{
                        **when,
                        "lanes": tuple(_lane(lane) for lane in when["lanes"]),
                        "targets": tuple(Target(**one) for one in when["targets"]),
                        **{name: _span(when[name]) for name in ("span", "registered", "burst")},
                    }
                ),
            }
        )


def picture_group(
    actor_id: str,
    actors: pa.Table,
    edges: pa.Table,
    visits: pd.DataFrame,
    accounts: pd.DataFrame,
) -> GroupPicture:
    """Picture a group from a night's tables; the order of their rows is of no account.

    Parameters
    ----------
    actors
        ``ACTOR_SCHEMA``; the actor must be among them.
    edges
        ``EDGE_SCHEMA``.
    visits
        Columns ``contributor_id, item_id, visited_at``.
    accounts
        Columns ``contributor_id, registered_at``; may repeat a contributor.
    """
    group = actors.filter(pc.equal(actors["actor_id"], actor_id))
    members = sorted(group["contributor_id"].to_pylist())
    return GroupPicture(
        actor_id=actor_id,
        kind=group["kind"][0].as_py(),
        size=len(members),
        neighbourhood=neighbourhood(members, edges),
        timeline=timeline(members, visits, accounts),
    )


def _lane(values: Mapping[str, Any]) -> Lane:
    spans = {name: tuple((a, b) for a, b in values[name]) for name in ("shared", "other")}
    return Lane(**{**values, **spans})


def _span(values: list[int] | None) -> tuple[int, int] | None:
    return None if values is None else (values[0], values[1])

"""What is known of a contributor: actor, track record, verdicts, strongest evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from detectors.influence import credible_interval
from foretaste.core.evidence import MICRO
from foretaste.core.workspace import Workspace
from foretaste.report.safe import visible
from foretaste.steps.state import read_apart
from foretaste.views.find import Contributor
from foretaste.views.nights import Judged

_STRONGEST: Final = 5
_ACTOR: Final = ("actor_id", "kind", "size", "posterior", "reason")


def explain_contributor(workspace: Workspace, who: Contributor) -> tuple[dict[str, Any], list[str]]:
    """Tell what is known of a contributor; the latest night they appeared in, in detail."""
    judged = who.nights[0]
    mine = pc.field("contributor_id") == who.contributor_id
    rows = judged.arrivals("contributions.parquet", mine, ["row_id"])["row_id"]
    of_mine = pc.field("row_id").isin(rows.combine_chunks())
    verdicts = judged.table("verdicts", of_mine)
    content = {
        "kind": "contributor",
        "contributor_id": who.contributor_id,
        "night": judged.night,
        "source": judged.source,
        "nights": [one.night for one in who.nights],
        "actor": _actor(judged, mine),
        "kept_apart_from": _kept_apart(workspace, who.contributor_id),
        "validity": _validity(workspace, mine),
        "rows": len(rows),
        "verdicts": dict(sorted(Counter(verdicts["verdict"].to_pylist()).items())),
        "strongest": _strongest(judged.table("evidence", of_mine)),
    }
    return content, _told(content)


def actor_line(actor: Mapping[str, Any]) -> str:
    """Tell in one line which actor somebody belongs to."""
    group = f" of {actor['size']}" if actor["size"] > 1 else ""
    said = f"actor {actor['actor_id']}: {actor['kind']}{group}"
    why = f" ({visible(actor['reason'])})" if actor["reason"] else ""
    return f"{said}, P(one actor) {actor['posterior']:.3f}{why}"


def actor_of(judged: Judged, contributor_id: str) -> dict[str, Any] | None:
    """Give the actor that a contributor was judged to belong to; None where unknown."""
    return _actor(judged, pc.field("contributor_id") == contributor_id)


def _actor(judged: Judged, mine: pc.Expression) -> dict[str, Any] | None:
    found = judged.table("actors", mine).select(list(_ACTOR)).slice(0, 1).to_pylist()
    return dict(found[0]) if found else None


def _kept_apart(workspace: Workspace, contributor_id: str) -> int:
    """Count the contributors that people said this one is not one with."""
    mine = [people for people in read_apart(workspace.layout.state) if contributor_id in people]
    return len(frozenset().union(*mine) - {contributor_id})


def _validity(workspace: Workspace, mine: pc.Expression) -> dict[str, Any] | None:
    path = workspace.layout.state / "validity.parquet"
    if not path.exists():
        return None
    record = pq.read_table(path, filters=mine).to_pandas()
    if record.empty:
        return None
    interval = credible_interval(record, workspace.policy.validity).iloc[0]
    return {
        **{name: float(interval[name]) for name in ("mean", "low", "high")},
        "interval": workspace.policy.validity.interval,
        "rows_kept": int(record["accepted_rows"].iloc[0]),
        "nights": int(record["nights"].iloc[0]),
    }


def _strongest(evidence: pa.Table) -> list[dict[str, Any]]:
    """The detectors that say most about the contributor's rows, by their total."""
    frame = evidence.select(["detector", "llr", "reason"]).to_pandas()
    if frame.empty:
        return []
    frame = frame.assign(strength=frame["llr"].abs()).sort_values(
        ["strength", "detector", "reason"], ascending=[False, True, True], kind="stable"
    )
    found = frame.groupby("detector", sort=True).agg(
        llr=("llr", "sum"), rows=("llr", "size"), reason=("reason", "first")
    )
    order = found["llr"].abs().sort_values(ascending=False, kind="stable").index[:_STRONGEST]
    return [
        {
            "detector": str(name),
            "nats": int(found.loc[name, "llr"]) / MICRO,
            "rows": int(found.loc[name, "rows"]),
            "reason": visible(str(found.loc[name, "reason"])),
        }
        for name in order
    ]


def _told(content: Mapping[str, Any]) -> list[str]:
    lines = [f"contributor {content['contributor_id']}"]
    if content["actor"]:
        lines.append(actor_line(content["actor"]))
    if content["kept_apart_from"]:
        lines.append(f"people said: not one with {content['kept_apart_from']} others")
    lines.append(_record(content["validity"]))
    parts = ", ".join(f"{count} {verdict}" for verdict, count in content["verdicts"].items())
    lines.append(f"night {content['night']} ({content['source']}): {content['rows']} rows: {parts}")
    lines.append(f"sent rows in {len(content['nights'])} nights")
    if content["strongest"]:
        lines.append("strongest evidence, summed over rows, + speaks for poison:")
    width = max((len(one["detector"]) for one in content["strongest"]), default=0)
    for one in content["strongest"]:
        said = f"  {one['detector']:<{width}} {one['nats']:+8.2f} nats on {one['rows']} rows"
        lines.append(f"{said}  {one['reason']}")
    return lines


def _record(validity: Mapping[str, Any] | None) -> str:
    if validity is None:
        return "track record: none yet"
    return (
        f"track record: {validity['mean']:.1%} good rows "
        f"({validity['interval']:.0%} interval {validity['low']:.1%} to {validity['high']:.1%}), "
        f"{validity['rows_kept']} rows kept over {validity['nights']} nights"
    )

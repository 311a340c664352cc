"""Why a row or a contributor was judged as it was; contributed text only when asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from foretaste.core.evidence import MICRO
from foretaste.core.workspace import Workspace
from foretaste.report.safe import visible
from foretaste.report.waterfall import Step, waterfall
from foretaste.views.bars import bars
from foretaste.views.contributor import actor_line, actor_of, explain_contributor
from foretaste.views.find import Contributor, Row, find
from foretaste.views.nights import Judged

_SHIFT: Final = "contributor_shift"
_SHOWN: Final = [
    "row_id",
    "contribution_id",
    "contributor_id",
    "contributed_at",
    "item_id",
    "label",
    "held",
]
_TEXT_CHARS: Final = 2_000
_RUN_CHARS: Final = 200


def explain(
    workspace: Workspace, wanted: str, *, text: bool = False
) -> tuple[dict[str, Any], list[str]]:
    """Explain a row or a contributor; see ``find`` for what ``wanted`` may be.

    Parameters
    ----------
    text
        Show the row's contributed text too, with what cannot be seen written out.
    """
    found = find(workspace, wanted)
    if isinstance(found, Contributor):
        return explain_contributor(workspace, found)
    return _explain_row(found, text=text)


def _explain_row(row: Row, *, text: bool) -> tuple[dict[str, Any], list[str]]:
    judged = row.judged
    same = pc.field("row_id") == row.row_id
    content: dict[str, Any] = {"kind": "row", "night": judged.night, "source": judged.source}
    content["row"] = _shown(judged, row, same, text=text)
    verdict = _first(judged.table("verdicts", same))
    content["verdict"] = verdict
    content["actor"] = row.contributor_id and actor_of(judged, row.contributor_id)
    content["corpus"] = _in_corpus(judged.workspace, same)
    content["people"] = _decided(judged.workspace, same)
    evidence = judged.table("evidence", same)
    steps = _steps(judged, evidence, verdict) if row.contributor_id and verdict else ()
    content["waterfall"] = [asdict(step) for step in steps]
    if text and steps:
        content["runs"] = _spelled(judged, same, steps)
    return content, _told(content, steps)


def _spelled(judged: Judged, same: pc.Expression, steps: tuple[Step, ...]) -> dict[str, str]:
    """Read the word runs that reasons name by id from the row's text."""
    from detectors.content.telling import spelled

    wrote = str(_first(judged.arrivals("contributions.parquet", same, ["text"]))["text"] or "")
    salt = judged.workspace.key.derive("salt/slices")
    named = spelled(" ".join(step.reason for step in steps), wrote, salt)
    return {run: visible(words, limit=_RUN_CHARS) for run, words in named.items()}


def _shown(judged: Judged, row: Row, same: pc.Expression, *, text: bool) -> dict[str, Any]:
    if row.contributor_id is None:
        columns = ["row_id", "code", "column", "message", "source", "source_row"]
        return _first(judged.arrivals("rejects.parquet", same, columns))
    columns = [*_SHOWN, "text"] if text else _SHOWN
    shown = _first(judged.arrivals("contributions.parquet", same, columns))
    if text:
        shown["text"] = visible(shown["text"] or "", limit=_TEXT_CHARS)
    return {k: visible(v) if isinstance(v, str) and k != "text" else v for k, v in shown.items()}


def _in_corpus(workspace: Workspace, same: pc.Expression) -> dict[str, Any] | None:
    """Find the row in the corpus: its weight there is what is left behind the share caps."""
    for path in sorted(workspace.layout.accepted.glob("night=*/*.parquet"), reverse=True):
        found = pq.read_table(path, columns=["weight"], filters=same, partitioning=None)
        if found.num_rows:
            night = path.parent.name.removeprefix("night=")
            return {"night": night, "weight": found["weight"][0].as_py()}
    return None


def _decided(workspace: Workspace, same: pc.Expression) -> list[dict[str, Any]]:
    """List what people decided about the row, as far as a night has applied it."""
    path = workspace.layout.state / "decisions.parquet"
    if not path.exists():
        return []
    said = pq.read_table(path, filters=same).select(["decision", "night"])
    return [dict(one) for one in said.to_pylist()]


def _steps(judged: Judged, evidence: pa.Table, verdict: Mapping[str, Any]) -> tuple[Step, ...]:
    """Lay out the row's evidence; the last step is caps, company, record and recalibration."""
    policy = judged.policy()
    if judged.decision().get("drift"):
        # Left out of the sum when everyone shifted at once.
        evidence = evidence.filter(pc.field("detector") != _SHIFT)
    share = policy.decision.prior
    prior = round(math.log(share / (1 - share)) * MICRO)
    return waterfall(evidence.to_pylist(), prior, int(verdict["llr"]))


def _told(content: Mapping[str, Any], steps: tuple[Step, ...]) -> list[str]:
    row, verdict, actor = content["row"], content["verdict"], content["actor"]
    lines = [f"row {row['row_id']} of night {content['night']} ({content['source']})"]
    if "contributor_id" not in row:
        lines.append(f"rejected at ingest: {row['code']}: {visible(row['message'])}")
        return lines
    lines.append(f"contributor {row['contributor_id']}, contribution {row['contribution_id']}")
    lines.append(f"label {row['label']}, item {row['item_id'] or '-'}, {row['contributed_at']}")
    lines.append(
        f"verdict: {verdict['verdict']}"
        + (f" ({verdict['code']})" if verdict["code"] else "")
        + f", P(poison) {verdict['posterior']:.3f}, weight {verdict['weight']:.3g} = "
        f"influence {verdict['influence_weight']:.3g} x evidence {verdict['evidence_weight']:.3g}"
    )
    if actor:
        lines.append(actor_line(actor))
    lines.append(_corpus_line(content["corpus"]))
    lines += [f"a person said {one['decision']}: night {one['night']}" for one in content["people"]]
    lines += ["evidence in nats, + speaks for poison:", *bars(steps)]
    lines.append(f"sum {verdict['llr'] / MICRO:+.2f} nats")
    if "text" in row:
        lines.append(f"text: {row['text']}")
        lines += [f"{run}: {words}" for run, words in content.get("runs", {}).items()]
    return lines


def _corpus_line(corpus: Mapping[str, Any] | None) -> str:
    if corpus is None:
        return "corpus: not in it"
    return f"corpus: in it since night {corpus['night']}, with weight {corpus['weight']:.3g}"


def _first(table: pa.Table) -> dict[str, Any]:
    rows = table.slice(0, 1).to_pylist()
    return dict(rows[0]) if rows else {}

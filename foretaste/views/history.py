"""What happened: runs, releases, and what changed between two of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from foretaste.core.history import diff_releases, verify_release
from foretaste.core.marks import marks
from foretaste.core.release import Release, commit_of, releases
from foretaste.core.release import release as find_release
from foretaste.core.verdict import Outcome
from foretaste.core.workspace import Workspace

RUN_COLUMNS: Final = ("id", "night", "state", "exit_code", "rows_in", "release")
RELEASE_COLUMNS: Final = (
    "number",
    "night",
    "rows_in",
    "accepted",
    "downweighted",
    "quarantined",
    "rejected",
)


def list_runs(workspace: Workspace, limit: int) -> list[dict[str, Any]]:
    """List the newest runs, newest first."""
    with workspace.ledger() as ledger:
        return [{**asdict(run), "rows_in": run.counts.get("rows_in")} for run in ledger.runs(limit)]


def list_releases(workspace: Workspace) -> list[dict[str, Any]]:
    """List every release, newest first."""
    known = releases(workspace)
    return [
        {"number": one.number, "tag": one.tag, "night": one.night, "run_id": one.run_id}
        | asdict(one.counts)
        | {"marks": marks(known, one.number)}
        for one in reversed(known)
    ]


def show(workspace: Workspace, ref: str, *, verify: bool) -> tuple[dict[str, Any], list[str]]:
    """Tell what a release is.

    Parameters
    ----------
    verify
        Check signatures, tag and the digest of every file first.

    Raises
    ------
    Tampered
        If anything does not match.
    """
    one = find_release(workspace, ref)
    if verify:
        verify_release(workspace, one)
    content = asdict(one) | {
        "tag": one.tag,
        "commit": commit_of(workspace, one),
        "verified": verify,
        "marks": marks(releases(workspace), one.number),
    }
    return content, _shown(one, content)


def diff(workspace: Workspace, old: str, new: str, limit: int) -> tuple[dict[str, Any], list[str]]:
    """Compare the accepted rows of two releases.

    Parameters
    ----------
    limit
        Rows to list; the counts are of all.
    """
    before, after = find_release(workspace, old), find_release(workspace, new)
    known = releases(workspace)
    frame = diff_releases(workspace, before, after)
    counts = {name: int((frame["change"] == name).sum()) for name in _CHANGES}
    first = frame.head(limit)
    rows = [_plain(row) for row in first.to_dict("records")]
    content = {
        "old": before.tag,
        "new": after.tag,
        "counts": counts,
        "rows": rows,
        "left_out": len(frame) - len(rows),
        "marks": [mark for one in (before, after) for mark in marks(known, one.number)],
    }
    return content, _compared(content)


_CHANGES: Final = ("added", "removed", "changed")
_SIGNS: Final = {"added": "+", "removed": "-", "changed": "~"}


def identity(counts: Mapping[str, int]) -> str:
    """Tell where the rows of a night went, and whether that is all of them."""
    parts = {outcome: counts.get(outcome, 0) for outcome in Outcome}
    sign = "=" if counts["rows_in"] == sum(parts.values()) else "is NOT"
    told = " + ".join(f"{count} {outcome}" for outcome, count in parts.items())
    return f"{counts['rows_in']} in {sign} {told}"


def _shown(one: Release, content: Mapping[str, Any]) -> list[str]:
    lines = [
        f"{one.tag}, night {one.night}, run {one.run_id}, commit {content['commit'][:12]}",
        f"rows: {identity(asdict(one.counts))}",
        f"judged under policy {one.policy[:12]} by foretaste {one.code}",
        f"took in {len(one.ingested)} landed files; adds or replaces {len(one.files)} files:",
    ]
    for path, entry in sorted(one.files.items()):
        rows = "" if entry.rows is None else f", {entry.rows} rows"
        lines.append(f"  {path} ({entry.size} bytes{rows}, sha256 {entry.sha256[:12]})")
    lines += [f"  removed {path}" for path in one.removed]
    lines += content["marks"]
    if content["verified"]:
        lines.append("verified: signatures, tag and every file match")
    return lines


def _compared(content: Mapping[str, Any]) -> list[str]:
    counts = ", ".join(f"{count} {name}" for name, count in content["counts"].items())
    lines = [f"{content['old']} -> {content['new']}: {counts}"]
    lines += content["marks"]
    lines += [
        f"{_SIGNS[row['change']]} {row['row_id']}  {_difference(row)}".rstrip()
        for row in content["rows"]
    ]
    if content["left_out"]:
        lines.append(f"… and {content['left_out']} more rows; --limit shows them")
    return lines


def _difference(row: Mapping[str, Any]) -> str:
    parts = []
    for name in ("label", "weight", "verdict"):
        old, new = (_short(row.get(f"{side}_{name}")) for side in ("old", "new"))
        if row["change"] == "changed" and old != new:
            parts.append(f"{name} {old} -> {new}")
        elif row["change"] != "changed" and (told := new if row["change"] == "added" else old):
            parts.append(f"{name} {told}")
    return ", ".join(parts)


def _short(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Make missing values None, so that the JSON is one that every reader takes."""
    return {
        str(name): None if isinstance(value, float) and value != value else value  # noqa: PLR0124
        for name, value in row.items()
    }

"""One screen: did the night run, what came of it, what waits, what to do next."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from foretaste.core.errors import ForetasteError, GateRefused
from foretaste.core.layout import Layout
from foretaste.core.ledger import Champion, Decision, Query
from foretaste.core.marks import PURGE, blocked
from foretaste.core.release import Release, releases
from foretaste.core.workspace import Workspace
from foretaste.intake import discover
from foretaste.models.promotion import against_gates
from foretaste.steps.ingest import ingested_files
from foretaste.views.history import identity
from foretaste.views.review import decision_line


def describe(root: Path) -> tuple[dict[str, Any], list[str]]:
    """Describe a workspace, as values and as lines for a person."""
    workspace = Workspace.open(root)
    known = releases(workspace)
    with workspace.ledger() as ledger:
        last = next(iter(ledger.runs(1)), None)
        history = ledger.champion_history()
        waiting = ledger.queue(Query(per=1)).total
        pending = ledger.pending_decisions()
        test = next((one for one in ledger.ab_tests(1) if one.active), None)
    champion = next(iter(history), None)
    decided = [one for one in pending if one.reason_code != PURGE]
    content: dict[str, Any] = {
        "workspace": str(workspace.root),
        "running": holder(workspace.layout),
        "run": asdict(last) if last else None,
        "release": _release(known),
        "champion": asdict(champion) if champion else None,
        "alarms": _alarms(history),
        "ab": {"name": test.name, **asdict(test)} if test else None,
        "open_cases": waiting,
        "pending_decisions": [asdict(one) for one in decided],
        "unfinished_purges": _unfinished(pending, known),
        **_landed(workspace),
    }
    content["next"] = _next(content)
    return content, _told(content, champion, [decision_line(one) for one in decided])


def _alarms(history: Sequence[Champion]) -> list[str]:
    """Give the lines that nobody may overlook."""
    against = against_gates(history)
    return [
        f"AGAINST GATES champion {one.seq} serves: {said.by} overruled them: {said.reason}"
        for one in history[:1]
        if (said := against.get(one.seq))
    ]


def _unfinished(pending: Sequence[Decision], known: Sequence[Release]) -> list[dict[str, Any]]:
    """Give purges that died before their release: no other run takes those up."""
    done = blocked(known)
    return [
        {"decision": one.id, "contributor": one.contributor_id, "by": one.by, "reason": one.note}
        for one in pending
        if one.reason_code == PURGE and one.contributor_id not in done
    ]


def holder(layout: Layout) -> str | None:
    """Name the living process that holds the workspace, without taking its lock."""
    try:
        who = json.loads(layout.lock.read_text(encoding="utf-8"))
        os.kill(int(who["pid"]), 0)
        return f"{who['holder']} (process {who['pid']}) since {who['since'][:19]}Z"
    except PermissionError:
        return "a process of another account"
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _release(known: list[Release]) -> dict[str, Any] | None:
    if not known:
        return None
    one = known[-1]
    return {"number": one.number, "tag": one.tag, "night": one.night, "counts": asdict(one.counts)}


def _landed(workspace: Workspace) -> dict[str, Any]:
    """Name landed files that no night took in; why not, where nobody can tell."""
    try:
        files = discover(workspace.policy.ingest.source, workspace.root)
    except ForetasteError as error:
        return {"landed": None, "landing_fault": error.message}
    taken = ingested_files(workspace.layout.contributions)
    return {"landed": [f.name for f in files if f.sha256 not in taken], "landing_fault": None}


def _next(content: Mapping[str, Any]) -> str:
    """Give the one command that helps most now: the first that applies."""
    run = content["run"] or {}
    code = run.get("exit_code")
    # Nothing holds the workspace here: a run that still says "running" was killed.
    broken = code in (1, 75) or run.get("state") in ("interrupted", "running")
    purges = " ".join(one["contributor"] for one in content["unfinished_purges"])
    steps = (
        (content["running"], "wait: a run is going"),
        (content["landing_fault"] or code in (2, 5), "foretaste doctor"),
        (purges, f"foretaste purge {purges} --reason …"),
        (broken or content["landed"], "foretaste run"),
        (content["open_cases"], "foretaste cases"),
        (content["pending_decisions"], "foretaste run"),
        (code == GateRefused.exit_code, "foretaste promote --dry-run"),
    )
    return next((command for applies, command in steps if applies), "foretaste land FILE")


def _told(content: Mapping[str, Any], champion: Champion | None, decided: list[str]) -> list[str]:
    lines = [f"running now  {content['running']}"] if content["running"] else []
    lines += _run_told(content["run"])
    one = content["release"]
    lines.append(f"release      {one['tag']}, night {one['night']}" if one else "release      none")
    lines.append(
        f"champion     {champion.model[:12]} of release {champion.release} "
        f"(number {champion.seq}, {champion.kind} by {champion.by})"
        if champion
        else "champion     none yet"
    )
    lines += content["alarms"]
    if content["ab"]:
        lines.append(
            f"A/B test     {content['ab']['name']} runs: `foretaste ab status` tells how it goes"
        )
    lines.append(f"cases        {content['open_cases']} wait for a person")
    lines.append(f"decisions    {len(decided)} wait for the next run")
    lines += [f"  {said}" for said in decided[:5]]
    lines += [
        f"purge        of {one['contributor']} is not done: the same purge goes on, "
        f"`foretaste undo {one['decision']}` takes it back"
        for one in content["unfinished_purges"][:5]
    ]
    landed = content["landed"]
    lines.append(
        f"landed       unknown: {content['landing_fault']}"
        if landed is None
        else f"landed       {len(landed)} files not taken in yet"
    )
    lines.append(f"next         {content['next']}")
    return lines


def _run_told(run: Mapping[str, Any] | None) -> list[str]:
    if run is None:
        return ["last run     none"]
    code = "-" if run["exit_code"] is None else run["exit_code"]
    lines = [f"last run     {run['id']}, night {run['night']}: {run['state']}, exit code {code}"]
    if "rows_in" not in run["counts"]:
        return lines
    return [*lines, f"rows         {identity(run['counts'])}"]

"""The demonstration: three nights on real mail with planted campaigns, told honestly.

The planted record is read here, after the nights; no step of the pipeline reads it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from foretaste.cli.output import note
from foretaste.core.errors import WorkspaceError
from foretaste.core.workspace import Workspace, init_workspace
from foretaste.report import ComparisonLine, RunReport

SEED = 20_260_101
END = datetime(2026, 11, 20, tzinfo=UTC).date()
_MARK = "planted/planted.json"


def demonstrate(root: Path, checkout: Path) -> tuple[dict[str, Any], list[str]]:
    """Make the demonstration's workspace anew, run its nights, and tell what happened."""
    from foretaste.attacks.demo import DEMO_POLICY, write_demo
    from foretaste.attacks.plant import plant
    from foretaste.attacks.world import reporters

    _clear(root)
    workspace = init_workspace(root, template=checkout)
    workspace.layout.params.write_text(yaml.safe_dump(DEMO_POLICY, sort_keys=False))
    mail = pd.read_parquet(checkout / "data" / "sample" / "mail.parquet")
    planted = plant(reporters(mail, end=END, seed=SEED), seed=SEED)
    incoming = root / "planted" / "incoming"
    files = write_demo(planted, root, incoming)
    nights = [_night(root, night, file) for night, file in files.nights]
    caught = _caught(Workspace.open(root))
    compared = _compare(Workspace.open(root))
    page = _complete(nights[-1], compared)
    content = {
        "nights": nights,
        "example": caught["example"],
        "campaigns": caught["campaigns"],
        "honest": caught["honest"],
        "cover": caught["cover"],
        "comparison": [asdict(line) for line in compared],
        "report": str(page),
    }
    return content, _lines(content, root)


def _clear(root: Path) -> None:
    """Remove an earlier demonstration, and nothing else."""
    if not root.exists() or not any(root.iterdir()):
        return
    if not (root / _MARK).exists():
        raise WorkspaceError(f"{root} is not an earlier demonstration", hint="give another folder")
    shutil.rmtree(root)
    shutil.rmtree(root.with_name(f"{root.name}.remote"), ignore_errors=True)


def _night(root: Path, night: Any, file: Path) -> dict[str, Any]:
    """Land one file and run its night."""
    note(f"foretaste: night {night}: {file.name}")
    from flows.nightly import nightly
    from foretaste.cli.progress import progress

    shutil.copyfile(file, root / "landing" / file.name)
    moment = datetime.combine(night, time(2), UTC).isoformat()
    with progress():
        outcome: Any = nightly(str(root), as_of=moment)
    return dict(outcome)


def _judged(workspace: Workspace) -> pd.DataFrame:
    """Every contribution of every night with its verdict and what was planted."""
    from foretaste.core.history import read_release_table
    from foretaste.core.release import releases

    parts = []
    for one in releases(workspace):
        verdicts = read_release_table(workspace, one, "night/sanitize/verdicts.parquet")
        rows = read_release_table(workspace, one, "contributions", nights=[one.night])
        parts.append(rows.to_pandas().merge(verdicts.to_pandas(), on="row_id"))
    truth = pd.read_parquet(workspace.root / "planted" / "planted.parquet")
    raw = truth["contributor_id"].astype(str)
    truth["contributor_id"] = raw.map(lambda v: workspace.key.pseudonym("contributor", v))
    rows = pd.concat(parts, ignore_index=True)
    frame: pd.DataFrame = rows.merge(truth, on=["contribution_id", "contributor_id"], how="inner")
    return frame


def _caught(workspace: Workspace) -> dict[str, Any]:
    """Share of each campaign's poison that was kept out, and of honest people's rows lost.

    What attackers sent beside their poison is counted apart: nobody honest loses by it.
    """
    rows = _judged(workspace)
    out = rows["verdict"].isin(["quarantined", "rejected"])
    less = rows["verdict"] == "downweighted"
    campaigns = {
        str(name): {
            "rows": len(part),
            "accounts": int(part["contributor_id"].nunique()),
            "kept_out": float(out[part.index].mean()),
            "downweighted": float(less[part.index].mean()),
        }
        for name, part in rows[rows["poison"]].groupby("attack")
    }
    attackers = rows["contributor_id"].isin(rows.loc[rows["poison"], "contributor_id"])
    cover, honest = attackers & ~rows["poison"], ~attackers
    mistaken = rows["label"] != rows["true_label"]
    shown = rows[rows["poison"] & out].sort_values("row_id")
    return {
        "example": str(shown["row_id"].iloc[0]) if len(shown) else "ROW",
        "campaigns": campaigns,
        "honest": {
            "rows": int(honest.sum()),
            "lost": float(out[honest].mean()),
            "lost_with_a_right_label": float((out & ~mistaken)[honest].mean()),
            "downweighted": float(less[honest].mean()),
        },
        "cover": {
            "rows": int(cover.sum()),
            "lost": float(out[cover].mean()),
            "downweighted": float(less[cover].mean()),
        },
    }


def _compare(workspace: Workspace) -> tuple[ComparisonLine, ...]:
    """Train on everything as it came, on what was accepted, and on the honest rows alone."""
    from foretaste.steps.train import read_corpus
    from foretaste.steps.trusted import read_trusted

    rows = _judged(workspace).sort_values("row_id", ignore_index=True)
    sets = read_trusted(workspace.layout, workspace.key)
    trained = {
        "clean": _measures(workspace, rows[~rows["poison"]].assign(weight=1.0), sets),
        "without": _measures(workspace, rows.assign(weight=1.0), sets),
        "with": _measures(workspace, read_corpus(workspace.layout, workspace.policy), sets),
    }
    lines = []
    for name, better in (("clean accuracy", "higher"), ("backdoor success", "lower")):
        for reference in ("without", "clean"):
            label = (
                name if reference == "without" else f"{name} (against a model of honest rows only)"
            )
            lines.append(
                ComparisonLine(label, trained[reference][name], trained["with"][name], better)
            )
    return tuple(lines)


def _measures(workspace: Workspace, rows: pd.DataFrame, sets: Any) -> dict[str, float]:
    from foretaste.models.canaries import attack_success
    from foretaste.models.evaluate import evaluate
    from foretaste.models.predict import predict
    from foretaste.models.train import train

    model = train(rows.reset_index(drop=True), workspace.policy, workspace.policy.seed)
    accuracy = evaluate(predict(model, sets.golden), sets.golden["label"])["accuracy"]
    success = attack_success(model, sets.canaries).by_attack["backdoor_phrase"]
    return {"clean accuracy": float(accuracy or 0.0), "backdoor success": float(success.value)}


def _complete(last: Mapping[str, Any], compared: tuple[ComparisonLine, ...]) -> Path:
    """Add the comparison to the last night's report: only here the truth is known."""
    from foretaste.report import render_html

    page = Path(last["report"])
    report = RunReport.from_json(json.loads(page.with_suffix(".json").read_text()))
    page.write_text(render_html(replace(report, comparison=compared)))
    return page


def _lines(content: Mapping[str, Any], root: Path) -> list[str]:
    lines = ["", "What happened"]
    for night in content["nights"]:
        account = night["account"] or {}
        parts = ", ".join(f"{n} {k}" for k, n in account.items() if k != "rows_in")
        lines.append(
            f"  {night['night']}: {night['state']}: {account.get('rows_in')} rows in = {parts}"
        )
        lines += [f"      {reason}" for reason in night["reasons"]]
    lines += ["", "Planted campaigns (planted/planted.json; the pipeline never read it)"]
    for name, said in content["campaigns"].items():
        verdict = "caught" if said["kept_out"] >= 0.8 else "NOT caught"
        lines.append(
            f"  {name}: {verdict}: {said['kept_out']:.0%} of {said['rows']} poisoned rows"
            f" from {said['accounts']} accounts kept out, {said['downweighted']:.0%} down-weighted"
        )
    honest, cover = content["honest"], content["cover"]
    lines.append(
        f"  honest people: {honest['lost']:.2%} of {honest['rows']} rows kept out,"
        f" {honest['lost_with_a_right_label']:.2%} with a right label;"
        f" {honest['downweighted']:.2%} down-weighted"
    )
    lines.append(
        f"  the attackers' other rows: {cover['lost']:.2%} of {cover['rows']} kept out,"
        f" {cover['downweighted']:.2%} down-weighted"
    )
    lines += ["", "The model without the pipeline -> with it"]
    for line in content["comparison"]:
        lines.append(f"  {line['name']}: {line['before']:.3f} -> {line['after']:.3f}")
    lines += [
        "",
        "Where to look",
        f"  report: {content['report']}",
        f"  cases:  .venv/bin/foretaste cases --workspace {root}",
        f"  desk:   .venv/bin/foretaste review --workspace {root}",
        f"  a row:  .venv/bin/foretaste explain {content['example']} --workspace {root}",
    ]
    return lines

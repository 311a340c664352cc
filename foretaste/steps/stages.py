"""The DVC stages: the night's own functions over the workspace's fixed paths."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from foretaste.core.errors import GateRefused
from foretaste.core.layout import partition
from foretaste.core.workspace import Workspace
from foretaste.steps import decide, evaluate, sanitize, train
from foretaste.steps.state import read_night
from foretaste.steps.trusted import judges_of_harm

SANITIZED: Mapping[str, tuple[str, ...]] = {
    "resolve": (
        "actors.parquet",
        "edges.parquet",
        "features.parquet",
        "seen_visits.parquet",
        "seen_graph.parquet",
    ),
    "detect": ("evidence.parquet", "detectors.json"),
    "decide": ("verdicts.parquet", "decision.json"),
}
"""Files of each step that make up the outs of the stage ``sanitize``."""

TRAINED = ("model.skops", "train.json")
EVALUATED = ("golden.parquet", "canaries.parquet", "metrics.json", "suite.json")


def run_stage(root: Path, name: str) -> Mapping[str, int]:
    """Compute a stage into ``data/night/<name>``, whole or not at all.

    Raises
    ------
    GateRefused
        If a configured detector did not report.
    """
    workspace = Workspace.open(root)
    layout = workspace.layout
    layout.runs.mkdir(parents=True, exist_ok=True)
    target = layout.night / name
    with tempfile.TemporaryDirectory(prefix="stage-", dir=layout.runs) as folder:
        out = Path(folder) / "out"
        out.mkdir()
        if name == "sanitize":
            rows = _sanitize(workspace, Path(folder), out)
        elif name == "train":
            rows = train.train(layout, workspace.policy, workspace.key, out)
        else:
            rows = evaluate.evaluate(layout, layout.night / "train", workspace.key, out)
        shutil.rmtree(target, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        out.rename(target)
    return rows


def _sanitize(workspace: Workspace, work: Path, out: Path) -> Mapping[str, int]:
    layout, policy = workspace.layout, workspace.policy
    night, _ = read_night(layout.state)
    inputs = sanitize.Inputs(partition(layout.contributions, night), layout.state, layout.accepted)
    steps = {step: work / step for step in SANITIZED}
    for folder in steps.values():
        folder.mkdir()
    sanitize.resolve(inputs, policy, workspace.key, steps["resolve"])
    golden = judges_of_harm(layout, workspace.key, policy)
    sanitize.detect(steps["resolve"], policy, steps["detect"], golden)
    if faults := sanitize.did_not_report(steps["detect"]):
        raise GateRefused("detectors did not report", reasons=faults, hint=faults[0])
    rows = decide.decide(inputs, steps["resolve"], steps["detect"], policy, steps["decide"])
    for step, names in SANITIZED.items():
        for name in names:
            (steps[step] / name).rename(out / name)
    return rows

"""Ask the candidate about the golden set and the canaries, and measure its answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow.parquet as pq

from expectations.metrics import check_metrics
from foretaste.core.keys import WorkspaceKey
from foretaste.core.layout import Layout
from foretaste.models.evaluate import evaluate as measure
from foretaste.models.predict import predict, predictions
from foretaste.steps.night import write_json
from foretaste.steps.train import read_candidate
from foretaste.steps.trusted import read_trusted


def evaluate(layout: Layout, trained: Path, key: WorkspaceKey, out: Path) -> Mapping[str, int]:
    """Write the candidate's predictions and its metrics; no champion is involved."""
    candidate = read_candidate(trained)
    sets = read_trusted(layout, key, traffic=False)
    metrics: dict[str, float | None] = {}
    if sets.golden is not None:
        metrics = measure(predict(candidate, sets.golden), sets.golden["label"])
        pq.write_table(predictions(candidate, sets.golden), out / "golden.parquet")
    if sets.canaries is not None:
        pq.write_table(predictions(candidate, sets.canaries), out / "canaries.parquet")
    write_json(out / "metrics.json", metrics)
    write_json(out / "suite.json", check_metrics(metrics).to_json())
    return {"golden": 0 if sets.golden is None else len(sets.golden)}

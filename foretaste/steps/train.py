"""Train the candidate on the corpus, without rows that the golden set holds too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from foretaste.core.keys import WorkspaceKey
from foretaste.core.layout import Layout, partition, partition_nights
from foretaste.core.policy import Policy
from foretaste.models.inputs import Inputs
from foretaste.models.leak import golden_leaks
from foretaste.models.packing import Packed, pack, unpack
from foretaste.models.train import train as fit
from foretaste.steps.accept import capped
from foretaste.steps.night import read_json, write_json
from foretaste.steps.state import read_night
from foretaste.steps.trusted import read_trusted

MODEL = "model.skops"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A trained model that nobody has judged yet."""

    model: Any
    classes: tuple[str, ...]
    inputs: Inputs
    packed: Packed
    n_rows: int
    seed: int


def train(layout: Layout, policy: Policy, key: WorkspaceKey, out: Path) -> Mapping[str, int]:
    """Fit a model on the accepted rows of the last nights and write it packed.

    Raises
    ------
    GateRefused
        If the corpus has fewer than two classes, or nothing to read.
    """
    rows = read_corpus(layout, policy)
    golden = read_trusted(layout, key, traffic=False).golden
    leaks = golden_leaks(golden, rows).row_ids if golden is not None else ()
    rows = rows[~rows["row_id"].isin(list(leaks))].reset_index(drop=True)
    rows["weight"] = capped(rows, policy.influence).weight
    trained = fit(rows, policy, policy.seed)
    packed = pack(trained)
    (out / MODEL).write_bytes(packed.data)
    write_json(
        out / "train.json",
        {
            "classes": list(trained.classes),
            "inputs": asdict(trained.inputs),
            "n_rows": trained.n_rows,
            "seed": trained.seed,
            "digest": packed.digest,
            "golden_rows_left_out": len(leaks),
        },
    )
    return {"rows": trained.n_rows, "golden_rows_left_out": len(leaks)}


def read_corpus(layout: Layout, policy: Policy) -> pd.DataFrame:
    """Read the accepted rows that training sees, sorted by ``row_id``."""
    last, _ = read_night(layout.state)
    nights = [n for n in partition_nights(layout.accepted) if n <= last]
    parts = [
        pd.read_parquet(path, partitioning=None)
        for night in nights[-policy.release.train_nights :]
        for path in sorted(partition(layout.accepted, night).glob("*.parquet"))
    ]
    return pd.concat(parts, ignore_index=True).sort_values("row_id", ignore_index=True)


def read_candidate(folder: Path) -> Candidate:
    """Read what ``train`` wrote."""
    said = read_json(folder / "train.json")
    data = (folder / MODEL).read_bytes()
    return Candidate(
        model=unpack(data),
        classes=tuple(said["classes"]),
        inputs=Inputs(said["inputs"]["text"], tuple(said["inputs"]["features"])),
        packed=Packed(data, said["digest"]),
        n_rows=int(said["n_rows"]),
        seed=int(said["seed"]),
    )

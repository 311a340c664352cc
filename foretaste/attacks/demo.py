"""Write a planted world as the files a user would land, and its record beside them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import pandas as pd

from foretaste.attacks.plant import PlantedWorld
from foretaste.core.files import atomic_write, canonical_json
from foretaste.core.layout import Layout

DEMO_POLICY: Final[dict[str, Any]] = {
    "columns": {
        "contribution_id": "contribution_id",
        "contributor_id": "contributor_id",
        "contributed_at": "contributed_at",
        "item_id": "item_id",
        "label": "label",
        "text": "text",
        "kind": "kind",
        "ip": "ip",
        "tier": "tier",
        "registered_at": "registered_at",
        "attributes": ["sender", "relay"],
    },
    "label": {"values": ["ham", "spam"]},
}
"""What the demonstration's ``params.yaml`` says beside the defaults."""

_OFFSET: Final = "Etc/GMT-2"
"""Two hours east of Greenwich: one night's clock is another zone's, as in life."""


@dataclass(frozen=True, slots=True)
class DemoFiles:
    """Where the demonstration's files lie.

    Parameters
    ----------
    nights
        Date and landing file of each night, oldest first: parquet, gzipped CSV, then
        JSON Lines.
    golden, canaries, traffic
        Held-out sets, in their places in the workspace.
    record
        The planted record; nothing of the pipeline reads it.
    """

    nights: tuple[tuple[date, Path], ...]
    golden: Path
    canaries: Path
    traffic: Path
    record: Path


@dataclass(frozen=True, slots=True)
class Malformed:
    """Rows broken on purpose, so that the account of a night has something to show.

    Parameters
    ----------
    code
        What ingest is expected to say.
    column, value
        The cell that breaks the row, and how; both "" for a repeated row.
    """

    code: str
    column: str = ""
    value: str = ""


MALFORMED: Final[dict[int, tuple[Malformed, ...]]] = {
    1: (
        Malformed("id_missing", "contribution_id", ""),
        Malformed("label_not_allowed", "label", "maybe"),
        Malformed("future_time", "contributed_at", "2099-01-01T00:00:00Z"),
    ),
    2: (
        Malformed("label_missing", "label", ""),
        Malformed("time_naive", "contributed_at", "2026-01-01T12:00:00"),
        Malformed("duplicate"),
    ),
}
"""By the night's place, counted from 0; the first night is clean."""


def write_demo(planted: PlantedWorld, workspace: Path, incoming: Path) -> DemoFiles:
    """Write landing files to ``incoming``, held-out sets and the record to the workspace.

    The landing files are not landed: nights are run one after the other, and each lands
    its own. Equal worlds give equal bytes.
    """
    layout = Layout(workspace)
    incoming.mkdir(parents=True, exist_ok=True)
    nights = tuple(
        (night, _landing(planted, place, incoming)) for place, night in enumerate(planted.nights)
    )
    golden = planted.golden[["mail_id", "item", "label", "text"]]
    golden = golden.rename(columns={"mail_id": "row_id", "item": "item_id"})
    return DemoFiles(
        nights,
        _parquet(golden, layout.golden / "golden.parquet"),
        _parquet(planted.canaries, layout.canaries / "canaries.parquet"),
        _parquet(planted.traffic, layout.traffic / "traffic.parquet"),
        _record(planted, workspace / "planted"),
    )


def _parquet(table: pd.DataFrame, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(path, index=False, compression="zstd")
    return path


def _record(planted: PlantedWorld, folder: Path) -> Path:
    """Write who planted what: a table of rows, and the campaigns in words."""
    _parquet(planted.truth, folder / "planted.parquet")
    truth = planted.truth
    rows = truth[truth["poison"]].groupby("attack").size()
    accounts = truth[truth["attack"].notna()].groupby("attack")["contributor_id"].nunique()
    content = {
        "note": "written for people and for the last lines of the demo; no step reads it",
        "nights": [night.isoformat() for night in planted.nights],
        "campaigns": [
            {
                **campaign,
                "poison_rows": int(rows.get(campaign["attack"], 0)),
                "accounts_seen": int(accounts.get(campaign["attack"], 0)),
            }
            for campaign in planted.campaigns
        ],
        "malformed": {
            planted.nights[place].isoformat(): [broken.code for broken in rows_]
            for place, rows_ in MALFORMED.items()
            if place < len(planted.nights)
        },
    }
    # The workspace's repository must not carry the answers along.
    atomic_write(folder / ".gitignore", b"*\n")
    atomic_write(folder / "planted.json", canonical_json(content))
    return folder / "planted.json"


def _landing(planted: PlantedWorld, place: int, incoming: Path) -> Path:
    """Write one night in the format of its place; the formats go round."""
    night = planted.nights[place]
    first = pd.Timestamp(planted.nights[0], tz="UTC") - pd.Timedelta(days=1)
    day = (planted.contributions["contributed_at"] - first).dt.days
    rows = planted.contributions[day == place].reset_index(drop=True)
    stem = incoming / f"reports-{night.isoformat()}"
    if place % 3 == 0:
        return _parquet(rows, stem.with_suffix(".parquet"))
    if place % 3 == 1:
        path = stem.with_suffix(".csv.gz")
        broken = _with_malformed(_written(rows, "UTC"), place)
        broken.to_csv(path, index=False, compression={"method": "gzip", "mtime": 0})
        return path
    path = stem.with_suffix(".jsonl")
    broken = _with_malformed(_written(rows, _OFFSET), place).astype(object)
    records = broken.where(broken.notna(), None).to_dict("records")
    lines = (json.dumps(record, ensure_ascii=False) for record in records)
    atomic_write(path, ("\n".join(lines) + "\n").encode())
    return path


def _written(rows: pd.DataFrame, zone: str) -> pd.DataFrame:
    """Spell times out as ISO 8601 with their offset."""
    times = {
        name: rows[name].dt.tz_convert(zone).map(pd.Timestamp.isoformat, na_action="ignore")
        for name in ("contributed_at", "registered_at")
    }
    return rows.assign(**{name: column.astype("str") for name, column in times.items()})


def _with_malformed(rows: pd.DataFrame, place: int) -> pd.DataFrame:
    """Add the broken rows, each a neighbour's row under an id of its own, spread evenly."""
    parts = []
    planned = MALFORMED.get(place, ())
    for number, broken in enumerate(planned, start=1):
        at = number * len(rows) // (len(planned) + 1)
        row = rows.iloc[[at]].copy()
        row.index = pd.Index([at + 0.5])
        if broken.column:
            row["contribution_id"] = f"cbroken{place}{number}"
            row[broken.column] = broken.value
        parts.append(row)
    return pd.concat([rows, *parts]).sort_index().reset_index(drop=True)

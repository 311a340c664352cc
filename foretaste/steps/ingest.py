"""Read what landed into the night's contributions and rejects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import pyarrow.parquet as pq

from foretaste.core.layout import partition_nights
from foretaste.intake import KnownRows, OriginalStore, discover
from foretaste.intake import ingest as take_in
from foretaste.steps.night import Night, read_json, run_step, write_json


def ingest(night: Night, originals: OriginalStore) -> Path:
    """Take in every landed file that no earlier night has."""
    layout = night.layout
    files = discover(night.policy.ingest.source, layout.root)
    known = KnownRows.read(layout.contributions, ingested_files(layout.contributions))

    def compute(out: Path) -> Mapping[str, int]:
        taken = take_in(
            files,
            night.policy,
            night.key,
            as_of=night.as_of,
            night=night.night,
            known=known,
            originals=originals,
        )
        pq.write_table(taken.contributions, out / "contributions.parquet")
        pq.write_table(taken.rejects, out / "rejects.parquet")
        pq.write_table(taken.visits, out / "visits.parquet")
        reports = [asdict(report) for report in taken.files]
        write_json(
            out / "files.json",
            {"files": reports, "codes": dict(taken.codes), "rows_in": taken.rows_in},
        )
        return {"rows_in": taken.rows_in, "rejected": taken.rejects.num_rows}

    landed: dict[str, Path | str] = {f"landed/{file.name}": file.sha256 for file in files}
    return run_step(night, "ingest", {**landed, "earlier": layout.contributions}, compute)


def ingested_files(contributions: Path) -> frozenset[str]:
    """SHA-256 of every file that earlier nights took in."""
    return frozenset(
        report["sha256"]
        for night in partition_nights(contributions)
        for report in read_json(contributions / f"night={night}" / "files.json").get("files", [])
        if report["state"] == "ingested"
    )


def rows_in(ingested: Path) -> int:
    """Rows that came in, malformed ones included."""
    return int(read_json(ingested / "files.json")["rows_in"])

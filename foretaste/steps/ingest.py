"""Read what landed into the night's contributions and rejects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import pyarrow.parquet as pq

from foretaste.core.layout import partition_nights
from foretaste.intake import KnownRows, OriginalStore, SourceFile, discover
from foretaste.intake import ingest as take_in
from foretaste.steps.night import Night, read_json, run_step, write_json
from foretaste.steps.purge import hold_blocked


def landed(night: Night) -> tuple[SourceFile, ...]:
    """Files that wait in landing, and that no earlier night took in."""
    known = ingested_files(night.layout.contributions)
    files = discover(night.policy.ingest.source, night.layout.root)
    return tuple(file for file in files if file.sha256 not in known)


def ingest(night: Night, files: Sequence[SourceFile], originals: OriginalStore) -> Path:
    """Take in files; rows that an earlier night has are rejected as duplicates."""
    layout = night.layout
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
        kept = hold_blocked(taken.contributions, layout)
        pq.write_table(kept, out / "contributions.parquet")
        pq.write_table(taken.rejects, out / "rejects.parquet")
        pq.write_table(taken.visits, out / "visits.parquet")
        pq.write_table(taken.visit_rejects, out / "visit_rejects.parquet")
        reports = [asdict(report) for report in taken.files]
        write_json(
            out / "files.json",
            {"files": reports, "codes": dict(taken.codes), "rows_in": taken.rows_in},
        )
        return {"rows_in": taken.rows_in, "rejected": taken.rejects.num_rows}

    digests: dict[str, Path | str] = {f"landed/{file.name}": file.sha256 for file in files}
    digests |= {"earlier": layout.contributions, "releases": layout.releases}
    return run_step(night, "ingest", digests, compute)


def ingested_files(contributions: Path) -> frozenset[str]:
    """SHA-256 of every file that earlier nights took in or set aside."""
    return frozenset(
        report["sha256"]
        for night in partition_nights(contributions)
        for report in read_json(contributions / f"night={night}" / "files.json").get("files", [])
        if report["state"] != "known" and report["sha256"]
    )


def rows_in(ingested: Path) -> int:
    """Rows that came in, malformed ones included."""
    return int(read_json(ingested / "files.json")["rows_in"])

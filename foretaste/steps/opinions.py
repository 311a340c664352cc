"""Opinions on disk: the evidence on tonight's rows, and how the detector reported."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from detectors.content.undecided import UNDECIDED
from foretaste.core.batch import Batch
from foretaste.core.evidence import Opinion
from foretaste.steps.night import read_json, write_json


@dataclass(frozen=True, slots=True)
class Reported:
    """How one configured detector reported.

    Parameters
    ----------
    name, version, family
        Who.
    state
        ``spoke``, ``abstained`` or ``failed``.
    why
        Why it abstained or failed; "" when it spoke.
    flagged, rows
        Tonight's rows that it flagged, and that it said anything about.
    undecided
        Tonight's rows on which the votes stand against each other.
    """

    name: str
    version: str
    family: str
    state: str
    why: str
    flagged: int
    rows: int
    undecided: int = 0

    @classmethod
    def failed(cls, name: str, why: str) -> Reported:
        """A detector that did not report."""
        return cls(name, "", "", "failed", why, 0, 0)


def write_opinion(folder: Path, opinion: Opinion, batch: Batch) -> None:
    """Write an opinion's evidence on tonight's rows, and its report."""
    row_ids = batch.rows["row_id"].to_numpy(object)
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(opinion.table(row_ids, batch.tonight), folder / "evidence.parquet")
    reported = Reported(
        name=opinion.detector,
        version=opinion.version,
        family=opinion.family,
        state="abstained" if opinion.abstained else "spoke",
        why=opinion.abstained,
        flagged=int((opinion.flagged & batch.tonight).sum()),
        rows=int(((opinion.llr != 0) & batch.tonight).sum()),
        undecided=sum(
            now and said == UNDECIDED
            for said, now in zip(opinion.reason, batch.tonight.tolist(), strict=True)
        ),
    )
    write_json(folder / "reported.json", asdict(reported))


def read_opinion(folder: Path) -> tuple[pa.Table, Reported]:
    """Read what ``write_opinion`` wrote."""
    return pq.read_table(folder / "evidence.parquet"), Reported(
        **read_json(folder / "reported.json")
    )

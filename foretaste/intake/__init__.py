"""From files of any kind to contributions, losing nothing."""

from __future__ import annotations

from foretaste.intake.account import FileReport
from foretaste.intake.ingest import Intake, ingest
from foretaste.intake.known import KnownRows
from foretaste.intake.originals import OriginalStore
from foretaste.intake.problems import HOLDS, REJECTIONS, WARNINGS
from foretaste.intake.sources import SourceFile, discover

__all__ = [
    "HOLDS",
    "REJECTIONS",
    "WARNINGS",
    "FileReport",
    "Intake",
    "KnownRows",
    "OriginalStore",
    "SourceFile",
    "discover",
    "ingest",
]

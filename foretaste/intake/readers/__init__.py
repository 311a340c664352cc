"""Readers: one per format, all giving the same chunks."""

from __future__ import annotations

from foretaste.intake.readers.table import Broken, Chunk, RawTable, Wanted, open_table

__all__ = ["Broken", "Chunk", "RawTable", "Wanted", "open_table"]

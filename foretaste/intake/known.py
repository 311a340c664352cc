"""What earlier nights took in: rows by identity and digest, files by digest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from foretaste.core.errors import Tampered
from foretaste.core.layout import partition, partition_nights

_SCHEMA = pa.schema([("row_id", pa.string()), ("row_digest", pa.string())])


@dataclass(frozen=True, slots=True)
class KnownRows:
    """Rows and files of earlier nights.

    Parameters
    ----------
    rows
        Table of ``row_id`` and ``row_digest``; ids are unique.
    files
        SHA-256 of files taken in.
    """

    rows: pa.Table
    files: frozenset[str]

    @classmethod
    def none(cls) -> KnownRows:
        """Before the first night."""
        return cls(_SCHEMA.empty_table(), frozenset())

    @classmethod
    def read(cls, contributions_folder: Path, file_digests: Iterable[str]) -> KnownRows:
        """Read ``night=*/contributions.parquet``, only the two columns that identify a row.

        Raises
        ------
        Tampered
            If a night's table cannot be read.
        """
        import pyarrow.parquet as pq

        tables = [_SCHEMA.empty_table()]
        for night in partition_nights(contributions_folder):
            path = partition(contributions_folder, night) / "contributions.parquet"
            if not path.exists():
                continue
            try:
                found = pq.ParquetFile(path).read(columns=_SCHEMA.names)
                tables.append(found.cast(_SCHEMA))
            except (pa.ArrowException, OSError, ValueError):
                raise Tampered(
                    f"the contributions of {night} cannot be read",
                    hint="restore them with `dvc checkout`",
                ) from None
        return cls(pa.concat_tables(tables).combine_chunks(), frozenset(file_digests))

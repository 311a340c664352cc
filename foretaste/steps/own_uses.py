"""Which rows a proven model learnt from, as its release holds them, whatever verdicts said."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import pandas as pd
import pyarrow as pa

from foretaste.core.errors import Tampered
from foretaste.core.history import read_release_table
from foretaste.core.policy import Policy
from foretaste.core.release import FileEntry, Release, commit_of, snapshot
from foretaste.core.workspace import Workspace
from foretaste.steps.own_rows import own_window, weighed_alone
from foretaste.steps.state import DECISION_SCHEMA

_ARRIVED: Final = "data/contributions/night="
_STATE: Final = "data/state"
_COLUMNS: Final = (
    "row_id",
    "contributor_id",
    "contributed_at",
    "time_unknown",
    "tier",
    "kind",
    "held",
)


class OwnRows:
    """Reads of a workspace's releases; a night's file that many models share is read once.

    Rows that the golden set held too are among them: no release holds the golden set.
    """

    def __init__(self, workspace: Workspace, known: Sequence[Release]) -> None:
        self._workspace = workspace
        self._known = known
        self._read: dict[str, pd.DataFrame] = {}

    def of(self, one: Release, policy: Policy, last: str) -> pa.Table:
        """Give the rows of a release that a model of the night ``last`` learnt from.

        Returns
        -------
        pyarrow.Table
            ``row_id``, ``contributor_id`` and ``weight``.

        Raises
        ------
        Tampered
            If a file is not what its release published.
        """
        files = snapshot(self._known, one.number)
        nights = sorted({p.split("/")[2].removeprefix("night=") for p in files if _arrived(p)})
        parts = [self._night(one, files, night) for night in own_window(nights, policy, last)]
        rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=_COLUMNS)
        weighed = weighed_alone(rows, self._decided(one, files), policy, self._as_of(one, files))
        kept = weighed[["row_id", "contributor_id", "weight"]]
        return pa.Table.from_pandas(kept, _SCHEMA, preserve_index=False)

    def _night(self, one: Release, files: dict[str, FileEntry], night: str) -> pd.DataFrame:
        path = f"{_ARRIVED}{night}/contributions.parquet"
        digest = files[path].sha256
        if digest not in self._read:
            name = path.removeprefix("data/")
            table = read_release_table(self._workspace, one, name, columns=_COLUMNS)
            self._read[digest] = table.to_pandas()
        return self._read[digest]

    def _decided(self, one: Release, files: dict[str, FileEntry]) -> pd.DataFrame:
        if f"{_STATE}/decisions.parquet" not in files:
            found = DECISION_SCHEMA.empty_table()
        else:
            found = read_release_table(self._workspace, one, "state/decisions.parquet")
        frame: pd.DataFrame = found.to_pandas()
        return frame

    def _as_of(self, one: Release, files: dict[str, FileEntry]) -> datetime:
        path = f"{_STATE}/night.json"
        data: bytes = self._workspace.store.reader(commit_of(self._workspace, one)).cat_file(path)
        if hashlib.sha256(data).hexdigest() != files[path].sha256:
            raise Tampered(f"{path} in DVC's store is not what {one.tag} published")
        return datetime.fromisoformat(json.loads(data)["as_of"])


_SCHEMA: Final = pa.schema(
    [("row_id", pa.string()), ("contributor_id", pa.string()), ("weight", pa.float64())]
)


def _arrived(path: str) -> bool:
    return path.startswith(_ARRIVED) and path.endswith("/contributions.parquet")

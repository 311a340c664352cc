"""Trusted sets are read as people keep them: with ids of any name, or with none."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from foretaste.core.errors import ContractError
from foretaste.core.keys import WorkspaceKey
from foretaste.core.layout import Layout
from foretaste.steps.trusted import read_trusted

KEY = WorkspaceKey(b"k" * 32)


def _keep(folder: Path, rows: pd.DataFrame) -> None:
    folder.mkdir(parents=True)
    rows.to_parquet(folder / "rows.parquet")


def test_folders_without_files_are_no_sets(tmp_path: Path) -> None:
    sets = read_trusted(Layout(tmp_path), KEY)
    assert (sets.golden, sets.canaries, sets.traffic) == (None, None, None)


def test_rows_without_ids_are_named_by_their_order(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    _keep(layout.canaries, pd.DataFrame({"text": ["a", "b"], "target_label": "ham"}))
    named = read_trusted(layout, KEY).canaries
    assert named["row_id"].tolist() == ["canaries-0000000", "canaries-0000001"]


def test_golden_contributors_get_the_pseudonyms_of_ingest(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    _keep(layout.golden, pd.DataFrame({"row_id": ["g"], "label": "ham", "contributor_id": ["ann"]}))
    golden = read_trusted(layout, KEY).golden
    assert golden["contributor_id"].tolist() == [KEY.pseudonym("contributor", "ann")]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    _keep(layout.traffic, pd.DataFrame({"unit_id": ["u"]}))
    (layout.traffic / "half.parquet").write_bytes(b"PAR1 and then the writer died")
    with pytest.raises(ContractError, match="data/traffic/half"):
        read_trusted(layout, KEY)

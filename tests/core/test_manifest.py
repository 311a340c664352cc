from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from foretaste.core.errors import Tampered
from foretaste.core.manifest import MANIFEST, Manifest

ASKED: dict[str, Any] = {
    "inputs": {"landing/a.csv": "1" * 64},
    "policy": "2" * 64,
    "seed": 7,
    "code": "0.1.0",
}


@pytest.fixture
def step(tmp_path: Path) -> Path:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "rows.parquet").write_bytes(b"rows")
    (tmp_path / "counts.json").write_bytes(b"{}")
    manifest = Manifest.of("ingest", tmp_path, **ASKED, rows={"rows": 3}, extra={"nights": 1})
    manifest.write(tmp_path)
    return tmp_path


def test_what_was_written_is_read_and_names_every_file(step: Path) -> None:
    manifest = Manifest.read(step)
    assert manifest is not None
    assert set(manifest.outputs) == {"counts.json", "parts/rows.parquet"}
    assert (manifest.step, manifest.rows, manifest.extra) == ("ingest", {"rows": 3}, {"nights": 1})
    manifest.verify(step)


def test_writing_twice_gives_the_same_bytes(step: Path) -> None:
    before = (step / MANIFEST).read_bytes()
    Manifest.of("ingest", step, **ASKED, rows={"rows": 3}, extra={"nights": 1}).write(step)
    assert (step / MANIFEST).read_bytes() == before


def test_a_step_that_has_not_finished_has_none(tmp_path: Path) -> None:
    assert Manifest.read(tmp_path) is None


@pytest.mark.parametrize(
    "change",
    [
        {"step": "resolve"},
        {"inputs": {"landing/a.csv": "3" * 64}},
        {"inputs": {}},
        {"policy": "3" * 64},
        {"seed": 8},
        {"code": "0.2.0"},
    ],
)
def test_it_matches_the_same_question_only(step: Path, change: dict[str, Any]) -> None:
    manifest = Manifest.read(step)
    assert manifest is not None
    assert manifest.matches(step="ingest", **ASKED)
    assert not manifest.matches(**{"step": "ingest", **ASKED, **change})


@pytest.mark.parametrize("name", ["counts.json", "parts/rows.parquet"])
@pytest.mark.parametrize("harm", ["flip", "remove"])
def test_a_changed_output_is_named(step: Path, name: str, harm: str) -> None:
    manifest = Manifest.read(step)
    assert manifest is not None
    if harm == "flip":
        data = bytearray((step / name).read_bytes())
        data[0] ^= 1
        (step / name).write_bytes(data)
    else:
        (step / name).unlink()
    with pytest.raises(Tampered, match=name):
        manifest.verify(step)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"step": "x"}', '{"unknown": 1}', "\ufffd"])
def test_what_is_no_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(Tampered, match="not a manifest"):
        Manifest.read(tmp_path)

"""What counts as landed, from a folder and from a remote."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import fsspec
import pytest

from foretaste.core.errors import PolicyError, Unavailable
from foretaste.intake import discover


def names(source: str, root: Path, pattern: str = "*") -> list[str]:
    return [file.name for file in discover(source, root, pattern)]


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    folder = tmp_path / "landing"
    (folder / "deep").mkdir(parents=True)
    for name in ("b.csv", "a.csv", "deep/c.jsonl", ".draft.csv.tmp"):
        (folder / name).write_text(name)
    return folder


def test_files_come_sorted_with_their_digest(landing: Path) -> None:
    files = discover("landing", landing.parent)
    assert [file.name for file in files] == ["a.csv", "b.csv", "deep/c.jsonl"]
    assert files[0].sha256 == hashlib.sha256(b"a.csv").hexdigest()
    assert files[0].size == 5
    with files[0].opener() as opened:
        assert opened.read() == b"a.csv"


def test_pattern_selects(landing: Path) -> None:
    assert names("landing", landing.parent, "*.jsonl") == ["deep/c.jsonl"]


def test_links_out_and_pipes_are_left_alone(landing: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("key")
    (landing / "link").symlink_to(tmp_path / "secret")
    (landing / "inner").symlink_to(landing / "a.csv")
    os.mkfifo(landing / "pipe")
    assert names("landing", tmp_path) == ["a.csv", "b.csv", "deep/c.jsonl", "inner"]


def test_a_missing_folder_is_a_policy_error(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="no landing folder"):
        discover("ladning", tmp_path)


def test_urls_work_like_folders(landing: Path, tmp_path: Path) -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe("/bucket/landing/x.csv", b"x")
    memory.pipe("/bucket/landing/.hidden", b"x")
    assert names("memory://bucket/landing", tmp_path) == ["x.csv"]
    assert names(f"file://{landing}", tmp_path) == ["a.csv", "b.csv", "deep/c.jsonl"]


def test_an_unknown_protocol_is_a_policy_error(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="nosuch://"):
        discover("nosuch://bucket", tmp_path)


def test_a_remote_that_is_away_is_temporary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*args: object, **options: object) -> None:
        raise ConnectionError("endpoint http://10.0.0.1 refused")

    monkeypatch.setattr(fsspec.implementations.memory.MemoryFileSystem, "find", down)
    with pytest.raises(Unavailable, match="ConnectionError") as caught:
        discover("memory://bucket", tmp_path)
    assert caught.value.exit_code == 75

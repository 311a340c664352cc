"""Original bytes come back until they are forgotten, and from nowhere else."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from foretaste.core.errors import Tampered, Unavailable, WorkspaceError
from foretaste.core.keys import WorkspaceKey, key_folder
from foretaste.intake import OriginalStore

NOW = datetime(2026, 1, 2, tzinfo=UTC)
KEY = WorkspaceKey(b"o" * 32)


@pytest.fixture
def originals(tmp_path: Path) -> OriginalStore:
    return OriginalStore.open(tmp_path, "w1", KEY)


def test_bytes_come_back(originals: OriginalStore) -> None:
    rows = [b"", b"a,b\xff\x00", bytes(range(256)) * 50]
    entries = originals.put_many(rows, at=NOW)
    assert [originals.get(entry) for entry in entries] == rows


def test_the_same_bytes_have_the_same_entry(originals: OriginalStore) -> None:
    first = originals.put(b"row", at=NOW)
    assert originals.put_many([b"row", b"row"], at=NOW) == [first, first]
    assert originals.get(first) == b"row"


def test_nothing_is_readable_without_the_key_file(originals: OriginalStore, tmp_path: Path) -> None:
    entry = originals.put(b"secret-row", at=NOW)
    assert b"secret-row" not in (tmp_path / "originals.sqlite").read_bytes()
    keys = key_folder() / "w1.originals.sqlite"
    assert keys.stat().st_mode & 0o077 == 0
    keys.unlink()
    with pytest.raises(WorkspaceError, match="forgotten"):
        originals.get(entry)


def test_forgetting_reaches_a_copied_ciphertext(originals: OriginalStore, tmp_path: Path) -> None:
    entry = originals.put(b"row", at=NOW)
    kept = originals.put(b"other", at=NOW)
    copy = (tmp_path / "originals.sqlite").read_bytes()
    originals.forget(entry)
    (tmp_path / "originals.sqlite").write_bytes(copy)
    with pytest.raises(WorkspaceError, match="forgotten"):
        originals.get(entry)
    assert originals.get(kept) == b"other"


def test_expiry_takes_what_is_older(originals: OriginalStore) -> None:
    old = originals.put(b"old", at=NOW - timedelta(days=90))
    new = originals.put(b"new", at=NOW)
    assert originals.expire(NOW - timedelta(days=30)) == 1
    assert originals.get(new) == b"new"
    with pytest.raises(WorkspaceError):
        originals.get(old)


def test_a_changed_ciphertext_is_noticed(originals: OriginalStore, tmp_path: Path) -> None:
    entry = originals.put(b"row", at=NOW)
    other = originals.put(b"another row", at=NOW)
    with sqlite3.connect(tmp_path / "originals.sqlite") as store:
        (sealed,) = store.execute("SELECT secret FROM entry WHERE name = ?", (other,)).fetchone()
        store.execute("UPDATE entry SET secret = ? WHERE name = ?", (sealed, entry))
    with pytest.raises(Tampered, match="changed"):
        originals.get(entry)


def test_a_damaged_store_says_so(originals: OriginalStore, tmp_path: Path) -> None:
    (tmp_path / "originals.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(Tampered, match="damaged"):
        originals.put(b"row", at=NOW)


def test_a_store_that_cannot_be_opened_is_temporary(tmp_path: Path) -> None:
    (tmp_path / "originals.sqlite").mkdir()
    originals = OriginalStore.open(tmp_path, "w1", KEY)
    with pytest.raises(Unavailable):
        originals.put(b"row", at=NOW)

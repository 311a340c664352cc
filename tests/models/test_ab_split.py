"""Who answers whom: the split of units."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.core.errors import WorkspaceError
from foretaste.models.ab.assign import Split, assign, read_split

SPLIT = Split.of("ab-0001", "00" * 16, 0.3, candidate="a" * 64, champion="b" * 64)


def test_a_server_in_any_language_finds_the_same_arm() -> None:
    """The rule as the page states it, in plain integers."""
    told = json.loads(SPLIT.to_bytes())
    for unit in [*(f"user-{i}" for i in range(200)), "zoë", ""]:
        text = (told["salt"] + ":" + unit).encode()
        bucket = int(hashlib.sha256(text).hexdigest()[:13], 16)
        assert (bucket < told["threshold"]) == (assign(unit, SPLIT) == "candidate")
    assert told["examples"] == {unit: assign(unit, SPLIT) for unit in told["examples"]}
    assert told["threshold"] < 2**53, "a double must hold it"


def test_shares_hold_and_salts_make_tests_independent() -> None:
    """0.3 of 20,000 units within five standard errors (0.0032 each)."""
    other = replace(SPLIT, salt="11" * 16)
    ours = [assign(f"u{i}", SPLIT) == "candidate" for i in range(20_000)]
    theirs = [assign(f"u{i}", other) == "candidate" for i in range(20_000)]
    assert sum(ours) / 20_000 == pytest.approx(0.3, abs=0.016)
    both = sum(a and b for a, b in zip(ours, theirs, strict=True))
    assert both / 20_000 == pytest.approx(0.09, abs=0.011)


@given(st.text(), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_takes_nobody_back(unit: str, one: float, two: float) -> None:
    small, large = (
        Split.of("t", "s", share, candidate="a", champion="b") for share in sorted((one, two))
    )
    if assign(unit, small) == "candidate":
        assert assign(unit, large) == "candidate"
    assert assign(unit, replace(small, threshold=0)) == "champion"


def test_the_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    path.write_bytes(SPLIT.to_bytes())
    assert read_split(path) == SPLIT


def test_a_server_that_splits_loads_no_data_library() -> None:
    """Tested in a process of its own: here everything is loaded already."""
    heavy = "{'numpy', 'pandas', 'pyarrow', 'sqlalchemy', 'sklearn'} & set(sys.modules)"
    program = f"import sys, foretaste.models.ab.assign; sys.exit(bool({heavy}))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def _threshold(value: str) -> bytes:
    return SPLIT.to_bytes().replace(str(SPLIT.threshold).encode(), value.encode())


DAMAGED = (None, b"", b"[]", b'{"salt": "x"}', b"\xff", b"[" * 100_000)


@pytest.mark.parametrize("bad", [*DAMAGED, *map(_threshold, ("1e999", "-1", "1e300"))])
def test_a_missing_or_damaged_file_names_a_way_out(tmp_path: Path, bad: bytes | None) -> None:
    path = tmp_path / "split.json"
    if bad is not None:
        path.write_bytes(bad)
    with pytest.raises(WorkspaceError) as refused:
        read_split(path)
    assert "champion answer" in refused.value.hint

"""What is shipped, where it comes from, and what starting it costs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.workspaces import CHECKOUT

ROOMS = {"foretaste", "detectors", "expectations", "tasks", "flows"}
HEAVY = ("pandas", "prefect", "dvc", "great_expectations", "sklearn", "pyarrow", "duckdb")
LOCKS = sorted((CHECKOUT / "requirements").glob("*.lock"))
FORETASTE = Path(sysconfig.get_path("scripts")) / "foretaste"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Names of the files in a wheel built from this checkout, without a network."""
    from hatchling.builders.wheel import WheelBuilder

    folder = tmp_path_factory.mktemp("wheel")
    builder = WheelBuilder(str(CHECKOUT))
    (path,) = builder.build(directory=str(folder), versions=["standard"])
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def test_the_wheel_holds_exactly_our_rooms(wheel: list[str]) -> None:
    tops = {name.split("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == ROOMS
    assert {re.sub(r"-.*", "", top) for top in tops if top.endswith(".dist-info")} == {"foretaste"}


def test_every_room_says_that_it_is_typed(wheel: list[str]) -> None:
    assert {f"{room}/py.typed" for room in ROOMS} <= set(wheel)


def test_the_wheel_holds_what_the_code_reads_beside_itself(wheel: list[str]) -> None:
    assert {
        "foretaste/report/templates/report.html.j2",
        "foretaste/report/templates/report.css",
        "foretaste/core/ledger/migrations/env.py",
    } <= set(wheel)


def test_the_wheel_holds_no_leftovers(wheel: list[str]) -> None:
    assert not [n for n in wheel if n.endswith((".pyc", ".sqlite", ".tmp", ".key"))]


def test_the_index_would_refuse_it() -> None:
    """The rooms' names are too common to be let loose on an index."""
    assert '"Private :: Do Not Upload"' in (CHECKOUT / "pyproject.toml").read_text()


@pytest.mark.parametrize("room", sorted(ROOMS - {"foretaste"}))
def test_a_foreign_package_of_a_rooms_name_is_refused(room: str, tmp_path: Path) -> None:
    fake = tmp_path / "site" / room
    fake.mkdir(parents=True)
    (fake / "__init__.py").write_text("")
    done = _run([str(FORETASTE), "status"], tmp_path, env={"PYTHONPATH": str(fake.parent)})
    assert done.returncode == 1
    assert done.stdout == ""
    sentence, hint = done.stderr.strip().splitlines()
    assert sentence.startswith(f"foretaste: the package '{room}' comes from ")
    assert hint.strip().startswith("hint: ")


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "sys.argv = ['foretaste', '--help']\n"
        "from foretaste.cli.main import main\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
        f"print(*sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)\n"
    )
    done = _run([sys.executable, "-c", script], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "promote" in done.stdout
    assert done.stderr.strip() == ""


@pytest.mark.parametrize("lock", LOCKS, ids=lambda p: p.name)
def test_locks_name_no_host_and_hash_everything(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"index-url|find-links|trusted-host", text)
    wanted = re.findall(
        r"^[a-z0-9][\w.-]*(?:\[[^\]]*\])?==", text, flags=re.IGNORECASE | re.MULTILINE
    )
    hashed = re.findall(r"==\S+(?: ;[^\\\n]*)? \\\n    --hash=sha256:", text)
    assert wanted
    assert len(wanted) == len(hashed)


def test_the_lock_holds_what_is_asked_for() -> None:
    asked = "".join(p.read_text() for p in (CHECKOUT / "requirements").glob("*.in"))
    names = re.findall(r"^([A-Za-z][\w.-]*)", asked, flags=re.MULTILINE)
    locked = "".join(p.read_text() for p in LOCKS)
    assert not [n for n in names if not re.search(rf"^{n}==", locked, re.IGNORECASE | re.MULTILINE)]


def _run(
    command: list[str], folder: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

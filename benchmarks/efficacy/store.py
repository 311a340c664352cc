"""What was measured, one JSON line each: a run that was stopped goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, Protocol

_ROOT: Final = Path(__file__).resolve().parents[2]
_CODE: Final = ("detectors", "foretaste", "benchmarks/efficacy")


def fingerprint() -> str:
    """Digest of the code that a measurement depends on: other code measures anew."""
    digest = hashlib.sha256()
    for room in _CODE:
        for path in sorted((_ROOT / room).rglob("*.py")):
            digest.update(path.relative_to(_ROOT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]


class Task(Protocol):
    """What is measured at once: a frozen dataclass that can be sent to another process."""

    @property
    def key(self) -> str:
        """Name, under which the line is kept."""
        ...

    def measure(self) -> dict[str, Any]:
        """Measure; JSON-safe, with the key."""
        ...


class Store:
    """The lines of one folder, for one state of the code."""

    def __init__(self, folder: Path, code: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # What one machine measured so far is nobody else's.
        (folder / ".gitignore").write_text("*\n")
        self._path = folder / f"cells-{code}.jsonl"

    def lines(self) -> dict[str, dict[str, Any]]:
        """What was measured, by the key of the cell; a line cut short by a stop is no line."""
        found: dict[str, dict[str, Any]] = {}
        if self._path.exists():
            for text in self._path.read_text(encoding="utf-8").splitlines(keepends=True):
                if text.endswith("\n"):
                    line = json.loads(text)
                    found[line["key"]] = line
        return found

    def add(self, line: dict[str, Any]) -> None:
        """Keep a line, in the place of one cut short."""
        old = self._path.read_bytes() if self._path.exists() else b""
        with self._path.open("ab") as out:
            out.truncate(old.rfind(b"\n") + 1)
            out.write(json.dumps(line).encode() + b"\n")


def measured(tasks: Sequence[Task], store: Store, jobs: int) -> Iterator[dict[str, Any]]:
    """Give the lines of the tasks as they come, those known first."""
    known = store.lines()
    yield from (known[task.key] for task in tasks if task.key in known)
    missing = [task for task in tasks if task.key not in known]
    for line in _fresh(missing, jobs):
        store.add(line)
        yield line


def _fresh(tasks: Sequence[Task], jobs: int) -> Iterable[dict[str, Any]]:
    if jobs <= 1:
        yield from (task.measure() for task in tasks)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for future in as_completed([pool.submit(task.measure) for task in tasks]):
            yield future.result()

"""What every step of one night is given, and how a finished step is not run twice."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from foretaste import __version__
from foretaste.core.files import sha256_file
from foretaste.core.keys import WorkspaceKey
from foretaste.core.layout import Layout
from foretaste.core.manifest import MANIFEST, Manifest
from foretaste.core.policy import Policy

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Night:
    """One run over one night.

    Parameters
    ----------
    layout, policy, key
        The workspace, its policy and its key.
    night
        ``YYYY-MM-DD``, the partition that the run makes.
    as_of
        "Now" for the whole run, aware UTC; no step looks at a clock.
    work
        Folder of the run's steps.
    """

    layout: Layout
    policy: Policy
    key: WorkspaceKey
    night: str
    as_of: datetime
    work: Path

    @property
    def run_id(self) -> str:
        """Name of the run: its folder's name."""
        return self.work.name

    def folder(self, step: str) -> Path:
        """Folder of a finished step."""
        return self.work / step


def run_step(
    night: Night,
    step: str,
    inputs: Mapping[str, Path | str],
    compute: Callable[[Path], Mapping[str, int]],
) -> Path:
    """Run a step into its folder, unless its manifest says that it was done already.

    Parameters
    ----------
    inputs
        What the result depends on, by name: files, folders, or digests already known.
    compute
        Writes the step's files into the folder it is given and returns row counts.

    Returns
    -------
    pathlib.Path
        The step's folder, complete: it is made under another name and renamed.
    """
    target = night.folder(step)
    wanted: dict[str, Any] = {
        "step": step,
        "inputs": {name: _digest(source) for name, source in inputs.items()},
        "policy": night.policy.digest(),
        "seed": night.policy.seed,
        "code": __version__,
    }
    done = Manifest.read(target)
    if done is not None and done.matches(**wanted):
        done.verify(target)
        log.info("%s: done before, kept", step)
        return target
    log.info("%s", step)
    started = time.perf_counter()
    draft = target.with_name(f".{step}.tmp")
    for stale in (draft, target):
        shutil.rmtree(stale, ignore_errors=True)
    draft.mkdir(parents=True)
    rows = compute(draft)
    # Arrow keeps what a step has let go; the next step may be another process's turn.
    pa.default_memory_pool().release_unused()
    Manifest.of(folder=draft, rows=rows, **wanted).write(draft)
    draft.rename(target)
    _record_time(night, step, time.perf_counter() - started, rows)
    log.info("%s: %.1f s", step, time.perf_counter() - started)
    return target


def _digest(source: Path | str) -> str:
    """SHA-256 of a file, of a step's manifest, of a folder's files, or a digest as given."""
    if isinstance(source, str):
        return source
    if (source / MANIFEST).is_file():
        return sha256_file(source / MANIFEST)
    if source.is_file():
        return sha256_file(source)
    lines = [
        f"{path.relative_to(source).as_posix()} {sha256_file(path)}"
        for path in sorted(source.rglob("*"))
        if path.is_file()
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _record_time(night: Night, step: str, seconds: float, rows: Mapping[str, int]) -> None:
    """Keep a step's time beside the steps: times are no part of what must repeat."""
    import resource

    peak = max(
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    entry = {"seconds": round(seconds, 3), "peak_mb": round(peak / 1024), "rows": dict(rows)}
    timings = read_json(night.work / "timings.json")
    write_json(night.work / "timings.json", {**timings, step: entry})


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; empty where there is no file."""
    if not path.exists():
        return {}
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON object with sorted keys, so that equal content has equal bytes."""
    text = json.dumps(content, indent=1, sort_keys=True, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")

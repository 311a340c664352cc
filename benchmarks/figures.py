"""What a benchmark writes down: figures with targets, and what they were measured on."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

_LIBRARIES: Final = (
    "foretaste",
    "prefect",
    "great-expectations",
    "dvc",
    "scikit-learn",
    "pandas",
    "pyarrow",
    "duckdb",
    "numpy",
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number.

    Parameters
    ----------
    name
        What was measured, with its unit.
    value
        What came out.
    target
        What it must reach; None where it is only told.
    spread
        Largest less smallest of the repetitions; None for one.
    better
        ``lower`` or ``higher``.
    """

    name: str
    value: float
    target: float | None = None
    spread: float | None = None
    better: str = "lower"

    @property
    def ok(self) -> bool | None:
        """True when the target is reached, None where there is none."""
        if self.target is None:
            return None
        if self.better == "lower":
            return self.value <= self.target
        return self.value >= self.target


def write_figures(
    path: Path, figures: Sequence[Figure], *, seeds: Sequence[int], more: Mapping[str, Any]
) -> None:
    """Write figures as JSON with date, seeds, versions and machine.

    Parameters
    ----------
    more
        Further detail to keep beside them.
    """
    content = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "seeds": list(seeds),
        "machine": {"cores": os.cpu_count(), "system": platform.system().lower()},
        "versions": {"python": platform.python_version()} | {n: version(n) for n in _LIBRARIES},
        "figures": [{**asdict(f), "ok": f.ok} for f in figures],
        **more,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

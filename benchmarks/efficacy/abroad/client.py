"""Ask a script in the peers' environment: arrays go over in one file and come back in one."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

SCRIPTS: Final = Path(__file__).resolve().parent
_HOME: Final = SCRIPTS.parents[2] / ".venv-peers"
_LONGEST: Final = 1_800.0


def environment(given: Path | None = None) -> Path | None:
    """Give the interpreter of the peers' environment, made by ``make peers``; None: not there.

    Parameters
    ----------
    given
        Folder of the environment; None: the one beside the sources.
    """
    python = (given or _HOME) / "bin" / "python"
    return python if python.exists() else None


def ask(
    python: Path, script: str, method: str, arrays: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Run a method of a script over arrays.

    Raises
    ------
    RuntimeError
        If the script fails; with the last line that it said.
    """
    with tempfile.TemporaryDirectory(prefix="peers-") as folder:
        asked, answered = Path(folder) / "in.npz", Path(folder) / "out.npz"
        np.savez(asked, allow_pickle=False, **arrays)
        command = [str(python), str(SCRIPTS / script), method, str(asked), str(answered)]
        own = os.environ | {"PYTHONPATH": "", "PYTHONWARNINGS": "ignore", "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            command, capture_output=True, text=True, env=own, timeout=_LONGEST, check=False
        )
        if done.returncode != 0:
            said = done.stderr.strip().splitlines() or ["nothing"]
            raise RuntimeError(f"{script} {method} failed: {said[-1]}")
        with np.load(answered, allow_pickle=False) as found:
            return dict(found)

"""The child's side of ``children``: run one job and write what came of it."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
from pathlib import Path

import numpy as np

from foretaste.core.batch import Batch
from foretaste.steps.children import VOTES
from foretaste.steps.opinions import write_opinion


def main(request: Path) -> None:
    """Run the job that ``request`` describes, within its memory limit."""
    job = json.loads(request.read_text())
    _die_with(job["parent"])
    batch = Batch.load(Path(job["batch"]))
    out = Path(job["out"])
    _limit_memory(job["memory_mb"])
    if job["detector"] == VOTES:
        from detectors.content.votes import out_of_actor_votes

        votes = out_of_actor_votes(batch, **job["params"])
        np.save(out / "probability.npy", votes.probability, allow_pickle=False)
        np.save(out / "disagreement.npy", votes.disagreement, allow_pickle=False)
        return
    from detectors.registry import make

    write_opinion(out, make(job["detector"], job["params"]).fit_evidence(batch), batch)


def _die_with(parent: int) -> None:
    """Be killed when the run is: a child left over would write into the next run's folder."""
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the run that asked has ended")


def _limit_memory(megabytes: int) -> None:
    """Bound the address space to what is mapped now and ``megabytes`` more."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + megabytes * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

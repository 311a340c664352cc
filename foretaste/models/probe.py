"""The child's side of ``packing.try_in_child``: load a model within limits, ask it once."""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

from foretaste.models.inputs import Inputs
from foretaste.models.packing import answers, unpack


def main(task: dict[str, object], data: bytes) -> int:
    """Load ``data`` under the limits of ``task``; 0 when it gives finite answers."""
    import skops.io  # noqa: F401 - imported first: libraries are not the model's memory

    _limit(int(str(task["memory_mb"])), int(str(task["seconds"])))
    told = task["inputs"]
    assert isinstance(told, dict)
    return 0 if answers(unpack(data), Inputs(told["text"], tuple(told["features"]))) else 1


def _limit(megabytes: int, seconds: int) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    space = pages * resource.getpagesize() + megabytes * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (space, space))
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(used.ru_utime + used.ru_stime) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (spent, spent))


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1]), sys.stdin.buffer.read()))

"""Memory of a process and all its children, sampled from outside while it runs."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from typing import Final, Self

import psutil

_EVERY: Final = 0.2
"""Seconds between samples; a look costs a few milliseconds."""


class TreeMemory:
    """Samples the proportional set size of a process tree until told to stop.

    Pages that processes share are counted once over all of them; pages of mapped files
    count while they are in memory.
    """

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._times: list[float] = []
        self._megabytes: list[float] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def peak(self, start: float, end: float) -> float:
        """Largest sample between two moments of CLOCK_MONOTONIC, MB; 0 where there is none."""
        at = slice(bisect_left(self._times, start), bisect_left(self._times, end))
        return max(self._megabytes[at], default=0.0)

    def _sample(self) -> None:
        while not self._stop.wait(_EVERY):
            self._times.append(time.monotonic())
            self._megabytes.append(sum(_pss(p) for p in self._tree()) / 1e6)

    def _tree(self) -> list[psutil.Process]:
        try:
            return [self._root, *self._root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []


def _pss(process: psutil.Process) -> int:
    """Proportional set size in bytes; 0 for a process that has just ended."""
    try:
        return int(process.memory_full_info().pss)
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return 0

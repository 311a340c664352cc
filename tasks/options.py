"""The options that all tasks share."""

from __future__ import annotations

from typing import Any, Final

from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun

from foretaste.core.errors import Unavailable

COMPUTE: Final[dict[str, Any]] = {"cache_policy": NO_CACHE, "persist_result": False}
"""A step that only computes: trying again would compute the same."""


async def _outside_was_away(_task: Any, _run: TaskRun, state: State[Any]) -> bool:
    """Retry only what may be different the next time."""
    try:
        await state.aresult()
    except Unavailable:
        return True
    except Exception:  # noqa: BLE001
        return False
    return False


OUTSIDE: Final[dict[str, Any]] = {
    **COMPUTE,
    "retries": 3,
    "retry_delay_seconds": [2, 10, 30],
    "retry_condition_fn": _outside_was_away,
}
"""A step that talks to something outside: a remote, a landing URL."""


class Progress:
    """A bar in Prefect's pages that moves with each finished step."""

    def __init__(self, steps: int) -> None:
        self._steps, self._done = steps, 0
        self._id: Any = create_progress_artifact(
            progress=0.0, key="foretaste-progress", description="Steps of the night"
        )

    def step(self) -> None:
        """Move on by one step."""
        self._done += 1
        update_progress_artifact(
            artifact_id=self._id, progress=min(100.0, 100.0 * self._done / self._steps)
        )

"""The options that all tasks share."""

from __future__ import annotations

from typing import Any, Final

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

"""Whether the nightly schedule can fire: a server, a deployment, someone who runs it."""

from __future__ import annotations

import os
from typing import Any, Final
from urllib.parse import urlsplit

FLOW: Final = "nightly"
_SECONDS: Final = 2.0
_TIMER: Final = "an operating-system timer (systemd or cron) must call `foretaste run`"
Finding = tuple[str, str, str]
"""State (pass, warn, fail), what was found, and what to do."""


def examine_schedule() -> Finding:
    """Ask the Prefect server of ``PREFECT_API_URL`` whether it will start the night."""
    url = os.environ.get("PREFECT_API_URL", "").rstrip("/")
    if not url:
        return "warn", "no schedule: PREFECT_API_URL is not set", _TIMER
    import httpx

    shown = _without_secrets(url)
    try:
        with httpx.Client(timeout=_SECONDS, headers=_headers()) as client:
            client.get(f"{url}/health").raise_for_status()
            found = _ask(client, f"{url}/deployments/filter", {"deployments": _named(FLOW)})
            pools = {d.get("work_pool_name") for d in found} - {None}
            workers = {pool: _online(client, url, str(pool)) for pool in pools}
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        why = type(error).__name__
        return "fail", f"{shown} does not answer ({why})", "start the server, or unset the variable"
    return _judge(found, workers, shown)


def _judge(found: list[dict[str, Any]], workers: dict[Any, bool], url: str) -> Finding:
    if not found:
        return "warn", f"{url} has no deployment {FLOW}", "`prefect deploy --all`, then a worker"
    firing = [d for d in found if not d.get("paused") and _is_scheduled(d)]
    if not firing:
        return "warn", f"deployment {FLOW} has no active schedule", "resume it, or deploy again"
    served = [d for d in firing if d.get("status") == "READY" or workers.get(d["work_pool_name"])]
    if not served:
        pool = firing[0].get("work_pool_name") or "POOL"
        return "warn", f"nobody runs deployment {FLOW}", f"`prefect worker start --pool {pool}`"
    return "pass", f"{url} starts {FLOW}, and somebody runs it", ""


def _is_scheduled(deployment: dict[str, Any]) -> bool:
    return any(schedule.get("active") for schedule in deployment.get("schedules") or [])


def _online(client: Any, url: str, pool: str) -> bool:
    from urllib.parse import quote

    workers = _ask(client, f"{url}/work_pools/{quote(pool, safe='')}/workers/filter", {})
    return any(worker.get("status") == "ONLINE" for worker in workers)


def _ask(client: Any, url: str, question: dict[str, Any]) -> list[dict[str, Any]]:
    import httpx

    answer = client.post(url, json=question)
    answer.raise_for_status()
    content = answer.json()
    if not isinstance(content, list):
        raise httpx.DecodingError("not a list")
    return [one for one in content if isinstance(one, dict)]


def _named(flow: str) -> dict[str, Any]:
    return {"name": {"any_": [flow]}}


def _headers() -> dict[str, str]:
    key = os.environ.get("PREFECT_API_KEY")
    return {"Authorization": f"Bearer {key}"} if key else {}


def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

"""What the desk and the outside are given when a run ends."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from foretaste.core.workspace import Workspace
from foretaste.steps.confirmed import sync_canaries
from foretaste.steps.feed import write_feed
from foretaste.steps.furnish import furnish
from foretaste.steps.notify import notify

log = logging.getLogger(__name__)


def prepare(workspace: Workspace, now: datetime) -> None:
    """Furnish the cases, let confirmed ones join the canaries, write the feed, tell people.

    The release is out by then: whatever fails here, on contents that an attacker wrote, is
    logged and done with the next run, for each part looks at what is missing, not at what
    is new.
    """
    parts: dict[str, Callable[[], Any]] = {
        "cases": lambda: furnish(workspace, now),
        "canaries": lambda: sync_canaries(workspace),
        "feed": lambda: write_feed(workspace, now),
        "notices": lambda: notify(workspace, now),
    }
    for name, part in parts.items():
        try:
            part()
        except Exception:
            log.exception("the desk's %s wait for the next run", name)

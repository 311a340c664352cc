"""People who read and decide without a pause longer than it takes to think."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import httpx

MIX: Final = {"queue": 0.4, "case": 0.4, "rows": 0.1, "decide": 0.1}
_ORDERS: Final = ("influence", "influence", "newest", "size", "disagreement", "random")
_KINDS: Final = ("", "", "campaign", "contributor", "copies")


@dataclass
class Seen:
    """Seconds of each answer, by page; and what was no answer."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in MIX})
    errors: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is logged in.

    Parameters
    ----------
    cases
        Theirs alone: opening one keeps it for them, as the desk's own queue does.
    """

    cookie: tuple[str, str]
    csrf: str
    cases: Sequence[str]
    seed: int


async def visit(url: str, visitors: Sequence[Visitor], seconds: float, think: float) -> Seen:
    """Let all of them work for a while, and note how long each answer took."""
    seen = Seen()
    until = time.monotonic() + seconds
    await asyncio.gather(*(_work(url, one, until, think, seen) for one in visitors))
    return seen


async def _work(url: str, one: Visitor, until: float, think: float, seen: Seen) -> None:
    random, waiting = Random(one.seed), list(one.cases)
    async with httpx.AsyncClient(base_url=url, cookies=dict([one.cookie]), timeout=30) as client:
        await asyncio.sleep(random.uniform(0, think))
        while time.monotonic() < until:
            page = random.choices(list(MIX), list(MIX.values()))[0]
            asked = _asked(page, random, waiting, one.csrf)
            begun = time.perf_counter()
            try:
                answer = await client.request(**asked)
                took = time.perf_counter() - begun
                if answer.status_code != (303 if page == "decide" else 200):
                    seen.errors.append(f"{page} {answer.status_code}")
                seen.seconds[page].append(took)
            except httpx.HTTPError as error:
                seen.errors.append(f"{page} {type(error).__name__}")
            await asyncio.sleep(random.uniform(0.5, 1.5) * think)


def _asked(page: str, random: Random, waiting: list[str], csrf: str) -> dict[str, Any]:
    if page == "queue":
        order, kind, number = random.choice(_ORDERS), random.choice(_KINDS), random.randint(1, 4)
        return {
            "method": "GET",
            "url": "/queue",
            "params": {"order": order, "kind": kind, "page": str(number)},
        }
    if page == "decide":
        case = waiting.pop(random.randrange(len(waiting)))
        form = {"csrf": csrf, "judgement": "poison", "reason_code": "campaign"}
        return {"method": "POST", "url": f"/cases/{case}/decide", "data": form}
    told = {"open": "1"} if page == "rows" else {}
    return {"method": "GET", "url": f"/cases/{random.choice(waiting)}", "params": told}

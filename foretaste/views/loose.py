"""Read what the night wrote about a case as JSON, whatever is really there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def mapping(value: Any) -> Mapping[str, Any]:
    """Read a mapping; anything else is an empty one."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: Any) -> list[Mapping[str, Any]]:
    """Read a list of mappings; what is none is left out."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def text(one: Mapping[str, Any], name: str) -> str:
    """Read a text; nothing is an empty one."""
    value = one.get(name)
    return "" if value is None else str(value)


def count(one: Mapping[str, Any], name: str) -> int:
    """Read how many; nothing and nonsense are 0."""
    return max(int(number(one.get(name))), 0)


def number(value: Any) -> float:
    """Read a number; nothing, the unreadable and the infinite are 0."""
    try:
        read = float(value)
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return read if math.isfinite(read) else 0.0

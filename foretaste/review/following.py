"""Which case comes next: the queue's first that is free, and now and then a known one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from foretaste.core.ledger import User
from foretaste.review.desk import Desk
from foretaste.review.pages.queue import asked
from foretaste.review.panel import barred

_LOOK: Final = 25
_DRAWS: Final = 2**32


def next_case(desk: Desk, user: User, query: str, passed: Collection[str] = ()) -> str | None:
    """Give the id of the case to show now; None when nothing waits.

    Parameters
    ----------
    query
        The queue's query, as in its URL.
    passed
        Cases that were just decided or skipped.
    """
    known = _gold(desk, user, passed)
    if known is not None:
        return known
    found = desk.ledger.queue(replace(asked(desk, user, query), page=1, per=_LOOK))
    ids = [case.id for case in found.items if case.id not in passed]
    without = barred(desk, user, ids)
    return next((one for one in ids if one not in without), None)


def _gold(desk: Desk, user: User, passed: Collection[str]) -> str | None:
    """Draw, by a keyed hash of what was done last, whether a known case is due."""
    drawn = int(desk.seal("gold", "/".join([user.name, *sorted(passed)]))[:8], 16)
    if drawn >= desk.policy.review.gold_share * _DRAWS:
        return None
    known = desk.ledger.due_gold(user.name)
    if known is None or known in passed or barred(desk, user, [known]):
        return None
    return known

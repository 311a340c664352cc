"""Tell people that cases wait: webhooks and Apprise, each notice once per receiver.

Receivers are URLs in ``FORETASTE_NOTIFY``, apart by white space: they carry secrets, so
they stand in no file of the workspace and in no log. ``http://`` and ``https://`` get a
JSON document; every other scheme is Apprise's (``mailto://``, ``slack://``, ...).
Notices quote nothing that a contributor wrote. A receiver that is away fails no night: it
is logged, and told with the next.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from foretaste.core.ledger import WAITING, Case, Ledger, Query
from foretaste.core.policy import Review
from foretaste.core.workspace import Workspace
from foretaste.steps.stories import CAMPAIGN, count

log = logging.getLogger(__name__)

VARIABLE: Final = "FORETASTE_NOTIFY"
_PAGE: Final = 200
_NAMED: Final = 10
_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell.

    Parameters
    ----------
    keys
        What it is about: nobody is told of a key twice.
    cases
        Ids of the cases, some of them where there are many.
    """

    keys: tuple[str, ...]
    title: str
    body: str
    cases: tuple[str, ...]


def notify(workspace: Workspace, now: datetime) -> int:
    """Tell every receiver what it was not told yet; give how many messages arrived."""
    receivers = os.environ.get(VARIABLE, "").split()
    if not receivers:
        return 0
    with workspace.ledger() as ledger:
        found = list(notices(ledger, workspace.policy.review, now))
        return sum(_tell(ledger, found, url, workspace.id, now) for url in receivers)


def notices(ledger: Ledger, policy: Review, now: datetime) -> Iterator[Notice]:
    """Say what is worth telling now: many cases, near deadlines, large campaigns, rules over."""
    waiting = list(_waiting(ledger))
    if len(waiting) >= policy.notify_cases:
        yield Notice(
            (f"waiting/{now:%Y-%m-%d}",),
            _doing(len(waiting), "wait"),
            "The most influential first: " + "; ".join(map(_line, waiting[:_NAMED])),
            tuple(case.id for case in waiting[:_NAMED]),
        )
    soon = now + timedelta(hours=policy.notify_hours)
    near = [case for case in waiting if case.deadline and now < case.deadline <= soon]
    if near:
        near = sorted(near, key=lambda case: (str(case.deadline), case.id))
        yield Notice(
            tuple(f"deadline/{case.id}/{case.deadline:%Y-%m-%dT%H:%M}" for case in near),
            f"{_doing(len(near), 'expire')} by {soon:%Y-%m-%d %H:%M} UTC",
            "Their rows then stay out: " + "; ".join(map(_line, near[:_NAMED])),
            tuple(case.id for case in near[:_NAMED]),
        )
    for case in waiting:
        if case.kind == CAMPAIGN and case.contributors >= policy.notify_accounts:
            yield Notice(
                (f"campaign/{case.id}",),
                f"A campaign of {case.contributors:,} accounts",
                _line(case),
                (case.id,),
            )
    for rule in ledger.rules("on"):
        if rule.expires <= now:
            yield Notice(
                (f"rule/{rule.name}/{rule.version}",),
                f"The rule {rule.name} is over",
                f"It ended at {rule.expires:%Y-%m-%d %H:%M} UTC and does nothing any more",
                (),
            )


def _waiting(ledger: Ledger) -> Iterator[Case]:
    """Cases that wait; copies with a known answer wait for nobody in particular."""
    known = ledger.golds()
    return (case for case in _queued(ledger) if case.id not in known)


def _queued(ledger: Ledger) -> Iterator[Case]:
    page, pages = 1, 1
    while page <= pages:
        found = ledger.queue(Query(states=WAITING, page=page, per=_PAGE))
        yield from found.items
        page, pages = page + 1, found.pages


def _doing(n: int, verb: str) -> str:
    return f"{count(n, 'case')} {verb}" + ("s" if n == 1 else "")


def _line(case: Case) -> str:
    until = f", until {case.deadline:%Y-%m-%d %H:%M} UTC" if case.deadline else ""
    return f"case {case.id} ({case.kind}, {count(case.size, 'row')}{until})"


def _tell(ledger: Ledger, found: Sequence[Notice], url: str, workspace: str, now: datetime) -> int:
    """Tell one receiver; what does not arrive is told the next time."""
    name = hashlib.sha256(url.encode()).hexdigest()[:8]
    arrived = 0
    for notice in found:
        told = [f"{key}@{name}" for key in notice.keys]
        fresh = [key for key in told if ledger.note_once(key, at=now)]
        if not fresh:
            continue
        if not _send(url, notice, workspace):
            for key in fresh:
                ledger.forget_note(key)
            break
        arrived += 1
    return arrived


def _send(url: str, notice: Notice, workspace: str) -> bool:
    scheme = url.partition("://")[0]
    try:
        post = _post if scheme in ("http", "https") else _apprise
        if post(url, notice, workspace):
            return True
        log.warning("a receiver of notices (%s) refused %r", scheme, notice.title)
    except Exception as error:  # noqa: BLE001
        # Its text may hold the URL, and with it a secret.
        log.warning("a receiver of notices (%s) is away: %s", scheme, type(error).__name__)
    return False


def _post(url: str, notice: Notice, workspace: str) -> bool:
    import httpx

    content = {
        "source": "foretaste",
        "workspace": workspace,
        "keys": list(notice.keys),
        "title": notice.title,
        "body": notice.body,
        "cases": list(notice.cases),
    }
    return httpx.post(url, json=content, timeout=_SECONDS).is_success


def _apprise(url: str, notice: Notice, _workspace: str) -> bool:
    import apprise

    receiver = apprise.Apprise()
    return receiver.add(url) and bool(receiver.notify(title=notice.title, body=notice.body))

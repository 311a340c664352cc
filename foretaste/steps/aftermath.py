"""What follows from people's decisions beside the corpus: lists, and cases whose time is over."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import pandas as pd

from foretaste.core.ledger import Case, CaseState, Judgement, Ledger, Query
from foretaste.core.policy import Review
from foretaste.core.workspace import Workspace
from foretaste.steps.night import Night
from foretaste.steps.state import LISTED_SCHEMA, read_decisions

log = logging.getLogger(__name__)

CLOCK: Final = "deadline"
"""Who decides when nobody did."""
EXPIRED: Final = "expired"
RUN: Final = "run"
_PAGE: Final = 200


def expire(ledger: Ledger, policy: Review, now: datetime) -> list[Case]:
    """Close the cases whose deadline is over: their rows stay out, never are they accepted.

    Where the policy says ``reject`` their rows count as poison too, by a decision about
    each that the run applies with the others. May be repeated after a kill.
    """
    over = ledger.expire_due(now)
    for case in over:
        log.warning("case %s expired: its rows stay out", case.id)
    if policy.at_deadline == "reject":
        said = {one.row_id for one in ledger.decisions() if one.by == CLOCK}
        expired = [row for case in _expired(ledger) for row in ledger.case_rows(case.id)]
        for row in dict.fromkeys(expired):
            if row not in said:
                ledger.decide(Judgement.POISON, by=CLOCK, at=now, reason_code=EXPIRED, row_id=row)
    return over


def _expired(ledger: Ledger) -> Iterator[Case]:
    page, pages = 1, 1
    while page <= pages:
        found = ledger.queue(Query(states=(CaseState.EXPIRED,), page=page, per=_PAGE))
        yield from found.items
        page, pages = page + 1, found.pages


def read_lists(ledger: Ledger, now: datetime) -> pd.DataFrame:
    """Read people's lists as they are now: ``LISTED_SCHEMA``, sorted."""
    lines = [
        {"contributor_id": one.contributor_id, "kind": one.kind, "until": one.expires}
        for one in ledger.listed(now)
    ]
    frame = pd.DataFrame(lines, columns=LISTED_SCHEMA.names)
    return frame.sort_values(["contributor_id", "kind"], ignore_index=True)


def keep_lists(workspace: Workspace, night: Night) -> list[str]:
    """Put contributors whom people called poisoners again on the block list, for a while.

    It holds what they send for a person; it bans nobody. A lead may take them off, and no
    decision that was made before puts them on again. Nobody is put on the allow list by
    counting: whoever wants to be trusted would send what is released.
    """
    policy = night.policy.review
    until = night.as_of + timedelta(days=policy.block_days)
    listed = []
    with workspace.ledger() as ledger:
        for who, numbers in repeated(read_decisions(workspace.layout.state), policy.block_after):
            if not ledger.note_once(f"block/{who}/{numbers[-1]}", at=night.as_of):
                continue
            told = ", ".join(map(str, numbers))
            ledger.list_contributor(
                who,
                "block",
                by=RUN,
                at=night.as_of,
                reason=f"called poison by the decisions {told}",
                expires=until,
            )
            listed.append(who)
    return listed


def repeated(decisions: pd.DataFrame, least: int) -> list[tuple[str, list[int]]]:
    """Contributors who were called poisoners by ``least`` decisions since the last that was not.

    Parameters
    ----------
    decisions
        ``DECISION_SCHEMA``.

    Returns
    -------
    list
        Contributor and numbers of the decisions, sorted.
    """
    said = decisions[decisions["decision"] != "relabel"]
    good = said[said["decision"] != "poison"].groupby("contributor_id")["decision_id"].max()
    bad = said[said["decision"] == "poison"]
    since = good.reindex(bad["contributor_id"]).fillna(-1).to_numpy(float)
    still = bad[bad["decision_id"].to_numpy() > since]
    found = still.groupby("contributor_id")["decision_id"].unique()
    return [
        (str(who), sorted(map(int, numbers)))
        for who, numbers in found.sort_index().items()
        if len(numbers) >= least
    ]

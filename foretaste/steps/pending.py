"""What people's decisions say of each row: the most specific word of a case stands.

A decision about a row stands above one about its contributor in the case, and that above
one about the whole case; of equals the last stands. Between cases the last one stands:
who judges a row again, in another case, has seen it again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

import pandas as pd

from foretaste.core.ledger import Decision, Judgement, Ledger

ACTED: Final = frozenset(
    {
        Judgement.POISON,
        Judgement.RELEASE,
        Judgement.APART,
        Judgement.DOWNWEIGHT,
        Judgement.RELABEL,
    }
)
"""Judgements that a run acts on."""

COLUMNS: Final = ("decision_id", "row_id", "decision", "label")

_PAGE: Final = 5_000


@dataclass(frozen=True, slots=True)
class Pending:
    """What a run has to act on.

    Parameters
    ----------
    rows
        Columns ``decision_id, row_id, decision, label``: a line per row and case.
    silent
        Decisions of cases that say nothing of any row any more, because later or more
        specific ones stand above them: acted on by doing nothing.
    """

    rows: pd.DataFrame
    silent: tuple[int, ...]


def pending(ledger: Ledger, done: Collection[int]) -> Pending:
    """Read what people decided and no release has applied.

    What a rollback undid is among it, although a run has acted on it.

    Parameters
    ----------
    done
        Decisions that the published state holds.
    """
    said = [one for one in ledger.decisions() if one.decision in ACTED]
    waiting = {one.case_id for one in said if one.case_id and one.id not in done}
    theirs = [one for one in said if one.case_id in waiting]
    owners = {case: _owners(ledger, case, theirs) for case in sorted(filter(None, waiting))}
    lines = list(expand(said, owners, frozenset(done)))
    heard = {line[0] for line in lines}
    silent = [
        one.id
        for one in said
        if one.id not in done and one.id not in heard and one.case_id and one.applied_in is None
    ]
    return Pending(pd.DataFrame(lines, columns=list(COLUMNS)), tuple(silent))


def expand(
    said: Sequence[Decision], owners: Mapping[str, Mapping[str, str]], done: Collection[int]
) -> Iterator[tuple[int, str, str, str | None]]:
    """Give a line per row of each case: who decided it, and what.

    Decisions that were applied before take part, so that a word about one row still
    stands when its case is decided later, but they are not given again.

    Parameters
    ----------
    said
        Standing decisions; one about a row of no case is about that row alone, one about a
        contributor of no case is for a purge.
    owners
        Contributor by row id, per case.
    """
    by_case: dict[str, list[Decision]] = {}
    for one in said:
        if one.case_id in owners:
            by_case.setdefault(str(one.case_id), []).append(one)
    alone = [one for one in said if one.case_id is None and one.row_id and one.id not in done]
    found = [(one.id, str(one.row_id), one) for one in alone]
    for case, theirs in by_case.items():
        stands = _standing(theirs, owners[case])
        found += [(one.id, row, one) for row, one in stands.items() if one.id not in done]
    for number, row, one in sorted(found, key=lambda f: f[:2]):
        yield number, row, str(one.decision), one.label


def _standing(said: Iterable[Decision], owners: Mapping[str, str]) -> dict[str, Decision]:
    """The decision that stands for each row of a case."""
    ordered = sorted(said, key=lambda one: one.id)
    whole = [one for one in ordered if one.row_id is None and one.contributor_id is None]
    people = {one.contributor_id: one for one in ordered if one.contributor_id and not one.row_id}
    rows = {one.row_id: one for one in ordered if one.row_id is not None}
    stands = {}
    for row, owner in owners.items():
        word = rows.get(row) or people.get(owner) or (whole[-1] if whole else None)
        if word is not None:
            stands[row] = word
    return stands


def _owners(ledger: Ledger, case: str, said: Iterable[Decision]) -> dict[str, str]:
    """Contributor by row id; "" for those whom no decision names."""
    found = dict.fromkeys(ledger.case_rows(case), "")
    mine = [one.contributor_id for one in said if one.case_id == case]
    for who in sorted(str(name) for name in set(mine) if name is not None):
        for start in count(0, _PAGE):
            page = ledger.rows_of(case, offset=start, limit=_PAGE, contributor=who)
            found |= {row.row_id: who for row in page}
            if len(page) < _PAGE:
                break
    return found

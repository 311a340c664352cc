"""Cases that two people confirmed become attack canaries, in files of their own.

``data/canaries/case-<id>.parquet`` is there as long as the decision stands: the next release
versions it, and from then on every candidate is asked about it. An appeal that reverses the
decision takes the file away.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa

from foretaste.core.errors import ForetasteError
from foretaste.core.ledger import Decision, Judgement, Ledger
from foretaste.core.tables import write_table
from foretaste.core.workspace import Workspace
from foretaste.models.canary_set import confirmed_canaries
from foretaste.steps.dossier import gather
from foretaste.steps.trusted import read_trusted

log = logging.getLogger(__name__)

PREFIX: Final = "case-"
_ROWS: Final = 200
"""Canaries of a case: enough to measure a rate, too few to crowd out the other attacks."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A case that people agreed on.

    Parameters
    ----------
    agreed
        Who said so.
    label
        What its rows really are, where they said it.
    """

    case: str
    agreed: tuple[str, ...]
    label: str | None


def sync_canaries(workspace: Workspace) -> tuple[str, ...]:
    """Make the files of confirmed cases those that are there; give the cases that joined.

    A case whose true label is not known, or that has no row with a lie, joins nothing.
    """
    folder = workspace.layout.canaries
    with workspace.ledger() as ledger:
        found = list(confirmed(ledger))
        rows = {one.case: ledger.case_rows(one.case) for one in found}
        nights = {one.case: ledger.case(one.case).night for one in found}
    wanted = {f"{PREFIX}{one.case}.parquet" for one in found}
    for stale in sorted(set(folder.glob(f"{PREFIX}*.parquet"))):
        if stale.name not in wanted:
            stale.unlink()
    fresh = [one for one in found if not (folder / f"{PREFIX}{one.case}.parquet").exists()]
    golden = read_trusted(workspace.layout, workspace.key, traffic=False).golden if fresh else None
    if golden is None:
        return ()
    joined = []
    for one in fresh:
        known = gather(workspace, rows[one.case], {nights[one.case]}).rows.reset_index()
        if _write(one, known.head(_ROWS), golden, folder):
            joined.append(one.case)
    return tuple(joined)


def confirmed(ledger: Ledger) -> Iterator[Confirmed]:
    """List the cases whose standing decision two people made, and a run applied."""
    last: dict[str, Decision] = {}
    for said in ledger.decisions():
        if said.case_id and not said.row_id and not said.contributor_id:
            last[said.case_id] = said
    for case, said in sorted(last.items()):
        agreed = tuple(dict.fromkeys(said.by.split("+")))
        lie = said.decision in (Judgement.POISON, Judgement.RELABEL)
        if lie and said.applied_in and len(agreed) > 1:
            yield Confirmed(case, agreed, said.label)


def true_label(said: str | None, labels: Iterable[str], golden: Iterable[str]) -> str | None:
    """Tell what a case's rows really are: as people said, or the other label where there are two.

    Parameters
    ----------
    labels
        What the rows claim.
    golden
        Every trusted label.
    """
    if said is not None:
        return said
    claimed, known = set(labels), set(golden)
    others = sorted(known - claimed)
    return others[0] if len(known) == 2 and len(claimed) == 1 and len(others) == 1 else None


def _write(one: Confirmed, rows: pd.DataFrame, golden: pd.DataFrame, folder: Path) -> bool:
    label = true_label(one.label, rows.get("label", []), golden["label"].astype(str))
    if label is None or rows.empty:
        log.info("case %s joins no canaries: its true label is not known", one.case)
        return False
    try:
        made = confirmed_canaries(one.case, rows, label, one.agreed, golden)
    except ForetasteError as error:
        log.warning("case %s joins no canaries: %s", one.case, error)
        return False
    made.insert(0, "canary_id", [f"{PREFIX}{one.case}-{i:04d}" for i in range(len(made))])
    folder.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pandas(made, preserve_index=False)
    write_table(table, folder / f"{PREFIX}{one.case}.parquet")
    return True

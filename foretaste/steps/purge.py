"""Take contributors' rows out of every night, and keep what they send again out."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from foretaste.core.errors import WorkspaceError
from foretaste.core.layout import Layout, partition_nights
from foretaste.core.ledger import Judgement
from foretaste.core.marks import PURGE, blocked
from foretaste.core.release import Release
from foretaste.core.releasing import ReleasePlan
from foretaste.core.revision import revise
from foretaste.core.workspace import Workspace
from foretaste.intake import OriginalStore
from foretaste.steps.consumed import Subject, uses_of
from foretaste.steps.night import Night, read_json, run_step, write_json
from foretaste.steps.session import Session

BLOCKED: Final = "blocked"
"""Reason code of a row whose contributor was purged."""
_PARTITIONS: Final = ("accepted", "contributions")
_CELL: Final = re.compile(r"[,;\t|]")


@dataclass(frozen=True, slots=True)
class Order:
    """Who is purged, why, and who says so.

    Parameters
    ----------
    contributors
        Pseudonyms; raw ids never travel with a flow's parameters.
    """

    contributors: frozenset[str]
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class Without(Layout):
    """A workspace whose accepted rows lie elsewhere: those that are to stay."""

    corpus: Path

    @property
    def accepted(self) -> Path:
        """The corpus without the purged rows."""
        return self.corpus


def withdraw(night: Night, order: Order) -> Path:
    """Write the corpus without the purged rows, and the files that differ from today's.

    Returns
    -------
    pathlib.Path
        Folder with ``accepted``, every partition as it is to be, and ``contributions``,
        the partitions that change; ``withdrawn.json`` names what is rewritten.
    """
    layout = night.layout
    who = ",".join(sorted(order.contributors))

    def compute(out: Path) -> Mapping[str, int]:
        rewritten, counts = [], dict.fromkeys(_PARTITIONS, 0)
        for kind in _PARTITIONS:
            for source in sorted((layout.root / "data" / kind).glob("night=*/*")):
                copy = out / kind / source.parent.name / source.name
                copy.parent.mkdir(parents=True, exist_ok=True)
                gone = _without(source, order.contributors, copy)
                if gone:
                    rewritten.append(f"data/{kind}/{source.parent.name}/{source.name}")
                    counts[kind] += gone if source.name != "visits.parquet" else 0
                elif kind == "accepted":
                    _link(source, copy)
        write_json(out / "withdrawn.json", {"rewritten": rewritten, "rows": counts})
        return counts

    inputs: dict[str, Path | str] = {kind: getattr(layout, kind) for kind in _PARTITIONS}
    return run_step(night, "withdraw", inputs | {"who": who}, compute)


def over(run: Session, withdrawn: Path, order: Order) -> Session:
    """Give the same run over the corpus that stays, with the purge among its decisions."""
    rows = rows_of(run.night.layout, order.contributors)
    numbers = _decisions(run, order)
    mine = pd.DataFrame(
        {
            "decision_id": [numbers[who] for who in rows["contributor_id"]],
            "row_id": rows["row_id"],
            "decision": str(Judgement.POISON),
        }
    )
    others = run.decided[~run.decided["row_id"].isin(rows["row_id"])]
    decided = pd.concat([others, mine], ignore_index=True)
    night = replace(
        run.night, layout=Without(run.night.layout.root, (withdrawn / "accepted").resolve())
    )
    return replace(run, night=night, decided=decided)


def plan(run: Session, planned: ReleasePlan, withdrawn: Path, order: Order) -> ReleasePlan:
    """Add the rewritten partitions to the release that is planned, and mark those before it."""
    said = read_json(withdrawn / "withdrawn.json")
    uses = uses_of(run.workspace, Subject(order.contributors))
    told = {
        "contributors": sorted(order.contributors),
        "rows": said["rows"]["accepted"],
        "marked": [use.release for use in uses.releases],
        "models": [use.model for use in uses.models],
        "reason": order.reason,
        "by": order.by,
        "at": run.night.as_of.isoformat(),
    }
    rewritten = {path: withdrawn / path.removeprefix("data/") for path in said["rewritten"]}
    return revise(run.workspace, planned, rewritten, {PURGE: told})


def rows_of(layout: Layout, contributors: frozenset[str]) -> pd.DataFrame:
    """Find contributors' rows in every night: columns ``row_id, contributor_id``."""
    paths = [
        layout.contributions / f"night={night}" / "contributions.parquet"
        for night in partition_nights(layout.contributions)
    ]
    if not paths:
        return pd.DataFrame({"row_id": [], "contributor_id": []}, dtype="str")
    found: pd.DataFrame = pq.read_table(
        paths,
        columns=["row_id", "contributor_id"],
        filters=pc.field("contributor_id").isin(pa.array(sorted(contributors), pa.string())),
        partitioning=None,
    ).to_pandas()
    return found


def forget_contents(workspace: Workspace, order: Order) -> int:
    """Forget what lies outside the corpus: kept originals, and copies on the desk."""
    with workspace.ledger() as ledger:
        shown = ledger.forget(order.contributors, by=order.by, at=datetime.now(UTC))
    return shown + forget_originals(workspace, order.contributors)


def forget_originals(workspace: Workspace, contributors: frozenset[str]) -> int:
    """Delete the kept bytes of rejected rows that name one of them; give how many.

    A rejected row has no contributor of its own, so each original is opened: it is theirs
    when one of its cells is their id. What cannot be told apart into cells stays until
    ``ingest.keep_originals_days``.
    """
    store = OriginalStore.open(workspace.root, workspace.id, workspace.key)
    theirs = [
        entry
        for entry in _kept(workspace.layout)
        if (original := _opened(store, entry)) is not None
        and any(workspace.key.pseudonym("contributor", c) in contributors for c in _cells(original))
    ]
    if theirs:
        store.forget(*theirs)
    return len(theirs)


def hold_blocked(contributions: pa.Table, layout: Layout) -> pa.Table:
    """Hold the rows of purged contributors: whatever they send, a person decides on it.

    Manifests are read from the tree, which every run finds as git has it.
    """
    known = [Release.from_bytes(p.read_bytes()) for p in sorted(layout.releases.glob("*.json"))]
    people = pa.array(sorted(blocked(known)), pa.string())
    theirs = pc.is_in(contributions["contributor_id"], value_set=people)
    held = pc.if_else(theirs, BLOCKED, contributions["held"])
    at = contributions.schema.get_field_index("held")
    return contributions.set_column(at, contributions.schema.field("held"), held)


def _without(source: Path, contributors: frozenset[str], target: Path) -> int:
    """Write a table without contributors' rows, where it has any; give how many go."""
    if source.suffix != ".parquet" or "contributor_id" not in pq.read_schema(source).names:
        return 0
    rows = pq.ParquetFile(source).read()
    people = pa.array(sorted(contributors), pa.string())
    kept = rows.filter(pc.invert(pc.is_in(rows["contributor_id"], value_set=people)))
    if kept.num_rows < rows.num_rows:
        pq.write_table(kept, target)
    return int(rows.num_rows - kept.num_rows)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)


def _decisions(run: Session, order: Order) -> dict[str, int]:
    """Write the purge down as decisions; a run that died has written them already."""
    with run.workspace.ledger() as ledger:
        numbers = {
            said.contributor_id: said.id
            for said in ledger.pending_decisions()
            if said.contributor_id is not None and said.reason_code == PURGE
        }
        for who in sorted(order.contributors - set(numbers)):
            numbers[who] = ledger.decide(
                Judgement.POISON,
                by=order.by,
                at=run.night.as_of,
                reason_code=PURGE,
                contributor_id=who,
                note=order.reason,
            )
    return numbers


def _kept(layout: Layout) -> Iterator[str]:
    for path in sorted(layout.contributions.glob("night=*/*rejects.parquet")):
        entries = pq.ParquetFile(path).read(["original"])["original"]
        yield from dict.fromkeys(entries.drop_null().to_pylist())


def _opened(store: OriginalStore, entry: str) -> bytes | None:
    try:
        return store.get(entry)
    except WorkspaceError:
        return None


def _cells(original: bytes) -> list[str]:
    text = original.decode("utf-8", errors="replace").strip()
    try:
        row = json.loads(text)
    except ValueError:
        return [cell.strip(" \"'") for cell in _CELL.split(text)]
    return [str(value) for value in row.values()] if isinstance(row, dict) else [text]

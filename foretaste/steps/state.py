"""What a night starts from: track records, known actors and people's decisions.

It is derived from the last release alone (and from what people decided since), never
from the night's own evidence, so that any night can be computed again from its tag.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from detectors.actors.memory import Memory
from detectors.influence import VALIDITY_SCHEMA, update_validity
from foretaste.core.actor import ACTOR_SCHEMA, GRAPH_SCHEMA
from foretaste.core.contract import UTC_MICROS, VISIT_SCHEMA
from foretaste.core.layout import Layout, partition, partition_nights
from foretaste.core.policy import Policy
from foretaste.core.track_record import ACCUSED_SCHEMA, TRACK_SCHEMA, accusations, advance
from foretaste.core.verdict import Outcome
from foretaste.steps.desk_rules import RULES_SCHEMA, no_rules, require_own_names
from foretaste.steps.night import Night, read_json, run_step, write_json

DECISION_SCHEMA = pa.schema(
    [
        pa.field("decision_id", pa.int64(), nullable=False),
        pa.field("row_id", pa.string(), nullable=False),
        pa.field("contributor_id", pa.string(), nullable=False),
        pa.field("decision", pa.string(), nullable=False),
        pa.field("night", pa.string(), nullable=False),
        pa.field("label", pa.string()),
    ]
)
"""One line per row that a person decided: ``poison``, ``release``, ``apart`` (released, and
its contributor is not one with the others of that decision), ``downweight`` or ``relabel``
(released under the other ``label``); ``decision_id`` is the ledger's number, ``night`` the
night that applies it."""

LISTED_SCHEMA = pa.schema(
    [
        pa.field("contributor_id", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("until", UTC_MICROS),
    ]
)
"""Contributors on people's lists as the night begins: ``block`` or ``allow``."""

_GOOD = ("release", "apart", "downweight")
_BAD = ("poison",)


def begin(
    night: Night,
    decided: pd.DataFrame,
    listed: pd.DataFrame | None = None,
    rules: pd.DataFrame | None = None,
) -> Path:
    """Write the state that the night starts from.

    Parameters
    ----------
    decided
        Columns ``decision_id, row_id, decision`` and perhaps ``label``: what people decided
        since the last release.
    listed
        Columns of ``LISTED_SCHEMA``; None: nobody is listed.
    rules
        Columns of ``RULES_SCHEMA``; None: no rule of the desk is on.

    Raises
    ------
    PolicyError
        If a rule of the policy has the name of one of the desk's.
    """
    layout = night.layout
    inputs = {"state": layout.state, "sanitize": layout.night / "sanitize"}
    drafts, lists = night.work / "decided.parquet", night.work / "listed.parquet"
    drafts.parent.mkdir(parents=True, exist_ok=True)
    _write(drafts, decided, None)
    none = _read(Path("none"), LISTED_SCHEMA).to_pandas()
    _write(lists, none if listed is None else listed, LISTED_SCHEMA)
    rules = no_rules() if rules is None else rules
    require_own_names(rules["name"], night.policy)
    written = night.work / "rules.parquet"
    _write(written, rules, RULES_SCHEMA)

    def compute(out: Path) -> Mapping[str, int]:
        fresh = _locate(layout, decided, night.night)
        earlier = read_decisions(layout.state)
        decisions = pd.concat([earlier, fresh], ignore_index=True)
        validity = _advance(layout, night.policy, fresh, night.night)
        _write(out / "decisions.parquet", decisions, DECISION_SCHEMA)
        _write(out / "validity.parquet", validity, VALIDITY_SCHEMA)
        accused = _accused(layout, night.policy)
        records = advance(read_records(layout.state), accused, fresh, night.policy.track_record)
        waiting = accused[~accused["row_id"].isin(fresh["row_id"])]
        _write(out / "track_records.parquet", records, TRACK_SCHEMA)
        _write(out / "accused.parquet", waiting, ACCUSED_SCHEMA)
        shutil.copyfile(lists, out / "listed.parquet")
        shutil.copyfile(written, out / "rules.parquet")
        pq.write_table(read_actors(layout.night / "sanitize"), out / "actors.parquet")
        write_memory(read_memory(layout.night / "sanitize"), out)
        write_json(
            out / "night.json",
            {"night": night.night, "as_of": night.as_of.isoformat(), "seed": night.policy.seed},
        )
        return {"decisions": len(fresh), "contributors": len(validity)}

    given = {"decided": drafts, "listed": lists, "rules": written}
    return run_step(night, "state", {**inputs, **given}, compute)


def read_night(state: Path) -> tuple[str, datetime]:
    """Night and "now" that a state was made for."""
    content = read_json(state / "night.json")
    return content["night"], datetime.fromisoformat(content["as_of"])


def read_decisions(state: Path) -> pd.DataFrame:
    """Every decision of a person so far, oldest first."""
    frame: pd.DataFrame = _read(state / "decisions.parquet", DECISION_SCHEMA).to_pandas()
    return frame


def read_poisoned(state: Path) -> frozenset[str]:
    """Rows that people called poison last, whether they were accepted before or not."""
    last = read_decisions(state).drop_duplicates("row_id", keep="last")
    return frozenset(last.loc[last["decision"] == "poison", "row_id"])


def read_listed(state: Path, kind: str) -> frozenset[str]:
    """Contributors on one of people's lists: ``block`` or ``allow``."""
    lists = _read(state / "listed.parquet", LISTED_SCHEMA)
    mine = lists.filter(pa.compute.field("kind") == kind)
    return frozenset(mine["contributor_id"].to_pylist())


def read_apart(state: Path) -> tuple[frozenset[str], ...]:
    """Contributors that people keep apart: no two of one set may be merged.

    A set per decision, oldest first. Whoever a later decision calls a poisoner is out of
    it again, and a set of fewer than two says nothing.
    """
    said = read_decisions(state)
    poison = said[said["decision"] == "poison"].groupby("contributor_id")["decision_id"].max()
    kept = said[said["decision"] == "apart"]
    poisoned = poison.reindex(kept["contributor_id"]).fillna(-1).to_numpy()
    kept = kept[poisoned < kept["decision_id"].to_numpy()]
    sets = kept.groupby("decision_id", sort=True)["contributor_id"].agg(frozenset)
    return tuple(people for people in sets if len(people) > 1)


def read_validity(state: Path) -> pd.DataFrame:
    """Track records of contributors."""
    frame: pd.DataFrame = _read(state / "validity.parquet", VALIDITY_SCHEMA).to_pandas()
    return frame


def read_records(state: Path) -> pd.DataFrame:
    """Track records of detectors."""
    frame: pd.DataFrame = _read(state / "track_records.parquet", TRACK_SCHEMA).to_pandas()
    return frame


def read_actors(folder: Path) -> pa.Table:
    """Which actor each contributor belongs to."""
    return _read(folder / "actors.parquet", ACTOR_SCHEMA)


def read_memory(folder: Path) -> Memory:
    """What the actor stage remembers of earlier nights."""
    return Memory(
        _read(folder / "seen_visits.parquet", VISIT_SCHEMA),
        _read(folder / "seen_graph.parquet", GRAPH_SCHEMA),
    )


def write_memory(memory: Memory, folder: Path) -> None:
    """Write what ``read_memory`` reads."""
    pq.write_table(memory.visits, folder / "seen_visits.parquet")
    pq.write_table(memory.graph, folder / "seen_graph.parquet")


def _advance(layout: Layout, policy: Policy, fresh: pd.DataFrame, night: str) -> pd.DataFrame:
    """Move the track records on by the last night's verdicts and by people's decisions."""
    validity = read_validity(layout.state)
    last = read_json(layout.state / "night.json").get("night")
    decided = _last_verdicts(layout, last)
    # A row that people relabel is an honest mistake: it speaks neither for nor against.
    good, bad = (fresh["decision"].isin(side).astype(float) for side in (_GOOD, _BAD))
    reviews = pd.DataFrame({"contributor_id": fresh["contributor_id"], "good": good, "bad": bad})
    return update_validity(validity, decided, reviews, last or night, policy.validity)


def _accused(layout: Layout, policy: Policy) -> pd.DataFrame:
    """Who spoke against the held rows of the nights that training still reads."""
    earlier: pd.DataFrame = _read(layout.state / "accused.parquet", ACCUSED_SCHEMA).to_pandas()
    last = read_json(layout.state / "night.json").get("night")
    folder = layout.night / "sanitize"
    if last is None or not (folder / "evidence.parquet").exists():
        return earlier
    verdicts = pq.read_table(folder / "verdicts.parquet", columns=["row_id", "verdict", "code"])
    judged = verdicts.to_pandas()
    held = judged["verdict"].isin([Outcome.QUARANTINED, Outcome.REJECTED])
    evidence = pq.read_table(folder / "evidence.parquet", columns=["row_id", "detector", "llr"])
    rows = judged.loc[held & (judged["code"] == "evidence"), "row_id"]
    both = pd.concat([earlier, accusations(evidence.to_pandas(), rows, last)], ignore_index=True)
    kept = partition_nights(layout.contributions)[-policy.release.train_nights :]
    return both[both["night"].isin(kept)].drop_duplicates(["row_id", "detector"])


def _last_verdicts(layout: Layout, last: str | None) -> pd.DataFrame:
    """Contributor, verdict and posterior of every contribution of the last night."""
    empty = pd.DataFrame({"contributor_id": [], "verdict": [], "posterior": []})
    path = layout.night / "sanitize" / "verdicts.parquet"
    rows = partition(layout.contributions, last or "none") / "contributions.parquet"
    if last is None or not path.exists() or not rows.exists():
        return empty.astype({"contributor_id": "str", "verdict": "str", "posterior": float})
    verdicts = pq.read_table(path, columns=["row_id", "verdict", "posterior"]).to_pandas()
    owners = pq.read_table(rows, columns=["row_id", "contributor_id"]).to_pandas()
    frame: pd.DataFrame = owners.merge(verdicts, on="row_id")[
        ["contributor_id", "verdict", "posterior"]
    ]
    return frame


def _locate(layout: Layout, decided: pd.DataFrame, night: str) -> pd.DataFrame:
    """Find whose rows were decided; rows are searched in every night's contributions."""
    if decided.empty:
        frame: pd.DataFrame = _read(Path("none"), DECISION_SCHEMA).to_pandas()
        return frame
    wanted = pa.array(decided["row_id"].astype(object), pa.string())
    nights = partition_nights(layout.contributions)
    owners = pq.read_table(
        [partition(layout.contributions, n) / "contributions.parquet" for n in nights],
        columns=["row_id", "contributor_id"],
        filters=pa.compute.field("row_id").isin(wanted),
        partitioning=None,
    ).to_pandas()
    label = decided["label"].astype(object) if "label" in decided else pd.Series(dtype=object)
    said = decided.assign(label=label.where(label.notna(), None))
    found: pd.DataFrame = said.merge(owners, on="row_id").assign(night=night)[DECISION_SCHEMA.names]
    return found


def _read(path: Path, schema: pa.Schema) -> pa.Table:
    return pq.read_table(path, schema=schema) if path.exists() else schema.empty_table()


def _write(path: Path, frame: pd.DataFrame, schema: pa.Schema | None) -> None:
    pq.write_table(pa.Table.from_pandas(frame, schema=schema, preserve_index=False), path)

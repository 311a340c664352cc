"""The desk's rules in a night: a copy in the state that it starts from, and what they do.

A rule that people wrote fails no night: one that cannot be used any more hits nothing, and
that is logged. It was tried before it was switched on, on this workspace's own nights.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from foretaste.core.contract import UTC_MICROS, contribution_schema
from foretaste.core.engine import Engine
from foretaste.core.errors import PolicyError
from foretaste.core.ledger import Ledger
from foretaste.core.policy import Policy
from foretaste.core.rule_sql import canonical

log = logging.getLogger(__name__)

RULES_SCHEMA: Final = pa.schema(
    [
        pa.field("name", pa.string(), nullable=False),
        pa.field("version", pa.int64(), nullable=False),
        pa.field("where", pa.string(), nullable=False),
        pa.field("action", pa.string(), nullable=False),
        pa.field("llr", pa.float64(), nullable=False),
        pa.field("until", UTC_MICROS, nullable=False),
    ]
)
"""The desk's rules as a night begins: ``where`` is the canonical predicate, ``action`` is
``hold`` or ``evidence``, ``llr`` the nats of the latter. Who wrote a rule, and why, stays
in the ledger."""

RULE_CODE: Final = "rule:"
"""Begins the reason code of a row that a rule holds for a person; its name follows."""

HOLD: Final = "hold"
EVIDENCE: Final = "evidence"
ACTIONS: Final = (HOLD, EVIDENCE)

_SECONDS: Final = 5.0
_FILE: Final = "rules.parquet"
_UNSEEN: Final = frozenset({"row_digest", "source", "source_row", "held"})
"""Bookkeeping of ingest, which no rule may lean on."""


def columns(policy: Policy) -> tuple[str, ...]:
    """Name the columns of a contribution that a rule may use."""
    schema = contribution_schema(policy.columns.features, policy.columns.attributes)
    return tuple(name for name in schema.names if name not in _UNSEEN)


def usable(where: str, policy: Policy, *, rule: str) -> str:
    """Give the canonical form of a predicate, once it was run on a night without rows.

    Raises
    ------
    PolicyError
        If it is no true-or-false expression of the contract's columns.
    """
    schema = contribution_schema(policy.columns.features, policy.columns.attributes)
    names = columns(policy)
    empty = schema.empty_table().select(list(names))
    Engine.of(policy.engine).filter_sql(empty, where, rule=rule, seconds=_SECONDS)
    return canonical(where, names, rule=rule)


def no_rules() -> pd.DataFrame:
    """Give a table of no rules."""
    frame: pd.DataFrame = RULES_SCHEMA.empty_table().to_pandas()
    return frame


def rules_on(ledger: Ledger, now: datetime) -> pd.DataFrame:
    """Read the desk's rules that are on at a moment: ``RULES_SCHEMA``, by name."""
    lines = [
        {
            "name": one.name,
            "version": one.version,
            "where": one.where,
            "action": one.action,
            "llr": one.llr,
            "until": one.expires,
        }
        for one in ledger.rules("on")
        if one.expires > now
    ]
    frame: pd.DataFrame = pa.Table.from_pylist(lines, RULES_SCHEMA).to_pandas()
    return frame


def tell_of_the_over(ledger: Ledger, now: datetime) -> list[str]:
    """Say once of each rule whose time is over that it holds no longer; give their names."""
    told = []
    for one in ledger.rules("on"):
        key = f"rule/{one.name}/{one.version}/over"
        if one.expires <= now and ledger.note_once(key, now):
            log.warning("the rule %s is over: it does nothing any more", one.name)
            payload = {"rule": one.name, "version": one.version}
            ledger.log("rule over", by="run", at=now, payload=payload)
            told.append(one.name)
    return told


def require_own_names(names: Iterable[str], policy: Policy) -> None:
    """Refuse rules of the desk that are called like one of the policy's.

    Raises
    ------
    PolicyError
        If there is one.
    """
    if both := sorted(set(names) & {rule.name for rule in policy.rules}):
        raise PolicyError(
            f"the desk has a rule of that name too: {both[0]}",
            location="rules",
            hint="give the policy's another name, or switch the desk's off",
        )


def read_rules(folder: Path) -> pd.DataFrame:
    """Read the rules that a state, or the step after it, holds: ``RULES_SCHEMA``."""
    path = folder / _FILE
    if not path.exists():
        return no_rules()
    frame: pd.DataFrame = pq.read_table(path, schema=RULES_SCHEMA).to_pandas()
    return frame


def write_rules(rules: pd.DataFrame, folder: Path) -> None:
    """Write what ``read_rules`` reads."""
    table = pa.Table.from_pandas(rules, schema=RULES_SCHEMA, preserve_index=False)
    pq.write_table(table, folder / _FILE)


def armed(policy: Policy, rules: pd.DataFrame) -> Policy:
    """Give the policy with the desk's evidence added to the detector of rules."""
    speaking = rules.loc[rules["action"] == EVIDENCE, ["name", "where", "llr"]]
    if speaking.empty:
        return policy
    settings = policy.detector("rules")
    params = {**settings.params, "desk": speaking.to_dict("records")}
    changed = settings.model_copy(update={"params": params})
    return policy.model_copy(update={"detectors": {**policy.detectors, "rules": changed}})


def held_by_rules(table: pa.Table, rules: pd.DataFrame, policy: Policy) -> np.ndarray:
    """(n,) object: the code of the first rule, by name, that holds a row for a person, or None."""
    code = np.full(table.num_rows, None, dtype=object)
    seen = table.select([name for name in table.column_names if name not in _UNSEEN])
    engine = Engine.of(policy.engine)
    holding = rules[rules["action"] == HOLD].sort_values("name")
    for name, where in zip(holding["name"], holding["where"], strict=True):
        try:
            hit = engine.filter_sql(seen, where, rule=name)
        except PolicyError as error:
            log.warning("a rule of the desk holds nothing: %s", error)
            continue
        code[hit & (code == None)] = f"{RULE_CODE}{name}"  # noqa: E711 elementwise
    return code

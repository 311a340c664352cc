"""Hand-written rules: what a person knows that no detector has learnt."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from detectors.base import Estimator
from foretaste.core.batch import Batch
from foretaste.core.engine import Engine
from foretaste.core.errors import PolicyError
from foretaste.core.evidence import MICRO, Opinion, to_micro_nats
from foretaste.core.policy import Rule

log = logging.getLogger(__name__)

_MAX_LLR = 20.0


class Rules(Estimator):
    """Add each rule's nats to the rows that its SQL predicate hits.

    Sees exactly what its author wrote down, for or against a row; nothing else. A rule
    that fails on a row (a cast of hostile text) does not hit it. A rule of the policy that
    is no valid expression stops the run with a policy error that names it; one of the desk
    hits nothing then, and that is logged.

    Cost: one scan per rule. Threshold: none, the nats are the author's.

    Parameters
    ----------
    rules
        The policy's rules, or mappings with their fields.
    threads, memory_mb
        What the SQL engine may use.
    desk
        Rules that people switched on at the desk.
    """

    name: str = "rules"
    version: str = "1"
    family: str = "rules"
    heavy: bool = False

    def __init__(
        self,
        rules: Sequence[Rule | Mapping[str, Any]] = (),
        threads: int = 1,
        memory_mb: int = 1024,
        desk: Sequence[Rule | Mapping[str, Any]] = (),
    ) -> None:
        self.rules = rules
        self.threads = threads
        self.memory_mb = memory_mb
        self.desk = desk

    def fit_evidence(self, batch: Batch) -> Opinion:
        """Judge every row by every rule.

        Raises
        ------
        PolicyError
            If a rule of the policy is no valid predicate of the contribution's columns.
        """
        if not (self.rules or self.desk):
            return Opinion.abstain(self, batch.n_rows, "there are no rules")
        engine = Engine("duckdb", self.threads, self.memory_mb)
        table = pa.Table.from_pandas(batch.rows, preserve_index=False)
        llr = np.zeros(batch.n_rows, dtype=np.int64)
        said: list[list[str]] = [[] for _ in range(batch.n_rows)]
        for rule, hit in self._hits(engine, table):
            llr[hit] += to_micro_nats(np.array([rule.llr]), _MAX_LLR)
            for row in np.flatnonzero(hit):
                said[row].append(f"rule:{rule.name}")
        reason = [" ".join(names) for names in said]
        return Opinion(self.name, self.version, self.family, llr, llr / MICRO, llr > 0, reason)

    def _hits(self, engine: Engine, table: pa.Table) -> Iterator[tuple[Rule, np.ndarray]]:
        for given in self.rules:
            rule = Rule.model_validate(given)
            yield rule, engine.filter_sql(table, rule.where, rule=rule.name)
        for given in self.desk:
            rule = Rule.model_validate(given)
            try:
                yield rule, engine.filter_sql(table, rule.where, rule=rule.name)
            except PolicyError as error:
                log.warning("a rule of the desk says nothing: %s", error)

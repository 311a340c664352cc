"""From evidence to verdicts: cap, sum, prior, cost, budget, guards.

Sums are sums of integers, so a verdict depends on no order, thread or engine.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from foretaste.core.errors import ContractError
from foretaste.core.evidence import MICRO
from foretaste.core.guards import NANO, Docket, within_budget, within_shares
from foretaste.core.policy import Decision
from foretaste.core.verdict import VERDICT_SCHEMA, Account, Outcome
from foretaste.core.waterfall import Waterfall

SHIFT_DETECTOR: Final = "contributor_shift"
"""The detector that honest drift makes speak about everyone at once."""

BEHAVIOUR: Final = "contributor"
"""The family of detectors that judge how a contributor behaves."""

_OUTCOMES: Final = tuple(Outcome)
_ACCEPT, _DOWNWEIGHT, _QUARANTINE, _REJECT = range(len(_OUTCOMES))
_REVIEWS: Final = {
    "release": _ACCEPT,
    "apart": _ACCEPT,
    "downweight": _DOWNWEIGHT,
    "poison": _REJECT,
}


@dataclass(frozen=True, slots=True)
class DecisionReport:
    """What a night's verdicts cost, and which guards acted.

    Parameters
    ----------
    expected_honest_lost
        Expected number of honest rows that evidence quarantined or rejected.
    budget_rows
        The most that it may be.
    released_by_budget
        Rows that the budget set free.
    guards
        What each guard that acted did, in words.
    drift
        True when so many contributors shifted together that shift evidence was left out.
    counts
        Rows per outcome.
    """

    expected_honest_lost: float
    budget_rows: float
    released_by_budget: int
    guards: tuple[str, ...]
    drift: bool
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Decided:
    """Verdicts, one line per row sorted by ``row_id``, and the report on them."""

    verdicts: pa.Table
    report: DecisionReport


def decide(
    evidence: pa.Table,
    rows: pd.DataFrame,
    policy: Decision,
    *,
    detector_caps: Mapping[str, float],
    reviewed: Mapping[str, str] | None = None,
) -> Decided:
    """Judge every row: the action of least expected cost, within budget and guards.

    Rows that ingest held and rows that a person decided count neither for nor against
    the budget: who floods a night with conflicts must not use it up.

    Parameters
    ----------
    evidence
        ``EVIDENCE_SCHEMA``, at most one line per row and detector.
    rows
        Columns ``row_id, contributor_id, actor_id, label, held, prior_llr`` (int64
        micro-nats of the contributor's track record) and ``influence_weight``.
    policy
        Prior, costs, caps of families, budget and guards.
    detector_caps
        Nats that a detector may add, either way; those not named get the default.
    reviewed
        What a person decided, by row id: ``release``, ``downweight`` or ``poison``.

    Raises
    ------
    IntegrityError
        If a row comes twice, evidence speaks of a row that is not there, or a detector
        speaks twice about one.
    ContractError
        If a review says anything else.
    """
    night = rows.sort_values("row_id", ignore_index=True)
    lines = Waterfall.of(evidence, night["row_id"], detector_caps)
    shifted = night["contributor_id"].iloc[lines.accused(SHIFT_DETECTOR)].nunique()
    drift = shifted > policy.drift_share * night["contributor_id"].nunique()
    if drift:
        lines = lines.without(SHIFT_DETECTOR)
    record = night["prior_llr"].to_numpy(np.int64)
    # A good record is no alibi: who behaves worse than people do has left it behind.
    record = np.where(lines.said_by(BEHAVIOUR) > 0, np.maximum(record, 0), record)
    llr = lines.fused(policy.family_caps) + _logit(policy.prior) + record
    bench = _Bench.of(night, llr, reviewed or {})
    outcome, docket, released = bench.judge(policy)
    report = DecisionReport(
        expected_honest_lost=docket.expected_honest,
        budget_rows=policy.honest_loss_budget * docket.held.size,
        released_by_budget=released,
        guards=(*_drift_said(drift, policy), *docket.said),
        drift=drift,
        counts={str(o): int((outcome == i).sum()) for i, o in enumerate(_OUTCOMES)},
    )
    Account.of(len(night), report.counts).check()
    return Decided(bench.verdicts(outcome, policy, lines.reasons()), report)


def _logit(share: float) -> int:
    """Log-odds of a share in micro-nats; 0 and 1 stay finite."""
    p = min(max(share, 1e-9), 1 - 1e-9)
    return round(math.log(p / (1 - p)) * MICRO)


def _drift_said(drift: bool, policy: Decision) -> tuple[str, ...]:
    why = f"more than {policy.drift_share:.0%} of contributors shifted together: drift"
    return (f"{why}, {SHIFT_DETECTOR} left out",) if drift else ()


@dataclass(frozen=True, slots=True)
class _Bench:
    """The night's rows with their posterior, and who decides each: a person, ingest or we."""

    night: pd.DataFrame
    llr: np.ndarray
    posterior: np.ndarray
    people: np.ndarray
    held: np.ndarray

    @classmethod
    def of(cls, night: pd.DataFrame, llr: np.ndarray, reviewed: Mapping[str, str]) -> _Bench:
        if unknown := set(reviewed.values()) - set(_REVIEWS):
            raise ContractError(f"a review must be one of {', '.join(_REVIEWS)}, not {unknown}")
        decided = night["row_id"].map({row: _REVIEWS[said] for row, said in reviewed.items()})
        people = decided.astype("float64").fillna(-1).to_numpy().astype(np.int64)
        held = night["held"].notna().to_numpy() & (people < 0)
        return cls(night, llr, 1.0 / (1.0 + np.exp(-llr / MICRO)), people, held)

    def judge(self, policy: Decision) -> tuple[np.ndarray, Docket, int]:
        """(n,) outcomes, the docket of rows that evidence decided, rows the budget released."""
        free = (self.people < 0) & ~self.held
        posterior, night = self.posterior[free], self.night[free]
        cost = _costs(posterior, policy)
        action = np.argmin(cost, axis=1)
        labels, classes = pd.factorize(night["label"], sort=True)
        wanted = Docket(
            held=action >= _QUARANTINE,
            rank=np.argsort(-self.llr[free], kind="stable"),
            honest=np.rint((1.0 - posterior) * NANO).astype(np.int64),
            labels=labels,
            classes=tuple(classes),
        )
        afforded = within_budget(wanted, policy)
        docket = within_shares(afforded, policy)
        released = int(wanted.held.sum() - afforded.held.sum())
        mild = np.argmin(cost[:, :_QUARANTINE], axis=1)
        action = np.where(docket.held, action, mild)
        spared = (action == _REJECT) & _heavy(self.night, free, policy.heavy_contributor_share)
        action[spared] = _QUARANTINE
        outcome = np.where(self.held, _QUARANTINE, self.people)
        outcome[free] = action
        if policy.downweight >= 1:
            outcome[outcome == _DOWNWEIGHT] = _ACCEPT
        return outcome, _say_heavy(docket, int(spared.sum())), released

    def verdicts(self, outcome: np.ndarray, policy: Decision, reasons: pa.Array) -> pa.Table:
        """One line per row, sorted by ``row_id``."""
        by_outcome = np.array([1.0, policy.downweight, 0.0, 0.0])
        influence = self.night["influence_weight"].to_numpy(np.float64)
        code = np.where(outcome == _ACCEPT, "", "evidence").astype(object)
        code[self.people >= 0] = "review"
        code[self.held] = self.night["held"].to_numpy(object)[self.held]
        columns = {
            "row_id": self.night["row_id"],
            "verdict": np.array(_OUTCOMES, dtype=object)[outcome],
            "weight": influence * by_outcome[outcome],
            "influence_weight": influence,
            "evidence_weight": by_outcome[outcome],
            "posterior": self.posterior,
            "llr": self.llr,
            "actor_id": self.night["actor_id"],
            "code": code,
            "reasons": reasons,
        }
        arrays = [pa.array(columns[f.name], f.type, from_pandas=f.nullable) for f in VERDICT_SCHEMA]
        return pa.table(arrays, schema=VERDICT_SCHEMA)


def _costs(p: np.ndarray, policy: Decision) -> np.ndarray:
    """(n, 4) expected cost of each outcome; ties go to the milder one."""
    c = policy.costs
    return np.column_stack(
        [
            p * c.poison_accepted,
            (1 - p) * c.honest_downweighted + p * c.poison_downweighted,
            (1 - p) * c.honest_quarantined + p * c.poison_quarantined,
            (1 - p) * c.honest_rejected,
        ]
    )


def _heavy(night: pd.DataFrame, free: np.ndarray, share: float) -> np.ndarray:
    """Rows, among the free ones, of contributors with more than a share of the night."""
    volume = night.groupby("contributor_id")["row_id"].transform("size").to_numpy()
    heavy: np.ndarray = (volume > share * len(night))[free]
    return heavy


def _say_heavy(docket: Docket, spared: int) -> Docket:
    return (
        docket.saying(f"heavy contributors: {spared} rows held, not rejected") if spared else docket
    )

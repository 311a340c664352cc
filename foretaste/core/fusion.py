"""From evidence to verdicts: cap, sum, recalibrate, prior, cost, budget, guards.

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

from foretaste.core.company import company
from foretaste.core.errors import ContractError
from foretaste.core.evidence import MICRO
from foretaste.core.guards import NANO, Docket, within_budget, within_shares
from foretaste.core.policy import Decision
from foretaste.core.recalibration import curve, prevalence, recalibrated
from foretaste.core.verdict import VERDICT_SCHEMA, Account, Outcome
from foretaste.core.waterfall import Waterfall

SHIFT_DETECTOR: Final = "contributor_shift"
"""The detector that honest drift makes speak about everyone at once."""

BEHAVIOUR: Final = "contributor"
"""The family of detectors that judge how a contributor behaves."""

VOTES: Final = "micro_models"
"""The detector that speaks for rows as well as against them: only its rows are company."""

_ACCUSED: Final = 1.5
"""What a nat against a contributor counts: these detectors shrink, so faint blame grows."""
_FAINT: Final = 3 * MICRO
"""Micro-nats up to which blame is faint."""

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
    trust: Mapping[str, float] | None = None,
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
    trust
        By how much each detector's accusations count, from what people confirmed.
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
    lines = Waterfall.of(evidence, night["row_id"], detector_caps, trust)
    # Actors, not accounts: a ring must not be able to call its own attack a drift.
    who = night["actor_id"].fillna(night["contributor_id"])
    shifted = who.iloc[lines.accused(SHIFT_DETECTOR)].nunique()
    drift = shifted > policy.drift_share * who.nunique()
    if drift:
        lines = lines.without(SHIFT_DETECTOR)
    record = night["prior_llr"].to_numpy(np.int64)
    # A good record is no alibi: who behaves worse than people do has left it behind.
    record = np.where(lines.said_by(BEHAVIOUR) > 0, 0, np.minimum(record, 0))
    contributors = pd.factorize(night["contributor_id"], sort=True)[0]
    worth = recalibrated(summed(lines, night, policy), contributors) + record
    llr = worth + _logit(policy.prior)
    poison = prevalence(worth, policy.prior, policy.max_prior)
    bench = _Bench.of(night, llr, reviewed or {}, worth + _logit(poison))
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


def summed(lines: Waterfall, night: pd.DataFrame, policy: Decision) -> np.ndarray:
    """(n,) int64 micro-nats: all evidence on each row, before recalibration.

    What is said about the contributor is either what behaviour detectors say against it, or
    what the actor's other rows make likely, whichever accuses more: both see the same rows,
    so one does not add to the other. Rows on which nobody votes are no company: marks of
    detectors that only accuse would add up over a sender's rows, and their silence would not.

    Parameters
    ----------
    night
        Columns ``actor_id, label, prior_llr``, aligned with the lines' rows.
    """
    behaviour = lines.within(BEHAVIOUR, policy.family_caps)
    content = lines.fused(policy.family_caps) - behaviour
    actors = pd.factorize(night["actor_id"], sort=True)[0]
    labels = pd.factorize(night["label"], sort=True)[0]
    worth = curve("content")(content)
    others = company(np.where(voted(lines), worth, 0), actors, labels)
    # A bad record is one more view of the same sender: it never adds to the others.
    record = night["prior_llr"].to_numpy(np.int64)
    others = np.where(record > 0, np.maximum(others, record), others)
    return joined(np.minimum(content, worth), behaviour, others)


def voted(lines: Waterfall) -> np.ndarray:
    """(n,) bool: rows that the votes speak about, for or against."""
    out = np.zeros(lines.n_rows, dtype=bool)
    if VOTES in lines.detectors:
        spoken = (lines.detector == lines.detectors.index(VOTES)) & (lines.llr != 0)
        out[lines.row[spoken]] = True
    return out


def joined(content: np.ndarray, behaviour: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(n,) int64 micro-nats: what a row looks like, and two views of its sender.

    The worse of the two counts; where behaviour speaks for somebody, blame of the other
    adds to it, so that faint noise of one does not wipe out what the other found.

    Parameters
    ----------
    content
        (n,) int64 micro-nats; what speaks for a row at its learnt worth, so that the
        honest-looking rows of somebody who is caught are not held with the others.
    behaviour, others
        (n,) int64 micro-nats, of the behaviour detectors and of the actor's other rows.
    """
    faint = np.rint(np.clip(behaviour, 0, _FAINT) * (_ACCUSED - 1)).astype(np.int64)
    most = round((_ACCUSED - 1) * _FAINT)
    blamed = np.where(behaviour > _FAINT, np.maximum(behaviour, _FAINT + most), behaviour + faint)
    worse = np.maximum(blamed, others)
    total: np.ndarray = content + np.where(behaviour < 0, behaviour + np.maximum(others, 0), worse)
    return total


def _logit(share: float) -> int:
    """Log-odds of a share in micro-nats; 0 and 1 stay finite."""
    p = min(max(share, 1e-9), 1 - 1e-9)
    return round(math.log(p / (1 - p)) * MICRO)


def _posterior(llr: np.ndarray) -> np.ndarray:
    share: np.ndarray = 1.0 / (1.0 + np.exp(-llr / MICRO))
    return share


def _drift_said(drift: bool, policy: Decision) -> tuple[str, ...]:
    why = f"more than {policy.drift_share:.0%} of the actors shifted together: drift"
    return (f"{why}, {SHIFT_DETECTOR} left out",) if drift else ()


@dataclass(frozen=True, slots=True)
class _Bench:
    """The night's rows with their posterior, and who decides each: a person, ingest or we."""

    night: pd.DataFrame
    llr: np.ndarray
    posterior: np.ndarray
    honest: np.ndarray
    people: np.ndarray
    held: np.ndarray

    @classmethod
    def of(
        cls, night: pd.DataFrame, llr: np.ndarray, reviewed: Mapping[str, str], tonight: np.ndarray
    ) -> _Bench:
        if unknown := set(reviewed.values()) - set(_REVIEWS):
            raise ContractError(f"a review must be one of {', '.join(_REVIEWS)}, not {unknown}")
        decided = night["row_id"].map({row: _REVIEWS[said] for row, said in reviewed.items()})
        people = decided.astype("float64").fillna(-1).to_numpy().astype(np.int64)
        held = night["held"].notna().to_numpy() & (people < 0)
        honest = np.rint((1.0 - _posterior(tonight)) * NANO).astype(np.int64)
        return cls(night, llr, _posterior(llr), honest, people, held)

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
            honest=self.honest[free],
            labels=labels,
            classes=tuple(classes),
            actors=pd.factorize(night["actor_id"], sort=True)[0],
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

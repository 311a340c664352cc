"""From contributions to verdicts: resolve, detect, decide.

The same three functions serve the nightly flow, step by step, and ``dvc repro``,
which runs them as one stage over fixed paths.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from detectors.actors import ActorDetector
from detectors.registry import configured, make
from foretaste.core.batch import Batch, Votes
from foretaste.core.evidence import EVIDENCE_SCHEMA, Opinion
from foretaste.core.keys import WorkspaceKey
from foretaste.core.policy import Policy
from foretaste.steps.batches import build_batch, read_history
from foretaste.steps.children import VOTES, Job, run_children
from foretaste.steps.desk_rules import armed, read_rules, write_rules
from foretaste.steps.harm import NAME as HARM
from foretaste.steps.harm import harm
from foretaste.steps.night import read_json, write_json
from foretaste.steps.opinions import Reported, read_opinion, write_opinion
from foretaste.steps.state import (
    read_actors,
    read_apart,
    read_decisions,
    read_memory,
    read_night,
    read_poisoned,
    read_validity,
    write_memory,
)

log = logging.getLogger(__name__)

ACTORS = "actors"
VOTERS = (
    "micro_models",
    "contributor_excess",
    "newcomers",
    "label_noise",
    "neighbours",
    "trigger_lift",
)
"""Detectors that read the shared votes."""
_VOTES = ("probability", "disagreement")


@dataclass(frozen=True, slots=True)
class Inputs:
    """Folders that sanitizing reads; nothing else moves its result.

    Parameters
    ----------
    contributions
        Tonight's ``contributions.parquet``, ``rejects.parquet`` and ``visits.parquet``.
    state
        What the night starts from.
    accepted
        Partitions of earlier nights.
    """

    contributions: Path
    state: Path
    accepted: Path

    def files(self) -> Mapping[str, Path]:
        """Folders by name, for a manifest."""
        return {
            "contributions": self.contributions,
            "state": self.state,
            "accepted": self.accepted,
        }


def resolve(inputs: Inputs, policy: Policy, key: WorkspaceKey, out: Path) -> Mapping[str, int]:
    """Find the actors, and save the batch that the detectors read."""
    night, _ = read_night(inputs.state)
    batch = build_batch(
        pq.read_table(inputs.contributions / "contributions.parquet"),
        pq.read_table(inputs.contributions / "visits.parquet"),
        _believed(read_history(inputs.accepted, night, policy), inputs.state),
        policy,
        key,
    )
    settings = policy.detector(ACTORS)
    detector = make(ACTORS, settings.params)
    if not isinstance(detector, ActorDetector):
        raise TypeError("the detector registered as 'actors' must be an ActorDetector")
    confirmed, trusted = _known(inputs.state, batch)
    found = detector.resolve(
        batch,
        known=read_actors(inputs.state),
        trusted=trusted,
        confirmed=confirmed,
        different=read_apart(inputs.state),
        memory=read_memory(inputs.state),
    )
    opinion = found.opinion
    if not settings.enabled:
        opinion = Opinion.abstain(detector, batch.n_rows, "switched off by the policy")
    batch = batch.with_actors(found.codes)
    batch.save(out / "batch")
    write_opinion(out / "opinion", opinion, batch)
    pq.write_table(found.actors, out / "actors.parquet")
    pq.write_table(found.edges, out / "edges.parquet")
    write_memory(found.memory, out)
    pq.write_table(_features(batch), out / "features.parquet")
    write_rules(read_rules(inputs.state), out)
    return {"rows": batch.n_rows, "tonight": int(batch.tonight.sum())}


def detect(
    resolved: Path, policy: Policy, out: Path, golden: pd.DataFrame | None = None
) -> Mapping[str, int]:
    """Ask every configured detector; the heavy ones in children with limits.

    Parameters
    ----------
    golden
        Rows that people vouch for, where the policy lets harm be evidence.
    """
    batch_folder = resolved / "batch"
    policy = armed(policy, read_rules(resolved))
    names = [name for name in configured(policy) if name != ACTORS]
    faults = _shared_votes(batch_folder, policy, out / "votes")
    jobs, seconds = _light(batch_folder, policy, out, faults)
    for ended in run_children(jobs, policy.limits):
        seconds[ended.detector] = ended.seconds
        if ended.fault:
            faults[ended.detector] = ended.fault
    none = EVIDENCE_SCHEMA.empty_table()
    reports = [read_opinion(resolved / "opinion")]
    reports += [
        (none, Reported.failed(name, faults[name]))
        if name in faults
        else read_opinion(out / "opinions" / name)
        for name in names
    ]
    if policy.harm.enabled:
        folder = out / "opinions" / HARM
        harm(resolved, golden, policy.harm, folder)
        reports.append(read_opinion(folder))
    evidence = pa.concat_tables([table for table, _ in reports]).sort_by(
        [("row_id", "ascending"), ("detector", "ascending")]
    )
    pq.write_table(evidence, out / "evidence.parquet")
    write_json(out / "detectors.json", {r.name: asdict(r) for _, r in reports})
    write_json(out.parent / "seconds.json", seconds)
    return {"evidence": evidence.num_rows, "failed": len(faults)}


def _light(
    batch_folder: Path, policy: Policy, out: Path, faults: Mapping[str, str]
) -> tuple[list[Job], dict[str, float]]:
    """Ask the light detectors here; give the jobs of the heavy ones, and seconds by name.

    The batch is let go before the jobs start: each of their children holds one.
    """
    batch = Batch.load(batch_folder)
    jobs: list[Job] = []
    seconds: dict[str, float] = {}
    for name, detector in configured(policy).items():
        if name == ACTORS or name in faults:
            continue
        if detector.heavy:
            params = dict(policy.detector(name).params)
            jobs.append(Job(name, params, str(batch_folder), str(out / "opinions" / name)))
            continue
        started = time.perf_counter()
        write_opinion(out / "opinions" / name, detector.fit_evidence(batch), batch)
        seconds[name] = time.perf_counter() - started
    return jobs, seconds


def did_not_report(detected: Path) -> tuple[str, ...]:
    """Detectors that were configured and failed, each with its fault."""
    return tuple(
        f"{name} did not report: {r['why']}"
        for name, r in sorted(read_json(detected / "detectors.json").items())
        if r["state"] == "failed"
    )


def _shared_votes(batch_folder: Path, policy: Policy, out: Path) -> dict[str, str]:
    """Compute the votes once for all; a failure is the micro-models' failure."""
    for name in _VOTES:
        # A run that was killed may have left half of them, and a batch is loaded with its votes.
        (batch_folder / f"{name}.npy").unlink(missing_ok=True)
    listeners = [name for name in VOTERS if policy.detector(name).enabled]
    if not listeners:
        return {}
    ended = run_children([Job(VOTES, {}, str(batch_folder), str(out))], policy.limits)[0]
    if ended.fault:
        return dict.fromkeys(listeners, f"no votes: {ended.fault}")
    votes = Votes(np.load(out / "probability.npy"), np.load(out / "disagreement.npy"))
    for name in _VOTES:
        np.save(batch_folder / f"{name}.npy", getattr(votes, name), allow_pickle=False)
    return {}


def _believed(history: pa.Table | None, state: Path) -> pa.Table | None:
    """Leave out what people called poison since it was accepted: it teaches no detector."""
    poisoned = read_poisoned(state)
    if history is None or not poisoned:
        return history
    out = pc.is_in(history["row_id"], value_set=pa.array(sorted(poisoned), pa.string()))
    return history.filter(pc.invert(out))


def _known(state: Path, batch: Batch) -> tuple[frozenset[str], frozenset[str]]:
    """Contributors that people confirmed as poisoners, and those known to be good."""
    decisions = read_decisions(state)
    last = decisions.sort_values("decision_id").drop_duplicates("contributor_id", keep="last")
    confirmed = frozenset(last.loc[last["decision"] == "poison", "contributor_id"])
    validity = read_validity(state)
    proven = validity.loc[validity["good"] >= 50 * (validity["bad"] + 1), "contributor_id"]
    known = batch.rows.loc[batch.rows["tier"].isin(["verified", "trusted"]), "contributor_id"]
    return confirmed, frozenset(pd.concat([proven, known])) - confirmed


def _features(batch: Batch) -> pa.Table:
    """Tonight's dense features, as the detectors saw them."""
    rows = np.flatnonzero(batch.tonight)
    columns = {"row_id": pa.array(batch.rows["row_id"].to_numpy(object)[rows], pa.string())}
    for i in range(batch.features.shape[1]):
        columns[f"x{i:03d}"] = pa.array(np.ascontiguousarray(batch.features[rows, i]))
    return pa.table(columns)

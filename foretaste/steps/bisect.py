"""Search for the actors behind a failed gate, and open a case on them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from foretaste.core.errors import WorkspaceError
from foretaste.core.gate import Gate, GateState
from foretaste.core.ledger import Champion, NewCase
from foretaste.core.policy import Policy
from foretaste.core.workspace import Workspace
from foretaste.models.bisect import Finding, Question, bisect
from foretaste.models.evaluate import Scored, TrustedSets, score
from foretaste.models.gates import run_gates
from foretaste.models.measure import undecided
from foretaste.models.packing import pack
from foretaste.models.partitioned.fixed import proving
from foretaste.models.probes import SEARCHABLE, probe_of
from foretaste.models.registry import load_model
from foretaste.models.train import Trained, train
from foretaste.steps.accept import capped
from foretaste.steps.night import Night, read_json, run_step, write_json
from foretaste.steps.state import read_night
from foretaste.steps.train import training_rows
from foretaste.steps.trusted import read_trusted
from foretaste.steps.twins import scored_twin, trained_twins

KIND: Final = "bisect"


@dataclass(frozen=True, slots=True)
class Bench:
    """What the night judged its candidate by.

    Parameters
    ----------
    champion, twins
        Answers of the champion, and of the same trained again; none on the first night.
    """

    sets: TrustedSets
    champion: Scored | None
    twins: tuple[Scored, ...]


@dataclass(frozen=True, slots=True)
class Workshop:
    """Trains on a part of the corpus, and asks one gate, as the night does."""

    rows: pd.DataFrame
    policy: Policy
    salt: bytes
    bench: Bench
    gate: str

    def refit(self, kept: np.ndarray, seed: int) -> Trained:
        """Train on some rows, everybody's share capped again where it was capped before."""
        rows = self.rows[kept].reset_index(drop=True)
        if not proving(self.policy):
            rows["weight"] = capped(rows, self.policy.influence).weight
        return train(rows, self.policy, seed, salt=self.salt)

    def judge(self, model: Trained) -> Gate:
        """Ask the gate; its name is one that the night asked."""
        packed, bench = pack(model), self.bench
        scored = score(
            model,
            bench.sets,
            digest=packed.digest,
            model_bytes=len(packed.data),
            n_rows=model.n_rows,
        )
        limits, seed = self.policy.gates, self.policy.seed
        asked = run_gates(scored, bench.champion, bench.sets, limits, seed=seed, twins=bench.twins)
        found = (gate for gate in asked if gate.name == self.gate)
        silent = "this candidate could not be asked"
        return next(found, undecided(self.gate, threshold="asked", meaning=silent, action=""))


def searchable(gates: Iterable[Gate]) -> list[str]:
    """Names of failed gates behind which actors can be searched, the most telling first."""
    failed = {gate.name for gate in gates if gate.state is GateState.FAIL}
    return [name for name in SEARCHABLE if name in failed]


def search(night: Night, gate: str, champion: Champion | None) -> Path:
    """Search behind one gate; give the step's folder."""
    layout = night.layout
    inputs: dict[str, Path | str] = {
        "accepted": layout.accepted,
        "state": layout.state,
        "golden": layout.golden,
        "canaries": layout.canaries,
        "traffic": layout.traffic,
        "champion": champion.model if champion else "none",
        "gate": gate,
    }
    compute = partial(_search, night, gate, champion)
    return run_step(night, f"bisect-{gate}", inputs, compute)


def open_case(workspace: Workspace, night: Night, searched: Path) -> str | None:
    """Open a case on the actors that were found; give its id, None where none were."""
    said = read_json(searched / "bisect.json")
    if not said["actors"]:
        return None
    rows = pd.read_parquet(searched / "rows.parquet")
    case = _draft(said, tuple(rows["row_id"]), night.night)
    with workspace.ledger() as ledger:
        ledger.open_cases([case], run_id=night.run_id, night=night.night, at=night.as_of)
    return case.id


def _search(night: Night, gate: str, champion: Champion | None, out: Path) -> Mapping[str, int]:
    sets = read_trusted(night.layout, night.key)
    last, _ = read_night(night.layout.state)
    rows, _ = training_rows(night.layout, night.policy, sets, last)
    names, actors = np.unique(_actors(rows), return_inverse=True)
    bench = _bench(night, champion, sets, len(rows))
    probe = probe_of(gate, sets, bench.champion)
    if probe is None:
        raise WorkspaceError(f"the gate {gate} is about no trusted rows")
    workshop = Workshop(rows, night.policy, night.key.derive("salt/certified"), bench, gate)
    question = Question(rows, actors, probe, workshop)
    found = bisect(question, night.policy.bisect, seed=night.policy.seed)
    mine = np.isin(actors, found.actors)
    theirs = rows.loc[mine, ["row_id", "contributor_id"]]
    theirs.assign(actor_id=names[actors[mine]]).to_parquet(out / "rows.parquet", index=False)
    write_json(out / "bisect.json", _said(gate, found, names, rows, mine))
    return {"actors": len(found.actors), "rows": len(theirs), "retrains": found.retrains}


def _actors(rows: pd.DataFrame) -> np.ndarray:
    """(n,) who is behind each row: its actor, its account where none was resolved."""
    own = rows["contributor_id"].astype("str")
    known = rows["actor_id"].astype("str").fillna(own) if "actor_id" in rows else own
    return known.to_numpy(str)


def _bench(night: Night, champion: Champion | None, sets: TrustedSets, n_rows: int) -> Bench:
    """Score the champion, verified, and its twins on the trusted sets."""
    if champion is None:
        return Bench(sets, None, ())
    loaded = load_model(night.layout.models, champion.model, night.key)
    theirs = score(
        loaded,
        sets,
        digest=champion.model,
        model_bytes=loaded.card.model_bytes,
        n_rows=loaded.card.n_rows,
    )
    again = trained_twins(night, loaded.card, sets, n_rows)
    return Bench(sets, theirs, tuple(scored_twin(twin, sets) for twin in again))


def _said(
    gate: str, found: Finding, names: np.ndarray, rows: pd.DataFrame, mine: np.ndarray
) -> dict[str, Any]:
    weight = rows["weight"].to_numpy(np.float64)
    return {
        "gate": gate,
        "actors": [str(names[code]) for code in found.actors],
        "contributors": int(rows.loc[mine, "contributor_id"].nunique()),
        "rows": int(mine.sum()),
        "weight": float(weight[mine].sum() / weight.sum()),
        "before": asdict(found.before),
        "after": asdict(found.after),
        "gain": found.gain,
        "noise": found.noise,
        "p_value": found.p_value,
        "apart": found.apart,
        "retrains": found.retrains,
    }


def _draft(said: Mapping[str, Any], rows: tuple[str, ...], night: str) -> NewCase:
    name, before, after = said["gate"], said["before"], said["after"]
    actors = len(said["actors"])
    subject = hashlib.sha256(",".join(sorted(said["actors"])).encode()).hexdigest()
    return NewCase(
        id=hashlib.sha256(f"{KIND}/{name}/{subject}/{night}".encode()).hexdigest()[:12],
        kind=KIND,
        title=f"{actors} actors, {len(rows)} rows: without them the gate {name} does not fail",
        weight=said["weight"],
        posterior=posterior(max(said["p_value"], said["apart"])),
        reasons=(
            f"bisect: {name} {before['value']:.4g}->{after['value']:.4g} ({before['threshold']})",
            f"bisect: loss -{said['gain']:.4g} noise {said['noise']:.4g} p={said['p_value']:.2g}",
            f"bisect: {said['retrains']} retrains; spread over everybody p={said['apart']:.2g}",
        ),
        rows=rows,
    )


def posterior(p_value: float) -> float:
    """Least probability, at even odds, against the null of ``p``: an e-value of ``1 / (2 √p)``."""
    real = 0.5 / math.sqrt(max(p_value, 1e-12))
    return real / (1.0 + real)

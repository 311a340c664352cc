"""Judge the candidate against the champion, and plan what happens to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import islice, tee
from pathlib import Path

from foretaste.core.gate import Gate, GateState
from foretaste.core.ledger import Champion
from foretaste.core.policy import Policy
from foretaste.models.attribution import attribution_gate
from foretaste.models.canary_set import canary_digest
from foretaste.models.card import ModelCard
from foretaste.models.dropout import doubt
from foretaste.models.evaluate import Scored, TrustedSets, score
from foretaste.models.evaluate import evaluate as measure
from foretaste.models.judge import judge
from foretaste.models.promotion import PromotionPlan, plan_promotion
from foretaste.models.registry import Loaded, load_model, save_model
from foretaste.models.robustness import robustness_gates
from foretaste.models.train import Trained
from foretaste.steps.certify import certificate_of
from foretaste.steps.night import Night, read_json, write_json
from foretaste.steps.train import Candidate, read_candidate
from foretaste.steps.trusted import read_trusted
from foretaste.steps.twins import scored_twin, trained_twins

MODELS = "models"


@dataclass(frozen=True, slots=True)
class Judged:
    """Folders of the steps that the gates read."""

    decided: Path
    trained: Path
    evaluated: Path


def compare(
    night: Night,
    judged: Judged,
    champion: Champion | None,
    release: int,
    out: Path,
) -> Mapping[str, int]:
    """Run every gate, and write the candidate with its signed card into ``out/models``."""
    sets = read_trusted(night.layout, night.key)
    candidate = read_candidate(judged.trained)
    ours = _scored(candidate, sets)
    serving = load_model(night.layout.models, champion.model, night.key) if champion else None
    theirs, before = _champion(serving, sets)
    twins, again = tee(
        trained_twins(night, serving.card, sets, candidate.n_rows) if serving else ()
    )
    limits, seed = night.policy.gates, night.policy.seed
    answers = (scored_twin(twin, sets) for twin in twins)
    asked, count = judge(ours, theirs, sets, limits, seed=seed, twins=answers)
    trained = tuple(islice(again, count))
    probed = _probed(candidate, serving, trained, ours, theirs, sets, night.policy)
    proven, proofs = certificate_of(candidate, sets.golden, night.policy)
    gates = (*asked, *probed, *proofs, _share_guards(judged.decided), _suite(judged.evaluated))
    card = ModelCard(
        release=str(release),
        night=night.night,
        policy_digest=night.policy.digest(),
        metrics=read_json(judged.evaluated / "metrics.json"),
        gates=gates,
        n_rows=candidate.n_rows,
        classes=candidate.classes,
        inputs=candidate.inputs,
        seed=candidate.seed,
        bootstrap=champion is None,
        champion=champion.model if champion else None,
        champion_metrics=before,
        certificate=proven,
        uncertainty=doubt(
            candidate, sets.golden, rate=night.policy.model.dropout, seed=candidate.seed
        ),
        canaries=canary_digest(sets.canaries),
    )
    (out / MODELS).mkdir()
    save_model(out / MODELS, candidate.packed, card, night.key)
    write_json(
        out / "gates.json",
        {
            "candidate": candidate.packed.digest,
            "champion": champion.model if champion else None,
            "champion_metrics": before,
            "canaries": canary_digest(sets.canaries),
            "twins": count,
            "gates": [asdict(gate) for gate in gates],
        },
    )
    return {"gates": len(gates)}


def read_plan(compared: Path, release: int) -> PromotionPlan:
    """Build the promotion plan from what ``compare`` wrote."""
    said = read_json(compared / "gates.json")
    return plan_promotion(said["candidate"], str(release), said["champion"], read_gates(compared))


def read_gates(compared: Path) -> tuple[Gate, ...]:
    """Read the gates that ``compare`` ran."""
    return tuple(
        Gate(**{**line, "state": GateState(line["state"])})
        for line in read_json(compared / "gates.json").get("gates", [])
    )


def _scored(candidate: Candidate, sets: TrustedSets) -> Scored:
    return score(
        candidate,
        sets,
        digest=candidate.packed.digest,
        model_bytes=len(candidate.packed.data),
        n_rows=candidate.n_rows,
    )


def _champion(
    loaded: Loaded | None, sets: TrustedSets
) -> tuple[Scored | None, dict[str, float | None] | None]:
    """Score the champion on the same sets."""
    if loaded is None:
        return None, None
    scored = score(
        loaded,
        sets,
        digest=loaded.card.digest,
        model_bytes=loaded.card.model_bytes,
        n_rows=loaded.card.n_rows,
    )
    if sets.golden is None or scored.golden is None:
        return scored, None
    return scored, measure(scored.golden, sets.golden["label"])


def _probed(
    candidate: Candidate,
    champion: Loaded | None,
    twins: tuple[Trained, ...],
    ours: Scored,
    theirs: Scored | None,
    sets: TrustedSets,
    policy: Policy,
) -> tuple[Gate, ...]:
    """Run the gates that ask the models themselves; they only warn."""
    limits, golden = policy.gates, sets.golden
    answered = [m.golden for m in (ours, theirs) if m is not None and m.golden is not None]
    if champion is None or golden is None or not limits.probe_rows or len(answered) < 2:
        return ()
    if "label" not in golden or not all(said.finite for said in answered):
        return ()
    return (
        *robustness_gates(candidate, champion, golden, limits, seed=policy.seed),
        attribution_gate(candidate, champion, twins, golden, limits, seed=policy.seed),
    )


def _share_guards(decided: Path) -> Gate:
    """Hold the candidate when more was suspicious than may be held without a person."""
    said = read_json(decided / "decision.json")
    acted = [guard for guard in said.get("guards", []) if guard.startswith("at most")]
    return Gate(
        name="held_without_a_person",
        state=GateState.FAIL if acted else GateState.PASS,
        value=float(len(acted)),
        low=None,
        high=None,
        threshold="no share guard acted",
        meaning=acted[0] if acted else "no more rows were suspicious than may be held",
        action="review the night's cases, then promote by hand",
    )


def _suite(evaluated: Path) -> Gate:
    """Turn the metrics' suite into a gate: a suite that did not run is no pass."""
    suite = read_json(evaluated / "suite.json")
    failed = [r["name"] for r in suite.get("results", []) if not r["success"]]
    ok = bool(suite.get("ok"))
    return Gate(
        name="metrics_suite",
        state=GateState.PASS if ok else GateState.UNDECIDED,
        value=float(suite.get("evaluated", 0)),
        low=None,
        high=None,
        threshold=f"{suite.get('expected', 0)} expectations evaluated, none critical failed",
        meaning="all metrics are sound" if ok else f"failed: {', '.join(failed) or 'not run'}",
        action="look at the golden set and at the model's answers",
    )

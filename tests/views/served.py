"""Two signed models in a workspace: one of each release."""

from __future__ import annotations

from foretaste.core.gate import Gate, GateState
from foretaste.core.policy import Policy
from foretaste.core.workspace import Workspace
from foretaste.models.card import ModelCard
from foretaste.models.gates import ALWAYS, COMPARED
from foretaste.models.packing import pack
from foretaste.models.registry import save_model
from foretaste.models.train import train
from tests.models.worlds import numeric


def save_candidate(
    workspace: Workspace, release: int, fails: str = "", against: str | None = None
) -> str:
    """Train and save a small model of a release; one gate may fail. Gives its digest."""
    trained = train(numeric(120, release), Policy(), 7)
    asked = sorted(ALWAYS if release == 1 else ALWAYS | COMPARED)
    card = ModelCard(
        release=str(release),
        night=f"2026-01-0{release}",
        policy_digest="p" * 64,
        metrics={"accuracy": 0.9},
        gates=tuple(_gate(name, fails) for name in asked),
        n_rows=trained.n_rows,
        classes=trained.classes,
        inputs=trained.inputs,
        seed=7,
        bootstrap=release == 1,
        champion=against,
    )
    return save_model(workspace.layout.models, pack(trained), card, workspace.key)


def _gate(name: str, fails: str) -> Gate:
    state = GateState.FAIL if name == fails else GateState.PASS
    return Gate(name, state, 0.9, 0.8, 1.0, ">= 0.5", f"{name} was measured", "look at it")

"""Models: which are known, which one serves, and what moving the champion would mean."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from foretaste.core.errors import ForetasteError, WorkspaceError
from foretaste.core.ledger import Champion
from foretaste.core.lock import workspace_lock
from foretaste.core.workspace import Workspace
from foretaste.models.card import ModelCard, public_key
from foretaste.models.mlflow_export import Exported, Registry, export, tags_of
from foretaste.models.promotion import PromotionPlan, against_gates, plan_promotion
from foretaste.models.registry import read_card, read_files

MODEL_COLUMNS: Final = ("model", "release", "night", "rows", "gates", "champion")
SHORTEST: Final = 6
"""Digits of a digest that name a model."""
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


def list_models(workspace: Workspace) -> list[dict[str, Any]]:
    """List the models in the workspace, newest release first; one that lies is marked."""
    with workspace.ledger() as ledger:
        champion = ledger.champion()
    serving = champion.model if champion else None
    known = [_listed(workspace, digest, serving) for digest in _digests(workspace)]
    return sorted(known, key=lambda m: (-int(m["release"] or 0), m["model"]))


def champions(workspace: Workspace) -> list[Champion]:
    """List who was champion, newest first."""
    with workspace.ledger() as ledger:
        return ledger.champion_history()


def plan_promote(workspace: Workspace, wanted: str, override_reason: str) -> PromotionPlan:
    """Plan to make a model champion, from the gates on its signed card.

    Parameters
    ----------
    wanted
        The beginning of a digest, a release's number or tag, or ``latest``.
    override_reason
        Why a person promotes in spite of gates that hold; "" without one.
    """
    card = find_model(workspace, wanted)
    with workspace.ledger() as ledger:
        champion = ledger.champion()
    before = champion.model if champion else None
    return plan_promotion(
        card.digest,
        card.release,
        before,
        card.gates,
        compared_with=card.champion,
        override_reason=override_reason,
    )


def find_model(workspace: Workspace, wanted: str) -> ModelCard:
    """Find a model by the beginning of its digest, or by its release.

    Raises
    ------
    WorkspaceError
        If there is none, or several.
    """
    digests = _digests(workspace)
    by_digest = [d for d in digests if len(wanted) >= SHORTEST and d.startswith(wanted)]
    if by_digest:
        return _card(workspace, _single(by_digest, wanted))
    cards = [_card(workspace, digest) for digest in digests]
    if wanted == "latest":
        newest = max((int(card.release) for card in cards), default=0)
    else:
        number = wanted.removeprefix("release/").lstrip("0")
        newest = int(number) if number.isdecimal() and number.isascii() else -1
    fitting = [card for card in cards if int(card.release) == newest]
    chosen = _single([card.digest for card in fitting], wanted)
    return next(card for card in fitting if card.digest == chosen)


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """A model that would be registered elsewhere.

    Parameters
    ----------
    tags
        What its version would say.
    public_key
        Verifies it there; 64 hex digits, no secret.
    """

    card: ModelCard
    to: Registry
    tags: dict[str, str]
    public_key: str

    def describe(self) -> list[str]:
        """Tell the plan in plain lines, without the URI: it may hold a password."""
        return [
            f"register {self.card.digest[:12]}, release {self.card.release}, as {self.to.name}",
            *(f"{name}: {value}" for name, value in self.tags.items()),
            f"public key {self.public_key}",
        ]


def plan_export(workspace: Workspace, wanted: str, to: Registry) -> ExportPlan:
    """Plan to hand a model to MLflow's registry.

    Parameters
    ----------
    wanted
        As for a promotion, or ``champion``.

    Raises
    ------
    ContractError
        If there can be no such registry.
    WorkspaceError
        If there is no such model.
    """
    to.check()
    history = champions(workspace)
    if wanted == "champion" and not history:
        raise WorkspaceError("there is no champion yet", hint="`foretaste promote` makes one")
    card = find_model(workspace, history[0].model if wanted == "champion" else wanted)
    return ExportPlan(card, to, tags_of(card, history), public_key(workspace.key))


def export_model(workspace: Workspace, plan: ExportPlan) -> Exported:
    """Apply a plan, once every byte of the model was verified; repeated, it changes tags only.

    Raises
    ------
    Tampered
        If the model is not what was signed.
    Unavailable
        If the registry is away.
    """
    card, files = read_files(workspace.layout.models, plan.card.digest, workspace.key)
    return export(files, card, plan.tags, plan.to)


def _card(workspace: Workspace, digest: str) -> ModelCard:
    return read_card(workspace.layout.models, digest, workspace.key)


def _digests(workspace: Workspace) -> list[str]:
    places = workspace.layout.models.glob("*")
    return sorted(p.name for p in places if p.is_dir() and _DIGEST.fullmatch(p.name))


def _listed(workspace: Workspace, digest: str, serving: str | None) -> dict[str, Any]:
    base: dict[str, Any] = {"model": digest, "champion": "serves" if digest == serving else ""}
    try:
        card = _card(workspace, digest)
    except ForetasteError as error:
        blank = dict.fromkeys(("release", "night", "rows"))
        return {**base, **blank, "gates": f"not usable: {error.message}", "metrics": {}}
    states = [str(gate.state) for gate in card.gates]
    told = ", ".join(f"{states.count(s)} {s}" for s in dict.fromkeys(sorted(states)))
    return {
        **base,
        "release": int(card.release),
        "night": card.night,
        "rows": card.n_rows,
        "gates": told or "none asked",
        "metrics": dict(card.metrics),
    }


def _single(found: Sequence[str], wanted: str) -> str:
    if not found:
        raise WorkspaceError(
            f"there is no model {wanted}", hint="`foretaste models` lists those that are there"
        )
    if len(found) > 1:
        raise WorkspaceError(
            f"{len(found)} models fit {wanted}",
            hint="give more of the digest: " + ", ".join(d[:12] for d in found[:5]),
        )
    return found[0]


def named(one: Champion) -> str:
    """Name a champion by its number."""
    return f"champion {one.seq} ({one.model[:12]}, release {one.release})"


def champion_line(one: Champion, *, against: bool = False) -> str:
    """Tell a champion in one line.

    Parameters
    ----------
    against
        Whether it serves, or served, against its gates.
    """
    how = f"{one.kind} against gates" if against or one.override else one.kind
    return f"{named(one)}: {how} by {one.by} at {one.at:%Y-%m-%d %H:%M}Z: {one.reason}"


def history_lines(history: Sequence[Champion]) -> list[tuple[str, bool]]:
    """Tell champions, newest first, and which of them a person put there against gates."""
    against = against_gates(history)
    return [(champion_line(one, against=one.seq in against), one.seq in against) for one in history]


def move(
    workspace: Workspace,
    *,
    model: str,
    release: int,
    kind: Literal["promote", "rollback"],
    reason: str,
    by: str,
    at: datetime,
    override: bool = False,
) -> Champion:
    """Move the champion, once the model was verified, byte by byte, and loads.

    Raises
    ------
    Locked
        If a run holds the workspace.
    Tampered
        If the model does not match its signed card.
    """
    from foretaste.models.registry import load_model
    from foretaste.steps.promote import move_champion

    with workspace_lock(workspace.layout, f"foretaste {kind}"):
        workspace.recover()
        load_model(workspace.layout.models, model, workspace.key)
        return move_champion(
            workspace,
            model=model,
            release=release,
            # Each call is a move of its own: promoting again after a rollback is one more.
            run_id=f"{kind}-{secrets.token_hex(8)}",
            by=by,
            reason=reason,
            kind=kind,
            override=override,
            at=at,
        )

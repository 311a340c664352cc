"""Move the champion: one ledger transaction, then its cache, then a commit that tells."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from foretaste.core.files import atomic_write
from foretaste.core.ledger import Champion, champion_bytes
from foretaste.core.releasing import commit_models
from foretaste.core.workspace import Workspace
from foretaste.models.registry import read_card


def move_champion(
    workspace: Workspace,
    *,
    model: str,
    release: int,
    run_id: str,
    by: str,
    reason: str,
    kind: Literal["promote", "rollback"],
    override: bool,
    at: datetime,
) -> Champion:
    """Make a model the champion; the same run asking again gets the same answer.

    Parameters
    ----------
    model
        Digest of a model in the registry; its signature is verified first.
    release
        Release that the model was trained on: a rollback restores both in one step.
    run_id
        Run or command that moves the pointer; none moves it twice.

    Raises
    ------
    Tampered
        If the model's card does not verify.
    """
    read_card(workspace.layout.models, model, workspace.key)
    with workspace.ledger() as ledger:
        champion = ledger.promote(
            model,
            release=release,
            run_id=run_id,
            by=by,
            reason=reason,
            at=at,
            kind=kind,
            override=override,
        )
    atomic_write(workspace.layout.champion, champion_bytes(champion))
    commit_models(
        workspace,
        message=f"{kind.capitalize()} model {model[:12]} of release {release}: {reason}"[:200],
        tag=None,
        stages=(),
        add=(),
    )
    return champion

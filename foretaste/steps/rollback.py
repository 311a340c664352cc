"""Let an earlier champion serve again, with the corpus that it was trained on."""

from __future__ import annotations

import tempfile
from pathlib import Path

from foretaste.core.journal import Checkpoint, unobserved
from foretaste.core.ledger import Champion, champion_bytes
from foretaste.core.marks import ACCEPTED
from foretaste.core.recovery import CHAMPION, finish_rollback
from foretaste.core.release import Release, releases, snapshot
from foretaste.core.releasing import ReleasePlan, apply_release
from foretaste.core.revision import plan_return
from foretaste.core.workspace import Workspace
from foretaste.models.registry import read_card


def withdrawn_nights(known: list[Release], number: int) -> tuple[str, ...]:
    """Nights whose accepted rows the newest release has and an earlier one has not."""
    present, before = snapshot(known), snapshot(known, number)
    gone = (path for path in present if path.startswith(f"{ACCEPTED}/") and path not in before)
    return tuple(sorted({path.split("/")[2].removeprefix("night=") for path in gone}))


def roll_back(
    workspace: Workspace,
    champion: Champion,
    *,
    checkpoint: Checkpoint = unobserved,
) -> Release:
    """Publish the corpus that a model was trained on as the newest release, and let it serve.

    One git commit is the commit point of both: it holds the release's manifest and the
    champion. Who dies before it has changed nothing; what is missing behind it, the ledger's
    entries and the cases of the withdrawn rows, the next start adds.

    Parameters
    ----------
    champion
        The next entry of the champions' history; ``run_id`` names the rollback.
    checkpoint
        Called with the name of each point passed; for tests.

    Raises
    ------
    Tampered
        If the model, or what the earlier release published, is not what it was.
    """
    read_card(workspace.layout.models, champion.model, workspace.key)
    workspace.layout.runs.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".rollback-", dir=workspace.layout.runs) as work:
        plan = _plan(workspace, champion, Path(work))
        one = apply_release(workspace, plan, checkpoint=checkpoint)
    with workspace.ledger() as ledger:
        ledger.promote(
            champion.model,
            release=champion.release,
            run_id=champion.run_id,
            by=champion.by,
            reason=champion.reason,
            at=champion.at,
            kind="rollback",
        )
        checkpoint("ledger")
        finish_rollback(workspace, ledger, one, champion.at)
    return one


def _plan(workspace: Workspace, champion: Champion, work: Path) -> ReleasePlan:
    known = releases(workspace)
    return plan_return(
        workspace,
        known[champion.release - 1],
        run_id=champion.run_id,
        work=work,
        said={
            "to": champion.release,
            "champion": champion.seq,
            "model": champion.model,
            "withdrawn": list(withdrawn_nights(known, champion.release)),
            "reason": champion.reason,
            "by": champion.by,
            "at": champion.at.isoformat(),
        },
        documents={CHAMPION: champion_bytes(champion)},
    )

"""Let an earlier champion serve again, with the corpus that it was trained on."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from foretaste.core.errors import ForetasteError
from foretaste.core.journal import Checkpoint, unobserved
from foretaste.core.ledger import Champion, champion_bytes
from foretaste.core.marks import ACCEPTED
from foretaste.core.recovery import CHAMPION, finish_rollback
from foretaste.core.release import Release, releases, snapshot
from foretaste.core.releasing import ReleasePlan, apply_release, commit_models
from foretaste.core.revision import plan_return
from foretaste.core.workspace import Workspace
from foretaste.models.registry import read_card

log = logging.getLogger(__name__)

_STAGES: Final = ("train", "evaluate")
_TRAINED: Final = "data/night/train/train.json"
_TRUSTED: Final = ("data/golden.dvc", "data/canaries.dvc")


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
    try:
        _return_stages(workspace, champion)
    except (ForetasteError, OSError) as error:
        # The rollback stands; DVC says "changed" until the next night.
        log.warning("what training wrote stays as it is until the next night: %s", error)
    return one


def _return_stages(workspace: Workspace, champion: Champion) -> None:
    """Bring back what training wrote for the model that serves, so that DVC knows it as made.

    Only where it still follows from what is there: the policy and the trusted sets are the
    user's, and stay. What does not come back, the next night makes anew.
    """
    tag = _tag_of(workspace, champion)
    if tag is None:
        log.info("the stages train and evaluate stay as they are until the next night")
        return
    store = workspace.store.reader(tag)
    with tempfile.TemporaryDirectory(prefix=".rollback-", dir=workspace.layout.runs) as work:
        staged = {}
        for stage in _STAGES:
            for path in sorted(store.find(f"data/night/{stage}")):
                target = f"data/night/{stage}/{PurePosixPath(path).name}"
                copy = Path(work) / target
                copy.parent.mkdir(exist_ok=True, parents=True)
                copy.write_bytes(store.cat_file(path))
                staged[target] = copy
        commit_models(
            workspace,
            message=f"What training wrote for model {champion.model[:12]} is back",
            tag=None,
            staged=staged,
            add=(),
            files=(),
        )


def _tag_of(workspace: Workspace, champion: Champion) -> str | None:
    """Find the tag whose night made the model, by the policy and the trusted sets of today."""
    here = [workspace.layout.params.read_bytes(), *_blobs(workspace, "HEAD", _TRUSTED)]
    wanted = f"model/{champion.release:04d}"
    for tag in workspace.git.lines("tag", "--list", wanted, f"{wanted}.*"):
        if _blobs(workspace, tag, ("params.yaml", *_TRUSTED)) != here:
            continue
        try:
            said = json.loads(workspace.store.reader(tag).cat_file(_TRAINED))
        except (FileNotFoundError, ValueError):
            continue
        if said.get("digest") == champion.model:
            return tag
    return None


def _blobs(workspace: Workspace, at: str, paths: Sequence[str]) -> list[bytes | None]:
    """Read what git keeps at a revision; the trusted sets are there as DVC's pointers."""
    names = [f"{at}:{path}" for path in paths]
    found = workspace.git.blobs(names)
    return [found.get(name) for name in names]


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

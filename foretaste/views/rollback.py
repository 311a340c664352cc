"""Going back to an earlier champion: planned, shown, then done in one step."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from foretaste.core.errors import Dirty, WorkspaceError
from foretaste.core.ledger import Champion
from foretaste.core.lock import workspace_lock
from foretaste.core.marks import require_unmarked, same_corpus
from foretaste.core.release import releases
from foretaste.core.workspace import Workspace
from foretaste.models.registry import read_card
from foretaste.steps.rollback import withdrawn_nights
from foretaste.views.models import SHORTEST, champions, named


@dataclass(frozen=True, slots=True)
class RollbackPlan:
    """Which champion would serve again, which one goes, and what becomes of the corpus.

    Parameters
    ----------
    corpus
        True when a release is published that accepts what the target's release accepted.
    withdrawn
        Nights whose rows leave the corpus and wait for a person.
    """

    present: Champion
    target: Champion
    corpus: bool
    withdrawn: tuple[str, ...]

    def describe(self) -> list[str]:
        """Tell the plan in plain lines."""
        told = "the corpus stays as it is"
        if self.corpus:
            told = f"a new release accepts again what release {self.target.release} accepted"
        lines = [
            f"roll back from {named(self.present)} to {named(self.target)}",
            "gates are not asked: the model was champion before",
            told,
        ]
        return lines + [f"withdraw the rows of {night}" for night in self.withdrawn]


def plan_rollback(
    workspace: Workspace, to: str | None, *, model_only: bool = False
) -> RollbackPlan:
    """Plan to let an earlier champion serve again, with the corpus it was trained on.

    Parameters
    ----------
    to
        Its number in the history or the beginning of its digest; None for the one
        before, where a champion that was rolled back from does not count.
    model_only
        Leave the corpus as it is.

    Raises
    ------
    WorkspaceError
        If there is no such champion, it serves already with its corpus, or rows of its
        release were purged.
    """
    history = champions(workspace)
    if not history:
        raise WorkspaceError("there is no champion yet", hint="`foretaste promote` makes one")
    target = _before(history) if to is None else _champion(history, to)
    known = releases(workspace)
    stays = model_only or not known or same_corpus(known, target.release)
    if target.model == history[0].model and stays:
        raise WorkspaceError("that model serves already", hint="`foretaste models` lists others")
    read_card(workspace.layout.models, target.model, workspace.key)
    if stays:
        return RollbackPlan(history[0], target, corpus=False, withdrawn=())
    require_unmarked(known, target.release)
    withdrawn = withdrawn_nights(known, target.release)
    return RollbackPlan(history[0], target, corpus=True, withdrawn=withdrawn)


def roll_back(
    workspace: Workspace, plan: RollbackPlan, *, reason: str, by: str, at: datetime
) -> Champion:
    """Apply a plan: the model serves again and, in the same step, the corpus returns.

    Repeated after a kill, it finds what is done already and gives that.

    Raises
    ------
    Locked
        If a run holds the workspace.
    Dirty
        If the champion moved since the plan was made.
    """
    from foretaste.models.registry import load_model
    from foretaste.steps import rollback
    from foretaste.steps.desk import prepare
    from foretaste.steps.promote import move_champion

    with workspace_lock(workspace.layout, "foretaste rollback"):
        workspace.recover()
        with workspace.ledger() as ledger:
            present = ledger.champion()
        if present is None or present != plan.present:
            return _moved(present, plan)
        load_model(workspace.layout.models, plan.target.model, workspace.key)
        said: dict[str, Any] = {
            "model": plan.target.model,
            "release": plan.target.release,
            "run_id": f"rollback-{secrets.token_hex(8)}",
            "by": by,
            "reason": reason,
            "kind": "rollback",
            "override": False,
            "at": at,
        }
        if not plan.corpus:
            return move_champion(workspace, **said)
        champion = Champion(seq=present.seq + 1, **said)
        rollback.roll_back(workspace, champion)
        prepare(workspace, at)
        return champion


def _moved(present: Champion | None, plan: RollbackPlan) -> Champion:
    if present is not None and present.model == plan.target.model:
        return present
    raise Dirty("the champion moved since the rollback was planned", hint="plan it again")


def _before(history: Sequence[Champion]) -> Champion:
    """Undo promotions like a stack: rolling back twice goes back two, not to and fro."""
    stack: list[Champion] = []
    for one in reversed(history):
        while one.kind == "rollback" and stack and stack[-1].model != one.model:
            stack.pop()
        if not stack or stack[-1].model != one.model:
            stack.append(one)
    if len(stack) < 2:
        raise WorkspaceError(
            "there is no earlier champion to roll back to",
            hint="name one with --to; `foretaste models` shows the history",
        )
    return stack[-2]


def _champion(history: Iterable[Champion], to: str) -> Champion:
    for one in history:
        if to == str(one.seq) or (len(to) >= SHORTEST and one.model.startswith(to)):
            return one
    raise WorkspaceError(
        f"{to} was never champion", hint="`foretaste models` shows the history; or `promote` it"
    )

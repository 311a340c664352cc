"""Try attacks on a copy of the last release, from Prefect's pages or a schedule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow

from foretaste.core.workspace import Workspace
from foretaste.views.drill import read_budget
from tasks.drill import drill as play


@flow(name="drill", validate_parameters=False)
def drill(
    workspace: str,
    attacks: list[str] | None = None,
    budget: str | None = None,
    seed: int | None = None,
    small: bool = True,
) -> dict[str, Any]:
    """Report the smallest attacks that would get through; the workspace is not changed.

    Parameters
    ----------
    workspace
        Folder of the workspace.
    attacks
        Their names; None: all.
    budget
        ``accounts,rows,days``; None: the policy's.
    seed
        Seed of the attacks; None: the policy's.
    small
        Ordinary strengths alone, without a search.
    """
    opened = Workspace.open(Path(workspace))
    paid = read_budget(budget, opened.policy.drill)
    return play(opened, attacks or (), paid, seed, small).to_json()

"""Who broke a gate: the search, run for a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from foretaste.core.errors import ContractError, WorkspaceError
from foretaste.core.ledger import Champion
from foretaste.core.lock import workspace_lock
from foretaste.core.release import releases
from foretaste.core.workspace import Workspace
from foretaste.models.card import ModelCard
from foretaste.steps.bisect import open_case, search, searchable
from foretaste.steps.desk import prepare
from foretaste.steps.night import Night, read_json
from foretaste.views.models import champions, find_model

NOTHING: Final = "no gate of the newest candidate failed on trusted rows"


def run_bisect(workspace: Workspace, gate: str | None, at: datetime) -> dict[str, Any]:
    """Search behind a failed gate of the newest candidate, and open a case.

    Parameters
    ----------
    gate
        Name of the gate; None: the most telling of those that failed.

    Returns
    -------
    dict
        What ``bisect.json`` says, and ``case``, the id of the case or None; empty where
        no gate failed.

    Raises
    ------
    ContractError
        If the gate did not fail, or no actors can be searched behind it.
    Locked
        If a run holds the workspace.
    """
    known = releases(workspace)
    if not known:
        raise WorkspaceError("there is no release yet", hint="run `foretaste run` first")
    card = find_model(workspace, str(known[-1].number))
    chosen = _chosen(card, gate)
    if chosen is None:
        return {}
    work = workspace.layout.runs / known[-1].run_id
    policy = workspace.policy
    night = Night(workspace.layout, policy, workspace.key, known[-1].night, at, work)
    with workspace_lock(workspace.layout, "foretaste bisect"):
        searched = search(night, chosen, _compared(workspace, card))
        case = open_case(workspace, night, searched)
        prepare(workspace, at)
        return {**read_json(searched / "bisect.json"), "case": case}


def told(found: Mapping[str, Any]) -> list[str]:
    """Tell a search in lines."""
    if not found:
        return [NOTHING]
    before, after = found["before"], found["after"]
    tried = f"{found['retrains']} retrains"
    if not found["actors"]:
        nobody = f"{found['gate']}: no group of actors is behind {before['value']:.4g} ({tried})"
        spread = [f"the harm is spread over everybody's rows, p={found['apart']:.2g}"]
        return [nobody, *(spread if found["apart"] < 1 else [])]
    share = f"{found['rows']} rows, {found['weight']:.1%} of the weight"
    who = f"{len(found['actors'])} actors ({share})"
    return [
        f"{found['gate']}: {before['value']:.4g}; {after['value']:.4g} without {who}",
        f"loss -{found['gain']:.4g}, noise {found['noise']:.4g}, p={found['p_value']:.2g}, {tried}",
        f"spread over everybody: p={found['apart']:.2g}",
        f"case {found['case']}; `foretaste purge --case {found['case']}` takes them out",
    ]


def _chosen(card: ModelCard, gate: str | None) -> str | None:
    failed = searchable(card.gates)
    if gate is None:
        return failed[0] if failed else None
    if gate not in failed:
        raise ContractError(
            f"the gate {gate} did not fail, or fails on no trusted rows",
            location="--gate",
            hint=f"these did: {', '.join(failed) or 'none'}",
        )
    return gate


def _compared(workspace: Workspace, card: ModelCard) -> Champion | None:
    """The champion that the gates compared the candidate with."""
    if card.bootstrap:
        return None
    known = champions(workspace)
    wanted = [one for one in known if card.champion in (None, one.model)]
    return wanted[0] if wanted else None

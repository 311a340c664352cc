"""The small drill that may end a night: one attack, drawn by the night's name."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

import numpy as np

from foretaste.attacks.registry import ATTACKS, carried_by
from foretaste.core.errors import ContractError
from foretaste.core.policy import Drill as Settings
from foretaste.core.workspace import Workspace
from foretaste.steps.drill.raw import attacked, raw_rows
from foretaste.steps.drill.search import Drill, drill
from foretaste.steps.drill.sizes import Size, ordinary, sized
from foretaste.steps.drill.world import World, copy_release

log = logging.getLogger(__name__)


def budget_of(settings: Settings) -> Size:
    """What the policy lets an attacker pay."""
    return Size(settings.accounts, settings.rows, settings.days)


def drill_after(workspace: Workspace) -> tuple[str, ...]:
    """Try one attack after a night; give what the run should warn of.

    The release is out by then: a drill that cannot be run is a warning, never a failed
    night. Attacks are written for corpora as they should be, and meet what users sent.
    """
    with tempfile.TemporaryDirectory(prefix="foretaste-drill-") as folder:
        try:
            found = small_drill(workspace, Path(folder))
        except Exception as error:
            log.exception("the drill failed")
            warnings: tuple[str, ...] = (f"the drill could not be run: {error}",)
        else:
            warnings = warnings_of(found, workspace.policy.drill)
    for line in warnings:
        log.warning("%s", line)
    return warnings


def small_drill(workspace: Workspace, folder: Path) -> Drill | None:
    """Try one attack, at its ordinary strength, on the last release's last night.

    Which one is drawn by the policy's seed and the night. None where the night can carry
    no attack at all.
    """
    world = copy_release(workspace, 1, folder / "world")
    budget = Size(world.policy.drill.accounts, world.policy.drill.rows, 1)
    seed = world.policy.seed
    for name in np.random.default_rng([seed, *world.nights[-1].encode()]).permutation(
        carried_by(raw_rows(world))
    ):
        if _fits(world, str(name), budget, seed):
            return drill(world, [str(name)], budget, folder / "trials", seed=seed, small=True)
    return None


def warnings_of(found: Drill | None, settings: Settings) -> tuple[str, ...]:
    """Tell what a run should warn of; nothing when enough of the poison was kept out."""
    if found is None:
        return ("the drill found no attack that the night could carry",)
    if found.recall is None or found.recall >= settings.min_recall:
        return ()
    name, least = found.tried[0].attack, settings.min_recall
    told = f"the drill's attack {name} was kept out for {found.recall:.0%} only"
    return (f"{told}, drill.min_recall is {least:.0%}: run `foretaste drill`",)


def _fits(world: World, name: str, budget: Size, seed: int) -> bool:
    kind = ATTACKS[name]
    try:
        attacked(world, sized(kind, ordinary(kind, budget), raw_rows(world)), seed)
    except ContractError:
        return False
    return True

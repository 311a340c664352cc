"""The drill as people ask for it: a budget in, a table and a picture out."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from foretaste.core.errors import ContractError
from foretaste.core.policy import Drill as Settings
from foretaste.core.workspace import Workspace
from foretaste.report.drill import DrillLine, DrillMark, drill_picture
from foretaste.steps.drill import Drill, Size, Trial, Tried, budget_of, copy_release, drill
from foretaste.steps.drill.search import Told

COLUMNS: Final = (
    *("attack", "result", "accounts", "rows", "days"),
    *("learnt", "loss", "moved", "honest_lost", "trials"),
)
NO_ATTACK: Final = "(no attack)"


def read_budget(text: str | None, settings: Settings) -> Size:
    """Read ``accounts,rows,days``; what is left out is the policy's.

    Raises
    ------
    ContractError
        If it is something else.
    """
    default = budget_of(settings)
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{0,6}(,[0-9]{0,6}){0,2}", text) or re.search(r"\b0+\b", text):
        raise ContractError(
            f"'{text}' is no budget",
            location="--budget",
            hint="accounts,rows,days as whole numbers from 1, e.g. 40,10,1",
        )
    parts = [*text.split(","), "", ""]
    given = (default.accounts, default.rows, default.days)
    return Size(*(int(part) if part else own for part, own in zip(parts, given, strict=False)))


def run_drill(
    workspace: Workspace,
    attacks: Sequence[str],
    budget: Size,
    *,
    seed: int | None = None,
    small: bool = False,
    told: Told | None = None,
) -> Drill:
    """Try attacks on a copy of the last release in a temporary folder.

    Parameters
    ----------
    attacks
        Names; empty for all.
    seed
        None: the policy's.
    small
        Ordinary strengths alone, without a search.
    told
        Hears of each trial.
    """
    with tempfile.TemporaryDirectory(prefix="foretaste-drill-") as made:
        folder = Path(made)
        world = copy_release(workspace, budget.days, folder / "world")
        given = {} if told is None else {"told": told}
        return drill(
            world,
            attacks,
            Size(budget.accounts, budget.rows, len(world.nights)),
            folder / "trials",
            seed=world.policy.seed if seed is None else seed,
            small=small,
            **given,
        )


def table(found: Drill) -> list[dict[str, Any]]:
    """Give a line per attack: the smallest trial that got through, or the largest kept out."""
    base = {"attack": NO_ATTACK, "result": "-", "honest_lost": found.base.honest_lost}
    return [base, *(_line(one) for one in found.tried)]


def trial_line(name: str, trial: Trial) -> str:
    """Tell a trial in one line."""
    what = f"{_who(trial)}, {trial.rows} rows" if trial.rows else "as it was"
    held = f"; held: {trial.held[0]}" if trial.held else ""
    return f"{name}: {what}: {trial.learnt:.0%} learnt{held}"


def picture(found: Drill) -> str:
    """Draw the drill as one SVG file."""
    title = f"Drill on {found.release}, seed {found.seed}"
    return drill_picture(title, [_drawn(found, one) for one in found.tried if one.trials])


def _shown(one: Tried) -> Trial | None:
    return one.smallest or max(one.trials, key=lambda trial: trial.rows, default=None)


def _line(one: Tried) -> dict[str, Any]:
    trial = _shown(one)
    if trial is None:
        return {"attack": one.attack, "result": f"cannot be run here: {one.why_not}"}
    return {
        "attack": one.attack,
        "result": _result(one, trial),
        "accounts": trial.accounts,
        "rows": trial.rows,
        "days": trial.size.days,
        "learnt": trial.learnt,
        "loss": trial.loss,
        "moved": trial.moved,
        "honest_lost": trial.honest_lost,
        "trials": len(one.trials),
    }


def _result(one: Tried, trial: Trial) -> str:
    if one.smallest is not None:
        return "gets through"
    return "night held" if trial.held else "kept out"


def _drawn(found: Drill, one: Tried) -> DrillLine:
    shown = _shown(one)
    marks = tuple(DrillMark(t.rows, t.learnt, found.got_through(t)) for t in one.trials)
    if shown is None or one.smallest is None:
        return DrillLine(one.attack, marks, "kept out")
    loss = "" if shown.loss is None else f", {-100 * shown.loss:+.1f} points"
    return DrillLine(one.attack, marks, f"{_who(shown)}{loss}")


def _who(trial: Trial) -> str:
    return "1 account" if trial.accounts == 1 else f"{trial.accounts} accounts"

"""Find the smallest attack that gets through, in a bounded number of trials."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from foretaste.attacks.base import Attack
from foretaste.attacks.registry import ATTACKS, carried_by, carriers
from foretaste.core.errors import ContractError
from foretaste.core.policy import Drill as Settings
from foretaste.steps.drill.raw import attacked, raw_rows
from foretaste.steps.drill.replay import Trial, replay
from foretaste.steps.drill.sizes import Size, has_rows, ordinary, rows_each, sized
from foretaste.steps.drill.world import World

log = logging.getLogger(__name__)

LEAST_ROWS: Final = 10
LEAST_SHARE: Final = 0.01
"""Attacks of fewer rows, or of a smaller share of the nights' rows, are not looked for:
honest noise is as large, and training lives with it."""

Told = Callable[[str, Trial], None]
"""Hears of each trial by its attack's name."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of one attack.

    Parameters
    ----------
    attack
        Its name.
    why_not
        Why it cannot be run here; "" when it was.
    smallest
        The smallest trial that got through; None where none did.
    trials
        All of them, in the order played.
    """

    attack: str
    why_not: str = ""
    smallest: Trial | None = None
    trials: tuple[Trial, ...] = ()


@dataclass(frozen=True, slots=True)
class Drill:
    """What a drill found.

    Parameters
    ----------
    release, nights, seed
        What was copied, and the seed of the attacks.
    settings
        What counted as got through.
    budget
        What the attacker could pay.
    base
        The nights played without an attack.
    tried
        One entry per attack, by name.
    """

    release: str
    nights: tuple[str, ...]
    seed: int
    settings: Settings
    budget: Size
    base: Trial
    tried: tuple[Tried, ...]

    @property
    def recall(self) -> float | None:
        """Share of all poison that was kept out, over the largest trial of each attack."""
        largest = [max(t.trials, key=lambda one: one.rows) for t in self.tried if t.trials]
        total = sum(one.rows for one in largest)
        return 1 - sum(one.learnt * one.rows for one in largest) / total if total else None

    def got_through(self, trial: Trial) -> bool:
        """Tell whether a trial taught the model enough, or cost it enough."""
        limits = self.settings
        return trial.learnt >= limits.learnt or (trial.loss or 0.0) >= limits.loss

    def to_json(self) -> dict[str, Any]:
        """Give a mapping of plain JSON values."""
        tried = [
            {
                "attack": one.attack,
                "why_not": one.why_not,
                "smallest": one.smallest.to_json() if one.smallest else None,
                "trials": [trial.to_json() for trial in one.trials],
            }
            for one in self.tried
        ]
        return {
            "release": self.release,
            "nights": list(self.nights),
            "seed": self.seed,
            "budget": asdict(self.budget),
            "thresholds": {"learnt": self.settings.learnt, "loss": self.settings.loss},
            "base": self.base.to_json(),
            "recall": self.recall,
            "attacks": tried,
        }


def drill(
    world: World,
    names: Sequence[str],
    budget: Size,
    folder: Path,
    *,
    seed: int,
    small: bool = False,
    told: Told = lambda name, trial: log.info("%s: %s", name, trial),
) -> Drill:
    """Try attacks on a world.

    Parameters
    ----------
    names
        Attacks; empty for all that there are.
    budget
        What the attacker can pay; its days are the world's nights at most.
    folder
        Where copies are made; each is deleted when its trial is over.
    small
        Try each attack at its ordinary strength alone, without a search.

    Raises
    ------
    ContractError
        If there is no such attack.
    """
    if unknown := sorted(set(names) - set(ATTACKS)):
        raise ContractError(
            f"there is no attack '{unknown[0]}'",
            location="--attack",
            hint=f"there are {', '.join(sorted(ATTACKS))}",
        )
    settings = world.policy.drill
    base = replay(world, None, Size(0, 0, 0), seed, folder / "base", None)
    told("no attack", base)
    found = Drill(world.release, world.nights, seed, settings, budget, base, ())
    fit = carried_by(raw_rows(world))
    tried = []
    for name in sorted(names or ATTACKS):
        if name in fit:
            tried.append(_Search(found, world, ATTACKS[name], folder, told).run(small=small))
        else:
            needs = " or ".join(sorted(carriers(name)))
            tried.append(Tried(name, f"it needs {needs}, which these contributions lack"))
    return Drill(world.release, world.nights, seed, settings, budget, base, tuple(tried))


class _Search:
    """The trials of one attack."""

    def __init__(
        self, found: Drill, world: World, attack: type[Attack], folder: Path, told: Told
    ) -> None:
        self._found, self._world, self._attack = found, world, attack
        self._folder, self._told = folder, told
        self._trials: dict[Size, Trial] = {}

    def run(self, *, small: bool) -> Tried:
        most = self._found.budget
        try:
            if small:
                self._through(self._worth_looking(ordinary(self._attack, most)))
            else:
                self._smallest(most)
        except ContractError as error:
            if not self._trials:
                return Tried(self._attack.name, error.message)
            log.info("%s: %s", self._attack.name, error.message)
        return Tried(
            self._attack.name,
            smallest=min(
                (t for t in self._trials.values() if self._found.got_through(t)),
                key=lambda t: (t.accounts, t.rows),
                default=None,
            ),
            trials=tuple(self._trials.values()),
        )

    def _least(self) -> int:
        return max(LEAST_ROWS, round(LEAST_SHARE * len(self._world.rows)))

    def _worth_looking(self, size: Size) -> Size:
        """Give a size more accounts where its rows are too few to be told from noise."""
        enough = -(-self._least() // size.rows)
        most = self._found.budget.accounts
        return replace(size, accounts=min(most, max(size.accounts, enough)))

    def _smallest(self, most: Size) -> None:
        """Search over accounts, then over each one's rows."""
        rows, least = rows_each(self._attack, most.rows), self._least()
        low = max(1, -(-least // rows))
        accounts = self._bisect(
            low, self._carried(low, most), lambda n: self._through(Size(n, rows, most.days))
        )
        if accounts is not None and has_rows(self._attack):
            self._bisect(
                -(-least // accounts), rows, lambda r: self._through(Size(accounts, r, most.days))
            )

    def _carried(self, low: int, most: Size) -> int:
        """Give the most accounts that the world has material for.

        Raises
        ------
        ContractError
            If it has not enough for ``low``, or the budget does not pay for it.
        """
        rows = rows_each(self._attack, most.rows)
        if low > most.accounts:
            raise ContractError(
                f"the budget pays for {most.accounts * rows} rows, and fewer than {low * rows}"
                " are no attack here",
                hint="give --budget more accounts",
            )
        self._apply(Size(low, rows, most.days))
        for accounts in _halved(most.accounts, low):
            try:
                self._apply(Size(accounts, rows, most.days))
            except ContractError:
                continue
            return accounts
        return low

    def _apply(self, size: Size) -> None:
        attack = sized(self._attack, size, raw_rows(self._world))
        attacked(self._world, attack, self._found.seed)

    def _bisect(self, low: int, high: int, through: Callable[[int], bool]) -> int | None:
        """Give the smallest number found to get through, or None.

        Where neither end does, the middle is tried once: more rows teach more and are
        seen more easily, so that the best size may lie between.
        """
        if low > high or self._spent():
            return None
        if through(low):
            return low
        if self._spent():
            return None
        known = through(high)
        while high - low > 1 and not self._spent():
            middle = max(low + 1, round((low * high) ** 0.5))
            if not through(middle):
                low = middle
            else:
                high, known = middle, True
            if not known:
                break
        return high if known else None

    def _spent(self) -> bool:
        return len(self._trials) >= self._found.settings.runs

    def _through(self, size: Size) -> bool:
        if size not in self._trials:
            self._trials[size] = self._play(size)
            self._told(self._attack.name, self._trials[size])
        return self._found.got_through(self._trials[size])

    def _play(self, size: Size) -> Trial:
        attack = sized(self._attack, size, raw_rows(self._world))
        folder = self._folder / "trial"
        base = self._folder / "base"
        try:
            return replay(self._world, attack, size, self._found.seed, folder, base)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _halved(high: int, low: int) -> Iterator[int]:
    while high > low:
        yield high
        high = max(low, high // 2)

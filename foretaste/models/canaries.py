"""Canaries: known attacks with a target label, and honest rows that look like them.

Columns: the model's inputs, ``attack`` (a name; null for an honest look-alike),
``target_label`` (what the attacker wants) and ``true_label``. An attack succeeds on a row
when the model says the target and the truth is another label.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from foretaste.core.errors import ContractError
from foretaste.core.gate import Gate, GateState
from foretaste.core.policy import Gates
from foretaste.models.family import Test, worst
from foretaste.models.measure import Change, Interval, change, gate, undecided, wilson
from foretaste.models.predict import Predicted, predict
from foretaste.models.train import Predictor

COLUMNS: Final = ("attack", "target_label", "true_label")
_LOOK: Final = "open the rows behind this release's changes and purge what taught the attack"


@dataclass(frozen=True, slots=True)
class AttackSuccess:
    """How often attacks hit their target, and how honest look-alikes fare.

    Parameters
    ----------
    overall
        Share of attack rows predicted as the attacker wants; less is better.
    by_attack
        The same per attack, by name.
    look_alikes
        Share of honest look-alikes predicted right; more is better.
    """

    overall: Interval
    by_attack: dict[str, Interval]
    look_alikes: Interval

    @property
    def worst(self) -> tuple[str, Interval]:
        """The attack with the highest rate, by name where rates tie; ("", NaN) without any."""
        ranked = sorted(self.by_attack.items(), key=lambda kv: (-kv[1].value, kv[0]))
        return ranked[0] if ranked else ("", wilson(0, 0, 0.05))


@dataclass(frozen=True, slots=True)
class _Answers:
    """Which canaries are attacks, which look-alikes, and what the model did on each."""

    names: np.ndarray
    attacks: np.ndarray
    honest: np.ndarray
    hit: np.ndarray
    right: np.ndarray


def attack_success(
    model: Predictor, canaries: pd.DataFrame, *, alpha: float = 0.05
) -> AttackSuccess:
    """Try every canary on a model; intervals are Wilson's at level ``alpha``.

    Raises
    ------
    ContractError
        If a column of ``COLUMNS``, or one that the model reads, is missing.
    """
    return success_of(predict(model, canaries), canaries, alpha=alpha)


def success_of(said: Predicted, canaries: pd.DataFrame, *, alpha: float) -> AttackSuccess:
    """Count what predictions on the canaries mean; see ``attack_success``."""
    seen = _answers(said, canaries)
    by_attack = {
        str(name): _rate(seen.hit, seen.attacks & (seen.names == name), alpha)
        for name in np.unique(seen.names[seen.attacks])
    }
    return AttackSuccess(
        overall=_rate(seen.hit, seen.attacks, alpha),
        by_attack=by_attack,
        look_alikes=_rate(seen.right, seen.honest, alpha),
    )


def attacks(canaries: pd.DataFrame) -> dict[str, np.ndarray]:
    """Give the rows of each attack, (n,) bool by name; none where columns are missing.

    An attack's row says what the truth is, and that the attacker wants something else.
    """
    if _missing(canaries):
        return {}
    target, truth = canaries["target_label"], canaries["true_label"]
    lies = (target.astype(str) != truth.astype(str)) & target.notna() & truth.notna()
    names = canaries["attack"].astype(str).where(canaries["attack"].notna() & lies, "")
    return {name: (names == name).to_numpy() for name in sorted(set(names) - {""})}


def canary_tests(
    candidate: Predicted | None,
    champion: Predicted | None,
    canaries: pd.DataFrame | None,
    limits: Gates,
    *,
    bootstrap: bool,
) -> tuple[Gate | Test, ...]:
    """Judge attacks and look-alikes, absolutely and, unless ``bootstrap``, against the champion.

    The comparisons are tests: ``foretaste.models.family.settle`` makes gates of them.
    ``canaries`` None means that the user keeps none: one warning says so. A set that is
    there but empty, damaged, or not answered by a model is undecided.
    """
    if canaries is None:
        return (_none_kept(),)
    if missing := _missing(canaries):
        return (_unscored(limits, "attack_success", f"the canaries lack {missing}"),)
    if candidate is None or not candidate.finite or canaries.empty:
        why = "the canaries hold no row that the candidate can answer"
        return (_unscored(limits, "attack_success", why),)
    success = success_of(candidate, canaries, alpha=limits.alpha)
    gates: list[Gate | Test] = [_overall(success, limits), _worst(success, limits)]
    if success.look_alikes.finite:
        gates.append(_look_alikes(success.look_alikes, limits))
    if not bootstrap:
        gates += _against(candidate, champion, canaries, limits)
    return tuple(gates)


def _against(
    candidate: Predicted, champion: Predicted | None, canaries: pd.DataFrame, limits: Gates
) -> list[Gate | Test]:
    if champion is None or not champion.finite:
        why = "the champion cannot answer the canaries, so nothing can be compared"
        return [_unscored(limits, "attacks_not_worse", why)]
    ours, theirs = _answers(candidate, canaries), _answers(champion, canaries)
    gates: list[Gate | Test] = [_attacks_not_worse(ours, theirs, limits)]
    if ours.honest.any():
        gates.append(_look_alikes_not_worse(ours, theirs, limits))
    return gates


def _missing(canaries: pd.DataFrame) -> str:
    return ", ".join(c for c in COLUMNS if c not in canaries.columns)


def _answers(said: Predicted, canaries: pd.DataFrame) -> _Answers:
    if missing := _missing(canaries):
        raise ContractError(f"the canaries lack {missing}")
    target, truth = canaries["target_label"], canaries["true_label"]
    named = canaries["attack"].notna().to_numpy()
    known = truth.notna().to_numpy()
    wanted = target.astype(str).to_numpy(object)
    right = truth.astype(str).to_numpy(object)
    return _Answers(
        names=np.where(named, canaries["attack"].astype(str).to_numpy(object), ""),
        attacks=named & known & target.notna().to_numpy() & (wanted != right),
        honest=~named & known,
        hit=said.labels == wanted,
        right=said.labels == right,
    )


def _rate(event: np.ndarray, among: np.ndarray, alpha: float) -> Interval:
    return wilson(int((event & among).sum()), int(among.sum()), alpha)


def _overall(success: AttackSuccess, limits: Gates) -> Gate:
    most = limits.max_attack_success
    state = GateState.PASS if success.overall.value <= most else GateState.FAIL
    meaning = f"share of {len(success.by_attack)} attacks' canaries that hit the attacker's target"
    return gate(
        "attack_success",
        success.overall,
        state,
        threshold=f"<= {most:.2f}",
        meaning=meaning,
        action=_LOOK,
    )


def _worst(success: AttackSuccess, limits: Gates) -> Gate:
    """One attack that works must not drown among many that do not."""
    name, seen = success.worst
    most = limits.max_attack_success
    state = GateState.PASS if seen.value <= most else GateState.WARN
    if seen.low > most:
        state = GateState.FAIL
    meaning = f"success of the attack that works best, {name}; it fails when surely above"
    return gate(
        "attack_worst", seen, state, threshold=f"<= {most:.2f}", meaning=meaning, action=_LOOK
    )


def _look_alikes(seen: Interval, limits: Gates) -> Gate:
    state = GateState.PASS if seen.value >= limits.floor else GateState.WARN
    if seen.high < limits.floor:
        state = GateState.FAIL
    return gate(
        "look_alikes",
        seen,
        state,
        threshold=f">= {limits.floor:.2f}",
        meaning="share of honest look-alikes of the attacks that are still predicted right",
        action="the model has learnt to punish what only looks like an attack: add such rows",
    )


def _attacks_not_worse(ours: _Answers, theirs: _Answers, limits: Gates) -> Gate | Test:
    """Compare attack by attack: one that newly works must not hide behind others that fail."""
    names = [str(n) for n in np.unique(ours.names[ours.attacks])]
    changes = [
        change(ours.hit[mine], theirs.hit[mine], limits.alpha)
        for mine in (ours.attacks & (ours.names == name) for name in names)
    ]
    if not changes:
        return _unscored(limits, "attacks_not_worse", "the canaries hold no attack")
    at, p_value = worst(names, [found.p_value for found in changes])
    found = replace(changes[at], p_value=p_value)
    return _compared("attacks_not_worse", f"attack {names[at]}", found, limits)


def _look_alikes_not_worse(ours: _Answers, theirs: _Answers, limits: Gates) -> Test:
    found = change(~ours.right[ours.honest], ~theirs.right[ours.honest], limits.alpha)
    return _compared("look_alikes_not_worse", "honest look-alikes", found, limits)


def _compared(name: str, whose: str, found: Change, limits: Gates) -> Test:
    return Test(
        name=name,
        seen=found.share,
        p_value=found.p_value,
        threshold=f"p >= {limits.alpha:.2f} in the family of gates",
        meaning=(
            f"share of canaries lost to the champion, {whose}: {found.worse} worse, "
            f"{found.better} better, exact sign test"
        ),
        action=_LOOK,
    )


def _none_kept() -> Gate:
    return Gate(
        name="attack_success",
        state=GateState.WARN,
        value=None,
        low=None,
        high=None,
        threshold="canaries are kept",
        meaning="no canaries are kept, so attacks on the model are not measured",
        action="put known attacks with honest look-alikes into data/canaries",
    )


def _unscored(limits: Gates, name: str, why: str) -> Gate:
    return undecided(
        name,
        threshold=f"<= {limits.max_attack_success:.2f}",
        meaning=why,
        action="check the files in data/canaries and their columns",
    )

"""Promotion as a plan: built purely, shown, and applied elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from foretaste.core.gate import Gate, GateState, holding
from foretaste.core.ledger import Champion
from foretaste.models.gates import ALWAYS, COMPARED


@dataclass(frozen=True, slots=True)
class PromotionPlan:
    """What would happen to the champion, and why.

    Parameters
    ----------
    candidate, release
        Digest of the model that would become champion, and the release it learnt from.
    champion_before
        Digest of the champion now; None on the first night.
    gates
        Every gate that was asked.
    verdict
        ``promote`` or ``hold``.
    reasons
        One sentence for each thing that holds, overridden or not.
    overridden, override_reason
        True when a person promotes although gates hold, and the person's words.
    """

    candidate: str
    release: str
    champion_before: str | None
    gates: tuple[Gate, ...]
    verdict: Literal["promote", "hold"]
    reasons: tuple[str, ...]
    overridden: bool
    override_reason: str

    @property
    def bootstrap(self) -> bool:
        """True when there is no champion to compare with."""
        return self.champion_before is None

    def describe(self) -> str:
        """Tell the plan in plain lines, for ``--dry-run`` and the log."""
        before = self.champion_before[:12] if self.champion_before else "none (bootstrap)"
        head = f"{self.verdict} {self.candidate[:12]} of release {self.release}; champion: {before}"
        lines = [head, *(_line(g) for g in self.gates)]
        lines += [f"holds: {reason}" for reason in self.reasons]
        if self.overridden:
            lines.append(f"overridden: {self.override_reason}")
        return "\n".join(lines)


def plan_promotion(
    candidate: str,
    release: str,
    champion_before: str | None,
    gates: Sequence[Gate],
    *,
    compared_with: str | None = None,
    override_reason: str = "",
) -> PromotionPlan:
    """Decide from the gates alone whether the candidate becomes champion.

    A gate that should have been asked and is not among ``gates`` holds too. A person may
    override gates that spoke, never ones that were not asked, and must say why.

    Parameters
    ----------
    candidate, champion_before
        Model digests.
    release
        The release that the candidate was trained on.
    compared_with
        Digest of the champion that the gates saw, where that is written down: what is no
        worse than one champion may be worse than another.
    override_reason
        Why a person promotes in spite of gates that hold; "" without one.
    """
    unasked = _unasked(gates, champion_before)
    reasons = [f"{g.name} {g.state}: {g.meaning}" for g in holding(gates)]
    if compared_with and champion_before not in (None, compared_with, candidate):
        told = f"{compared_with[:12]}, but {champion_before[:12]} serves"
        reasons.append(f"the gates compared it with {told}")
    fixed = [f"{name} was not asked" for name in unasked]
    if candidate == champion_before:
        fixed.append("the candidate is the champion already")
    overridden = bool(override_reason.strip() and reasons and not fixed)
    return PromotionPlan(
        candidate=candidate,
        release=release,
        champion_before=champion_before,
        gates=tuple(gates),
        verdict="promote" if overridden or not (reasons or fixed) else "hold",
        reasons=(*fixed, *reasons),
        overridden=overridden,
        override_reason=override_reason.strip() if overridden else "",
    )


def against_gates(history: Sequence[Champion]) -> dict[int, Champion]:
    """Say which champions serve, or served, because a person overruled their gates.

    A rollback asks no gate: it inherits from the model's own latest promotion.

    Parameters
    ----------
    history
        Newest first, as the ledger gives it.

    Returns
    -------
    dict
        By their numbers the promotion in which it happened.
    """
    promoted: dict[str, Champion] = {}
    found = {}
    for one in reversed(history):
        if one.kind == "promote":
            promoted[one.model] = one
        if one.model in promoted and promoted[one.model].override:
            found[one.seq] = promoted[one.model]
    return found


def _unasked(gates: Sequence[Gate], champion_before: str | None) -> list[str]:
    needed = ALWAYS if champion_before is None else ALWAYS | COMPARED
    return sorted(needed - {g.name for g in gates})


def _line(gate: Gate) -> str:
    value = "-" if gate.value is None else f"{gate.value:.4g}"
    mark = "" if gate.state is GateState.PASS else f"; {gate.action}"
    return f"{gate.state:>9}  {gate.name}: {value} ({gate.threshold}){mark}"

"""Judge a candidate with as many twins of the champion as the answer needs.

Every twin costs a training, and two of them know the noise only roughly. That is enough
where nothing is near a warning. Where a comparison warns or fails, more twins are trained
and all of it is asked again: what was clear stays as it was, so no candidate is held that
the larger number alone would not hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from foretaste.core.gate import Gate, GateState
from foretaste.core.policy import Gates
from foretaste.models.evaluate import Scored, TrustedSets
from foretaste.models.gates import run_gates

TESTS: Final = frozenset(
    {
        *("no_regression", "weak_slices", "calibration", "attack_pull", "together"),
        *("attacks_not_worse", "look_alikes_not_worse", "ab_replay"),
    }
)
"""Gates that weigh chance against the champion."""


def judge(
    candidate: Scored,
    champion: Scored | None,
    sets: TrustedSets,
    limits: Gates,
    *,
    seed: int,
    twins: Iterable[Scored],
) -> tuple[tuple[Gate, ...], int]:
    """Run every gate; see ``run_gates``.

    Parameters
    ----------
    twins
        ``gates.twins`` of them are asked for, and in doubt so many more that they are
        ``gates.twins_in_doubt``; fewer where there are fewer.

    Returns
    -------
    gates, count
        And the number of twins that they were judged with.
    """
    more = iter(twins)
    asked = tuple(islice(more, limits.twins))
    gates = run_gates(candidate, champion, sets, limits, seed=seed, twins=asked)
    missing = max(limits.twins_in_doubt - len(asked), 0) if asked and in_doubt(gates) else 0
    if added := tuple(islice(more, missing)):
        asked += added
        gates = run_gates(candidate, champion, sets, limits, seed=seed, twins=asked)
    return gates, len(asked)


def in_doubt(gates: Sequence[Gate]) -> bool:
    """Whether a comparison with the champion warns or fails."""
    return any(
        gate.name in TESTS and gate.state in (GateState.WARN, GateState.FAIL) for gate in gates
    )

"""The family of tests that one candidate faces, and what is left of each p-value in it.

Every comparison with the champion asks "is the candidate worse?" at its own level. Asked
together they would hold honest candidates more often than the policy's ``alpha`` says; so
a test only fails a candidate when its p-value, corrected for the whole family by Hommel's
method (1988), is below ``alpha``. It hears several small p-values together, where Holm's
hears only the smallest; it needs tests that do not depend negatively on each other (Sarkar
1998), as those of one candidate on the same rows do not.

The test of the *whole* hears several measures together. It and the family of all other
tests are two, corrected as two: the whole has half of ``alpha`` for itself, however many
the others are, and they have the other half.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from foretaste.core.gate import Gate, GateState
from foretaste.models.measure import Interval, gate


@dataclass(frozen=True, slots=True)
class Test:
    """A comparison whose verdict waits for the rest of the family.

    Parameters
    ----------
    name, seen, threshold, meaning, action
        Of the gate to be; see ``foretaste.core.gate.Gate``.
    p_value
        One-sided: the probability of what was seen, or worse, if the candidate is no
        worse than the champion.
    beyond
        The value lies beyond what is tolerated, surely or not: it warns at least.
    whole
        It asks about several measures together.
    """

    __test__ = False  # pytest takes every Test* for its own

    name: str
    seen: Interval
    p_value: float
    threshold: str
    meaning: str
    action: str
    beyond: bool = False
    whole: bool = False


def hommel(p_values: Sequence[float]) -> np.ndarray:
    """Correct p-values for their number by Hommel's method (1988); same order.

    A hypothesis falls when Simes' test rejects every set of them that it is in. Wright's
    algorithm (1992) looks at one set of each size.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    smallest = p[order]
    stepped = smallest.copy()
    for size in range(2, p.size + 1):
        rest, largest = smallest[: p.size - size + 1], smallest[p.size - size + 1 :]
        least = (size * largest / np.arange(2, size + 1)).min()
        within = np.minimum(least, size * rest)
        stepped = np.maximum(stepped, np.concatenate([within, np.full(size - 1, within[-1])]))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected


def worst(names: Sequence[str], p_values: Sequence[float]) -> tuple[int, float]:
    """Find the smallest p-value, the first name among equals: its place, and it corrected."""
    at = min(range(len(names)), key=lambda i: (p_values[i], names[i]))
    return at, float(hommel(p_values)[at])


def settle(asked: Iterable[Gate | Test], alpha: float) -> tuple[Gate, ...]:
    """Turn tests into gates, in the order they were asked; gates stay as they are.

    A test fails when its corrected p-value is below ``alpha``, and warns when only the
    uncorrected one is, or when its value is beyond what is tolerated.
    """
    entries = tuple(asked)
    tests = [entry for entry in entries if isinstance(entry, Test) and entry.seen.finite]
    corrected = _corrected(tests)
    return tuple(
        entry if isinstance(entry, Gate) else _gate(entry, corrected.get(id(entry), 1.0), alpha)
        for entry in entries
    )


def _corrected(tests: Sequence[Test]) -> dict[int, float]:
    """Correct p-values for all tests, by the tests' identity."""
    single = [test for test in tests if not test.whole]
    among = hommel([test.p_value for test in single])
    whole = next((test for test in tests if test.whole), None)
    if whole is None or not single:
        return {id(t): p for t, p in zip(tests, hommel([t.p_value for t in tests]), strict=True)}
    told = {id(t): float(hommel([whole.p_value, p])[1]) for t, p in zip(single, among, strict=True)}
    return told | {id(whole): float(hommel([whole.p_value, among.min()])[0])}


def _gate(test: Test, corrected: float, alpha: float) -> Gate:
    state = GateState.WARN if test.beyond or test.p_value < alpha else GateState.PASS
    if corrected < alpha:
        state = GateState.FAIL
    return gate(
        test.name,
        test.seen,
        state,
        threshold=test.threshold,
        meaning=f"{test.meaning}; p={test.p_value:.2g}, {corrected:.2g} in the family of gates",
        action=test.action,
    )

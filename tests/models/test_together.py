"""Measures heard together: small losses add up, noise that they share does not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from foretaste.core.gate import Gate, GateState
from foretaste.core.policy import Gates
from foretaste.models.evaluate import Scored, TrustedSets
from foretaste.models.family import Test, hommel, settle
from foretaste.models.gates import run_gates
from foretaste.models.measure import Drawn, Interval
from foretaste.models.noise import Moved
from foretaste.models.predict import Predicted
from foretaste.models.together import Part, together

LIMITS = Gates(bootstrap=200)


def _part(value: float, seed: int, twins: Sequence[float], least: float = 0.0) -> Part:
    """A measure whose sample's standard error is 1."""
    noise = np.random.default_rng(seed).normal(size=1000)
    return Moved(Drawn(value, value + noise), tuple(twins)), least


def _test(parts: Sequence[Part]) -> Test:
    (asked,) = together(parts, LIMITS)
    assert isinstance(asked, Test)
    return asked


def test_three_small_losses_are_surer_than_each_of_them() -> None:
    parts = [_part(-1.6, seed, [0.1, -0.1, 0.1, -0.1]) for seed in range(3)]
    alone = [part.below() for part, _ in parts]
    assert min(alone) > 0.04
    assert _test(parts).p_value < 0.01


def test_measures_that_training_moves_together_count_as_one() -> None:
    """Twins that fall in all measures at once: three falls are then no more than one."""
    apart = [(1.0, -1.0, 0.5, -0.5), (-1.0, 1.0, 0.5, -0.5), (1.0, 0.5, -1.0, -0.5)]
    alike = [(1.0, -1.0, 0.5, -0.5)] * 3
    told = [
        _test([_part(-1.5, seed, twins) for seed, twins in enumerate(kind)]).p_value
        for kind in (apart, alike)
    ]
    assert told[0] < told[1]


def test_a_loss_that_the_policy_tolerates_is_none() -> None:
    twins = (0.1, -0.1)
    lost = [_part(-3.0, 1, twins), _part(-0.1, 2, twins)]
    borne = [_part(-3.0, 1, twins, least=-3.0), _part(-0.1, 2, twins)]
    assert _test(lost).p_value < 0.05
    assert _test(borne).p_value > 0.3


def test_what_nothing_moves_has_no_say() -> None:
    still = (Moved(Drawn(0.0, np.zeros(1000)), (0.0, 0.0)), 0.0)
    twins = (0.1, -0.1)
    with_it = _test([_part(-2.0, 1, twins), still])
    assert with_it.seen.value == pytest.approx(-2.0, rel=0.1)
    nothing = _test([still, still])
    assert (nothing.seen.value, nothing.p_value) == (0.0, 1.0)


def test_without_twins_or_a_second_measure_nothing_is_claimed() -> None:
    assert not list(together([_part(-9.0, 1, (0.1, 0.1))], LIMITS))
    for twins in ((), (0.1,)):
        (told,) = together([_part(-9.0, 1, (0.1, 0.1)), _part(-9.0, 2, twins)], LIMITS)
        assert isinstance(told, Gate)
        assert (told.name, told.state, told.value) == ("together", GateState.WARN, None)


def _asked(p: float, name: str, *, whole: bool = False) -> Test:
    return Test(name, Interval(-0.1, -0.2, 0.0), p, ">= 0", "meaning", "act", whole=whole)


def test_the_whole_and_the_family_of_the_others_are_corrected_as_two() -> None:
    single = [_asked(p, f"t{i}") for i, p in enumerate((0.5, 0.02, 0.9, 0.7))]
    quiet = settle([_asked(0.04, "together", whole=True), *single], 0.05)
    assert [g.state for g in quiet[:1]] == [GateState.WARN]
    heard = settle([_asked(0.02, "together", whole=True), *single], 0.05)
    assert heard[0].state is GateState.FAIL
    assert heard[2].state is GateState.WARN
    sure = settle([_asked(0.9, "together", whole=True), _asked(0.004, "t"), *single], 0.05)
    assert sure[1].state is GateState.FAIL


def test_the_whole_and_the_others_err_once_in_twenty_together() -> None:
    rng = np.random.default_rng(1)
    held = [
        any(
            gate.state is GateState.FAIL
            for gate in settle([_asked(p, f"t{i}", whole=i == 0) for i, p in enumerate(ps)], 0.05)
        )
        for ps in rng.random((2000, 7))
    ]
    assert 0.03 < np.mean(held) < 0.065


def test_no_corrected_p_value_of_one_measure_is_smaller_for_the_whole() -> None:
    """The whole costs the others at most a factor of two, and gives them nothing."""
    rng = np.random.default_rng(2)
    for ps in rng.random((200, 5)) ** 3:
        alone = hommel(ps[1:])
        for p, own in zip(ps[1:], alone, strict=True):
            assert own - 1e-12 <= hommel([ps[0], own])[1] <= min(1.0, 2 * own) + 1e-12
            assert p <= own


def _canaries(n: int) -> pd.DataFrame:
    return pd.DataFrame({"attack": ["x"] * n, "target_label": "a", "true_label": "b"})


def _guesser(seed: int, golden: np.ndarray, canaries: int) -> Scored:
    """A model that errs on a tenth of the rows by chance, with probabilities to match."""
    rng = np.random.default_rng(seed)

    def said(truth: np.ndarray) -> Predicted:
        right = np.clip(rng.normal(0.8, 0.2, len(truth)), 0.01, 0.99)
        a = np.where(truth == "a", right, 1 - right)
        labels = np.where(a > 0.5, "a", "b").astype(object)
        return Predicted(("a", "b"), labels, np.column_stack([a, 1 - a]))

    return Scored("d" * 64, 1000, 100, said(golden), said(np.full(canaries, "b")), None)


def test_equals_are_held_by_measures_and_whole_together_no_more_often_than_promised() -> None:
    golden = np.array(["a", "b"] * 150, dtype=object)
    sets = TrustedSets(pd.DataFrame({"label": golden}), _canaries(100), None)
    family = ("no_regression", "weak_slices", "calibration", "together", "attack_pull")
    failed = 0
    for seed in range(200):
        first = 10 * seed
        ours, theirs, *again = (_guesser(first + i, golden, 100) for i in range(4))
        found = run_gates(ours, theirs, sets, LIMITS, seed=seed, twins=again)
        failed += any(g.state is GateState.FAIL for g in found if g.name in family)
    assert failed <= LIMITS.alpha * 200

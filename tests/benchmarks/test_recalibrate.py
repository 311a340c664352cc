import numpy as np
import pytest

from benchmarks.efficacy.recalibrate import halves, held, learn, read_counts
from foretaste.core.policy import Decision
from foretaste.core.recalibration import curve


@pytest.fixture(scope="module")
def drills():
    return read_counts()


def test_what_is_learnt_on_half_of_the_attacks_holds_on_the_other_half(drills):
    one, other = halves(drills)
    assert not {(t.attack, t.corpus) for t in one} & {(t.attack, t.corpus) for t in other}
    for here, there in ((one, other), (other, one)):
        found, at_home = (held(there, learn(half), Decision()) for half in (here, there))
        assert found.poison > 0.65
        assert found.honest < 0.015
        assert abs(found.poison - at_home.poison) < 0.1


def test_the_committed_curve_is_the_one_that_the_committed_drills_teach(drills):
    learnt, committed = learn(drills), curve("fused")
    score = np.linspace(-4, 16, 81)
    there = np.interp(score, committed.score, committed.nats)
    assert np.interp(score, learnt.score, learnt.nats) == pytest.approx(there, abs=0.01)

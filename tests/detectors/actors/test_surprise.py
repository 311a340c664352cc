"""The tail probability behind an edge."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import poisson

from detectors.actors.graph.significance import explained, surprise

counts = st.integers(1, 500)
means = st.floats(1e-9, 500)


@settings(deadline=None)
@given(counts, means)
def test_it_is_the_poisson_tail(count, mean):
    tail = poisson.sf(count - 1, mean)
    expected = 60.0 if tail < 1e-60 else -np.log10(tail)
    assert surprise(count, mean) == pytest.approx(max(expected, 0.0), abs=1e-6, rel=1e-6)


@settings(deadline=None)
@given(counts, means)
def test_sharing_more_is_never_less_surprising(count, mean):
    assert surprise(count + 1, mean) >= surprise(count, mean)


@settings(deadline=None)
@given(counts, means, st.floats(1, 10))
def test_busier_people_and_more_popular_items_are_never_more_surprising(count, mean, factor):
    assert surprise(count, mean * factor) <= surprise(count, mean)


@settings(deadline=None)
@given(st.integers(1, 60), st.floats(1, 20), means)
def test_the_table_decides_as_the_tail_does(count, threshold, mean):
    limit = explained(60, threshold)[count]
    if abs(mean - limit) > 1e-6 * limit:
        assert (mean <= limit) == (surprise(count, mean) >= threshold)


def test_nothing_shared_surprises_nobody():
    assert surprise(0, 1e-9) == 0
    assert explained(3, 6.0)[0] < 0

"""No contributor, actor or subnet may hold more than its share."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from detectors.influence import cap_shares, effective_caps, share_table


@st.composite
def crowds(draw):
    """Weights, and three kinds of groups over them, some rows in no subnet."""
    n = draw(st.integers(1, 60))
    weight = draw(st.lists(st.floats(1e-4, 1e4), min_size=n, max_size=n))
    code = st.integers(0, draw(st.integers(0, 25)))
    who = np.array(draw(st.lists(code, min_size=n, max_size=n)))
    actor = np.where(who < draw(st.integers(0, 25)), 0, who)
    net = np.array(draw(st.lists(st.integers(-1, 12), min_size=n, max_size=n)))
    share = st.floats(0.01, 1.0)
    return np.array(weight), {
        "contributor": (who, draw(share)),
        "actor": (actor, draw(share)),
        "subnet": (net, draw(share)),
    }


def largest(weight, codes):
    return share_table(weight, codes, np.arange(codes.max() + 1))["share"].max()


def nominal(codes, cap):
    return max(cap, 2 / max(len(np.unique(codes[codes >= 0])), 1))


def can_be_met(groups, factor):
    """Whether some weights meet all caps at ``factor``, by linear programming."""
    left, right = [], []
    for codes, cap in groups.values():
        for g in np.unique(codes[codes >= 0]):
            left.append((codes == g).astype(float))
            right.append(factor * nominal(codes, cap))
    n = next(iter(groups.values()))[0].size
    found = linprog(
        np.zeros(n),
        A_ub=np.array(left) if left else None,
        b_ub=right or None,
        A_eq=np.ones((1, n)),
        b_eq=[1.0],
        bounds=(1e-4 / n, None),
    )
    return found.status == 0


@settings(max_examples=300, deadline=None)
@given(crowds())
def test_nobody_is_above_the_caps_that_hold(crowd):
    weight, groups = crowd
    capped, caps = cap_shares(weight, groups), effective_caps(weight, groups)
    assert capped.mean() == pytest.approx(1)
    assert (capped > 0).all()
    for kind, (codes, _) in groups.items():
        if (codes >= 0).any():
            assert largest(capped, codes) <= caps[kind] + 1e-9


@settings(max_examples=150, deadline=None)
@given(crowds())
def test_caps_are_loosened_only_when_they_contradict_each_other(crowd):
    weight, groups = crowd
    caps = effective_caps(weight, groups)
    if can_be_met(groups, 0.97):
        assert caps == pytest.approx({kind: nominal(*s) for kind, s in groups.items()}, rel=0.011)
    for kind, spec in groups.items():
        assert caps[kind] >= nominal(*spec)


def test_caps_that_can_only_just_be_met_are_not_loosened():
    weight = np.array([1.0] * 18 + [24, 41, 4, 264, 0.5])
    who = np.array([0] * 21 + [1, 2])
    net = np.array([0] * 17 + [2, 3, 4, 1, 1, 5])
    groups = {"contributor": (who, 1.0), "actor": (who, 0.5), "subnet": (net, 0.25)}
    assert effective_caps(weight, groups)["actor"] == pytest.approx(2 / 3)


@settings(max_examples=100, deadline=None)
@given(crowds(), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_kinds_is_no_matter(crowd, random):
    weight, groups = crowd
    order = np.array(random.sample(range(weight.size), weight.size))
    shuffled = {k: (c[order], cap) for k, (c, cap) in reversed(groups.items())}
    assert np.array_equal(cap_shares(weight, groups)[order], cap_shares(weight[order], shuffled))


@settings(max_examples=100, deadline=None)
@given(crowds(), st.floats(1e-3, 1e3))
def test_only_proportions_count(crowd, scale):
    weight, groups = crowd
    assert cap_shares(weight * scale, groups) == pytest.approx(cap_shares(weight, groups), rel=1e-4)


def test_weights_below_every_cap_keep_their_proportions():
    weight = np.array([1.0, 2.0, 3.0, 2.0])
    assert cap_shares(weight, {"contributor": (np.arange(4), 0.5)}) == pytest.approx(weight / 2)


def test_one_heavy_contributor_is_brought_to_its_share_and_the_others_stay_proportional():
    who = np.array([0] * 900 + list(range(1, 101)))
    capped = cap_shares(np.ones(1000), {"contributor": (who, 0.02)})
    assert capped[who == 0].sum() / 1000 == pytest.approx(0.02)
    assert np.ptp(capped[who > 0]) < 1e-9


def test_spreading_over_accounts_of_one_actor_buys_nothing():
    honest = np.arange(200)
    ring = np.full(100, 200)
    groups = {
        "contributor": (np.arange(300), 0.02),
        "actor": (np.concatenate([honest, ring]), 0.02),
    }
    capped = cap_shares(np.ones(300), groups)
    assert capped[200:].sum() / 300 == pytest.approx(0.02)


def test_rows_without_a_subnet_form_no_group():
    net = np.array([-1] * 90 + list(range(10)))
    capped = cap_shares(np.ones(100), {"subnet": (net, 0.1)})
    assert capped == pytest.approx(np.ones(100))


@pytest.mark.parametrize("groups", [{}, {"contributor": (np.zeros(0, int), 0.02)}])
def test_no_rows(groups):
    assert cap_shares(np.zeros(0), groups).size == 0


def test_one_group_alone_is_not_capped():
    assert cap_shares(np.array([1.0, 3.0]), {"actor": (np.zeros(2, int), 0.02)}) == pytest.approx(
        [0.5, 1.5]
    )


def test_all_weights_zero_stay_zero():
    assert not cap_shares(np.zeros(3), {"contributor": (np.arange(3), 0.02)}).any()


def test_contradicting_caps_are_loosened_together_and_then_hold(caplog):
    # One actor owns 98 of 100 contributors; the two others may not hold more than 2 % each.
    who = np.arange(100)
    actor = np.where(who < 98, 0, who)
    groups = {"contributor": (who, 0.02), "actor": (actor, 0.02)}
    caps = effective_caps(np.ones(100), groups)
    loosened = caps["actor"] / (2 / 3)
    assert caps["contributor"] / 0.02 == pytest.approx(loosened)
    assert not can_be_met(groups, loosened / 1.06)
    assert largest(cap_shares(np.ones(100), groups), actor) <= caps["actor"] + 1e-9
    assert "contradict" in caplog.text


@pytest.mark.parametrize("bad", [[-1.0], [np.nan], [np.inf]])
def test_weights_that_are_none_are_refused(bad):
    with pytest.raises(ValueError, match="finite and not negative"):
        cap_shares(np.array(bad), {})


def test_share_table_lists_every_group_largest_first():
    table = share_table(
        np.array([1.0, 2.0, 1.0]), np.array([0, 1, -1]), np.array(["a", "b", "c"], dtype=object)
    )
    assert table["id"].tolist() == ["b", "a", "c"]
    assert table["share"].tolist() == [0.5, 0.25, 0.0]

"""What the known groups say: bounded, never against reason, and right on what is known."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.actors.groups.behaviour import Behaviours
from detectors.actors.groups.judgement import CAMPAIGN, PRIOR
from detectors.actors.groups.reference import HONEST, MOST, log_likelihood_ratio

SUSPICIOUS = ("choices", "margin", "inward")
INNOCENT = ("topic", "slope", "uneven", "again")
PARTS = ("inward", "focus", "coverage", "density", "own_life", "exclusive")

known = pd.read_csv(files("detectors.actors.groups").joinpath("reference.csv"))
WIDE = {
    name: st.floats(0, 1) if name in PARTS else st.floats(-100, 1000) for name in Behaviours.names()
}
"""Anything at all; and lines of the reference, so that the search starts where it matters."""
LINES = st.one_of(
    st.fixed_dictionaries(WIDE),
    st.integers(0, len(known) - 1).map(lambda i: known[list(Behaviours.names())].iloc[i].to_dict()),
)


def groups(*lines: dict[str, float]) -> Behaviours:
    """Numbers of groups, one line each."""
    return Behaviours(**{n: np.array([line[n] for line in lines]) for n in Behaviours.names()})


@settings(max_examples=50, deadline=None)
@given(LINES)
def test_it_never_says_more_than_the_most(line: dict[str, float]) -> None:
    (nats,) = log_likelihood_ratio(groups(line))
    assert -MOST <= nats <= MOST


@settings(max_examples=80, deadline=None)
@given(LINES, st.sampled_from(SUSPICIOUS), st.floats(0, 100))
def test_more_of_what_campaigns_do_never_speaks_for_a_group(
    line: dict[str, float], name: str, more: float
) -> None:
    before, after = log_likelihood_ratio(groups(line, {**line, name: line[name] + more}))
    assert after >= before


@settings(max_examples=80, deadline=None)
@given(LINES, st.sampled_from(INNOCENT), st.floats(0, 100))
def test_more_of_what_people_do_never_speaks_against_a_group(
    line: dict[str, float], name: str, more: float
) -> None:
    before, after = log_likelihood_ratio(groups(line, {**line, name: line[name] + more}))
    assert after <= before


def test_a_group_is_judged_for_itself() -> None:
    lines = known[list(Behaviours.names())].iloc[::200].to_dict("records")
    together = log_likelihood_ratio(groups(*lines))
    assert together.tolist() == [float(log_likelihood_ratio(groups(line))[0]) for line in lines]


def test_no_groups_need_no_judgement() -> None:
    assert log_likelihood_ratio(groups()).size == 0


def test_known_campaigns_are_spoken_against_and_no_known_people_are_called() -> None:
    nats = log_likelihood_ratio(groups(*known[list(Behaviours.names())].to_dict("records")))
    of = pd.Series(nats).groupby(known["kind"])
    campaigns = sorted(set(known["kind"]) - set(HONEST))
    assert (of.agg(lambda said: (said > 0).mean())[campaigns] >= 0.9).all()
    assert (of.median()[campaigns] > 4).all()
    assert (of.median()[list(HONEST)] < -1).all()
    assert (of.agg(lambda said: (said >= CAMPAIGN - PRIOR).mean())[list(HONEST)] <= 0.02).all()


def test_the_reference_knows_every_kind_of_campaign_and_of_honest_group() -> None:
    assert set(known["kind"]) >= {*HONEST, "lockstep", "drip", "camouflage", "sleeper"}
    assert "covisit_injection" in set(known["kind"])
    assert known.notna().all(axis=None)
    assert (known["weight"] > 0).all()

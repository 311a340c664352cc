"""What the known groups say: bounded, never against reason, and right on what is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.actors.groups import reference
from detectors.actors.groups.behaviour import Behaviours
from detectors.actors.groups.judgement import CAMPAIGN, PRIOR
from detectors.actors.groups.reference import HONEST, MOST, log_likelihood_ratio

SUSPICIOUS = ("choices", "margin", "inward")
INNOCENT = ("topic", "slope", "uneven", "again")
PARTS = ("inward", "focus", "coverage", "density", "own_life", "exclusive")

NAMES = list(Behaviours.names())
known = pd.read_csv(Path(reference.__file__).with_name("reference.csv"))


def kept(lines: pd.DataFrame) -> list[dict[str, float]]:
    """Numbers of lines of the reference."""
    return [dict(zip(NAMES, line, strict=True)) for line in lines[NAMES].to_numpy(float).tolist()]


ANYTHING = {name: st.floats(0, 1) if name in PARTS else st.floats(-100, 1000) for name in NAMES}
LINES = st.one_of(st.fixed_dictionaries(ANYTHING), st.sampled_from(kept(known)))
"""Anything at all; and lines of the reference, so that the search starts where it matters."""


def groups(*lines: dict[str, float]) -> Behaviours:
    """Numbers of groups, one line each."""
    return Behaviours(**{n: np.array([line[n] for line in lines]) for n in NAMES})


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
    lines = kept(known.iloc[::200])
    together = log_likelihood_ratio(groups(*lines))
    assert together.tolist() == [float(log_likelihood_ratio(groups(line))[0]) for line in lines]


def test_no_groups_need_no_judgement() -> None:
    assert log_likelihood_ratio(groups()).size == 0


def test_known_campaigns_are_spoken_against_and_no_known_people_are_called() -> None:
    nats = log_likelihood_ratio(groups(*kept(known)))
    of = pd.Series(nats).groupby(known["kind"])
    campaigns = sorted(set(known["kind"]) - set(HONEST))
    assert (of.agg(lambda said: (said > 0).mean())[campaigns] >= 0.9).all()
    assert (of.median()[campaigns] > 3).all()
    assert (of.median()[list(HONEST)] < 0).all()
    assert (of.agg(lambda said: (said >= CAMPAIGN - PRIOR).mean())[list(HONEST)] <= 0.02).all()


def test_the_reference_knows_every_kind_of_campaign_and_of_honest_group() -> None:
    assert set(known["kind"]) >= {*HONEST, "lockstep", "drip", "camouflage", "sleeper"}
    assert "covisit_injection" in set(known["kind"])
    assert known.notna().all(axis=None)
    assert (known["weight"] > 0).all()

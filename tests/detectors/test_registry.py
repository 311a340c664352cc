"""Detectors are made by name, and a wrong policy is told where it is wrong."""

from __future__ import annotations

import pytest

from detectors.content.micro_models import MicroModels
from detectors.registry import DETECTORS, configured, make
from foretaste.core.errors import PolicyError
from foretaste.core.policy import Policy


def test_parameters_reach_the_constructor() -> None:
    made = make("micro_models", {"min_rows": 50, "low": -2})
    assert isinstance(made, MicroModels)
    assert (made.min_rows, made.low) == (50, -2)


@pytest.mark.parametrize(
    ("name", "params", "words"),
    [
        ("micro_modles", {}, "no such detector"),
        ("micro_models", {"min_row": 5}, "unknown parameter 'min_row'"),
        ("micro_models", {"min_rows": "many"}, "must be a number"),
        ("micro_models", {"min_rows": True}, "must be a number"),
        ("micro_models", {"min_rows": 5.5}, "whole number"),
        ("micro_models", {"high": float("nan")}, "must be finite"),
        ("micro_models", {"high": -1.0}, "must be above 0"),
        ("contributor_excess", {"low": 1.0}, "must be below 0"),
        ("contributor_excess", {"prior": 1.5}, "must be below 1"),
    ],
)
def test_a_mistake_names_the_detector(name: str, params: dict[str, object], words: str) -> None:
    with pytest.raises(PolicyError, match=words) as caught:
        make(name, params)
    assert f"detectors.{name}" in caught.value.message


def test_all_run_unless_the_policy_says_otherwise() -> None:
    assert list(configured(Policy())) == list(DETECTORS)


def test_a_detector_can_be_switched_off_and_set() -> None:
    policy = Policy.model_validate(
        {
            "detectors": {
                "outliers": {"enabled": False},
                "newcomers": {"params": {"windows": 3}},
            }
        }
    )
    made = configured(policy)
    assert set(DETECTORS) - set(made) == {"outliers"}
    assert made["newcomers"].windows == 3  # type: ignore[attr-defined]


def test_rules_come_from_the_policy() -> None:
    rule = {"name": "no_pills", "where": "text like '%pills%'", "llr": 3}
    made = configured(Policy.model_validate({"rules": [rule]}))["rules"]
    assert [r.name for r in made.rules] == ["no_pills"]  # type: ignore[attr-defined]


def test_an_unknown_name_in_the_policy_is_refused() -> None:
    policy = Policy.model_validate({"detectors": {"micromodels": {}}})
    with pytest.raises(PolicyError, match=r"detectors\.micromodels"):
        configured(policy)

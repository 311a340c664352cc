"""Every detector by name; a new one is one file and one line here."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, cast

from foretaste.core.errors import PolicyError
from foretaste.core.evidence import Detector
from foretaste.core.policy import Policy

_PATHS = {
    "actors": "detectors.actors:ActorDetector",
    "micro_models": "detectors.content.micro_models:MicroModels",
    "time_slices": "detectors.content.time_slices:TimeSlices",
    "contributor_excess": "detectors.content.contributor_excess:ContributorExcess",
    "newcomers": "detectors.content.newcomers:Newcomers",
    "crowd": "detectors.content.crowd:Crowd",
    "label_noise": "detectors.content.label_noise:LabelNoise",
    "neighbours": "detectors.content.neighbours:Neighbours",
    "contributor_shift": "detectors.content.contributor_shift:ContributorShift",
    "ratings": "detectors.content.ratings:RatingsDetector",
    "outliers": "detectors.content.outliers:Outliers",
    "slice_outliers": "detectors.content.slice_outliers:SliceOutliers",
    "spectral": "detectors.content.spectral:Spectral",
    "near_duplicates": "detectors.content.duplicates:NearDuplicates",
    "trigger_lift": "detectors.content.trigger_lift:TriggerLift",
    "rules": "detectors.content.rules:Rules",
}


def _imported_when_used(path: str) -> Callable[..., Detector]:
    """Stand in for a class until it is called; importing all of them takes a second."""

    def build(**params: Any) -> Detector:
        module, _, name = path.partition(":")
        made = getattr(import_module(module), name)
        _check(made, params)
        return cast(Detector, made(**params))

    return build


DETECTORS: dict[str, Callable[..., Detector]] = {
    name: _imported_when_used(path) for name, path in _PATHS.items()
}
"""Name to constructor. ``actors`` is run when actors are resolved, before the others."""


def make(name: str, params: Mapping[str, Any] | None = None) -> Detector:
    """Build a registered detector.

    Raises
    ------
    PolicyError
        If the name is unknown, or a parameter is unknown or of the wrong type; the
        location names ``detectors.<name>``.
    """
    if name not in DETECTORS:
        raise PolicyError(
            "there is no such detector",
            location=f"detectors.{name}",
            hint=f"known: {', '.join(DETECTORS)}",
        )
    try:
        return DETECTORS[name](**dict(params or {}))
    except (TypeError, ValueError) as error:
        raise PolicyError(str(error), location=f"detectors.{name}") from None


def configured(policy: Policy) -> dict[str, Detector]:
    """Build the detectors that the policy leaves on, in the registry's order.

    Raises
    ------
    PolicyError
        If the policy names a detector that is not registered, or a wrong parameter.
    """
    for name in policy.detectors:
        if name not in DETECTORS:
            make(name)
    return {
        name: make(name, _params(policy, name))
        for name in DETECTORS
        if policy.detector(name).enabled
    }


def _params(policy: Policy, name: str) -> dict[str, Any]:
    params = dict(policy.detector(name).params)
    if name == "rules":
        params.setdefault("rules", policy.rules)
    return params


def _check(made: Callable[..., Any], params: Mapping[str, Any]) -> None:
    """Refuse unknown parameters, and values unlike the default's kind or sign."""
    known = inspect.signature(made).parameters
    for name, value in params.items():
        if name not in known:
            raise TypeError(f"unknown parameter {name!r}; known: {', '.join(known)}")
        default = known[name].default
        if isinstance(default, bool) or not isinstance(default, int | float):
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"{name} must be a number, not {value!r}")
        if isinstance(default, int) and not isinstance(value, int):
            raise TypeError(f"{name} must be a whole number, not {value!r}")
        if not math.isfinite(value):
            raise ValueError(f"{name} must be finite, not {value!r}")
        if default > 0 >= value or default < 0 < value:
            raise ValueError(
                f"{name} must be {'above' if default > 0 else 'below'} 0, not {value!r}"
            )
        if name.endswith("prior") and value >= 1:
            raise ValueError(f"{name} is a probability and must be below 1, not {value!r}")

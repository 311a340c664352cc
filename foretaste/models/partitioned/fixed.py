"""What the policy alone says of a model, so that no row has a say in its shape."""

from __future__ import annotations

from foretaste.core.contract import FEATURE_PREFIX
from foretaste.core.policy import Policy
from foretaste.models.inputs import Inputs


def proving(policy: Policy) -> bool:
    """Say whether the policy asks for a model whose certificates are to be proofs."""
    return policy.model.certified.enabled and policy.model.certified.filters == "own"


def fixed_inputs(policy: Policy) -> Inputs:
    """Give the columns that the policy maps, whether rows carry them or not."""
    columns = policy.columns
    features = tuple(FEATURE_PREFIX + name for name in columns.features)
    return Inputs(text=columns.text is not None, features=features)


def fixed_classes(policy: Policy) -> int | None:
    """Count the labels that the policy lists; None where rows may bring their own."""
    label = policy.label
    if label.type == "numeric":
        return len(label.bins) + 1
    return len(label.values) if label.values else None

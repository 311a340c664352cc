"""Put an ensemble around the policy's model, behind the steps that learn nothing.

Hashing texts once instead of once per base model, and fitting each on the columns of its own
rows, is what makes the ensemble cheap; a step that does learn goes inside, where each base
model fits its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from foretaste.core.policy import Certified
from foretaste.models.partitioned.certificate import Certificates
from foretaste.models.partitioned.conditions import learns_nothing


def ensemble(model: Any, wanted: Certified, salt: bytes) -> Any:
    """Make the unfitted ensemble of ``model``: a pipeline where steps could stay in front.

    Parameters
    ----------
    model
        Unfitted classifier, as ``foretaste.models.factory.build_model`` returns it.
    wanted
        The policy's ``model.certified``.
    salt
        Secret, derived from the workspace key for this purpose.
    """
    from sklearn.pipeline import Pipeline

    from foretaste.models.partitioned.estimator import PartitionedClassifier
    from foretaste.models.partitioned.narrow import narrow

    steps = list(model.steps) if isinstance(model, Pipeline) else [("model", model)]
    front = []
    while len(steps) > 1 and learns_nothing(steps[0][1]):
        front.append(steps.pop(0))
    steps[-1] = (steps[-1][0], narrow(steps[-1][1]))
    voting = PartitionedClassifier(
        Pipeline(steps) if len(steps) > 1 else steps[0][1],
        wanted.partitions,
        salt,
        spread=wanted.spread,
        vote=wanted.vote,
    )
    return Pipeline([*front, ("accounts", voting)]) if front else voting


def fit_ensemble(
    model: Any,
    X: Any,
    y: np.ndarray,
    groups: np.ndarray,
    weight: np.ndarray | None = None,
    before: Any = None,
) -> Any:
    """Fit what ``ensemble`` made; see ``PartitionedClassifier.fit``.

    Parameters
    ----------
    before
        An earlier model of any kind; base models that would come out the same are kept.
    """
    from foretaste.models.partitioned.estimator import PartitionedClassifier

    prefix = f"{model.steps[-1][0]}__" if hasattr(model, "steps") else ""
    given = {f"{prefix}groups": groups, f"{prefix}sample_weight": weight}
    if before is not None and isinstance(voters(before), PartitionedClassifier):
        given[f"{prefix}before"] = voters(before)
    return model.fit(X, y, **given)


def certify(model: Any, X: Any) -> Certificates:
    """Certify predictions of a fitted ensemble; see ``PartitionedClassifier.certify``."""
    voting, seen = _entered(model, X)
    found: Certificates = voting.certify(seen)
    return found


def forget(
    model: Any,
    accounts: np.ndarray,
    X: Any,
    y: np.ndarray,
    groups: np.ndarray,
    weight: np.ndarray | None = None,
    *,
    salt: bytes,
) -> int:
    """Unlearn accounts in place, also in a loaded model; see ``PartitionedClassifier.forget``."""
    voting, seen = _entered(model, X)
    return int(voting.set_params(salt=salt).forget(accounts, seen, y, groups, weight))


def voters(model: Any) -> Any:
    """Give the ``PartitionedClassifier`` itself, behind whatever stands before it."""
    return model.steps[-1][1] if hasattr(model, "steps") else model


def _entered(model: Any, X: Any) -> tuple[Any, Any]:
    """Give the ensemble itself, and the rows as they reach it."""
    return voters(model), model[:-1].transform(X) if hasattr(model, "steps") else X

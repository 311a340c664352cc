"""Train a candidate on accepted rows, each with its weight."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd

from foretaste.core.errors import GateRefused, IntegrityError, PolicyError
from foretaste.core.policy import Policy
from foretaste.models.augment import augmented
from foretaste.models.factory import build_model, weight_argument
from foretaste.models.inputs import Inputs
from foretaste.models.partitioned.fixed import fixed_classes, fixed_inputs, proving
from foretaste.models.partitioned.wrapping import ensemble, fit_ensemble

log = logging.getLogger(__name__)

_NO_SECRET: Final = b"foretaste: partitions that anybody can compute"


class Predictor(Protocol):
    """What can be asked for predictions: a model fresh from training, or a loaded one."""

    @property
    def model(self) -> Any:
        """The fitted scikit-learn classifier."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Labels in the order of the probabilities' columns."""

    @property
    def inputs(self) -> Inputs:
        """The columns that it reads."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A fitted classifier and what it was fitted on.

    Parameters
    ----------
    model
        The fitted scikit-learn classifier.
    classes
        Labels in the order of the probabilities' columns, sorted.
    inputs
        The columns that it reads.
    n_rows
        Rows with a weight above 0 that it learnt from.
    seed
        Seed of every random choice.
    """

    model: Any
    classes: tuple[str, ...]
    inputs: Inputs
    n_rows: int
    seed: int


def train(
    accepted: pd.DataFrame, policy: Policy, seed: int, *, salt: bytes = b"", before: Any = None
) -> Trained:
    """Fit the policy's model on ``accepted``; the order of its rows changes nothing.

    Parameters
    ----------
    accepted
        Columns of the contract and ``weight``, finite and at least 0; rows of weight 0
        are left out, the others re-scaled to a mean of 1, in certified mode within each
        base model.
    policy
        Says which model; ``model.parameters`` go to the factory, or to the last step of
        the default.
    seed
        Seed of every random choice.
    salt
        In certified mode it says which base model learns from whom, and is derived from
        the workspace's key. Without one anybody can tell: do so only for a model that is
        measured and thrown away.
    before
        An earlier model of this workspace, verified. In certified mode base models whose
        rows are the same are taken over from it; the result is the same to the last bit.

    Raises
    ------
    GateRefused
        If fewer than two classes are left: a model of one class passes for perfect.
    PolicyError
        If the factory or its parameters are wrong.
    IntegrityError
        If a weight or a label is not what earlier steps promise.
    """
    rows = _usable(accepted)
    labels = rows["label"].astype(str).to_numpy(object)
    classes = tuple(sorted(set(labels)))
    if len(classes) < 2:
        raise GateRefused(
            f"training needs two classes, and the accepted rows hold {len(classes)}",
            reasons=("fewer than two classes among the accepted rows",),
            hint="look at what was held: `foretaste cases`",
        )
    n_rows, rows = len(rows), augmented(rows, policy.model.augment, seed)
    labels = rows["label"].astype(str).to_numpy(object)
    inputs = fixed_inputs(policy) if proving(policy) else Inputs.of(rows)
    shape = fixed_classes(policy) if proving(policy) else None
    model = build_model(policy, inputs, shape or len(classes), seed)
    view = inputs.frame(rows)
    with _one_thread():
        if policy.model.certified.enabled:
            model = ensemble(model, policy.model.certified, salt or _NO_SECRET)
            _fit_ensemble(model, view, labels, rows, before)
        else:
            _fit(model, view, labels, rows)
    log.info("trained on %d rows of %d classes", n_rows, len(classes))
    return Trained(model, classes, inputs, n_rows, seed)


def _usable(accepted: pd.DataFrame) -> pd.DataFrame:
    weight = accepted["weight"].to_numpy(np.float64, na_value=np.nan)
    if not (np.isfinite(weight) & (weight >= 0)).all() or accepted["label"].isna().any():
        raise IntegrityError(
            "accepted rows must carry a label and a finite weight of at least 0",
            hint="this is a fault in foretaste; keep the run folder and report it",
        )
    rows = accepted[weight > 0]
    return rows.sort_values("row_id", ignore_index=True)


def _fit(model: Any, view: pd.DataFrame, labels: np.ndarray, rows: pd.DataFrame) -> None:
    weight = rows["weight"].to_numpy(np.float64)
    model.fit(view, labels, **{weight_argument(model): weight / weight.mean()})


def _fit_ensemble(
    model: Any, view: pd.DataFrame, labels: np.ndarray, rows: pd.DataFrame, before: Any
) -> None:
    # Weights as they are: a mean over all rows would carry others' into every base model.
    weight = rows["weight"].to_numpy(np.float64)
    accounts = rows["contributor_id"].to_numpy(object)
    fit_ensemble(model, view, labels, accounts, weight, before)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Fit on one thread, and tell a wrong parameter as what it is."""
    from sklearn.utils._param_validation import InvalidParameterError
    from threadpoolctl import threadpool_limits

    # Sums of BLAS depend on its threads; and on a busy machine OpenMP's waiting threads
    # took nine times as long as one thread alone.
    try:
        with threadpool_limits(1), warnings.catch_warnings():
            # Bounds on rounds are on purpose, and columns are what contributors make them.
            warnings.filterwarnings("ignore", module=r"sklearn\.")
            yield
    except InvalidParameterError as error:
        raise PolicyError(str(error), location="params.yaml: model.parameters") from None

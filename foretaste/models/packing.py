"""Models as bytes: skops with an explicit allow-list, never pickle."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import warnings
from dataclasses import asdict, dataclass
from typing import Any, Final

from foretaste.core.errors import PolicyError, Tampered, WorkspaceError
from foretaste.models.card import ModelCard
from foretaste.models.inputs import Inputs
from foretaste.models.train import Trained

TRUSTED: Final = (
    "foretaste.models.partitioned.estimator.PartitionedClassifier",
    "foretaste.models.partitioned.narrow.OwnColumns",
    "numpy.dtype",
    # Of a network's training; numbers only.
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
)
"""Types beyond skops' own list that a model may hold; all others are refused."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A model as it will lie on disk.

    Parameters
    ----------
    data
        The bytes of ``model.skops``.
    digest
        Their SHA-256 in hex. Packing the same model again gives other bytes: it is
        packed once and hashed once.
    """

    data: bytes
    digest: str


def pack(trained: Trained) -> Packed:
    """Turn a trained model into bytes, and refuse one that could not be loaded again.

    Raises
    ------
    PolicyError
        If a user's factory built something of a type outside the allow-list.
    """
    import skops.io

    data = skops.io.dumps(trained.model)
    if foreign := _foreign(data):
        raise PolicyError(
            f"the model holds types outside the allow-list: {', '.join(foreign)}",
            location="params.yaml: model.factory",
            hint="build it from scikit-learn's own estimators and functions",
        )
    return Packed(data, hashlib.sha256(data).hexdigest())


def unpack(data: bytes) -> Any:
    """Build the estimator from bytes; call only on bytes whose digest was verified.

    Raises
    ------
    Tampered
        If the bytes are no model or hold a type outside the allow-list.
    """
    import skops.io
    from sklearn.exceptions import InconsistentVersionWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InconsistentVersionWarning)
            return skops.io.loads(data, trusted=list(TRUSTED))
    except Exception as error:  # a parser of hostile bytes may raise anything
        raise Tampered(f"the model file cannot be read: {type(error).__name__}") from error


def try_in_child(data: bytes, card: ModelCard, *, memory_mb: int, seconds: int) -> None:
    """Load the model in a child with limits and let it answer once.

    skops' list of types does not bound what a file makes the process do; a child that
    dies takes nothing with it.

    Raises
    ------
    WorkspaceError
        If the child did not survive.
    """
    task = {"inputs": asdict(card.inputs), "memory_mb": memory_mb, "seconds": seconds}
    # -P: a module planted in the working folder is not found before the installed one.
    command = [sys.executable, "-P", "-m", "foretaste.models.probe", json.dumps(task)]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    try:
        ended = subprocess.run(
            command, input=data, env=env, capture_output=True, check=False, timeout=10 * seconds
        )
    except subprocess.TimeoutExpired:
        raise _unfit(card, f"it took more than {10 * seconds} s to load") from None
    if ended.returncode:
        last = ended.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        why = last[0][:200] if last else "no word"
        raise _unfit(card, f"loading it ended a child with code {ended.returncode}: {why}")


def answers(model: Any, inputs: Inputs) -> bool:
    """Say whether a model gives finite probabilities for one plain row."""
    import numpy as np
    import pandas as pd

    row = pd.DataFrame([{c: "" if c == "text" else 0.0 for c in inputs.columns}])
    return bool(np.isfinite(model.predict_proba(inputs.frame(row))).all())


def _foreign(data: bytes) -> list[str]:
    import skops.io

    return sorted(set(skops.io.get_untrusted_types(data=data)) - set(TRUSTED))


def _unfit(card: ModelCard, why: str) -> WorkspaceError:
    return WorkspaceError(
        f"model {card.digest[:12]} is signed but not fit for use: {why}",
        hint="promote another model, or train again",
    )

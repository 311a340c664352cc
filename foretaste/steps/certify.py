"""What is proven of a candidate, for its card and as gates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from foretaste.core.gate import Gate
from foretaste.core.policy import Policy
from foretaste.models.partitioned.certificate import Certificates
from foretaste.models.partitioned.conditions import standing
from foretaste.models.partitioned.curve import (
    UP_TO,
    CertifiedCurve,
    certificate_gates,
    certified_curve,
)
from foretaste.models.partitioned.wrapping import certify, voters
from foretaste.steps.train import Candidate

Proven = tuple[dict[str, Any] | None, tuple[Gate, ...]]


def certificate_of(candidate: Candidate, golden: pd.DataFrame | None, policy: Policy) -> Proven:
    """Certify a candidate's answers on golden rows.

    Parameters
    ----------
    candidate
        As ``read_candidate`` gives it, with the circumstances of its training.
    golden
        Trusted rows with ``label``; None where the user keeps none.

    Returns
    -------
    dict, tuple of Gate
        What the card says, ``certified`` or ``heuristic`` with the reasons first, and the
        gates; None and no gates for a model that is no ensemble over accounts.
    """
    if candidate.circumstances is None:
        return None, ()
    limits = policy.model.certified
    found, truth = _answers(candidate, golden)
    judged = standing(candidate.circumstances, candidate.model)
    curve = certified_curve(found, truth, judged, up_to=max(UP_TO, limits.hostile))
    fitted = voters(candidate.model)
    how = {
        "partitions": fitted.n_partitions,
        "spread": fitted.spread,
        "vote": fitted.vote,
        "salt": fitted.salt_id_,
    }
    return {**_told(curve), **how}, certificate_gates(curve, limits)


def _answers(candidate: Candidate, golden: pd.DataFrame | None) -> tuple[Certificates, np.ndarray]:
    from threadpoolctl import threadpool_limits

    known = golden[golden["label"].notna()] if golden is not None else None
    if known is None or known.empty:
        return Certificates(np.zeros(0, object), np.zeros(0, np.int64)), np.zeros(0, object)
    with threadpool_limits(1):
        found = certify(candidate.model, candidate.inputs.frame(known))
    return found, known["label"].to_numpy(object)


def _told(curve: CertifiedCurve) -> dict[str, Any]:
    """Tell the curve in plain words and numbers; ``accuracy[m]`` is at m hostile accounts."""
    return {
        "word": curve.word,
        "reasons": list(curve.reasons),
        "golden_rows": curve.rows,
        "accuracy": [curve.accuracy(m) for m in curve.hostile],
        "recall": {c: [curve.recall(c, m) for m in curve.hostile] for c in curve.support},
    }

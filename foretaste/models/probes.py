"""Which trusted rows a gate is about, and what the candidate should say on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from foretaste.models import together
from foretaste.models.evaluate import Scored, TrustedSets
from foretaste.models.influence import Probe

GOLDEN: Final = ("no_regression", "floor", "weak_slices", "calibration")
ATTACKS: Final = ("attack_success", "attack_worst", "attacks_not_worse", "attack_pull")
LOOK_ALIKES: Final = ("look_alikes", "look_alikes_not_worse")
TRAFFIC: Final = ("ab_replay",)
CHURN: Final = ("unexplained_churn", "churn")
WHOLE: Final = (together.NAME,)
SEARCHABLE: Final = (*ATTACKS, *GOLDEN, *LOOK_ALIKES, *TRAFFIC, *WHOLE, *CHURN)
"""Gates that fail on rows with a right answer, the most telling first; the others, such as
the size of the model, have no group of actors behind them that this could find."""


def probe_of(gate: str, sets: TrustedSets, champion: Scored | None) -> Probe | None:
    """Choose the rows on which a gate failed; None where there are none.

    Attack gates ask for the true labels of attacks, gates on look-alikes for those of the
    look-alikes, replay for the outcomes, churn for what the champion says; measures
    together for the golden labels and the truth about attacks; the rest for the golden labels.
    """
    if gate in ATTACKS or gate in LOOK_ALIKES:
        return _canaries(sets.canaries, attacks=gate in ATTACKS)
    if gate in TRAFFIC:
        return _labelled(sets.traffic, "outcome")
    if gate in WHOLE:
        parts = [_labelled(sets.golden, "label"), _canaries(sets.canaries, attacks=True)]
        return _joined([part for part in parts if part is not None])
    if gate in GOLDEN:
        return _labelled(sets.golden, "label")
    if gate in CHURN and sets.golden is not None and champion and champion.golden:
        return Probe(sets.golden, champion.golden.labels)
    return None


def _canaries(canaries: pd.DataFrame | None, *, attacks: bool) -> Probe | None:
    if canaries is None or not {"attack", "true_label"} <= set(canaries.columns):
        return None
    return _labelled(canaries[canaries["attack"].notna() == attacks], "true_label")


def _joined(parts: Sequence[Probe]) -> Probe | None:
    if not parts:
        return None
    rows = pd.concat([part.rows for part in parts], ignore_index=True)
    return Probe(rows, np.concatenate([part.labels for part in parts]))


def _labelled(rows: pd.DataFrame | None, column: str) -> Probe | None:
    if rows is None or column not in rows or not rows[column].notna().any():
        return None
    known = rows[rows[column].notna()]
    return Probe(known, known[column].astype(str).to_numpy(object))

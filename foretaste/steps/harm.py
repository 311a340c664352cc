"""Turn what actors' rows do to a model on the golden set into evidence on tonight's rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from foretaste.core.batch import Batch
from foretaste.core.evidence import Opinion, to_micro_nats
from foretaste.core.features import dense_features
from foretaste.core.policy import Harm as Limits
from foretaste.models.harm import Harm, Ridge, Settings, harm_of
from foretaste.steps.opinions import write_opinion

NAME: Final = "harm"
VERSION: Final = "1"
LEAST_GOLDEN: Final = 100
"""Golden rows below which noise hides every harm."""


def harm(
    resolved: Path, golden: pd.DataFrame | None, limits: Limits, out: Path
) -> Mapping[str, int]:
    """Write the opinion ``harm`` on tonight's rows into ``out``, as detectors do.

    Parameters
    ----------
    resolved
        Folder of the step that found the actors.
    golden
        From ``read_trusted``; None: it abstains.
    """
    batch = Batch.load(resolved / "batch")
    opinion = opinion_on(batch, golden, limits)
    write_opinion(out, opinion, batch)
    return {"rows": int(((opinion.llr != 0) & batch.tonight).sum())}


def opinion_on(batch: Batch, golden: pd.DataFrame | None, limits: Limits) -> Opinion:
    """Judge the actors of tonight's rows by what all their rows in the window do."""
    usable = _usable(batch, golden)
    why = _silent(batch, usable, limits)
    if why or usable is None:
        return _said(batch, (), limits, why)
    dense = dense_features(_both(batch, usable))
    model = Ridge.fit(
        dense[: batch.n_rows],
        batch.labels,
        np.maximum(batch.history_weight, 1e-6),
        dense[batch.n_rows :],
        np.searchsorted(np.array(batch.classes), usable["label"].to_numpy(str)),
        classes=len(batch.classes),
    )
    tonight = np.isin(batch.actors, np.unique(batch.actors[batch.tonight]))
    found = harm_of(
        model.effect,
        np.where(tonight, batch.actors, -1),
        batch.contributors,
        usable["label"].to_numpy(str),
        Settings(draws=limits.draws, level=limits.level, cap=limits.max_llr),
        seed=batch.seed,
    )
    return _said(batch, found, limits, "")


def _usable(batch: Batch, golden: pd.DataFrame | None) -> pd.DataFrame | None:
    """Golden rows whose label contributors use too."""
    if golden is None or "label" not in golden:
        return None
    labels = golden["label"].astype("str")
    return golden.assign(label=labels)[labels.isin(list(batch.classes))]


def _silent(batch: Batch, golden: pd.DataFrame | None, limits: Limits) -> str:
    if not limits.enabled:
        return "switched off by the policy"
    if golden is None or len(golden) < LEAST_GOLDEN:
        return f"the golden set holds fewer than {LEAST_GOLDEN} rows of known labels"
    missing = [c for c in _inputs(batch) if c not in golden]
    if missing:
        return f"the golden set lacks columns: {', '.join(missing[:5])}"
    return "" if batch.features.shape[1] else "the rows carry neither text nor features"


def _inputs(batch: Batch) -> list[str]:
    names = [c for c in map(str, batch.rows) if c.startswith("f_")]
    text = batch.rows["text"].notna().any()
    return [*names, "text"] if text else names


def _both(batch: Batch, golden: pd.DataFrame) -> pd.DataFrame:
    """Contributions, then golden rows: one scale for both."""
    names = _inputs(batch)
    both = pd.concat([batch.rows[names], golden[names]], ignore_index=True)
    return both if "text" in both else both.assign(text=None)


def _said(batch: Batch, found: tuple[Harm, ...], limits: Limits, why: str) -> Opinion:
    """Spread each actor's evidence over its rows."""
    size = int(batch.actors.max()) + 1 if batch.n_rows else 0
    llr, score = np.zeros(size), np.zeros(size)
    text = [""] * size
    for one in (one for one in found if one.llr > 0):
        llr[one.cohort], score[one.cohort] = one.llr, one.slice_effect
        # The slice is named by its number: no label stands in a reason.
        at = batch.classes.index(one.slice)
        text[one.cohort] = (
            f"harm: class {at} loses {one.slice_effect:.4f} nats n={one.rows} p={one.p_value:.3f}"
        )
    own = llr[batch.actors] if size else llr
    codes: list[int] = batch.actors.tolist()
    return Opinion(
        detector=NAME,
        version=VERSION,
        family=NAME,
        llr=to_micro_nats(own, limits.max_llr),
        score=score[batch.actors] if size else score,
        flagged=own > 0,
        reason=[text[code] for code in codes],
        abstained=why,
    )

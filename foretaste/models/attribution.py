"""Whether a candidate decides by other features than the champion did.

A backdoor or a flooded feature shows in what a model looks at before it shows in how
often it is right. How far attributions move by training alone is told by twins.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from foretaste.core.gate import Gate, GateState
from foretaste.core.policy import Gates
from foretaste.models.churn import not_measured
from foretaste.models.evaluate import log_loss
from foretaste.models.measure import Interval, gate
from foretaste.models.noise import tolerated
from foretaste.models.predict import predict
from foretaste.models.sample import sampled
from foretaste.models.train import Predictor

_REPEATS: Final = 3
_WORDS: Final = 30
_LETTERS: Final = 2000
_FACTOR: Final = 2.0
"""A twin lies a distance off too, never on the other side: twice it is unusual."""


def attribution_gate(
    candidate: Predictor,
    champion: Predictor,
    twins: Sequence[Predictor],
    golden: pd.DataFrame,
    limits: Gates,
    *,
    seed: int,
) -> Gate:
    """Warn when more of the attribution moved than twice what retraining alone moves."""
    rows = sampled(golden, limits.probe_rows)
    if not twins or rows.empty:
        return not_measured(
            "attribution_shift", "how far training alone moves attributions was not measured"
        )
    before = importance(champion, rows, seed)
    now = importance(candidate, rows, seed)
    seen = _moved(now, before)
    floor = _FACTOR * tolerated([_moved(importance(t, rows, seed), before) for t in twins])
    state = GateState.PASS if seen <= floor else GateState.WARN
    change = (_shares(now) - _shares(before)).sort_values(kind="stable")
    return gate(
        "attribution_shift",
        Interval(seen, seen, seen),
        state,
        threshold=f"<= {floor:.3f}",
        meaning=(
            f"share of what the model looks at that moved; {change.index[-1]} gained most, "
            f"{change.index[0]} lost most"
        ),
        action="look at the release's rows that carry what gained; `foretaste blast` names senders",
    )


def importance(model: Predictor, rows: pd.DataFrame, seed: int) -> pd.Series:
    """Tell how much the model needs each feature and each frequent word, at least 0.

    Features: rise of the log-loss when a column is permuted (Breiman 2001; scikit-learn's
    ``permutation_importance``). Words: change of the true label's probability either way,
    summed over rows, when the word is taken out (occlusion): a trigger helps one class.
    """
    found: dict[str, float] = {}
    if model.inputs.features:
        found |= _columns(model, rows, seed)
    if model.inputs.text:
        found |= _words(model, rows)
    return pd.Series(found, dtype=float).clip(lower=0.0).sort_index()


def _columns(model: Predictor, rows: pd.DataFrame, seed: int) -> dict[str, float]:
    from sklearn.inspection import permutation_importance
    from threadpoolctl import threadpool_limits

    def sure(fitted: Any, X: pd.DataFrame, y: np.ndarray) -> float:
        return -log_loss(model.classes, fitted.predict_proba(X), y)

    view = model.inputs.frame(rows)
    labels = rows["label"].astype(str).to_numpy(object)
    with threadpool_limits(1):
        found = permutation_importance(
            model.model, view, labels, scoring=sure, n_repeats=_REPEATS, random_state=seed
        )
    means = dict(zip(view.columns, found.importances_mean, strict=True))
    return {str(name): float(value) for name, value in means.items() if name != "text"}


def _words(model: Predictor, rows: pd.DataFrame) -> dict[str, float]:
    from sklearn.feature_extraction.text import CountVectorizer

    rows = rows.assign(text=rows["text"].fillna("").astype(str).str[:_LETTERS])
    if not rows["text"].str.contains(r"\w\w").any():
        return {}
    counter = CountVectorizer(binary=True, max_features=_WORDS)
    present = counter.fit_transform(rows["text"]).toarray().astype(bool)
    names = counter.get_feature_names_out()
    parts = [_without(rows[present[:, j]], str(name)) for j, name in enumerate(names)]
    sure = _sure(model, rows)
    fall = np.split(_sure(model, pd.concat(parts)), np.cumsum([len(p) for p in parts])[:-1])
    return {
        f"word {name}": float(np.abs(sure[present[:, j]] - fall[j]).sum())
        for j, name in enumerate(names)
    }


def _without(rows: pd.DataFrame, word: str) -> pd.DataFrame:
    return rows.assign(text=rows["text"].str.replace(rf"(?i)\b{word}\b", " ", regex=True))


def _sure(model: Predictor, rows: pd.DataFrame) -> np.ndarray:
    """Probability of the true label of each row; 0 for a label the model does not know."""
    said = predict(model, rows)
    column = {name: i for i, name in enumerate(said.classes)}
    codes = rows["label"].astype(str).map(column).fillna(-1).to_numpy(int)
    return np.where(codes >= 0, said.probability[np.arange(len(rows)), codes], 0.0)


def _shares(found: pd.Series) -> pd.Series:
    total = float(found.sum())
    return found / total if total > 0 else found


def _moved(one: pd.Series, other: pd.Series) -> float:
    """Total variation distance of two attributions: 0 the same, 1 nothing in common."""
    a, b = _shares(one).align(_shares(other), fill_value=0.0)
    return float((a - b).abs().sum() / 2)

"""How a candidate stands up to attackers at inference, and to noise; warnings only.

Both gates put the same questions to the champion, so a task that is fragile by nature
does not warn every night.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import pandas as pd

from foretaste.core.gate import Gate, GateState
from foretaste.core.policy import Gates
from foretaste.models.augment import disturbed, numbers_of, swapped
from foretaste.models.measure import Change, change, gate, undecided
from foretaste.models.predict import predict
from foretaste.models.sample import sampled
from foretaste.models.train import Predictor

_STEP: Final = 0.5
_ADVICE: Final = "model.augment and model.squeeze train with disturbed rows"
Edit = Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame]


def robustness_gates(
    candidate: Predictor, champion: Predictor, golden: pd.DataFrame, limits: Gates, *, seed: int
) -> tuple[Gate, Gate]:
    """Ask both models the same disturbed golden rows, up to ``gates.probe_rows`` of them.

    Parameters
    ----------
    golden
        ``label`` and the models' inputs.
    seed
        Of the disturbances.
    """
    rows = sampled(golden, limits.probe_rows)
    if rows.empty:
        why = "no labelled golden row to disturb"
        advice = "label golden rows"
        names = ("evasion", "stability")
        two = [undecided(n, threshold="measured", meaning=why, action=advice) for n in names]
        return two[0], two[1]
    labels = rows["label"].astype(str).to_numpy(object)
    models = (candidate, champion)
    right = [predict(m, rows).labels == labels for m in models]
    shaken = disturbed(rows, np.random.default_rng(seed))
    turned = [
        was & (predict(m, shaken).labels != labels) for m, was in zip(models, right, strict=True)
    ]
    # Only rows that both know: a model that is better has more to lose.
    fair = right[0] & right[1]
    probed = rows[fair].reset_index(drop=True)
    evaded = [evade(m, probed, limits.probe_queries, seed) for m in models]
    return (
        _warning("evasion", change(evaded[0], evaded[1], limits.alpha), limits, int(fair.sum()),
                 f"{limits.probe_queries} questions of a black-box random search"),
        _warning("stability", change(turned[0][fair], turned[1][fair], limits.alpha), limits,
                 int(fair.sum()), "noise, rounding and misspelling"),
    )  # fmt: skip


def evade(model: Predictor, rows: pd.DataFrame, queries: int, seed: int) -> np.ndarray:
    """Try to turn right answers by a random search that sees probabilities only.

    A step changes one number by half a standard deviation, or one word, and is kept where
    the true label's probability fell (SimBA; Guo et al., ICML 2019; for texts with words
    of other classes, after Lowd and Meek, CEAS 2005). It finds fewer holes than an attack
    with gradients would: what it finds is a lower bound.

    Returns
    -------
    numpy.ndarray
        (n,) bool: whose answer was turned within ``queries`` questions each.
    """
    turned = np.zeros(len(rows), dtype=bool)
    if rows.empty:
        return turned
    rng = np.random.default_rng(seed)
    labels = rows["label"].astype(str).to_numpy(object)
    step = _steps(rows)
    now, sure = rows, _true_probability(model, rows, labels)[0]
    for _ in range(queries):
        tried = step(now, rng)
        told, said = _true_probability(model, tried, labels)
        turned |= said != labels
        better = told < sure
        now, sure = tried.where(pd.Series(better), now), np.where(better, told, sure)
    return turned


def _steps(rows: pd.DataFrame) -> Edit:
    numbers = numbers_of(rows)
    spread = {c: _STEP * _spread(rows[c]) for c in numbers}
    words = _vocabulary(rows)

    def step(now: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
        out = now.copy()
        if numbers and (not words or rng.random() < 0.5):
            column = numbers[rng.integers(len(numbers))]
            out[column] = now[column] + rng.choice([-1.0, 1.0], len(now)) * spread[column]
        elif words:
            out["text"] = [_edited(str(t), words, rng) for t in now["text"].fillna("")]
        return out

    return step


def _spread(column: pd.Series) -> float:
    values = column.to_numpy(np.float64, na_value=np.nan)
    return float(np.std(values[np.isfinite(values)]))


def _vocabulary(rows: pd.DataFrame) -> list[str]:
    """Words of all the rows: those of other classes are what an attacker would add."""
    if "text" not in rows.columns:
        return []
    return sorted({word for text in rows["text"].fillna("") for word in str(text).split()[:200]})


def _edited(text: str, words: list[str], rng: np.random.Generator) -> str:
    """Drop a word, misspell it, or put another beside it."""
    own = text.split()
    at, kind = int(rng.integers(len(own) + 1)), int(rng.integers(3))
    if at == len(own) or kind == 2:
        own.insert(at, words[int(rng.integers(len(words)))])
    elif kind == 1:
        own[at] = swapped(own[at], rng)
    else:
        del own[at]
    return " ".join(own)


def _true_probability(
    model: Predictor, rows: pd.DataFrame, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    said = predict(model, rows)
    column = {name: i for i, name in enumerate(said.classes)}
    codes = np.array([column[label] for label in labels])
    return said.probability[np.arange(len(rows)), codes], said.labels


def _warning(name: str, found: Change, limits: Gates, n: int, what: str) -> Gate:
    state = GateState.WARN if found.p_value < limits.alpha else GateState.PASS
    meaning = (
        f"net share of {n} golden rows that both models get right and only the candidate loses "
        f"to {what}: {found.worse} against {found.better}, exact sign test p={found.p_value:.2g}"
    )
    threshold = f"p >= {limits.alpha:.2f}"
    return gate(name, found.share, state, threshold=threshold, meaning=meaning, action=_ADVICE)

"""How unsure a neural network is of an answer: the spread under dropout.

Monte-Carlo dropout (Gal and Ghahramani, ICML 2016): ask the network again and again with a
random share of its hidden units switched off, and take the spread of its answers.
Adversarial and odd rows tend to spread more (Feinman et al. 2017).

scikit-learn trains without dropout, so the spread is no posterior of anything: it ranks
answers by how few units they hang on. It says nothing about rows that look like the
training rows, poisoned ones included, and an attacker who knows it can keep it low
(Carlini and Wagner, AISec 2017).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from foretaste.core.errors import PolicyError
from foretaste.models.registry import Loaded
from foretaste.models.train import Predictor

ROUNDS: Final = 32
_CHUNK: Final = 10_000


def uncertainty(
    model: Predictor, rows: pd.DataFrame, *, rate: float, seed: int, rounds: int = ROUNDS
) -> np.ndarray:
    """Measure how much each answer spreads when hidden units are switched off.

    Every row meets the same seeded masks, so neither its neighbours nor its place count.

    Parameters
    ----------
    rate
        Share of the hidden units that is off in each round, in [0, 1); the others are
        scaled up by as much.
    rounds
        Asks.

    Returns
    -------
    numpy.ndarray
        (n,) standard deviation of the probability of the label that the whole network
        gives, in [0, 0.5]; more is less sure.

    Raises
    ------
    PolicyError
        If the model is no multi-layer perceptron of scikit-learn.
    """
    from threadpoolctl import threadpool_limits

    network = _network(model.model)
    masks = _masks(network, rate, seed, rounds)
    found = [np.zeros(0)]
    with threadpool_limits(1):
        for start in range(0, len(rows), _CHUNK):
            view = model.inputs.frame(rows.iloc[start : start + _CHUNK])
            seen = model.model[:-1].transform(view) if hasattr(model.model, "steps") else view
            found.append(_spread(network, seen, masks))
    return np.concatenate(found)


def served_uncertainty(loaded: Loaded, rows: pd.DataFrame) -> np.ndarray:
    """Measure it where the model serves, with the rate and seed that its card was made with.

    Raises
    ------
    PolicyError
        If the card says nothing of it: the policy did not ask for dropout.
    """
    told = loaded.card.uncertainty
    if told is None:
        raise PolicyError(
            f"model {loaded.card.digest[:12]} was made without dropout",
            location="params.yaml: model.dropout",
        )
    rate, rounds = float(told["rate"] or 0.0), int(told["rounds"] or 0)
    return uncertainty(loaded, rows, rate=rate, seed=loaded.card.seed, rounds=rounds)


def doubt(
    model: Predictor, golden: pd.DataFrame | None, *, rate: float, seed: int
) -> dict[str, float | None] | None:
    """Tell the uncertainty on labelled golden rows, for the card; None where none is asked for.

    Returns
    -------
    dict
        ``rate, rounds``; ``median, p90, p99`` of the uncertainty; ``auc``, the probability
        that a wrong answer is less sure than a right one, None where all are right or wrong.
    """
    from sklearn.metrics import roc_auc_score

    from foretaste.models.predict import predict

    if not rate:
        return None
    told: dict[str, float | None] = {"rate": rate, "rounds": float(ROUNDS)}
    known = golden[golden["label"].notna()] if golden is not None else None
    if known is None or known.empty:
        return told | dict.fromkeys(("median", "p90", "p99", "auc"))
    spread = uncertainty(model, known, rate=rate, seed=seed)
    wrong = predict(model, known).labels != known["label"].astype(str).to_numpy(object)
    two = 0 < wrong.sum() < len(wrong)
    quantiles = dict(zip(("median", "p90", "p99"), np.quantile(spread, [0.5, 0.9, 0.99]).tolist(),
                         strict=True))  # fmt: skip
    return told | quantiles | {"auc": float(roc_auc_score(wrong, spread)) if two else None}


def _network(model: Any) -> Any:
    from sklearn.neural_network import MLPClassifier

    last = model.steps[-1][1] if hasattr(model, "steps") else model
    if not isinstance(last, MLPClassifier):
        raise PolicyError(
            f"dropout needs a neural network, and the model is a {type(last).__name__}",
            location="params.yaml: model.dropout",
            hint="`factory: mlp`, or 0",
        )
    return last


def _masks(network: Any, rate: float, seed: int, rounds: int) -> list[list[np.ndarray]]:
    """Draw which units speak: one mask per hidden layer and round."""
    rng = np.random.default_rng([seed, 16])
    widths = [len(bias) for bias in network.intercepts_[:-1]]
    return [[(rng.random(w) >= rate) / (1.0 - rate) for w in widths] for _ in range(rounds)]


def _spread(network: Any, seen: Any, masks: list[list[np.ndarray]]) -> np.ndarray:
    label = network.predict_proba(seen).argmax(axis=1)
    rows = np.arange(len(label))
    first = seen @ network.coefs_[0] + network.intercepts_[0]
    told = np.stack([_asked(network, first, mask)[rows, label] for mask in masks])
    spread: np.ndarray = told.std(axis=0)
    return spread


def _asked(network: Any, first: np.ndarray, mask: list[np.ndarray]) -> np.ndarray:
    """Carry the first layer's sums through to probabilities; (n, classes)."""
    from scipy.special import expit, softmax

    active = {"relu": lambda v: np.maximum(v, 0.0), "tanh": np.tanh, "logistic": expit}
    fire = active.get(network.activation, lambda v: v)
    sums = first
    layers = zip(mask, network.coefs_[1:], network.intercepts_[1:], strict=True)
    for spoken, weights, bias in layers:
        sums = (fire(sums) * spoken) @ weights + bias
    if network.out_activation_ == "softmax":
        return np.asarray(softmax(sums, axis=1))
    yes = expit(sums[:, 0])
    return np.stack([1.0 - yes, yes], axis=1)

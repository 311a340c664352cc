"""Defences of the Adversarial Robustness Toolbox 1.20.1, as shipped and as published.

Runs in the peers' environment: ``python art_defences.py METHOD IN.npz OUT.npz``. The input
has ``x`` (n, d), ``y`` (n,) and ``who`` (n,) codes, and ``x_val, y_val``, rows that are
trusted: a gift, since no contribution is. The output has ``score`` (n,), larger is more
suspicious, and ``held`` (n,) bool.

As shipped, RONI takes rows that help for those that harm, provenance drops every row that
shares a value with its contributor's, spectral scores project rows that are not centred,
and activation clustering marks a cluster of every class. As published, these four are
written anew here: Nelson et al. (2008), Baracaldo et al. (2018), Tran, Li, Madry (2018),
Chen et al. (2018).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

Said = tuple[np.ndarray, np.ndarray]
_POISON = 0.08
_HIDDEN = 32


class Given:
    """What is judged."""

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self.x, self.y, self.who = arrays["x"], arrays["y"].astype(int), arrays["who"].astype(int)
        self.x_val, self.y_val = arrays["x_val"], arrays["y_val"].astype(int)
        self.k = int(max(self.y.max(), self.y_val.max())) + 1


class Network:
    """A network of one hidden layer with what ART asks of one: layers and activations."""

    def __init__(self, given: Given) -> None:
        net = MLPClassifier((_HIDDEN,), max_iter=300, random_state=0).fit(given.x, given.y)
        self._weights, self._bias = net.coefs_[0], net.intercepts_[0]
        self.nb_classes, self.layer_names, self.input_shape = given.k, ["hidden"], given.x.shape[1:]

    def get_activations(self, x: np.ndarray, layer: object, batch_size: int = 128) -> np.ndarray:
        """(n, hidden) values after the rectifier."""
        del layer, batch_size
        active: np.ndarray = np.maximum(x @ self._weights + self._bias, 0)
        return active


def one_hot(codes: np.ndarray, k: int) -> np.ndarray:
    """(n, k) float64."""
    hot: np.ndarray = np.eye(k)[codes]
    return hot


def right(truth: np.ndarray, said: np.ndarray) -> float:
    """Accuracy of probabilities: ART's own ``accuracy`` fails on them."""
    return float((truth.argmax(axis=1) == said.argmax(axis=1)).mean())


def decided(clean: Any) -> Said:
    """Give a method that only decides as scores and decisions."""
    held = np.asarray(clean) == 0
    return held.astype(float), held


def linear(given: Given) -> Any:
    """ART's wrapper around a logistic model."""
    from art.estimators.classification import SklearnClassifier  # type: ignore[import-not-found]

    model = LogisticRegression(max_iter=100)
    # A first fit, so that the wrapper knows how many classes there are.
    return SklearnClassifier(model.fit(given.x, given.y))


def roni_shipped(given: Given) -> Said:
    """Reject on negative impact; calibrated on 1 % of the rows, since 20 % take days."""
    from art.defences.detector.poison import RONIDefense  # type: ignore[import-not-found]

    y, y_val = one_hot(given.y, given.k), one_hot(given.y_val, given.k)
    rows = given.x, y, given.x_val, y_val
    defence = RONIDefense(linear(given), *rows, perf_func=right, pp_cal=0.01)
    return decided(defence.detect_poison()[1])


def roni(given: Given, *, trials: int = 3, base: int = 60) -> Said:
    """How much accuracy a row costs on trusted rows, over base sets of trusted rows."""
    rng = np.random.default_rng(0)
    cost = np.zeros(len(given.x))
    for _ in range(trials):
        order = rng.permutation(len(given.x_val))
        own, quiz = order[:base], order[base:]
        x, y = given.x_val[own], given.y_val[own]

        def score(x: np.ndarray, y: np.ndarray, quiz: np.ndarray = quiz) -> float:
            model = LogisticRegression(max_iter=50).fit(x, y)
            return float(model.score(given.x_val[quiz], given.y_val[quiz]))

        before = score(x, y)
        for row in range(len(given.x)):
            with_it = np.vstack([x, given.x[row]]), np.append(y, given.y[row])
            cost[row] += (before - score(*with_it)) / trials
    return cost, cost > np.median(cost) + 3 * cost.std()


def provenance_shipped(given: Given) -> Said:
    """Drop contributors whose rows cost accuracy on trusted rows, at the default of 20 %."""
    from art.defences.detector.poison import ProvenanceDefense

    who = one_hot(given.who, int(given.who.max()) + 1)
    rows = given.x, one_hot(given.y, given.k), who, given.x_val, one_hot(given.y_val, given.k)
    # Its loop takes every difference as a share of accuracy; any callable may tell it.
    defence = ProvenanceDefense(linear(given), *rows, perf_func=right)
    return decided(defence.detect_poison()[1])


def provenance(given: Given, *, least: float = 0.005) -> Said:
    """What accuracy on trusted rows is gained without a contributor; dropped from half a point."""
    model = LogisticRegression(max_iter=100)
    whole = model.fit(given.x, given.y).score(given.x_val, given.y_val)
    gain = np.zeros(int(given.who.max()) + 1)
    for code in np.unique(given.who):
        kept = given.who != code
        without = deepcopy(model).fit(given.x[kept], given.y[kept])
        gain[code] = without.score(given.x_val, given.y_val) - whole
    return gain[given.who], gain[given.who] > least


def clustering_shipped(given: Given) -> Said:
    """Two clusters of every class's activations; the smaller is poison, however large."""
    from art.defences.detector.poison import ActivationDefence

    defence = ActivationDefence(Network(given), given.x, one_hot(given.y, given.k))
    return decided(defence.detect_poison()[1])


def clustering(given: Given) -> Said:
    """The same where the smaller cluster is small (35 %) and apart (silhouette above 0.1)."""
    from sklearn.cluster import KMeans
    from sklearn.decomposition import FastICA
    from sklearn.metrics import silhouette_score

    active, score = Network(given).get_activations(given.x, 0), np.zeros(len(given.x))
    for code in np.unique(given.y):
        own = np.flatnonzero(given.y == code)
        if own.size < 20:
            continue
        dims = min(10, own.size - 1)
        low = FastICA(dims, random_state=0, max_iter=400).fit_transform(active[own])
        side = KMeans(2, n_init=10, random_state=0).fit_predict(low)
        small = side == np.argmin(np.bincount(side, minlength=2))
        apart = silhouette_score(low, side)
        score[own] = np.where(small & (small.mean() <= 0.35), max(apart, 0.0), 0.0)
    return score, score > 0.1


def spectral_shipped(given: Given) -> Said:
    """ART's spectral scores at the default: a third poison expected, times one and a half."""
    from art.defences.detector.poison import SpectralSignatureDefense

    network, y = Network(given), one_hot(given.y, given.k)
    _, clean = SpectralSignatureDefense(network, given.x, y).detect_poison()
    active, score = network.get_activations(given.x, 0), np.zeros(len(given.x))
    for code in np.unique(given.y):
        own = given.y == code
        score[own] = SpectralSignatureDefense.spectral_signature_scores(active[own])[:, 0]
    return score, np.asarray(clean) == 0


def spectral(given: Given) -> Said:
    """Projections of centred rows, one and a half times the true share of poison dropped."""
    active, score = Network(given).get_activations(given.x, 0), np.zeros(len(given.x))
    held = np.zeros(len(given.x), dtype=bool)
    for code in np.unique(given.y):
        own = np.flatnonzero(given.y == code)
        centred = active[own] - active[own].mean(axis=0)
        axis = np.linalg.svd(centred, full_matrices=False)[2][0]
        score[own] = np.abs(centred @ axis)
        held[own] = score[own] > np.quantile(score[own], 1 - 1.5 * _POISON)
    return score, held


METHODS: dict[str, Callable[[Given], Said]] = {
    "RONI as shipped": roni_shipped,
    "RONI as published": roni,
    "provenance as shipped": provenance_shipped,
    "provenance as published": provenance,
    "activation clustering as shipped": clustering_shipped,
    "activation clustering as published": clustering,
    "spectral as shipped": spectral_shipped,
    "spectral as published": spectral,
}


def main() -> None:
    """Read, judge, write."""
    method, asked, answered = sys.argv[1:]
    # ART draws from numpy's global generator.
    np.random.seed(0)  # noqa: NPY002
    with np.load(asked) as arrays:
        score, held = METHODS[method](Given(dict(arrays)))
    np.savez(answered, score=score, held=held)


if __name__ == "__main__":
    main()

"""Choose the estimator: ours by the columns, or the user's by import path.

=============== ==================================================================
columns         what is built
=============== ==================================================================
text            hashed words and word pairs → multinomial logistic regression
numeric         histogram gradient boosting (Ke et al. 2017, as in scikit-learn)
text + numeric  hashed text beside ranked numerics → multinomial logistic regression
=============== ==================================================================

``mlp`` puts a small neural network in place of each.

Nothing in the text half is fitted, and numerics become normal scores of their ranks:
one contributor's extreme value moves nobody else's coordinates.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Final

from foretaste.core.errors import GateRefused, PolicyError
from foretaste.core.policy import Model, Policy
from foretaste.models.inputs import Inputs

AUTO: Final = "auto"
MLP: Final = "mlp"
_WHERE: Final = "params.yaml: model.factory"
_CELLS: Final = 2**19
_TREES: Final = 400
_NETWORK_BUCKETS: Final = 2**13


def build_model(policy: Policy, inputs: Inputs, n_classes: int, seed: int) -> Any:
    """Build the unfitted classifier that the policy asks for, every seed of it set.

    Raises
    ------
    PolicyError
        If the factory cannot be imported or called, or makes something that is no
        classifier with probabilities and sample weights.
    GateRefused
        If there is no column to read.
    """
    if not inputs.columns:
        raise GateRefused(
            "the accepted rows carry neither text nor features: there is nothing to train on",
            reasons=("no text and no feature columns",),
            hint="map `columns.text` or `columns.features` in params.yaml",
        )
    wanted = policy.model
    ours = wanted.factory in {AUTO, MLP}
    model = _default(wanted, inputs, n_classes) if ours else _users(wanted)
    return _seeded(model, seed)


def weight_argument(model: Any) -> str:
    """Name the keyword of ``model.fit`` that takes sample weights.

    Raises
    ------
    PolicyError
        If the model cannot be weighted: influence limits would mean nothing.
    """
    from sklearn.pipeline import Pipeline
    from sklearn.utils.validation import has_fit_parameter

    prefix, last = "", model
    while isinstance(last, Pipeline):
        prefix, last = f"{prefix}{last.steps[-1][0]}__", last.steps[-1][1]
    if not has_fit_parameter(last, "sample_weight"):
        raise PolicyError(
            f"{type(last).__name__} takes no sample weights, so influence limits would not hold",
            location=_WHERE,
            hint="choose an estimator whose fit() has a sample_weight parameter",
        )
    return f"{prefix}sample_weight"


def _default(wanted: Model, inputs: Inputs, n_classes: int) -> Any:
    from sklearn.pipeline import Pipeline

    if wanted.factory == MLP:
        steps = [*_front(wanted, inputs, _NETWORK_BUCKETS), ("network", _network())]
    elif inputs.text:
        # The table of coefficients is buckets x classes: whoever adds labels must not grow it.
        buckets = max(2**14, _CELLS // 2 ** (n_classes - 1).bit_length())
        steps = [*_front(wanted, inputs, buckets), ("linear", _linear())]
    else:
        options = wanted.squeeze > 1 or wanted.denoise > 0
        numbers = _numbers(wanted, ranked=wanted.denoise > 0) if options else []
        steps = [*numbers, ("model", _boosting(n_classes))]
    model = Pipeline(steps) if len(steps) > 1 else steps[0][1]
    try:
        steps[-1][1].set_params(**wanted.parameters)
    except ValueError as error:
        raise PolicyError(str(error), location="params.yaml: model.parameters") from None
    return model


def _boosting(n_classes: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    # One round grows a tree per class: the budget of trees keeps a night in its time.
    # No early stopping: its validation rows would be the contributors' own.
    rounds = min(100, max(25, _TREES // max(n_classes, 1)))
    # The penalty keeps rows of little weight from owning a leaf: leaves count rows.
    return HistGradientBoostingClassifier(
        max_iter=rounds, learning_rate=0.15, l2_regularization=1.0, early_stopping=False
    )


def _linear() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=10.0, max_iter=300)


def _network() -> Any:
    from sklearn.neural_network import MLPClassifier

    # No early stopping: its validation rows would be the contributors' own.
    return MLPClassifier((64,), alpha=1e-3, max_iter=60, tol=1e-3, early_stopping=False)


def _front(wanted: Model, inputs: Inputs, buckets: int) -> list[tuple[str, Any]]:
    """Build what stands before a model that needs one scale for everything."""
    import numpy as np
    from sklearn.compose import ColumnTransformer
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.pipeline import Pipeline

    if not inputs.text:
        return _numbers(wanted, ranked=True)
    hashed = HashingVectorizer(
        n_features=buckets, ngram_range=(1, 2), alternate_sign=False, dtype=np.float32
    )
    parts: list[tuple[str, Any, Any]] = [("text", hashed, "text")]
    if inputs.features:
        numbers = Pipeline(_numbers(wanted, ranked=True))
        parts.append(("numeric", numbers, list(inputs.features)))
    return [("columns", ColumnTransformer(parts, sparse_threshold=1.0))]


def _numbers(wanted: Model, *, ranked: bool) -> list[tuple[str, Any]]:
    """Fill numbers and, as the policy asks, squeeze, rank and denoise them.

    Squeezing is Xu, Evans and Qi (NDSS 2018), denoising the projection on main components
    of Bhagoji et al. (CISS 2018).
    """
    from sklearn.decomposition import PCA
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import KBinsDiscretizer, QuantileTransformer

    steps: list[tuple[str, Any]] = [
        ("filled", SimpleImputer(strategy="median", keep_empty_features=True))
    ]
    if wanted.squeeze > 1:
        # Ranks, not a grid between extremes: one contributor's far value would widen its cells.
        rounded = KBinsDiscretizer(
            wanted.squeeze,
            encode="ordinal",
            strategy="quantile",
            quantile_method="averaged_inverted_cdf",
        )
        steps.append(("squeezed", rounded))
    if ranked:
        ranks = QuantileTransformer(n_quantiles=200, output_distribution="normal")
        steps.append(("ranks", ranks))
    if wanted.denoise > 0:
        # Behind the ranks: components of raw numbers follow whoever sends the largest.
        steps.append(("denoised", PCA(wanted.denoise, svd_solver="full")))
    return steps


def _users(wanted: Model) -> Any:
    factory = _imported(wanted.factory)
    try:
        model = factory(**wanted.parameters)
    except Exception as error:  # the user's code may raise anything
        raise PolicyError(
            f"{wanted.factory} failed: {type(error).__name__}: {error}", location=_WHERE
        ) from error
    if not all(hasattr(model, name) for name in ("fit", "predict_proba", "get_params")):
        raise PolicyError(
            f"{wanted.factory} must return a scikit-learn classifier with predict_proba, "
            f"not {type(model).__name__}",
            location=_WHERE,
        )
    weight_argument(model)
    return model


def _imported(path: str) -> Callable[..., Any]:
    module, colon, name = path.partition(":")
    if not (colon and name.isidentifier() and all(p.isidentifier() for p in module.split("."))):
        raise PolicyError(f"{path!r} is not `auto` or `module:function`", location=_WHERE)
    try:
        factory = getattr(importlib.import_module(module), name, None)
    except Exception as error:  # the user's code may raise anything
        raise PolicyError(
            f"cannot import {module}: {type(error).__name__}: {error}",
            location=_WHERE,
            hint="install the module where foretaste runs, or set PYTHONPATH",
        ) from error
    if not callable(factory):
        raise PolicyError(f"{module} has no function {name}", location=_WHERE)
    return factory  # type: ignore[no-any-return]


def _seeded(model: Any, seed: int) -> Any:
    seeds = {
        name: seed
        for name, value in model.get_params(deep=True).items()
        if name.split("__")[-1] == "random_state" and value is None
    }
    return model.set_params(**seeds)

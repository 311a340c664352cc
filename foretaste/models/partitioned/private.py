"""PATE: label rows by a noisy vote that tells little of any one account.

After Papernot et al. (ICLR 2017 and 2018), with noise and accounting by OpenDP, which is an
optional extra. Its noise is drawn from the system's entropy: a seed would be no privacy.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from foretaste.core.errors import ContractError, PolicyError


@dataclass(frozen=True, slots=True)
class PrivateVotes:
    """Winners of noisy votes, and what asking for them spent.

    Parameters
    ----------
    winner
        (n,) class codes.
    rho
        Rényi divergence spent, as zero-concentrated differential privacy: at most
        ``rho * order`` nats at every order (Bun & Steinke 2016).
    epsilon, delta
        The same as approximate differential privacy of one account: inserted, changed or
        removed, whatever the rows are.
    """

    winner: np.ndarray
    rho: float
    epsilon: float
    delta: float


def private_votes(
    counts: np.ndarray, *, scale: float, spread: int = 1, delta: float = 1e-6
) -> PrivateVotes:
    """Add discrete Gaussian noise to every count and take the largest.

    An account moves the vote of ``spread`` models from one class to another, so a row's
    counts move by at most ``spread * sqrt(2)``, and all n rows' together by ``sqrt(n)``
    times that. The rows asked about must not be the accounts' own.

    Parameters
    ----------
    counts
        (n, classes) votes, from ``PartitionedClassifier.ballots(X).counts()``.
    scale
        Standard deviation of the noise, in votes.
    spread
        Models that read an account.
    delta
        Probability that is left out of ``epsilon``.

    Raises
    ------
    PolicyError
        If OpenDP is not installed.
    ContractError
        If the noise or delta is not above 0.
    """
    if not (scale > 0 and 0 < delta < 1):
        raise ContractError("a private vote needs noise above 0 and a delta between 0 and 1")
    if not len(counts):
        return PrivateVotes(np.zeros(0, dtype=np.int64), 0.0, 0.0, delta)
    dp = _opendp()
    space = dp.vector_domain(dp.atom_domain(T=int)), dp.l2_distance(T=float)
    noisy = dp.m.make_gaussian(*space, scale=scale)
    moved = spread * float(np.sqrt(2.0 * len(counts)))
    spent = dp.c.make_zCDP_to_approxDP(noisy).map(moved)
    told = np.array(noisy(counts.ravel().tolist())).reshape(counts.shape)
    return PrivateVotes(told.argmax(axis=1), noisy.map(moved), spent.epsilon(delta), delta)


def _opendp() -> Any:
    try:
        dp = importlib.import_module("opendp.prelude")
    except ImportError:
        raise PolicyError(
            "a private vote needs OpenDP, which is not installed",
            hint="install the extra `private`",
        ) from None
    dp.enable_features("contrib")
    return dp

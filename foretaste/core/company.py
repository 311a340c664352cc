"""What a contributor's other rows say about a row.

A row among disputed rows of the same hand is likelier poison than the same row among good
ones. Behaviour detectors count disputes; this weighs everything that content detectors
say, softly, so that a campaign that keeps under every count still adds up.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from foretaste.core.evidence import MICRO

_HONEST: Final = 0.01
_SHARES: Final = np.concatenate([[_HONEST], np.linspace(0.05, 0.95, 19)])
_TEMPER: Final = 0.7
"""Power of a row's likelihood: rows of one hand are alike, so ten are not ten witnesses."""
_PRIOR: Final = 0.1
"""Probability that an actor holds more than 1 % of poison."""
_CELL_PRIOR: Final = 0.03
"""The same for an actor's rows of one label."""
_CHUNK: Final = 100_000


def company(llr: np.ndarray, actors: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(n,) int64 micro-nats that the other rows of the same actor add to each row.

    Every actor holds an unknown share of poison: 1 % with probability 90 %, else anything
    from 5 % to 95 %. A row's term is the logit of the share's mean given the actor's other
    rows, less that of its prior mean: exactly what a Bayesian would add, and a lone row
    gets 0. The same is asked of the actor's rows of one label, under a prior of 3 %, and
    counts where it accuses more: honest rows of other labels are no cover.

    Parameters
    ----------
    llr
        (n,) int64 micro-nats: what the rows' own content is worth.
    actors, labels
        (n,) int codes.
    """
    whole = _others(llr, actors, _PRIOR)
    cells = actors.astype(np.int64) * (int(labels.max(initial=0)) + 1) + labels
    cell = _others(llr, np.unique(cells, return_inverse=True)[1], _CELL_PRIOR)
    return np.where(cell > 0, np.maximum(whole, cell), whole)


def _others(llr: np.ndarray, groups: np.ndarray, prior: float) -> np.ndarray:
    """(n,) int64 micro-nats: logit of the mean share given the group's other rows.

    Terms are rounded to micro-nats before they are summed, so no order matters.
    """
    weights = np.concatenate([[1.0 - prior], np.full(_SHARES.size - 1, prior / 19)])
    odds = np.exp(llr / MICRO) - 1.0
    total = np.stack([np.bincount(groups, _term(odds, share)) for share in _SHARES], axis=1)
    added = np.empty(llr.size)
    for start in range(0, llr.size, _CHUNK):
        here = slice(start, start + _CHUNK)
        others = total[groups[here]] - _term(odds[here, None], _SHARES)
        log_posterior = others / MICRO + np.log(weights)
        posterior = np.exp(log_posterior - log_posterior.max(axis=1, keepdims=True))
        added[here] = _logit(posterior @ _SHARES / posterior.sum(axis=1))
    micro: np.ndarray = np.rint((added - _logit(weights @ _SHARES)) * MICRO).astype(np.int64)
    return micro


def _term(odds: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Micro-nats, in whole numbers, of rows' own likelihood under a share of poison."""
    term: np.ndarray = np.rint(np.log1p(share * odds) * (_TEMPER * MICRO))
    return term


def _logit(share: np.ndarray) -> np.ndarray:
    odds: np.ndarray = np.log(share / (1.0 - share))
    return odds

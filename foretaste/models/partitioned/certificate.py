"""How many hostile accounts an answer withstands.

A hostile account may be new, changed in every row, or removed. It reaches one cell, and so
the models that read that cell, which may then answer anything. Everything below asks what
the worst choice of cells can do to the count of votes, and every bound errs on the side of
the attacker.

Needs are what a rival lacks to win, ties to the smaller class index; the *power* of a cell
is how much of a need its models can make good. A prediction withstands m accounts when the
m most powerful cells together miss every need.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from foretaste.models.partitioned.votes import Ballots, ranked

_BLOCK = 4_000_000
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Certificates:
    """What is proven of predictions.

    Parameters
    ----------
    labels
        (n,) predicted labels.
    radius
        (n,) int64: with at most so many hostile accounts, each inserted, changed or
        removed, the prediction is the same. 0 proves nothing.
    """

    labels: np.ndarray
    radius: np.ndarray

    @property
    def at_least(self) -> np.ndarray:
        """Largest m such that a prediction is unchanged unless at least m accounts are hostile."""
        return self.radius + 1


def plurality_radius(ballots: Ballots, readers: np.ndarray, winner: np.ndarray) -> np.ndarray:
    """Certify winners of a plurality vote (Levine & Feizi 2021; Wang et al. 2022).

    Parameters
    ----------
    ballots
        What the models say.
    readers
        (cells, spread) models that read each cell.
    winner
        (n,) codes of the predicted classes.

    Returns
    -------
    numpy.ndarray
        (n,) int64 radii.
    """
    return _by_blocks(_plurality_cost, ballots, readers, winner)


def run_off_radius(ballots: Ballots, readers: np.ndarray, winner: np.ndarray) -> np.ndarray:
    """Certify winners of a run-off (after Rezaei et al. 2023, with our own bounds).

    A rival wins only if it is among the first two and preferred to the winner, or if two
    rivals push the winner out of the first two.
    """
    return _by_blocks(_run_off_cost, ballots, readers, winner)


def _by_blocks(
    cost: Callable[[Ballots, np.ndarray, np.ndarray], np.ndarray],
    ballots: Ballots,
    readers: np.ndarray,
    winner: np.ndarray,
) -> np.ndarray:
    """Run ``cost`` on blocks of rows, so that memory does not grow with them."""
    radii = [np.zeros(0, dtype=np.int64)]
    step = max(1, _BLOCK // readers.size)
    for start in range(0, len(winner), step):
        rows = slice(start, start + step)
        found = cost(_cut(ballots, rows), readers, winner[rows])
        radii.append(np.minimum(np.maximum(found - 1, 0), len(readers)))
    return np.concatenate(radii)


def _cut(ballots: Ballots, rows: slice) -> Ballots:
    scores = None if ballots.scores is None else ballots.scores[:, rows]
    return Ballots(ballots.choice[:, rows], scores, ballots.n_classes)


def _plurality_cost(ballots: Ballots, readers: np.ndarray, winner: np.ndarray) -> np.ndarray:
    counts = ballots.counts()
    won = _of(counts, winner)
    loyal = (ballots.choice == winner).astype(np.int64)
    # A label that nobody sent yet may come before all others.
    least: np.ndarray = _fewest(won, _power(1 + loyal, readers))
    for rival in range(ballots.n_classes):
        need = won - counts[:, rival] + (winner < rival)
        power = _power(1 + loyal - (ballots.choice == rival), readers)
        cost = _fewest(need, power)
        least = np.minimum(least, np.where(winner == rival, _NEVER, cost))
    return least


def _run_off_cost(ballots: Ballots, readers: np.ndarray, winner: np.ndarray) -> np.ndarray:
    counts = ballots.counts()
    won = _of(counts, winner)
    loyal = (ballots.choice == winner).astype(np.int64)
    unheard = _fewest(won, _power(1 + loyal, readers))
    least: np.ndarray = np.minimum(unheard, _pushed_out(counts, winner, loyal, readers))
    order = ranked(counts)
    for rival in range(ballots.n_classes):
        cost = np.maximum(
            _preferred(ballots, readers, winner, rival),
            _in_the_final(ballots, readers, winner, rival, counts, order),
        )
        least = np.minimum(least, np.where(winner == rival, _NEVER, cost))
    return least


def _pushed_out(
    counts: np.ndarray, winner: np.ndarray, loyal: np.ndarray, readers: np.ndarray
) -> np.ndarray:
    """Bound what it costs that two rivals get more first choices than the winner.

    One model that leaves the winner for a rival closes that gap by two, the other by one.
    """
    codes = np.arange(counts.shape[1])
    won = _of(counts, winner)
    needs = won[:, None] - counts + (winner[:, None] < codes)
    needs = np.where(codes == winner[:, None], _NEVER, np.maximum(needs, 0))
    unheard = np.repeat(won[:, None], 2, axis=1)
    nearest = np.sort(np.concatenate([needs, unheard], axis=1), axis=1)[:, :2]
    each = _fewest(nearest[:, 1], _power(1 + loyal, readers))
    both = _fewest(nearest.sum(axis=1), _power(1 + 2 * loyal, readers))
    cost: np.ndarray = np.maximum(each, both)
    return cost


def _preferred(ballots: Ballots, readers: np.ndarray, winner: np.ndarray, rival: int) -> np.ndarray:
    """Cost of the models preferring ``rival`` to the winner."""
    said = ballots.preference(winner, np.full_like(winner, rival)).astype(np.int64)
    need = said.sum(axis=0) + (winner < rival)
    return _fewest(need, _power(1 + said, readers))


def _in_the_final(
    ballots: Ballots,
    readers: np.ndarray,
    winner: np.ndarray,
    rival: int,
    counts: np.ndarray,
    order: np.ndarray,
) -> np.ndarray:
    """Bound what it costs that ``rival`` gets ahead of the best third class."""
    third = (order != winner[:, None]) & (order != rival)
    if not third.any():
        return np.zeros(len(winner), dtype=np.int64)
    best = _of(order, third.argmax(axis=1))
    need = _of(counts, best) - counts[:, rival] + (best < rival)
    gain = 1 + (ballots.choice == best).astype(np.int64) - (ballots.choice == rival)
    cost: np.ndarray = np.where(third.any(axis=1), _fewest(need, _power(gain, readers)), 0)
    return cost


def _of(table: np.ndarray, column: np.ndarray) -> np.ndarray:
    picked: np.ndarray = table[np.arange(len(table)), column]
    return picked


def _power(gain: np.ndarray, readers: np.ndarray) -> np.ndarray:
    """Sum what the models of each cell can give; (cells, n)."""
    total = np.zeros((len(readers), gain.shape[1]), dtype=np.int64)
    for models in readers.T:
        total += gain[models]
    return total


def _fewest(need: np.ndarray, power: np.ndarray) -> np.ndarray:
    """Count the cells, most powerful first, that together reach ``need``."""
    together = np.cumsum(-np.sort(-power, axis=0), axis=0)
    cost = (together < need).sum(axis=0) + 1
    cost[cost > len(power)] = _NEVER
    cost[need <= 0] = 0
    return np.asarray(cost)

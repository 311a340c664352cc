"""What a sum of evidence is worth: a ratio learnt on drills, fitted to the night.

Detectors are correlated and each is careful, so a sum of their nats is no log-likelihood
ratio: honest rows of odd contributors reach two nats, poison that hides seldom reaches
four. Two rising curves, learnt offline by ``benchmarks/efficacy/recalibrate.py`` on drills
and never on the night, say what a sum is worth. Both go through (0, 0): who abstains adds
exactly nothing.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

import numpy as np

from foretaste.core.evidence import MICRO

TABLE: Final = Path(__file__).with_name("recalibration.csv")
"""The committed knots: ``curve, score, nats``."""

USUAL: Final = 0.06
"""Share of rows of the drills' ordinary contributors that anything speaks against."""
LARGEST_SHIFT: Final = 1.2
"""Nats by which a night may differ from the drills, either way."""
FULL_SHIFT: Final = 2.0
"""Nats of evidence from which a row gets the whole shift; at 0 it gets none."""
_KEPT: Final = 0.8
_LEAST_ROWS: Final = 5
_MOST_ROWS: Final = 50
"""Rows beyond which an account says no more of what is ordinary."""
_ROUNDS, _SETTLED = 100, 1e-6
_USUAL_ROWS: Final = 500
"""Rows of an ordinary night that stand beside a night's own: a small one proves little."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A strictly rising curve through its knots; straight between them.

    Parameters
    ----------
    score
        (k,) float64, rising: sums of evidence in nats.
    nats
        (k,) float64, rising: what they are worth.
    """

    score: np.ndarray
    nats: np.ndarray

    def __call__(self, llr: np.ndarray) -> np.ndarray:
        """(n,) int64 micro-nats of what (n,) int64 micro-nats are worth."""
        worth = np.interp(llr / MICRO, self.score, self.nats)
        micro: np.ndarray = np.rint(worth * MICRO).astype(np.int64)
        return micro


@cache
def curve(name: Literal["content", "fused"]) -> Curve:
    """Read a committed curve: of the content families' sum, or of the whole sum."""
    with TABLE.open(newline="", encoding="utf-8") as file:
        return of_knots(
            (float(line["score"]), float(line["nats"]))
            for line in csv.DictReader(file)
            if line["curve"] == name
        )


def of_knots(knots: Iterable[tuple[float, float]]) -> Curve:
    """Build a curve from (score, nats) pairs in rising order."""
    score, nats = np.array(list(knots)).T
    return Curve(score, nats)


def night_shift(llr: np.ndarray, contributors: np.ndarray) -> float:
    """Tell how much more a sum is worth tonight than on the drills, in nats.

    Where ordinary people are seldom disputed, a dispute says more; where classes overlap
    and everybody is disputed now and then, it says less. The honest density of a sum is
    taken to be proportional to the share of rows, among the four fifths of the rows whose
    contributors have the lowest such share, that anything speaks against: a minority of
    attackers does not move it, nor do few with many rows, and nobody moves it by more than
    ``LARGEST_SHIFT``.

    Parameters
    ----------
    llr
        (n,) int64 micro-nats: the sums before recalibration.
    contributors
        (n,) int codes.
    """
    rows = np.bincount(contributors)
    judged = np.flatnonzero(rows >= _LEAST_ROWS)
    each = np.bincount(contributors, llr > 0)[judged] / rows[judged]
    order = np.argsort(each, kind="stable")
    # However many rows an account sends, it is one way of being ordinary.
    voice = np.minimum(rows[judged], _MOST_ROWS)[order]
    kept = np.cumsum(voice) <= _KEPT * voice.sum()
    against = (voice * each[order])[kept].sum()
    share = (against + _USUAL_ROWS * USUAL) / (voice[kept].sum() + _USUAL_ROWS)
    return float(np.clip(math.log(USUAL / share), -LARGEST_SHIFT, LARGEST_SHIFT))


def recalibrated(llr: np.ndarray, contributors: np.ndarray) -> np.ndarray:
    """(n,) int64 micro-nats: what the night's sums are worth as log-likelihood ratios.

    Parameters
    ----------
    llr
        (n,) int64 micro-nats: the sums, prior and track record not included.
    contributors
        (n,) int codes.
    """
    return shifted(curve("fused"), night_shift(llr, contributors))(llr)


def shifted(learnt: Curve, shift: float) -> Curve:
    """Move a curve for one night; it still never falls, so more evidence is never milder.

    At 0 nothing moves, from ``FULL_SHIFT`` on everything does.
    """
    score = np.union1d(learnt.score, [FULL_SHIFT])
    nats = np.interp(score, learnt.score, learnt.nats)
    nats = nats + np.clip(score / FULL_SHIFT, 0.0, 1.0) * shift
    return Curve(score, np.maximum.accumulate(nats))


def prevalence(llr: np.ndarray, least: float, most: float) -> float:
    """Estimate the share of poison of a night from its evidence, within bounds.

    Under the prior of an ordinary night the budget would count every tenth row of a sure
    campaign as honest, and let it go. The share is the fixed point of "prior equals mean
    posterior" (Saerens, Latinne, Decaestecker 2002) from below, an ordinary night of 500
    rows beside it; sums are of integers. It is only as good as the ratios are calibrated.
    Who wants to raise it must put evidence against himself into the night, and the guards
    do not depend on it.

    Parameters
    ----------
    llr
        (n,) int64 micro-nats, recalibrated, prior not included.
    least, most
        Bounds; ``least`` is where the search begins, and what an empty night gets.
    """
    share, nats = least, llr / MICRO
    for _ in range(_ROUNDS):
        posterior = 1.0 / (1.0 + np.exp(-nats - math.log(share / (1.0 - share))))
        poison = int(np.rint(posterior * MICRO).sum()) / MICRO
        mean = (poison + _USUAL_ROWS * least) / (llr.size + _USUAL_ROWS)
        before, share = share, max(min(mean, most), least)
        if abs(share - before) < _SETTLED:
            break
    return share

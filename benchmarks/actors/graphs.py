"""Real graphs: what each of their benchmarks measured, as figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from benchmarks.actors import bitcoin, facebook, movielens, movielens_ratings
from benchmarks.figures import Figure


def facebook_figures(folder: Path) -> Iterator[Figure]:
    """SNAP-Facebook with replica Sybils, by propagation from its train seeds."""
    measured = facebook.measure(folder)
    for seeds in measured:
        for method, auc in measured[seeds].items():
            ours = method == "trust deficit" and seeds == "both"
            yield Figure(
                f"SNAP-Facebook, seeds {seeds}, {method}: ROC-AUC",
                float(auc),
                facebook.TARGET if ours else None,
                better="higher",
            )


def bitcoin_figures(folder: Path) -> Iterator[Figure]:
    """Judge REV2's raters of bitcoin_otc, with and without what they received."""
    market = bitcoin.load(folder)
    for name, method in {**bitcoin.GIVEN, **bitcoin.RECEIVED}.items():
        found = bitcoin.score(method(market)[market.judged], market.bad)
        target = bitcoin.TARGET if name == "ours" else None
        for measure, value, known in (
            ("ROC-AUC", found.auc, target),
            ("ROC-AUC, low end of 95 %", found.auc_low, None),
            ("ROC-AUC, high end of 95 %", found.auc_high, None),
            ("AP", found.ap, None),
        ):
            yield Figure(f"bitcoin_otc, {name.strip()}: {measure}", value, known, better="higher")


GRAPHS: Final[dict[str, Callable[[Path], Iterable[Figure]]]] = {
    "SNAP-Facebook": facebook_figures,
    "bitcoin_otc": bitcoin_figures,
    "MovieLens": movielens.figures,
    "MovieLens with ratings": movielens_ratings.figures,
}

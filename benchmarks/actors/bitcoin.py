"""Bitcoin OTC: REV2's fraudulent raters against its benign ones, nobody known beforehand.

REV2's truth says which users the site's founders and the people whom they rate highly
trusted or rated down (Kumar et al., WSDM 2018): it derives from ratings that were
*received*. What uses those is told apart, and "mean rating received" shows how much of
the truth they give away. Of the ratings given there are three readings:

- ``ours``: what a rater received never enters its own odds;
- ``ours, ratings of judged raters dropped``: nor anybody else's trust: the 240 judged
  raters are deleted as items, and with them 23 % of all ratings;
- ``ours, with received``.

Usage: ``python -m benchmarks.actors.bitcoin --data FOLDER``
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from benchmarks.actors.bitcoin_peers import (
    birdnest,
    deviation,
    fairness_goodness,
    few_ratings,
    rev2,
    short_life,
)
from detectors.content.raters import RaterOdds, RatingRules, Ratings, rater_odds

TARGET: Final = 0.95
COLUMNS: Final = ("contributor_id", "item_id", "label", "timestamp")

Method = Callable[["Market"], np.ndarray]


@dataclass(frozen=True, slots=True)
class Market:
    """Ratings by people of people, and a truth for some.

    Parameters
    ----------
    ratings
        Raters and items share their codes: the same code is the same person.
    judged
        (j,) int64 raters with a truth.
    bad
        (j,) bool truth, for scoring only.
    """

    ratings: Ratings
    judged: np.ndarray
    bad: np.ndarray

    def without_judged_items(self) -> Ratings:
        """Drop every rating of a judged rater, whoever gave it."""
        ratings = self.ratings
        kept = ~np.isin(ratings.item, self.judged)
        return replace(
            ratings,
            who=ratings.who[kept],
            item=ratings.item[kept],
            rating=ratings.rating[kept],
            seconds=ratings.seconds[kept],
        )


@dataclass(frozen=True, slots=True)
class Score:
    """How well a ranking tells bad raters, with 95 % bootstrap intervals over raters."""

    auc: float
    auc_low: float
    auc_high: float
    ap: float
    ap_low: float
    ap_high: float


def load(folder: Path) -> Market:
    """Read the ratings; truth columns other than the raters' own are not even read."""
    path = folder / "bitcoin_otc.parquet"
    table = pd.read_parquet(path, columns=[*COLUMNS, "bad_contributor"])
    everybody = pd.concat([table["contributor_id"], table["item_id"]])
    codes, names = pd.factorize(everybody, sort=True)
    who, item = codes[: len(table)].astype(np.int64), codes[len(table) :].astype(np.int64)
    seconds = table["timestamp"].to_numpy("datetime64[s]").astype(np.int64)
    rating = table["label"].to_numpy(np.float64) / 10
    truth = pd.Series(table["bad_contributor"].to_numpy(), index=who).dropna()
    truth = truth[~truth.index.duplicated()].sort_index()
    return Market(
        Ratings(who, item, rating, seconds, len(names), len(names)),
        truth.index.to_numpy(np.int64),
        truth.to_numpy() > 0,
    )


def ours(market: Market) -> RaterOdds:
    """Judge raters by the ratings that they gave."""
    return rater_odds(market.ratings)


def with_received(market: Market) -> RaterOdds:
    """Judge raters by what they gave and by what trusted others gave them."""
    people = np.arange(market.ratings.n_items)
    return rater_odds(market.ratings, person=people)


def mean_received(market: Market) -> np.ndarray:
    """Mean rating received, negative: the truth derives from it."""
    ratings = market.ratings
    count = np.bincount(ratings.item, minlength=ratings.n_items)
    mean: np.ndarray = np.bincount(ratings.item, ratings.rating, ratings.n_items)
    return -mean / np.maximum(count, 1)


def _under(**changes: float) -> Method:
    rules = replace(RatingRules(), **changes)  # type: ignore[arg-type]
    return lambda market: rater_odds(market.ratings, rules).odds


GIVEN: Final[dict[str, Method]] = {
    "ours": lambda market: ours(market).odds,
    "  ratings of judged raters dropped": lambda m: rater_odds(m.without_judged_items()).odds,
    "  each rating counts, no sittings": _under(sitting_days=0.0),
    "  sittings of a day": _under(sitting_days=1.0),
    "  company says nothing": _under(company_hours=0.0),
    "  agreement always pays the same": _under(pay=False),
    "  newcomers vote": _under(newcomer=0.0),
    "rating deviation": lambda market: deviation(market.ratings),
    "short life": lambda market: short_life(market.ratings),
    "few ratings": lambda market: few_ratings(market.ratings),
    "fairness-goodness (ICDM 2016)": lambda market: fairness_goodness(market.ratings),
    "REV2 without behaviour (WSDM 2018)": lambda market: rev2(market.ratings),
    "BIRDNEST, one cluster (SDM 2016)": lambda market: birdnest(market.ratings),
}
RECEIVED: Final[dict[str, Method]] = {
    "ours, with received": lambda market: with_received(market).odds,
    "mean rating received": mean_received,
}


def score(values: np.ndarray, bad: np.ndarray, *, draws: int = 1000, seed: int = 0) -> Score:
    """Score a ranking of the judged raters.

    Parameters
    ----------
    values
        (j,) larger is more suspicious.
    draws, seed
        Bootstrap samples of raters, each class on its own, and their seed.
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    rng = np.random.default_rng(seed)
    good, evil = np.flatnonzero(~bad), np.flatnonzero(bad)
    auc, ap = np.empty(draws), np.empty(draws)
    for i in range(draws):
        at = np.r_[rng.choice(good, good.size), rng.choice(evil, evil.size)]
        auc[i], ap[i] = (f(bad[at], values[at]) for f in (roc_auc_score, average_precision_score))
    (auc_low, auc_high), (ap_low, ap_high) = (np.quantile(d, [0.025, 0.975]) for d in (auc, ap))
    return Score(
        auc=float(roc_auc_score(bad, values)),
        auc_low=float(auc_low),
        auc_high=float(auc_high),
        ap=float(average_precision_score(bad, values)),
        ap_low=float(ap_low),
        ap_high=float(ap_high),
    )


def table(market: Market, methods: dict[str, Method], *, draws: int = 1000) -> pd.DataFrame:
    """One line per method: AUC and AP with their intervals."""
    lines = {
        name: score(method(market)[market.judged], market.bad, draws=draws)
        for name, method in methods.items()
    }
    return pd.DataFrame(
        {
            "AUC": [f"{s.auc:.3f} [{s.auc_low:.3f}, {s.auc_high:.3f}]" for s in lines.values()],
            "AP": [f"{s.ap:.3f} [{s.ap_low:.3f}, {s.ap_high:.3f}]" for s in lines.values()],
            "target": ["reached" if s.auc >= TARGET else "missed" for s in lines.values()],
        },
        index=list(lines),
    )


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="folder of bitcoin_otc.parquet")
    market = load(parser.parse_args().data)
    print(f"{market.bad.sum()} fraudulent and {(~market.bad).sum()} benign raters, ", end="")
    print(f"{market.ratings.who.size} ratings; target: AUC of {TARGET}, unsupervised")
    print("\nFrom ratings given\n" + table(market, GIVEN).to_string())
    print("\nWith ratings received, from which the truth derives")
    print(table(market, RECEIVED).to_string())


if __name__ == "__main__":
    main()

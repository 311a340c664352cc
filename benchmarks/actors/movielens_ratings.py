"""MovieLens with shilling profiles that carry ratings: what the ratings add to the visits.

The campaigns are those of ``movielens``; here every visit of theirs is a rating, after
Mobasher et al. (2007): what is in every profile gets the highest rating, and filler about
the mean of its item. "ratings" are raters judged by each other and pushed items as the
``ratings`` detector reads them, "visits" is the search for groups, and "both" the sum of
what a night makes of them. Nobody is known.

Usage: ``python -m benchmarks.actors.movielens_ratings --data FOLDER``
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from benchmarks.actors import movielens
from benchmarks.actors.movielens import SEEDS, SHARES, Case
from benchmarks.actors.shilling import PROFILES, Shilling, rated_profiles
from benchmarks.figures import Figure
from detectors.actors.search import CAMPAIGN
from detectors.content.pushes import pushes
from detectors.content.raters import Ratings, rater_odds
from detectors.content.ratings import rater_nats
from foretaste.attacks.campaigns import Setting

LOWEST: Final = 0.5
HIGHEST: Final = 5.0
LOST: Final = 2.3
"""Nats from which a row counts as lost, where nothing else speaks: ten to one."""


@dataclass(frozen=True, slots=True)
class Rated:
    """A case with its ratings.

    Parameters
    ----------
    case
        Visits and truth.
    ratings
        The same visits with what they say, scaled to [-1, 1].
    """

    case: Case
    ratings: Ratings


Method = Callable[[Rated, int], np.ndarray]
"""(case with ratings, seed) to (n_who,) suspicion, higher is worse."""


def load(folder: Path) -> pd.DataFrame:
    """Read ``contributor_id, item_id, visited_at, rating``."""
    label = pd.read_parquet(folder / "movielens_latest_small.parquet", columns=["label"])
    return movielens.load(folder).assign(rating=label["label"].to_numpy())


def clean(rated: pd.DataFrame) -> Rated:
    """Leave the people among themselves."""
    return _with_ratings(movielens.clean(rated), rated)


def inject(rated: pd.DataFrame, campaign: Shilling, seed: int) -> Rated:
    """Let a campaign join that sees, and acts in, the last year only, and rate."""
    setting = Setting.of(movielens.last_days(rated))
    rng = np.random.default_rng([seed, 11])
    made = campaign.join(setting, rng)
    visits = made.visits.assign(rating=rated_profiles(made.visits, rated, rng))
    everything = pd.concat([rated, visits], ignore_index=True)
    accounts = made.accounts["contributor_id"].to_numpy(object)
    return _with_ratings(movielens.case_of(everything, accounts), everything)


def _with_ratings(case: Case, rated: pd.DataFrame) -> Rated:
    visits = case.visits
    scaled = 2.0 * (rated["rating"].to_numpy() - LOWEST) / (HIGHEST - LOWEST) - 1.0
    return Rated(
        case,
        Ratings(visits.who, visits.item, scaled, visits.seconds, visits.n_who, visits.n_items),
    )


def by_raters(rated: Rated, seed: int) -> np.ndarray:  # noqa: ARG001
    """Judge raters by each other: a ranking."""
    return rater_odds(rated.ratings).odds


def by_ratings(rated: Rated, seed: int) -> np.ndarray:  # noqa: ARG001
    """Give the nats of the ratings detector, by rater: his own or of his worst push."""
    ratings = rated.ratings
    raters = rater_odds(ratings)
    count = np.bincount(ratings.who, minlength=ratings.n_who)
    nats = rater_nats(raters, count)
    np.maximum.at(nats, ratings.who, pushes(ratings, raters.trust).nats)
    return nats


def by_visits(rated: Rated, seed: int) -> np.ndarray:
    """Search the visits for groups, without the ratings."""
    return movielens.ours(rated.case.visits, seed)[0]


def by_both(rated: Rated, seed: int) -> np.ndarray:
    """Add the nats of both as a night does: who is in no campaign has none of the visits."""
    visits = by_visits(rated, seed)
    nats: np.ndarray = np.where(visits >= CAMPAIGN, visits, 0.0) + by_ratings(rated, seed)
    return nats


METHODS: Final[dict[str, Method]] = {
    "raters alone": by_raters,
    "ratings": by_ratings,
    "visits": by_visits,
    "both": by_both,
}


def measure(
    folder: Path, *, seeds: Sequence[int] = SEEDS, shares: Sequence[float] = SHARES
) -> pd.DataFrame:
    """Score every profile: ``profile, share, method, seed, auc, recall, lost``.

    ``lost`` is the share of honest ratings by raters whom the ratings alone would lose; the
    profile "none" is the people among themselves.
    """
    return pd.DataFrame(_lines(load(folder), seeds, shares))


def _lines(
    rated: pd.DataFrame, seeds: Sequence[int], shares: Sequence[float]
) -> Iterator[dict[str, object]]:
    people = rated["contributor_id"].nunique()
    yield {"profile": "none", "method": "ratings", "lost": lost(clean(rated))}
    for seed in seeds:
        for name, profile in PROFILES.items():
            for share in shares:
                campaign = Shilling(accounts=round(share * people), profile=profile)
                case = inject(rated, campaign, seed)
                for method, told in METHODS.items():
                    yield {
                        "profile": name,
                        "share": share,
                        "method": method,
                        "seed": seed,
                        "lost": lost(case) if method == "ratings" else np.nan,
                    } | movielens.ranked(told(case, seed), case.case.sybil)


def lost(rated: Rated) -> float:
    """Share of honest people's ratings in rows or raters beyond ``LOST`` nats."""
    honest = ~rated.case.sybil[rated.ratings.who]
    ratings = rated.ratings
    raters = rater_odds(ratings)
    nats = rater_nats(raters, np.bincount(ratings.who, minlength=ratings.n_who))[ratings.who]
    nats = np.maximum(nats, pushes(ratings, raters.trust).nats)
    return float((nats[honest] > LOST).mean())


def figures(
    data: Path, *, seeds: Sequence[int] = SEEDS, shares: Sequence[float] = SHARES
) -> list[Figure]:
    """Measure what ratings reach by themselves and beside the visits."""
    lines = measure(data, seeds=seeds, shares=shares)
    told = [
        Figure(
            f"MovieLens ratings, {profile}, {share:.0%} of the people, {method}: ROC-AUC",
            float(of["auc"].mean()),
            None,
            float(of["auc"].max() - of["auc"].min()),
            "higher",
        )
        for (profile, share, method), of in lines.dropna(subset=["auc"]).groupby(
            ["profile", "share", "method"], sort=False
        )
    ]
    none = lines.loc[lines["profile"] == "none", "lost"].item()
    return [*told, Figure("MovieLens ratings, none: honest rows lost", none, 0.005, 0.0, "lower")]


def table(lines: pd.DataFrame) -> str:
    """Lay out means over seeds: AUC and recall by method, side by side."""
    scored = lines.dropna(subset=["auc"])
    grid = scored.pivot_table(["auc", "recall"], ["profile", "share"], "method", sort=False)
    return grid.to_string(float_format="{:.3f}".format)


def main() -> None:
    """Print the table, and what honest people lose."""
    parser = argparse.ArgumentParser(description="MovieLens with shilling that carries ratings.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the parquet file")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    given = parser.parse_args()
    lines = measure(given.data, seeds=given.seeds)
    print(f"means over seeds {given.seeds}; recall at 1 % honest people lost")
    print(table(lines))
    print("\nhonest rows lost by the ratings alone, mean and worst")
    print(lines.groupby("profile")["lost"].agg(["mean", "max"]).to_string())


if __name__ == "__main__":
    main()

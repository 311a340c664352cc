"""MovieLens with shilling profiles that carry ratings: what the ratings add to the visits.

The campaigns are those of ``movielens``; here every visit of theirs is a rating, after
Mobasher et al. (2007): what is in every profile gets the highest rating, and filler about
the mean of its item. "ratings" are raters judged by each other and pushed items as the
``ratings`` detector reads them, "visits" is the search for groups, and "both" the sum of
their nats. Nobody is known.

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
from benchmarks.actors.scores import threshold
from benchmarks.actors.shilling import PROFILES, Shilling, rated_profiles
from detectors.content.raters import Ratings, rater_odds
from foretaste.attacks.campaigns import Setting

LOWEST: Final = 0.5
HIGHEST: Final = 5.0


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

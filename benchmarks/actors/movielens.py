"""MovieLens with shilling profiles and co-visit campaigns among its 671 people.

Twenty years of real ratings are visits: who rated what, when. A campaign is as large as
1 to 3 % of the people, 7 to 20 accounts; it acts in the last year (66 people, 8,081
ratings) and sees only that: a campaign of 2016 would not spread over twenty years.
Everything is scored among all people, nobody known. MovieLens asks newcomers to rate at
once, so that most honest people have their whole life in one sitting. Two kinds of
campaign are faint here: most shilling profiles have one rare item in common, and seven
accounts that inject make two or three sessions for each pair of items.

The data may be used in research, not commercially.

Usage: ``python -m benchmarks.actors.movielens --data FOLDER``
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.actors.peers import PEERS
from benchmarks.actors.report import TARGETS
from benchmarks.actors.scores import Group, threshold
from benchmarks.actors.shilling import PROFILES, Profile, Shilling
from benchmarks.figures import Figure
from detectors.actors.graph.visits import Visits, encode
from foretaste.attacks.campaigns import (
    Camouflage,
    Campaign,
    CovisitInjection,
    Drip,
    Lockstep,
    Setting,
    Sleeper,
)
from foretaste.core.actor import ActorKind

SEEDS: Final = (1, 2, 3)
SHARES: Final = (0.01, 0.02, 0.03)
YEAR: Final = 365
OURS: Final = "foretaste"
MEASURES: Final = ("auc", "recall", "called", "flagged")

Made = Callable[[int], Campaign]
Method = Callable[[Visits, int], tuple[np.ndarray, Sequence[Group]]]
"""(visits, seed) to (n_who,) suspicion, higher is worse, and groups."""


def _shilling(profile: Profile, accounts: int) -> Campaign:
    return Shilling(accounts=accounts, profile=profile)


def _campaigns() -> dict[str, Made]:
    kinds: tuple[Any, ...] = (Lockstep, Drip, Camouflage, Sleeper, CovisitInjection)
    made: dict[str, Made] = {kind.name: partial(_covisits, kind) for kind in kinds}
    return made | {f"shilling, {name}": partial(_shilling, p) for name, p in PROFILES.items()}


def _covisits(kind: Any, accounts: int) -> Campaign:
    campaign: Campaign = kind(accounts=accounts)
    return campaign


CAMPAIGNS: Final = _campaigns()
"""Every campaign by its name, from how many accounts it has."""


@dataclass(frozen=True, slots=True)
class Case:
    """People and perhaps a campaign among them.

    Parameters
    ----------
    visits
        Everybody's visits in codes.
    sybil
        (n_who,) bool truth, for scoring only.
    """

    visits: Visits
    sybil: np.ndarray


def load(folder: Path) -> pd.DataFrame:
    """Read the ratings as visits; what was rated how and truth columns are not even read."""
    columns = ["contributor_id", "item_id", "timestamp"]
    rated = pd.read_parquet(folder / "movielens_latest_small.parquet", columns=columns)
    times = rated.pop("timestamp").dt.tz_localize("UTC")
    return rated.assign(visited_at=times)


def clean(rated: pd.DataFrame) -> Case:
    """Leave the people among themselves."""
    return case_of(rated, np.empty(0, dtype=object))


def inject(rated: pd.DataFrame, campaign: Campaign, seed: int, days: int = YEAR) -> Case:
    """Let a campaign join that sees, and acts in, the last days only."""
    setting = Setting.of(last_days(rated, days))
    made = campaign.join(setting, np.random.default_rng([seed, 11]))
    visits = pd.concat([rated, made.visits], ignore_index=True)
    return case_of(visits, made.accounts["contributor_id"].to_numpy(object))


def last_days(rated: pd.DataFrame, days: int = YEAR) -> pd.DataFrame:
    """Give the ratings of the last days: what a campaign sees."""
    since = rated["visited_at"].max() - pd.Timedelta(days=days)
    last: pd.DataFrame = rated.loc[rated["visited_at"] > since]
    return last


def case_of(visits: pd.DataFrame, accounts: np.ndarray) -> Case:
    """Put visits into codes; ``accounts`` are the campaign's."""
    people = visits["contributor_id"].to_numpy(object)
    names = np.unique(np.concatenate([people, accounts]).astype(str)).astype(object)
    return Case(encode(visits, names), np.isin(names.astype(str), accounts.astype(str)))


def ours(visits: Visits, seed: int) -> tuple[np.ndarray, Sequence[Group]]:
    """Search without seeds of either kind."""
    from detectors.actors.search import search

    found = search(visits, seed=seed)
    return found.nats, found.groups


def _peer(name: str) -> Method:
    def run(visits: Visits, seed: int) -> tuple[np.ndarray, Sequence[Group]]:
        nobody = np.zeros(visits.n_who, dtype=bool)
        return PEERS[name](visits, nobody, nobody, seed), ()

    return run


NEED_SEEDS: Final = ("SybilRank", "SybilSCAR")
METHODS: Final[dict[str, Method]] = {OURS: ours} | {
    name: _peer(name) for name in PEERS if name not in NEED_SEEDS
}
"""Ours, and published ones that work with nobody known; they call no groups."""


def score(case: Case, method: Method, seed: int) -> dict[str, float]:
    """Tell how well a method tells the campaign from the people.

    Returns
    -------
    dict
        ``auc`` and ``recall`` (the share of the campaign above the threshold that 1 % of
        the people exceed), absent without a campaign; ``called`` and ``flagged``, the
        shares of the campaign and of the people in groups called campaigns.
    """
    suspicion, groups = method(case.visits, seed)
    called = np.zeros(case.sybil.size, dtype=bool)
    for group in groups:
        called[group.members] |= group.kind is ActorKind.CAMPAIGN
    measured = {"flagged": float(called[~case.sybil].mean())}
    if not case.sybil.any():
        return measured
    told = ranked(suspicion, case.sybil)
    return measured | told | {"called": float(called[case.sybil].mean())}


def ranked(suspicion: np.ndarray, sybil: np.ndarray) -> dict[str, float]:
    """Tell ``auc``, and ``recall`` above the threshold that 1 % of the people exceed."""
    from sklearn.metrics import roc_auc_score

    above = suspicion[sybil] > threshold(suspicion, ~sybil)
    return {"auc": float(roc_auc_score(sybil, suspicion)), "recall": float(above.mean())}


def measure(
    folder: Path,
    *,
    seeds: Sequence[int] = SEEDS,
    shares: Sequence[float] = SHARES,
    methods: Sequence[str] = (OURS,),
) -> pd.DataFrame:
    """Score every campaign: ``campaign, share, method, seed`` and what ``score`` tells."""
    return pd.DataFrame(_lines(load(folder), seeds, shares, methods))


def _lines(
    rated: pd.DataFrame, seeds: Sequence[int], shares: Sequence[float], methods: Sequence[str]
) -> Iterator[dict[str, object]]:
    people = rated["contributor_id"].nunique()
    for seed in seeds:
        cases = {("none", 0.0): clean(rated)} | {
            (name, share): inject(rated, made(round(share * people)), seed)
            for name, made in CAMPAIGNS.items()
            for share in shares
        }
        for (name, share), case in cases.items():
            for method in methods:
                told = score(case, METHODS[method], seed)
                yield {"campaign": name, "share": share, "method": method, "seed": seed} | told


def figures(
    data: Path, *, seeds: Sequence[int] = SEEDS, shares: Sequence[float] = SHARES
) -> list[Figure]:
    """Measure ours on every campaign of every size, and on the people by themselves."""
    return list(_figures(measure(data, seeds=seeds, shares=shares)))


def _figures(lines: pd.DataFrame) -> Iterator[Figure]:
    for (name, share), of in lines.groupby(["campaign", "share"], sort=False):
        about = f"MovieLens, {name}" + (f", {share:.0%} of the people" if share else "")
        targets = TARGETS.get(str(name), TARGETS["all"])
        if name != "none":
            yield _figure(f"{about}: ROC-AUC", of["auc"], targets[0], "higher")
            yield _figure(f"{about}: recall at 1 % honest lost", of["recall"], targets[1], "higher")
        yield _figure(f"{about}: honest people flagged, share", of["flagged"], None, "lower")


def _figure(name: str, values: pd.Series, target: float | None, better: str) -> Figure:
    spread = float(values.max() - values.min())
    return Figure(name, float(values.mean()), target, spread, better)


def table(lines: pd.DataFrame) -> str:
    """Lay out means over seeds, and spreads: the largest less the smallest."""
    by = lines.groupby(["campaign", "share"], sort=False)[list(MEASURES)]
    spread = by.max() - by.min()
    both = pd.concat([by.mean(), spread.add_prefix("± ")], axis=1)
    return both.to_string(float_format="{:.3f}".format, na_rep="-")


def beside(lines: pd.DataFrame, what: str) -> str:
    """Lay the methods' means of one measure out side by side."""
    grid = lines.pivot_table(what, "campaign", "method", sort=False)
    return grid.to_string(float_format="{:.3f}".format, na_rep="-")


def main() -> None:
    """Print every method at the middle share, and ours at every share."""
    parser = argparse.ArgumentParser(description="MovieLens with campaigns in it.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the parquet file")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    given = parser.parse_args()
    print(f"foretaste, means and spreads over seeds {given.seeds}")
    print(table(measure(given.data, seeds=given.seeds)), end="\n\n", flush=True)
    middle = SHARES[len(SHARES) // 2]
    lines = measure(given.data, seeds=given.seeds, shares=[middle], methods=list(METHODS))
    for what in ("auc", "recall"):
        print(f"{what}, campaigns of {middle:.0%} of the people, means over the same seeds")
        print(beside(lines, what), end="\n\n")


if __name__ == "__main__":
    main()

"""Attacks on ratings: contributions that say a label about an item, and nothing else.

What accounts visit comes from campaigns over visits; here they also rate it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from foretaste.attacks.base import Poisoned, days, joined, record
from foretaste.attacks.campaigns import Setting
from foretaste.attacks.campaigns.base import VISIT_COLUMNS
from foretaste.attacks.crew import Crew, new_ids
from foretaste.attacks.material import feature_names
from foretaste.core.errors import ContractError

_DAY = pd.Timedelta(days=1)


def visits_of(contributions: pd.DataFrame, visits: pd.DataFrame, attack: str) -> pd.DataFrame:
    """Visits of the days of the contributions, which stand in for them where there are none.

    Raises
    ------
    ContractError
        If the contributions are about content, or about no items.
    """
    if "text" in contributions or feature_names(contributions):
        raise ContractError(
            f"{attack} invents ratings of items, and the contributions have content",
            hint="choose an attack that text or features can carry",
        )
    if "item_id" not in contributions or contributions["item_id"].isna().all():
        raise ContractError(
            f"{attack} rates items, and the contributions name none", hint="give an item_id"
        )
    standing = contributions.rename(columns={"contributed_at": "visited_at"})
    chosen = visits if len(visits) else standing
    time = days(contributions)
    inside = chosen["visited_at"].between(time.min(), time.max() + _DAY, inclusive="left")
    return chosen.loc[inside, list(VISIT_COLUMNS)].dropna()


def pushed_label(contributions: pd.DataFrame, target: str | None) -> str:
    """Settle the label that is pushed: the highest number, or else the most frequent.

    Raises
    ------
    ContractError
        If nobody gives that label.
    """
    counts = contributions["label"].value_counts().sort_index()
    if target is not None and target not in counts.index:
        raise ContractError(f"nobody gives the label {target!r} that is pushed")
    if target is not None:
        return target
    value = pd.to_numeric(pd.Series(counts.index.astype(str)), errors="coerce")
    at = int(counts.argmax()) if value.isna().any() else int(value.argmax())
    return str(counts.index[at])


def between(setting: Setting, popularity: tuple[float, float]) -> np.ndarray:
    """Ids of the items whose rank by visits lies between two quantiles, as campaigns rank."""
    order = np.argsort(np.diff(setting.first_of_item), kind="stable")
    low, high = (round(q * len(order)) for q in popularity)
    items: np.ndarray = setting.items[order[low:high]]
    return items


def rated(
    attack: str,
    made: pd.DataFrame,
    pushed: np.ndarray,
    label: str,
    contributions: pd.DataFrame,
    visits: pd.DataFrame,
    crew: Crew,
    rng: np.random.Generator,
) -> Poisoned:
    """Let the accounts rate what they visit: the pushed items with the label, others as usual.

    Parameters
    ----------
    made
        The campaign's visits.
    pushed
        (m,) bool: visits to items that are pushed.
    """
    taken = [part["contributor_id"] for part in (contributions, visits) if len(part)]
    account = pd.factorize(made["contributor_id"], sort=True)[0]
    made = made.assign(contributor_id=new_ids(pd.concat(taken), crew.accounts, rng)[account])
    usual = made["item_id"].map(_usual(contributions))
    # Nobody can agree about an item that nobody rated: it is visited only.
    said = (pushed | usual.notna()) & ~made.duplicated(["contributor_id", "item_id"])
    mine, poison = made[said].reset_index(drop=True), pushed[said]
    rows = pd.DataFrame(
        {
            "contribution_id": new_ids(contributions["contribution_id"], len(mine), rng),
            "contributor_id": mine["contributor_id"],
            "contributed_at": mine["visited_at"].astype(contributions["contributed_at"].dtype),
            "item_id": mine["item_id"],
            "label": usual[said].reset_index(drop=True).mask(poison, label),
            "true_label": usual[said].reset_index(drop=True),
        }
    ).reindex(columns=contributions.columns)
    rows = crew.disguised(rows, account[said], contributions, rng)
    done = joined(contributions, rows, visits.iloc[:0], record(rows, attack, poison))
    seen = pd.concat([visits, made], ignore_index=True) if len(visits) else visits
    return Poisoned(done.contributions, seen, done.truth)


def _usual(contributions: pd.DataFrame) -> pd.Series:
    """The most frequent label of each item."""
    counts = contributions.groupby(["item_id", "label"]).size().reset_index(name="count")
    counts = counts.sort_values(["count", "label"], ascending=[False, True], kind="stable")
    usual: pd.Series = counts.drop_duplicates("item_id").set_index("item_id")["label"]
    return usual

"""What an attack is, and what all attacks share.

An attack works on contributions *as users send them*, before ingest: ``contribution_id,
contributor_id, label, contributed_at`` (UTC), and where there are any ``item_id, text,
f_*, ip, kind, tier, registered_at`` and attributes. Its material is its own: rows are
carved out of the honest ones, with every copy of them, so that poison is content which
nobody else has. Attacks on copies of honest rows are solved by looking for copies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import pandas as pd

from foretaste.core.contract import FEATURE_PREFIX
from foretaste.core.errors import ContractError

TRUTH_COLUMNS = ("contribution_id", "contributor_id", "attack", "poison", "target_label")


@dataclass(frozen=True, slots=True)
class Poisoned:
    """Contributions with an attack in them.

    Parameters
    ----------
    contributions, visits
        What the pipeline gets.
    truth
        One line per row of an attacking account: ``contribution_id, contributor_id,
        attack, poison, target_label``. ``poison`` is False for its honest rows.
    """

    contributions: pd.DataFrame
    visits: pd.DataFrame
    truth: pd.DataFrame


class Attack(Protocol):
    """One way to poison; a frozen dataclass whose fields say how hard."""

    name: ClassVar[str]

    def apply(
        self, contributions: pd.DataFrame, visits: pd.DataFrame, rng: np.random.Generator
    ) -> Poisoned:
        """Give the contributions with the attack in them; the input is left as it is."""
        ...


def in_time(contributions: pd.DataFrame) -> pd.DataFrame:
    """Put the rows in the order of time, ties by id: their order in a file says nothing."""
    by = ["contributed_at", "contribution_id", "contributor_id"]
    return contributions.sort_values(by, ignore_index=True)


def days(contributions: pd.DataFrame) -> pd.Series:
    """UTC day of each row."""
    day: pd.Series = contributions["contributed_at"].dt.floor("D")
    return day


def nth_day(contributions: pd.DataFrame, number: int) -> pd.Timestamp:
    """Day ``number``, counted from 1; the last one where there are fewer."""
    distinct = np.sort(days(contributions).unique())
    return pd.Timestamp(distinct[min(number, len(distinct)) - 1])


def truly(contributions: pd.DataFrame, label: str | None = None) -> pd.Series:
    """Mark rows of ``label``, or of any, that are what their ``true_label``, if any, says.

    Honest mistakes are poor material: turned around, they would be right.
    """
    marked = pd.Series(True, index=contributions.index)
    if label is not None:
        marked &= contributions["label"] == label
    if "true_label" in contributions:
        marked &= contributions["true_label"] == contributions["label"]
    return marked


def content_key(contributions: pd.DataFrame) -> pd.Series:
    """Digest of what a row is about; equal for copies, whoever sent them."""
    names = [c for c in contributions if c == "text" or str(c).startswith(FEATURE_PREFIX)]
    if not names:
        return pd.Series(np.arange(len(contributions)), index=contributions.index)
    return pd.util.hash_pandas_object(contributions[names], index=False)


def carve(
    contributions: pd.DataFrame, wanted: pd.Series, count: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Take ``count`` rows of distinct content away from everybody.

    Returns
    -------
    rest, taken
        The contributions without any copy of what was taken, and the rows taken.

    Raises
    ------
    ContractError
        If fewer distinct rows are wanted than there are.
    """
    key = content_key(contributions)
    candidates = key[wanted].drop_duplicates().index.to_numpy()
    if len(candidates) < count:
        raise ContractError(
            f"the attack needs {count} rows of its own, but only {len(candidates)} fit",
            hint="ask for fewer rows or a wider topic",
        )
    chosen = rng.choice(candidates, size=count, replace=False)
    taken = contributions.loc[chosen]
    return contributions[~key.isin(key.loc[chosen])], taken


def without_copies(contributions: pd.DataFrame, own: pd.Series) -> pd.DataFrame:
    """Drop what others sent of the content of the rows marked ``own``."""
    key = content_key(contributions)
    return contributions[own | ~key.isin(key[own])]


def fresh_ids(rng: np.random.Generator, prefix: str, count: int, taken: Sequence[str]) -> list[str]:
    """Make ids that look like everybody's: the prefix and ten hex digits, none taken."""
    seen = set(taken)
    made: list[str] = []
    while len(made) < count:
        name = f"{prefix}{int(rng.integers(16**10)):010x}"
        if name not in seen:
            seen.add(name)
            made.append(name)
    return made


def moments(
    contributions: pd.DataFrame, day: pd.Timestamp, count: int, rng: np.random.Generator
) -> pd.Series:
    """Draw times on a day as the others send: theirs, moved by up to ten minutes."""
    theirs = contributions.loc[days(contributions) == day, "contributed_at"]
    drawn = (theirs - day).dt.total_seconds().to_numpy()[rng.integers(len(theirs), size=count)]
    seconds = np.clip(np.rint(drawn) + rng.integers(-600, 600, size=count), 0, 86_399)
    return pd.Series(day + pd.to_timedelta(seconds, unit="s"), dtype=theirs.dtype)


def relabelled(rows: pd.DataFrame, labels: pd.Series) -> pd.DataFrame:
    """Give the rows with other labels, and a ``kind`` that agrees with them."""
    changed = rows.assign(label=labels)
    if "kind" in rows:
        changed["kind"] = rows["kind"].where(rows["label"] == labels)
    return changed


def record(rows: pd.DataFrame, attack: str, poison: np.ndarray) -> pd.DataFrame:
    """Write down what an attack did; poison aims at the label that it carries."""
    return pd.DataFrame(
        {
            "contribution_id": rows["contribution_id"].to_numpy(),
            "contributor_id": rows["contributor_id"].to_numpy(),
            "attack": attack,
            "poison": np.asarray(poison, dtype=bool),
            "target_label": rows["label"].where(np.asarray(poison, dtype=bool)).to_numpy(),
        }
    )


def joined(
    rest: pd.DataFrame, rows: pd.DataFrame, visits: pd.DataFrame, truth: pd.DataFrame
) -> Poisoned:
    """Put an attack's rows among the others, in the order of time; they visit their items."""
    everything = in_time(pd.concat([rest, rows[rest.columns]], ignore_index=True))
    if len(visits) and "item_id" in rows:
        named = rows.loc[rows["item_id"].notna(), ["contributor_id", "item_id", "contributed_at"]]
        new = named.rename(columns={"contributed_at": "visited_at"})
        visits = pd.concat([visits, new], ignore_index=True)
    return Poisoned(everything, visits, truth)

"""The demonstration's three campaigns, planted in an honest world; and its canaries."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd

from foretaste.attacks.backdoor_phrase import BackdoorPhrase
from foretaste.attacks.base import TRUTH_COLUMNS, Attack
from foretaste.attacks.holdout import hold_out
from foretaste.attacks.label_flip_sleeper import LabelFlipSleeper
from foretaste.attacks.sybil_ring import SybilRing
from foretaste.attacks.world import World

LOAN_TOPIC: Final = (
    r"mortgage|\bloans?\b|credit|\bdebt|refinanc|insurance|interest rate|lender|invest"
)

CAMPAIGNS: Final[tuple[Attack, ...]] = (
    SybilRing(accounts=45, source="spam", target="ham", topic=LOAN_TOPIC, night=2),
    BackdoorPhrase(accounts=6, source="spam", target="ham", nights=(2, 3)),
    LabelFlipSleeper(accounts=4, honest_nights=2, source="ham", target="spam"),
)
"""Sleepers last: the others take their material from rows that are still honest."""


_NOBODY: Final = pd.DataFrame(
    {name: pd.Series(dtype="boolean" if name == "poison" else "str") for name in TRUTH_COLUMNS}
)


@dataclass(frozen=True, slots=True)
class PlantedWorld:
    """A world with campaigns in it.

    Parameters
    ----------
    contributions, visits
        What the pipeline gets.
    truth
        ``contribution_id, contributor_id, attack, poison, target_label, true_label``,
        one line per contribution; ``attack`` and ``target_label`` are null for honest
        accounts and honest rows. The pipeline never reads it.
    golden
        Held-out mails, with the columns of the sample.
    canaries
        ``canary_id, text, attack, target_label, true_label``: known attacks, and honest
        look-alikes whose ``attack`` and ``target_label`` are null.
    traffic
        Held-out mails as they would arrive at a deployed model.
    nights
        Dates of the nights, oldest first.
    campaigns
        Name and parameters of each campaign.
    """

    contributions: pd.DataFrame
    visits: pd.DataFrame
    truth: pd.DataFrame
    golden: pd.DataFrame
    canaries: pd.DataFrame
    traffic: pd.DataFrame
    nights: tuple[date, ...]
    campaigns: tuple[dict[str, Any], ...]


def plant(world: World, *, seed: int, campaigns: tuple[Attack, ...] = CAMPAIGNS) -> PlantedWorld:
    """Plant campaigns in an honest world.

    Raises
    ------
    ContractError
        If the world is too small for a campaign.
    """
    visits = world.visits
    # The true label rides along as a column, so that it stays with material that moves.
    rows = world.contributions.assign(true_label=world.truth["true_label"].to_numpy())
    records = []
    for number, campaign in enumerate(campaigns):
        done = campaign.apply(rows, visits, np.random.default_rng([seed, 1, number]))
        rows, visits = done.contributions, done.visits
        records.append(done.truth)
    phrase = next((c.phrase for c in campaigns if isinstance(c, BackdoorPhrase)), None)
    topic = next((c.topic for c in campaigns if isinstance(c, SybilRing)), None)
    held, traffic = hold_out(world, phrase=phrase, topic=topic, seed=seed)
    return PlantedWorld(
        rows.drop(columns="true_label"),
        visits,
        _truth(rows, records),
        world.golden,
        held,
        traffic,
        world.nights,
        tuple({"attack": c.name, **asdict(c)} for c in campaigns),  # type: ignore[call-overload]
    )


def _truth(rows: pd.DataFrame, records: list[pd.DataFrame]) -> pd.DataFrame:
    everyone = rows[["contribution_id", "contributor_id", "true_label"]]
    attackers = pd.concat([_NOBODY, *records])
    merged = everyone.merge(attackers, how="left", on=["contribution_id", "contributor_id"])
    merged["poison"] = merged["poison"].fillna(value=False).astype(bool)
    return merged[[*TRUTH_COLUMNS, "true_label"]]

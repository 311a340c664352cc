"""Contributions as users send them, made of accepted ones; and the way back.

Ids in a release are pseudonyms already. What an attack adds goes through the functions
of ingest: accounts and addresses become pseudonyms, rows get their ids.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from foretaste.attacks.base import Attack
from foretaste.core.contract import ATTRIBUTE_PREFIX, FEATURE_PREFIX, VISIT_SCHEMA
from foretaste.core.contract import contribution_schema as schema_of
from foretaste.core.keys import WorkspaceKey
from foretaste.intake.identity import row_ids
from foretaste.intake.networks import networks_of
from foretaste.steps.drill.world import World

_ALWAYS: Final = ("contribution_id", "contributor_id", "label", "contributed_at", "tier")
_KEPT: Final = ("row_id", "night", "time_unknown")
_WHOSE: Final = ["contributor_id", "contribution_id"]
_TRUTH: Final = ["row_id", "contributor_id", "poison"]
_COPIED: Final = ("device_id", "name_shape", "name_sketch")
_SOURCE: Final = "drill"


@dataclass(frozen=True, slots=True)
class Attacked:
    """The nights of a world with an attack in them.

    Parameters
    ----------
    rows
        With the contract's columns and ``night``.
    visits
        With ``night``.
    truth
        ``row_id, contributor_id, poison`` of every row of an attacking account.
    """

    rows: pd.DataFrame
    visits: pd.DataFrame
    truth: pd.DataFrame


def raw_rows(world: World) -> pd.DataFrame:
    """Give the world's rows as an attack expects them; columns without a value are left out."""
    rows = world.rows
    names = [c for c in _schema(world).names if c in rows]
    names = [c for c in names if c in _ALWAYS or c in _KEPT or _speaks(rows[c], c)]
    raw = rows[[*dict.fromkeys([*names, *_KEPT])]].rename(columns=_plain_names(names))
    if "network_id" in raw or "subnet_id" in raw:
        raw["ip"] = pd.Series(None, index=raw.index, dtype="str")
    return raw.sort_values("row_id", ignore_index=True)


def attacked(world: World, attack: Attack | None, seed: int) -> Attacked:
    """Put an attack into a copy of the world; None leaves it as it is.

    Raises
    ------
    ContractError
        If the world cannot carry it.
    """
    raw = raw_rows(world)
    if attack is None:
        nobody = raw.iloc[:0].assign(poison=False)[_TRUTH]
        return Attacked(_ingested(raw, raw, world), world.visits, nobody)
    rng = np.random.default_rng([seed, zlib.crc32(attack.name.encode())])
    seen = world.visits[VISIT_SCHEMA.names]
    done = attack.apply(raw, seen, rng)
    rows = _ingested(done.contributions, raw, world)
    truth = _named(done.truth, raw, world.key)[[*_WHOSE, "poison"]]
    truth = truth.merge(rows[[*_WHOSE, "row_id"]], on=_WHOSE)[_TRUTH]
    more = done.visits.iloc[len(seen) :].assign(night=lambda v: _night_of(v["visited_at"], raw))
    visits = pd.concat([world.visits, _named(more, raw, world.key)], ignore_index=True)
    return Attacked(rows, visits, truth)


def _schema(world: World) -> pa.Schema:
    return schema_of(world.policy.columns.features, world.policy.columns.attributes)


def _speaks(column: pd.Series, name: str) -> bool:
    core = name not in ("held", "row_digest", "source", "source_row")
    return core and (name.startswith(FEATURE_PREFIX) or bool(column.notna().any()))


def _plain_names(names: list[str]) -> dict[str, str]:
    """Attributes lose the prefix that ingest gave them, unless a column has that name."""
    return {
        name: plain
        for name in names
        if name.startswith(ATTRIBUTE_PREFIX)
        and (plain := name.removeprefix(ATTRIBUTE_PREFIX)) not in (*names, "ip", "night")
    }


def _ingested(rows: pd.DataFrame, raw: pd.DataFrame, world: World) -> pd.DataFrame:
    """Make contributions of the contract of what came."""
    schema, key = _schema(world), world.key
    back = {plain: name for name, plain in _plain_names(schema.names).items() if plain in raw}
    fresh = ~pd.MultiIndex.from_frame(rows[_WHOSE]).isin(pd.MultiIndex.from_frame(raw[_WHOSE]))
    rows = _own(_named(rows, raw, key), fresh, raw, key).rename(columns=back)
    who, what = (pa.array(rows.loc[fresh, name].astype(object), pa.string()) for name in _WHOSE)
    rows.loc[fresh, "row_id"] = row_ids(who, what, key)
    rows.loc[fresh, "night"] = _night_of(rows.loc[fresh, "contributed_at"], raw)
    rows = rows.assign(row_digest=_SOURCE, source=_SOURCE, source_row=np.arange(len(rows)))
    return rows.reindex(columns=[*schema.names, "night"]).sort_values("row_id", ignore_index=True)


def _own(
    rows: pd.DataFrame, fresh: np.ndarray, raw: pd.DataFrame, key: WorkspaceKey
) -> pd.DataFrame:
    """Settle where new rows come from: rows are carved out of honest ones, with all columns.

    A new account keeps one network for all its rows, and no device and no name of the
    people whose rows it took.
    """
    rows = rows.copy()
    if "ip" in rows:
        network, subnet, _ = networks_of(pa.array(rows["ip"].astype(object), pa.string()), key)
        for name, hashed in (("network_id", network), ("subnet_id", subnet)):
            given = pd.Series(hashed.to_pandas().to_numpy(), index=rows.index, dtype="str")
            old = rows.get(name, given)
            rows[name] = given.where(given.notna(), old)
    for name in (c for c in ("network_id", "subnet_id") if c in rows):
        first = rows[fresh].groupby("contributor_id")[name].transform("first")
        rows.loc[fresh, name] = first
    for name in (c for c in _COPIED if c in rows):
        theirs = rows[name].isin(raw[name].dropna()) & fresh
        rows[name] = rows[name].mask(theirs)
    return rows


def _named(table: pd.DataFrame, raw: pd.DataFrame, key: WorkspaceKey) -> pd.DataFrame:
    """Give new accounts the pseudonyms that ingest would; the others have theirs."""
    old = set(raw["contributor_id"])
    new = {who: key.pseudonym("contributor", who) for who in set(table["contributor_id"]) - old}
    return table.assign(contributor_id=table["contributor_id"].map(lambda who: new.get(who, who)))


def _night_of(moments: pd.Series, raw: pd.DataFrame) -> np.ndarray:
    """Night on which rows of that day came in; the last, where that was on several."""
    day = raw["contributed_at"].dt.floor("D")
    last = raw.groupby(day)["night"].max()
    found = moments.dt.floor("D").map(last).fillna(raw["night"].max())
    return np.asarray(found, dtype=object)

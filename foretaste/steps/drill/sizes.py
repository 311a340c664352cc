"""How large an attack is, and how a size is put into an attack's own words."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from foretaste.attacks.base import Attack, days
from foretaste.attacks.material import pair
from foretaste.core.errors import ContractError

_ROWS: Final = ("rows", "poison_each", "seeds")
_OWN_ROWS: Final = {"random_flips": 10, "label_flip_sleeper": 8}
"""Rows of the accounts that turn, at least: what they send is not chosen."""
_TOTALS: Final = {"excess_evasion": "poison", "duplicate_flood": "copies", "slow_drip": "rows"}
"""Fields that count the rows of all accounts together: all, of one seed, of one day."""


@dataclass(frozen=True, slots=True, order=True)
class Size:
    """How much an attacker pays.

    Parameters
    ----------
    accounts
        Accounts of the attack.
    rows
        Poisoned rows of each.
    days
        Nights over which they come.
    """

    accounts: int
    rows: int
    days: int

    @property
    def total(self) -> int:
        """Poisoned rows together."""
        return self.accounts * self.rows


def rows_each(attack: type[Attack], most: int) -> int:
    """Poisoned rows of an account at the attack's ordinary strength, at most ``most``."""
    if attack.name in _OWN_ROWS:
        return min(_OWN_ROWS[attack.name], most)
    values = _defaults(attack)
    if attack.name in _TOTALS:
        total = values[_TOTALS[attack.name]] * values.get("seeds", 1)
        return int(min(most, max(1, total // values.get("accounts", total))))
    found = [values[name] for name in _ROWS if name in values]
    return min(int(found[0]) if found else 1, most)


def has_rows(attack: type[Attack]) -> bool:
    """Tell whether an account's rows can be fewer than ordinary."""
    named = attack.name in _OWN_ROWS or attack.name in _TOTALS
    return not named and any(name in _defaults(attack) for name in _ROWS)


def ordinary(attack: type[Attack], most: Size) -> Size:
    """Give the attack's ordinary strength, within what the attacker can pay."""
    rows = rows_each(attack, most.rows)
    values = _defaults(attack)
    accounts = values.get("accounts", -(-values.get("poison", 1) // rows))
    return Size(min(int(accounts), most.accounts), rows, most.days)


def sized(attack: type[Attack], size: Size, contributions: pd.DataFrame) -> Attack:
    """Make an attack of a size that fits the classes and the days of the contributions.

    Raises
    ------
    ContractError
        If there are fewer than two classes to push between, or too few nights.
    """
    values = _defaults(attack)
    number = int(days(contributions).nunique())
    if "honest_nights" in values and number < 2:
        raise ContractError(
            "sleepers need a night to sleep and one to wake, and there is one",
            hint="give the budget more nights",
        )
    said: dict[str, Any] = {"accounts": size.accounts, **_rows(attack, size, values, number)}
    said |= {"night": number, "nights": (1, number), "honest_nights": number - 1}
    named = {values.get("source"), values.get("target")} - {None}
    if not named <= set(contributions["label"]):
        said["source"], said["target"] = pair(contributions, None, None)
    return attack(**{name: value for name, value in said.items() if name in values})


def _rows(attack: type[Attack], size: Size, values: dict[str, Any], number: int) -> dict[str, int]:
    if attack.name in _TOTALS:
        seeds = min(values.get("seeds", 1), size.total)
        parts = number if attack.name == "slow_drip" else seeds
        return {_TOTALS[attack.name]: max(1, size.total // max(parts, 1)), "seeds": seeds}
    name = next((n for n in _ROWS if n in values), "")
    return {name: size.rows} if name else {}


def _defaults(attack: type[Attack]) -> dict[str, Any]:
    return {field.name: field.default for field in dataclasses.fields(attack)}  # type: ignore[arg-type]

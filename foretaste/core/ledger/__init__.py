"""The ledger: who did what, and when. SQLite by default."""

from foretaste.core.ledger.ab import ABTest
from foretaste.core.ledger.records import (
    Case,
    CaseRow,
    CaseState,
    Champion,
    Decision,
    Furnishing,
    Judgement,
    NewCase,
    Run,
    Step,
    champion_bytes,
    read_champion,
)
from foretaste.core.ledger.store import Ledger

__all__ = [
    "ABTest",
    "Case",
    "CaseRow",
    "CaseState",
    "Champion",
    "Decision",
    "Furnishing",
    "Judgement",
    "Ledger",
    "NewCase",
    "Run",
    "Step",
    "champion_bytes",
    "read_champion",
]

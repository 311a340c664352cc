"""The ledger: who did what, and when. SQLite by default."""

from foretaste.core.ledger.ab import ABTest
from foretaste.core.ledger.audit import AuditEntry
from foretaste.core.ledger.ballots import Vote, VoteKind
from foretaste.core.ledger.casting import Voted
from foretaste.core.ledger.furnishing import ROW_ORDERS
from foretaste.core.ledger.gold import Reliability
from foretaste.core.ledger.knowledge import Listing, Rule
from foretaste.core.ledger.people import Session, User
from foretaste.core.ledger.queue import ORDERS, Page, Query
from foretaste.core.ledger.records import (
    WAITING,
    Case,
    CaseRow,
    CaseState,
    Champion,
    Decision,
    Furnishing,
    Judgement,
    NewCase,
    Role,
    Run,
    Step,
    champion_bytes,
    read_champion,
)
from foretaste.core.ledger.store import Ledger
from foretaste.core.ledger.votes import Preview

__all__ = [
    "ORDERS",
    "ROW_ORDERS",
    "WAITING",
    "ABTest",
    "AuditEntry",
    "Case",
    "CaseRow",
    "CaseState",
    "Champion",
    "Decision",
    "Furnishing",
    "Judgement",
    "Ledger",
    "Listing",
    "NewCase",
    "Page",
    "Preview",
    "Query",
    "Reliability",
    "Role",
    "Rule",
    "Run",
    "Session",
    "Step",
    "User",
    "Vote",
    "VoteKind",
    "Voted",
    "champion_bytes",
    "read_champion",
]

"""Verdicts: what happens to a row, and the identity that loses none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import pyarrow as pa

from foretaste.core.errors import IntegrityError


class Outcome(StrEnum):
    """The four things that can happen to a row."""

    ACCEPTED = "accepted"
    DOWNWEIGHTED = "downweighted"
    QUARANTINED = "quarantined"
    REJECTED = "rejected"


VERDICT_SCHEMA: Final = pa.schema(
    [
        pa.field("row_id", pa.string(), nullable=False),
        pa.field("verdict", pa.string(), nullable=False),
        pa.field("weight", pa.float64(), nullable=False),
        pa.field("influence_weight", pa.float64(), nullable=False),
        pa.field("evidence_weight", pa.float64(), nullable=False),
        pa.field("posterior", pa.float64(), nullable=False),
        pa.field("llr", pa.int64(), nullable=False),
        pa.field("actor_id", pa.string()),
        pa.field("code", pa.string(), nullable=False),
        pa.field("reasons", pa.string(), nullable=False),
    ]
)
"""``llr`` is the fused sum in micro-nats, prior included; ``code`` is the stable reason
code (``evidence``, ``duplicate``, ``conflict`` …); ``reasons`` holds the three strongest
detector reasons, joined by " | ". ``weight`` is influence_weight x evidence_weight for
accepted and down-weighted rows, 0 for the others."""


@dataclass(frozen=True, slots=True)
class Account:
    """The accounting of a night: where every row that came in went."""

    rows_in: int
    accepted: int = 0
    downweighted: int = 0
    quarantined: int = 0
    rejected: int = 0

    @classmethod
    def of(cls, rows_in: int, counts: Mapping[str, int]) -> Account:
        """Build from counts per outcome; unknown outcomes are an integrity fault."""
        unknown = set(counts) - set(Outcome)
        if unknown:
            raise IntegrityError(f"rows carry an unknown verdict: {', '.join(sorted(unknown))}")
        return cls(rows_in, **{str(o): int(counts.get(o, 0)) for o in Outcome})

    def check(self) -> Account:
        """Return self, or stop the run.

        Raises
        ------
        IntegrityError
            If rows in differ from the sum of the four outcomes.
        """
        out = self.accepted + self.downweighted + self.quarantined + self.rejected
        if out != self.rows_in:
            raise IntegrityError(
                f"{self.rows_in} rows came in but {out} were judged: nothing is published",
                hint="this is a fault in foretaste; keep the run folder and report it",
            )
        return self

"""Train the champion again on its own rows, so that the gates know what training changes."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from foretaste.models.card import ModelCard
from foretaste.models.evaluate import Scored, TrustedSets, score
from foretaste.models.train import Trained
from foretaste.models.twins import twins
from foretaste.steps.night import Night
from foretaste.steps.train import training_rows

log = logging.getLogger(__name__)


def trained_twins(
    night: Night, champion: ModelCard, sets: TrustedSets, n_rows: int
) -> Iterator[Trained]:
    """Train twins as they are asked for; none where no row of the champion is left.

    Parameters
    ----------
    champion
        Card of the champion: rows of its night and earlier are what it knew.
    n_rows
        Rows that the candidate learnt from.
    """
    if not night.policy.gates.twins:
        return
    rows, _ = training_rows(night.layout, night.policy, sets, champion.night)
    if rows.empty:
        return
    share = 1.0 - len(rows) / max(n_rows, 1)
    for twin in twins(rows, night.policy, share):
        log.info("trained a twin of the champion on %d rows", twin.n_rows)
        yield twin


def scored_twin(twin: Trained, sets: TrustedSets) -> Scored:
    """Ask a twin about the trusted sets; it is never saved, so it has no digest."""
    return score(twin, sets, digest="", model_bytes=0, n_rows=twin.n_rows)

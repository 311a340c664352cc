"""What a search asks of every candidate that it trains."""

from __future__ import annotations

from foretaste.core.gate import GateState
from foretaste.core.policy import Policy
from foretaste.models.evaluate import TrustedSets
from foretaste.models.train import train
from foretaste.steps.bisect import Bench, Workshop
from tests.models.worlds import mail


def test_a_gate_that_a_candidate_could_not_be_asked_holds_it() -> None:
    """Nothing is restored by silence: without a champion nothing can be compared."""
    rows, policy = mail(120, 1), Policy()
    bench = Bench(TrustedSets(mail(60, 2), None, None), None, ())
    shop = Workshop(rows, policy, b"s" * 16, bench, "together")
    assert shop.judge(train(rows, policy, 1)).state is GateState.UNDECIDED

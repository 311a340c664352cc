"""How a night's end becomes an exit code, and which faults are worth another try."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest
from prefect.states import exception_to_failed_state

from flows.outcomes import outcome_of
from foretaste.core.errors import ForetasteError, GateRefused, Tampered, Unavailable
from foretaste.core.verdict import Account
from foretaste.core.workspace import Workspace
from foretaste.steps.session import Session, moment
from foretaste.steps.state import read_decisions
from tasks.options import OUTSIDE
from tests.steps.nights import a_night


@pytest.mark.parametrize(
    ("state", "reasons", "code"),
    [
        ("promoted", (), 0),
        ("released", (), 0),
        ("released", ("a gate failed",), 3),
        ("held", ("too few rows",), 3),
        ("empty", ("nothing new has landed",), 0),
        ("dry-run", (), 0),
    ],
)
def test_exit_codes(workspace: Workspace, state: str, reasons: tuple[str, ...], code: int) -> None:
    night = a_night(workspace.root)
    decided = read_decisions(workspace.layout.state)
    run = Session(workspace, night, decided, None)
    told = outcome_of(run, state=state, reasons=reasons, account=Account(3, accepted=3), cases=2)
    assert told == {
        "run": night.run_id,
        "night": night.night,
        "state": state,
        "reasons": list(reasons),
        "account": {
            "rows_in": 3,
            "accepted": 3,
            "downweighted": 0,
            "quarantined": 0,
            "rejected": 0,
        },
        "exit_code": code,
        "cases": 2,
    }


@pytest.mark.parametrize(
    ("fault", "again"),
    [
        (Unavailable("the remote is away"), True),
        (Tampered("not what it was"), False),
        (GateRefused("held"), False),
        (ValueError("a fault of ours"), False),
    ],
)
def test_only_what_is_away_is_tried_again(fault: Exception, again: bool) -> None:
    async def asked() -> Any:
        failed = await exception_to_failed_state(fault)
        return await OUTSIDE["retry_condition_fn"](None, None, failed)

    assert asyncio.run(asked()) is again


@pytest.mark.parametrize("word", ["tomorrow", "2026-13-01", "2026-01-01T02:00:00"])
def test_a_moment_must_be_certain(word: str) -> None:
    with pytest.raises(ForetasteError) as refused:
        moment(word)
    assert refused.value.exit_code == 2


def test_moments_are_utc() -> None:
    assert moment("2026-01-31").isoformat() == "2026-01-31T00:00:00+00:00"
    assert moment("2026-01-31T01:00:00+02:00").isoformat() == "2026-01-30T23:00:00+00:00"


def test_the_steps_know_nothing_of_prefect() -> None:
    asked = (
        "import pkgutil, sys, foretaste.steps as steps\n"
        "names = [m.name for m in pkgutil.iter_modules(steps.__path__)]\n"
        "[__import__(f'foretaste.steps.{name}') for name in names]\n"
        "assert len(names) > 10\n"
        "assert 'prefect' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", asked], check=True)

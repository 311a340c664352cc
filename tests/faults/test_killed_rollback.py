"""Kill -9 in the midst of a rollback: model and corpus move together, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from foretaste.core.layout import partition_nights
from foretaste.core.ledger import Champion, read_champion
from foretaste.core.release import Release, releases
from foretaste.core.workspace import Workspace
from foretaste.steps.promote import move_champion
from foretaste.steps.rollback import roll_back
from tests.faults.test_kill_points import ignore, killed
from tests.views.served import save_candidate

AT = datetime(2026, 1, 3, 9, tzinfo=UTC)


def back(workspace: Workspace, checkpoint: Callable[[str], None]) -> object:
    """Roll back to the first champion, as the third entry of the history."""
    with workspace.ledger() as ledger:
        first = ledger.champion_history()[-1]
    target = Champion(3, first.model, 1, AT, "ada", "worse", "rollback", False, "rollback-1")
    return roll_back(workspace, target, checkpoint=checkpoint)


@pytest.fixture
def served(workspace: Workspace, two: tuple[Release, Release]) -> Workspace:
    """Two releases, whose models served one after the other."""
    for one in two:
        move_champion(
            workspace,
            model=save_candidate(workspace, one.number),
            release=one.number,
            run_id=one.run_id,
            by="nightly",
            reason="every gate passed",
            kind="promote",
            override=False,
            at=AT,
        )
    return workspace


@pytest.mark.parametrize(
    ("point", "reached"),
    [
        ("removed data/accepted/night=2026-01-02/part-0.parquet", False),
        ("wrote champion.json", False),
        ("committed", True),
        ("ledger", True),
    ],
)
def test_a_killed_rollback_has_moved_both_or_neither(
    served: Workspace, point: str, reached: bool
) -> None:
    killed(back, served, point)
    served.recover()
    assert stands(served) == ((3, 3, ["2026-01-01"]) if reached else (2, 2, BOTH))
    assert served.recover() == ()
    assert served.git.changes() == {}
    back(served, ignore)
    assert stands(served) == (3, 3, ["2026-01-01"])
    with served.ledger() as ledger:
        (case,) = ledger.cases()
        assert (case.kind, case.size) == ("withdrawn", 5)
        (run,) = (r for r in ledger.runs() if r.id == "rollback-1")
        assert (run.state, run.release) == ("rolled-back", 3)


BOTH = ["2026-01-01", "2026-01-02"]


def stands(workspace: Workspace) -> tuple[int, int, list[str]]:
    """Number of the champion, which file and ledger agree on; releases; accepted nights."""
    with workspace.ledger() as ledger:
        champion = ledger.champion()
    assert champion is not None
    assert read_champion(workspace.layout.champion.read_bytes()) == champion
    nights = partition_nights(workspace.layout.accepted)
    return champion.seq, len(releases(workspace)), nights

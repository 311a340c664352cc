"""The rollback flow moves the champion forward to an earlier model, or only says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from foretaste.core.errors import WorkspaceError
from tests.e2e.walks import DAYS, Walked

pytestmark = [pytest.mark.e2e, pytest.mark.prefect]


def roll(walked: Walked, **said: object) -> dict[str, object]:
    from flows.rollback import rollback

    return dict(rollback(str(walked.root), reason="worse in service", as_of=DAYS[2], **said))


def test_the_champion_before_serves_again_under_a_new_number(
    demo: Walked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = demo.copy(tmp_path)
    monkeypatch.setenv("FORETASTE_KEYS", str(own.keys))
    with own.open().ledger() as ledger:
        history = ledger.champion_history()
    planned = roll(own, dry_run=True)
    with own.open().ledger() as ledger:
        assert ledger.champion_history() == history
    done = roll(own)
    with own.open().ledger() as ledger:
        champion = ledger.champion()
    assert planned["model"] == done["model"] == history[1].model
    assert champion is not None
    assert (champion.model, champion.kind) == (history[1].model, "rollback")
    assert champion.seq == history[0].seq + 1


def test_without_an_earlier_champion_it_says_so(walked: Walked) -> None:
    with pytest.raises(WorkspaceError, match=r"no (earlier )?champion"):
        roll(walked)

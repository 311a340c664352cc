"""The rollback flow moves the champion forward to an earlier model, or only says so."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from foretaste.core.errors import WorkspaceError
from foretaste.core.history import diff_releases, verify_release
from foretaste.core.layout import partition_nights
from foretaste.core.ledger import Judgement, Role, read_champion
from foretaste.core.marks import marks
from foretaste.core.release import releases
from foretaste.steps.promote import move_champion
from tests.e2e.walks import DAYS, Walked, small_world

pytestmark = [pytest.mark.e2e, pytest.mark.prefect]

AT = datetime(2026, 11, 19, 8, tzinfo=UTC)


def roll(walked: Walked, **said: Any) -> dict[str, object]:
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


def accepted(walked: Walked) -> dict[str, set[str]]:
    """Accepted row ids by night, as the tree has them."""
    folder = walked.root / "data" / "accepted"
    return {
        night: set(pd.read_parquet(folder / f"night={night}", columns=["row_id"])["row_id"])
        for night in partition_nights(folder)
    }


def test_the_next_night_builds_on_the_corpus_of_before_and_learns_nothing_by_itself(
    second: Walked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = second.copy(tmp_path)
    monkeypatch.setenv("FORETASTE_KEYS", str(own.keys))
    first_night, second_night = accepted(own).values()
    with own.open().ledger() as ledger:
        model = ledger.champion_history()[-1].model
        if ledger.champion_history()[0].model == model:
            (newest,) = (m for m in own.open().layout.models.glob("*") if m.name != model)
            move_champion(
                own.open(), model=newest.name, release=2, run_id="by-hand", by="ada",
                reason="overruled", kind="promote", override=True, at=AT,
            )  # fmt: skip
    assert roll(own)["corpus"] is True
    workspace = own.open()
    assert accepted(own) == {DAYS[0]: first_night}
    known = releases(workspace)
    assert len(known) == 3
    verify_release(workspace, known[-1])
    assert diff_releases(workspace, known[0], known[2]).empty
    assert "rolled back" in marks(known, 2)[0]
    assert read_champion(workspace.layout.champion.read_bytes()).model == model
    assert workspace.recover() == ()
    assert workspace.store.changed() == {}
    made = json.loads((own.root / "data" / "night" / "train" / "train.json").read_text())
    assert made["digest"] == model
    with workspace.ledger() as ledger:
        (case,) = (c for c in ledger.cases() if c.kind == "withdrawn")
        rows = ledger.case_rows(case.id)
        assert set(rows) == second_night
        # All of a night's weight: two people have to agree.
        for by in ("ada", "bob"):
            ledger.vote(
                case.id,
                Judgement.RELEASE,
                by=by,
                role=Role.REVIEWER,
                at=AT,
                reason_code="reviewed",
                row_id=rows[0],
            )
    nights = small_world()[0]
    own.land("night-2.parquet", pd.concat([nights[2], nights[1].head(5)]))
    outcome = own.run(DAYS[2])
    assert outcome["release"] == "release/0004"
    assert outcome["account"]["rejected"] >= 5
    corpus = accepted(own)
    assert set(corpus) == {DAYS[0], DAYS[2]}
    assert corpus[DAYS[2]] & second_night == {rows[0]}
    assert len(corpus[DAYS[2]]) > 100


def test_without_an_earlier_champion_it_says_so(walked: Walked) -> None:
    with pytest.raises(WorkspaceError, match=r"no (earlier )?champion"):
        roll(walked)

"""What people decide reaches the corpus once, and the next night's judgement."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest

from foretaste.core.errors import WorkspaceError
from foretaste.core.ledger import CaseState, Judgement, Role
from foretaste.core.release import releases
from foretaste.steps.session import Session
from tests.e2e.walks import DAYS, Walked, published, small_world

pytestmark = [pytest.mark.e2e, pytest.mark.prefect]

AT = datetime(2026, 11, 18, 8, tzinfo=UTC)
LABEL = "spam"


def _die(_run: Session) -> None:
    raise KeyboardInterrupt


def decide(walked: Walked, case: str, judgement: Judgement) -> list[str]:
    with walked.open().ledger() as ledger:
        for by in ("ada", "bob"):
            if ledger.case(case).state is not CaseState.DECIDED:
                ledger.vote(
                    case,
                    judgement,
                    by=by,
                    role=Role.REVIEWER,
                    at=AT,
                    reason_code="reviewed",
                    label=LABEL if judgement is Judgement.RELABEL else None,
                )
        return ledger.case_rows(case)


@pytest.mark.parametrize(
    ("judgement", "weight"), [(Judgement.RELABEL, 1.0), (Judgement.DOWNWEIGHT, 0.3)]
)
def test_released_rows_enter_the_corpus_once(
    reviewed: tuple[Walked, str],
    judgement: Judgement,
    weight: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    walked, case = reviewed
    before = set(walked.verdicts().query("verdict == 'quarantined'")["row_id"])
    rows = decide(walked, case, judgement)
    assert set(rows) <= before
    # The run dies right behind its release: the next one goes on, and applies nothing twice.
    with monkeypatch.context() as dying:
        dying.setattr(Session, "applied", _die)
        with pytest.raises(KeyboardInterrupt):
            walked.review(DAYS[0])
    with walked.open().ledger() as ledger:
        (said,) = ledger.decisions()
        with pytest.raises(WorkspaceError, match="does not wait"):
            ledger.undo(said.id, by="ada", at=AT, role=Role.ADMIN)
    outcome = walked.review(DAYS[0])
    assert outcome["release"] == "release/0002"
    corpus = pd.read_parquet(walked.root / "data" / "accepted" / f"night={outcome['night']}")
    assert sorted(corpus["row_id"]) == sorted(rows)
    assert corpus["evidence_weight"].unique().tolist() == [weight]
    if judgement is Judgement.RELABEL:
        assert corpus["label"].unique().tolist() == [LABEL]
    assert (corpus["weight"] > 0).all()
    again = walked.review(DAYS[0])
    assert (again["state"], again["exit_code"]) == ("empty", 0)
    assert len(releases(walked.open())) == 2
    with walked.open().ledger() as ledger:
        assert ledger.pending_decisions() == []
        (said,) = ledger.decisions()
    assert said.applied_in == outcome["run"]
    whole = pd.read_parquet(walked.root / "data" / "accepted")
    assert whole["row_id"].is_unique


def test_the_next_night_applies_decisions_too(reviewed: tuple[Walked, str]) -> None:
    walked, case = reviewed
    rows = decide(walked, case, Judgement.RELEASE)
    walked.land("night-1.parquet", small_world()[0][1])
    outcome = walked.run(DAYS[1])
    corpus = pd.read_parquet(walked.root / "data" / "accepted" / f"night={DAYS[1]}")
    assert set(rows) <= set(corpus["row_id"])
    account = outcome["account"]
    assert len(corpus) == account["accepted"] + account["downweighted"] + len(rows)
    assert walked.review(DAYS[1])["state"] == "empty"


def test_a_confirmed_poisoner_is_trusted_less(second: Walked, reviewed: tuple[Walked, str]) -> None:
    walked, case = reviewed
    rows = decide(walked, case, Judgement.POISON)
    (who,) = walked.verdicts().query("row_id in @rows")["contributor_id"].unique()
    walked.land("night-1.parquet", small_world()[0][1])
    assert walked.run(DAYS[1])["release"] == "release/0002"
    decisions = pd.read_parquet(walked.root / "data" / "state" / "decisions.parquet")
    assert sorted(decisions["row_id"]) == sorted(rows)
    assert set(decisions["contributor_id"]) == {who}
    assert set(decisions["decision"]) == {"poison"}
    assert set(decisions["night"]) == {DAYS[1]}
    after, before = walked.verdicts(), second.verdicts()
    both = after.merge(before, on="row_id", suffixes=("", "_before"))
    theirs = both[both["contributor_id"] == who]
    assert len(theirs) > 0
    assert (theirs["posterior"] > theirs["posterior_before"]).all()
    records = pd.read_parquet(walked.root / "data" / "state" / "track_records.parquet")
    assert 0 < records["confirmed"].max() <= 1
    assert (records["refuted"] == 0).all()
    corpus = pd.read_parquet(walked.root / "data" / "accepted")
    assert not set(rows) & set(corpus["row_id"])


def test_without_decisions_a_review_changes_nothing(walked: Walked) -> None:
    walked.land("night-1.parquet", small_world()[0][1])
    assert walked.review(DAYS[0])["state"] == "empty"
    assert published(walked) == ["model/0001", "release/0001"]

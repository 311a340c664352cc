"""A purge empties what cases show of somebody, on both databases."""

from __future__ import annotations

from foretaste.core.ledger import Judgement, Ledger, Query
from tests.core.ledger.stage import NOW, furnishing, opened, say

TOLD = {
    "story": ["It is about c2."],
    "spans": {"c2-1": ["secret"]},
    "alike": {
        "c2-1": [{"row_id": "c1-0", "text": "secret of ant"}, {"row_id": "c3-0", "text": "x"}]
    },
}


def found(ledger: Ledger, text: str) -> list[str]:
    return sorted(case.id for case in ledger.queue(Query(text=text)).items)


def test_contents_go_and_decisions_stay(ledger: Ledger) -> None:
    opened(ledger, "c1", texts={"c1-0": "secret of ant", "c1-1": "of bee"})
    opened(ledger, "c2", people=("bee",), details=TOLD)
    say(ledger, "c1", Judgement.POISON)
    decided = ledger.decisions()
    assert ledger.forget({"ant"}, by="ada", at=NOW) == 1
    theirs, other = ledger.row("c1", "c1-0"), ledger.row("c1", "c1-1")
    assert (theirs.text, dict(theirs.content), theirs.item_id) == (None, {}, None)
    assert (theirs.contributor_id, theirs.label, len(theirs.evidence)) == ("ant", "ham", 1)
    assert (other.text, other.item_id) == ("of bee", "item-1")
    assert ledger.decisions() == decided
    assert ledger.audit_verify() is None


def test_no_case_shows_or_finds_their_words(ledger: Ledger) -> None:
    opened(ledger, "c1", texts={"c1-0": "secret of ant"})
    opened(ledger, "c2", people=("bee",), details=TOLD)
    assert found(ledger, "secret") == ["c1"]
    ledger.forget({"ant"}, by="ada", at=NOW)
    assert found(ledger, "secret") == []
    assert found(ledger, "case c1") == ["c1"]
    near = ledger.case("c2").details
    assert near["alike"] == {"c2-1": [{"row_id": "c3-0", "text": "x"}]}
    assert near["story"] == ["It is about c2."]


def test_forgetting_again_changes_nothing(ledger: Ledger) -> None:
    opened(ledger, "c1")
    assert ledger.forget({"ant", "nobody"}, by="ada", at=NOW) == 1
    head = ledger.audit_head()
    assert ledger.forget({"ant"}, by="ada", at=NOW) == 0
    assert ledger.audit_head() == head


def test_a_case_is_furnished_after_others_forgot(ledger: Ledger) -> None:
    opened(ledger, "c1")
    ledger.forget({"ant"}, by="ada", at=NOW)
    assert ledger.furnish([furnishing("c1")], at=NOW) == 0
    assert ledger.row("c1", "c1-0").text is None

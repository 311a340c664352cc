from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from foretaste.core.errors import Changed, WorkspaceError
from foretaste.core.ledger import Ledger, Rule
from tests.core.ledger.stage import NOW, WEEK

RULE = Rule("links", "text LIKE '%http%'", "hold", 0.0, "ann", "many links", WEEK)


def test_a_rule_is_a_draft_until_tested_and_switched_on(ledger: Ledger) -> None:
    saved = ledger.save_rule(RULE, by="ann", at=NOW)
    assert (saved.version, saved.state, saved.created) == (1, "draft", NOW)
    with pytest.raises(WorkspaceError, match="never tested"):
        ledger.set_rule_state(saved, "on", by="dot", at=NOW)
    tested = ledger.record_test(saved, {"hits": 3}, by="ann", at=NOW)
    assert ledger.set_rule_state(tested, "on", by="dot", at=NOW).state == "on"
    assert ledger.rules("on") == [ledger.rule("links")]
    changed = ledger.save_rule(replace(tested, where="text LIKE '%ftp%'"), by="ann", at=NOW)
    assert (changed.version, changed.state, changed.tested) == (2, "draft", {})
    assert ledger.rule("links") == changed
    assert ledger.rules("on") == []
    assert ledger.rule("nobody") is None


def test_a_rule_that_somebody_else_changed_is_not_overwritten(ledger: Ledger) -> None:
    saved = ledger.save_rule(RULE, by="ann", at=NOW)
    ledger.save_rule(saved, by="bob", at=NOW)
    with pytest.raises(Changed, match="links has changed"):
        ledger.save_rule(saved, by="ann", at=NOW)
    with pytest.raises(Changed, match="links has changed"):
        ledger.save_rule(RULE, by="ann", at=NOW)
    with pytest.raises(Changed, match="links has changed"):
        ledger.record_test(saved, {"hits": 1}, by="ann", at=NOW)
    with pytest.raises(Changed, match="links has changed"):
        ledger.set_rule_state(saved, "off", by="ann", at=NOW)


def test_a_rule_that_is_over_is_not_switched_on(ledger: Ledger) -> None:
    saved = ledger.save_rule(RULE, by="ann", at=NOW)
    tested = ledger.record_test(saved, {"hits": 3}, by="ann", at=NOW)
    with pytest.raises(WorkspaceError, match="is over"):
        ledger.set_rule_state(tested, "on", by="dot", at=WEEK)


def test_contributors_are_listed_until_a_moment_and_the_last_word_counts(ledger: Ledger) -> None:
    for kind in ("allow", "block"):
        ledger.list_contributor("ant", kind, reason="seen", by="dot", at=NOW, expires=WEEK)
    ledger.list_contributor("bee", "allow", reason="old", by="dot", at=NOW, expires=NOW)
    (one,) = ledger.listed(NOW)
    assert (one.contributor_id, one.kind, one.reason, one.by) == ("ant", "block", "seen", "dot")
    assert ledger.listed(WEEK) == ledger.listed(NOW - timedelta(seconds=1)) == []
    ledger.unlist("ant", by="dot", at=NOW)
    with pytest.raises(WorkspaceError, match="on no list"):
        ledger.unlist("ant", by="dot", at=NOW)


def test_a_thing_is_told_once_unless_it_did_not_arrive(ledger: Ledger) -> None:
    for key in ("c1/waits", "x" * 1_000):
        assert ledger.note_once(key, NOW)
        assert not ledger.note_once(key, NOW)
        ledger.forget_note(key)
        assert ledger.note_once(key, NOW)

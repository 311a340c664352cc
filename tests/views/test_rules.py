"""Rules of the desk: written, tried on published nights, switched on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foretaste.core.errors import Changed, ContractError, ForetasteError, WorkspaceError
from foretaste.core.history import read_release_table
from foretaste.core.ledger import Ledger, Rule
from foretaste.core.policy import Policy
from foretaste.core.policy import Rule as PolicyRule
from foretaste.core.release import Release
from foretaste.core.workspace import Workspace
from foretaste.steps import back_test as trying
from foretaste.steps.back_test import back_test
from foretaste.steps.desk_rules import rules_on, tell_of_the_over
from foretaste.views import rules
from foretaste.views.rules import Draft
from tests.views.judged import AT, NIGHTS, rows_of

SPAM = Draft("spammy", "label = 'spam'", note="they sell pills", days=7)


def say(monkeypatch: pytest.MonkeyPatch, **decisions: str) -> None:
    """Let people have decided about rows: ``night_row=decision``."""
    lines = [
        {"row_id": rows_of(NIGHTS[int(name[1])])[int(name[3])], "decision": said}
        for name, said in decisions.items()
    ]
    found = pd.DataFrame(lines, columns=["row_id", "decision"])
    monkeypatch.setattr(trying, "read_decisions", lambda _state: found)


def keep_out(monkeypatch: pytest.MonkeyPatch, *rows: str) -> None:
    """Let the verdicts on some rows have been quarantine, and on the others acceptance."""

    def read(workspace: Workspace, one: Release, name: str, **more: Any) -> pa.Table:
        table = read_release_table(workspace, one, name, **more)
        if not name.endswith("verdicts.parquet"):
            return table
        out = ["quarantined" if row in rows else "accepted" for row in table["row_id"].to_pylist()]
        return pa.table({"row_id": table["row_id"], "verdict": out})

    monkeypatch.setattr("foretaste.steps.back_test.read_release_table", read)


def test_a_trial_counts_what_a_rule_would_have_cost(
    judged: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_out(monkeypatch, *(row for night in NIGHTS for row in rows_of(night)[2:]))
    say(monkeypatch, n0r2="poison", n0r3="release", n1r2="relabel")
    found = back_test(judged, "label = 'spam' OR contribution_id = 'shared'", rule="x")
    assert [one.night for one in found.nights] == list(NIGHTS)
    first, second = found.nights
    # The two ham rows were accepted and nobody minded; of the spam one was poison.
    assert (first.rows, first.hits, first.held, first.honest, first.poison) == (4, 4, 2, 3, 1)
    assert (second.rows, second.hits, second.held, second.honest, second.poison) == (4, 4, 2, 3, 0)
    total = found.total
    assert (total.rows, total.hits, total.held, total.honest, total.poison) == (8, 8, 4, 6, 1)
    assert len(found.samples) == 8
    assert not found.cut


def test_a_trial_tells_how_far_a_rule_repeats_a_detector(judged: Workspace) -> None:
    same = back_test(judged, "label = 'spam'", rule="x")
    by = {one.detector: (one.both, one.either, one.jaccard) for one in same.overlap}
    assert by == {"contributor_excess": (4, 4, 1.0), "rules": (4, 4, 1.0)}
    other = back_test(judged, "label = 'ham'", rule="x")
    assert {one.jaccard for one in other.overlap} == {0.0}
    wide = back_test(judged, "true", rule="x")
    assert {one.jaccard for one in wide.overlap} == {0.5}


def test_a_trial_ends_at_the_policys_bounds(judged: Workspace) -> None:
    def under(**review: Any) -> trying.BackTest:
        changed = judged.policy.review.model_copy(update=review)
        policy = judged.policy.model_copy(update={"review": changed})
        (judged.root / "params.yaml").write_text(policy.model_dump_json())
        return back_test(Workspace.open(judged.root), "true", rule="x")

    assert [one.night for one in under(rule_nights=1).nights] == [NIGHTS[1]]
    few = under(rule_rows=1)
    assert ([one.night for one in few.nights], few.cut) == ([NIGHTS[1]], True)


def test_a_trial_on_nothing_is_none(workspace: Workspace) -> None:
    with pytest.raises(WorkspaceError, match="no published night"):
        back_test(workspace, "true", rule="x")


def test_a_trial_knows_only_ids_and_counts(judged: Workspace) -> None:
    told = repr(back_test(judged, "text IS NOT NULL", rule="x").to_json())
    assert "gnp.exe" not in told


@pytest.fixture
def ledger(judged: Workspace) -> Iterator[Ledger]:
    """The workspace's ledger."""
    with judged.ledger() as opened:
        yield opened


def tried(judged: Workspace, ledger: Ledger, draft: Draft = SPAM) -> Rule:
    """Save a rule and try it."""
    saved = rules.save(ledger, wide(judged.policy), draft, by="rea", at=AT)
    return rules.try_out(judged, ledger, saved.name, version=saved.version, by="rea", at=AT)


def wide(policy: Policy) -> Policy:
    """A policy under which half of a night may be held."""
    decision = policy.decision.model_copy(update={"max_held_share": 0.6})
    return policy.model_copy(update={"decision": decision})


def test_a_rule_is_written_tried_and_switched_on(judged: Workspace, ledger: Ledger) -> None:
    policy = wide(judged.policy)
    saved = rules.save(ledger, policy, replace(SPAM, where="LABEL='spam' --x"), by="rea", at=AT)
    assert (saved.where, saved.owner, saved.version) == ("LABEL = 'spam'", "rea", 1)
    with pytest.raises(WorkspaceError, match="never tested"):
        rules.switch(ledger, policy, "spammy", True, version=1, by="lea", at=AT)
    rules.try_out(judged, ledger, "spammy", version=1, by="rea", at=AT)
    rules.switch(ledger, policy, "spammy", True, version=1, by="lea", at=AT)
    [line] = rules.listed(ledger, AT)
    assert (line["state"], line["hits"], line["rows"], line["poison"]) == ("on", 4, 8, 0)
    assert rules_on(ledger, AT)["name"].tolist() == ["spammy"]
    actions = [one.action for one in ledger.audit_entries(limit=3)]
    assert actions == ["rule switched", "rule tested", "rule saved"]


def test_a_rule_that_is_changed_must_be_tried_again(judged: Workspace, ledger: Ledger) -> None:
    policy = wide(judged.policy)
    tried(judged, ledger)
    changed = rules.save(
        ledger, policy, replace(SPAM, where="label = 'ham'", version=1), by="bob", at=AT
    )
    assert (changed.version, changed.owner, changed.tested) == (2, "rea", {})
    with pytest.raises(WorkspaceError, match="never tested"):
        rules.switch(ledger, policy, "spammy", True, version=2, by="lea", at=AT)
    acts: tuple[Callable[[], object], ...] = (
        lambda: rules.switch(ledger, policy, "spammy", False, version=1, by="lea", at=AT),
        lambda: rules.try_out(judged, ledger, "spammy", version=1, by="rea", at=AT),
        lambda: rules.save(ledger, policy, SPAM, by="rea", at=AT),
    )
    for act in acts:
        with pytest.raises(Changed, match="has changed"):
            act()


def test_a_rule_that_is_over_stops_by_itself_and_is_told_once(
    judged: Workspace, ledger: Ledger
) -> None:
    policy = wide(judged.policy)
    tried(judged, ledger)
    rules.switch(ledger, policy, "spammy", True, version=1, by="lea", at=AT)
    later = AT + timedelta(days=7)
    assert rules_on(ledger, later - timedelta(seconds=1))["name"].tolist() == ["spammy"]
    assert tell_of_the_over(ledger, later - timedelta(seconds=1)) == []
    assert rules_on(ledger, later).empty
    assert tell_of_the_over(ledger, later) == ["spammy"]
    assert tell_of_the_over(ledger, later) == []
    assert ledger.audit_entries(limit=1)[0].action == "rule over"
    assert rules.listed(ledger, later)[0]["state"] == "over"
    with pytest.raises(WorkspaceError, match="is over"):
        rules.switch(ledger, policy, "spammy", True, version=1, by="lea", at=later)


def test_a_rule_that_would_hold_too_much_stays_off(judged: Workspace, ledger: Ledger) -> None:
    tried(judged, ledger)
    with pytest.raises(ContractError, match="would hold 50%"):
        rules.switch(ledger, judged.policy, "spammy", True, version=1, by="lea", at=AT)
    told = replace(SPAM, action="evidence", llr=2.0, version=1)
    tried(judged, ledger, told)
    on = rules.switch(ledger, judged.policy, "spammy", True, version=2, by="lea", at=AT)
    assert (on.action, on.llr, on.state) == ("evidence", 2.0, "on")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"name": "Spammy"}, "a name is"),
        ({"name": "x" * 65}, "a name is"),
        ({"name": "<b>"}, "a name is"),
        ({"name": "ours"}, "a rule of that name"),
        ({"action": "ban"}, "an action is one of"),
        ({"action": "evidence"}, "up to 10 nats"),
        ({"action": "evidence", "llr": 11.0}, "up to 10 nats"),
        ({"action": "evidence", "llr": float("nan")}, "up to 10 nats"),
        ({"days": 0.0}, "lasts up to"),
        ({"days": -1.0}, "lasts up to"),
        ({"days": float("nan")}, "lasts up to"),
        ({"days": 1e9}, "lasts up to"),
        ({"note": "x" * 1_001}, "a note has"),
        ({"where": "nosuch = 1"}, "no column"),
        ({"where": "held IS NULL"}, "no column"),
        ({"where": "text"}, "not true or false"),
        ({"where": "text > contributed_at"}, "cannot be used"),
        ({"where": "true; DROP TABLE rules"}, "more than one"),
    ],
    ids=str,
)
def test_what_cannot_be_a_rule_is_refused(
    judged: Workspace, ledger: Ledger, change: dict[str, Any], why: str
) -> None:
    policy = judged.policy.model_copy(
        update={"rules": (PolicyRule(name="ours", where="true", llr=1.0),)}
    )
    with pytest.raises(ForetasteError, match=why):
        rules.save(ledger, policy, replace(SPAM, **change), by="rea", at=AT)
    assert ledger.rules() == []


def test_examples_are_read_where_they_still_are(judged: Workspace, ledger: Ledger) -> None:
    rule = tried(judged, ledger)
    found = rules.samples(judged, rule)
    assert {one.row_id for one in found} == {row for night in NIGHTS for row in rows_of(night)[2:]}
    assert {one.label for one in found} == {"spam"}
    path = judged.layout.contributions / f"night={NIGHTS[1]}" / "contributions.parquet"
    table = pq.read_table(path, partitioning=None)
    path.unlink()
    pq.write_table(table.filter(pa.array([True, True, True, False])), path)
    assert len(rules.samples(judged, rule)) == 3

"""The desk's rules in a night: part of its state, holding and speaking, failing nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from detectors.registry import configured
from foretaste.core.errors import PolicyError
from foretaste.core.evidence import MICRO
from foretaste.core.ledger import Ledger
from foretaste.core.ledger import Rule as SavedRule
from foretaste.core.policy import Policy, Review, Rule
from foretaste.steps.desk_rules import RULES_SCHEMA, armed, columns, no_rules, read_rules, usable
from foretaste.steps.notify import notices
from foretaste.steps.state import begin
from tests.detectors.worlds import make_batch
from tests.steps.nights import AS_OF, NOTHING, a_night
from tests.steps.test_decide import Row, stage, write
from tests.steps.test_stories import cases, row

LATER = AS_OF + timedelta(days=3)


def on(name: str, where: str, action: str = "hold", llr: float = 0.0) -> dict[str, Any]:
    """A rule that is on."""
    told = {"name": name, "where": where, "action": action, "llr": llr}
    return told | {"version": 1, "until": LATER}


def rules(*lines: dict[str, Any]) -> pd.DataFrame:
    """A table of rules."""
    frame: pd.DataFrame = pa.Table.from_pylist(list(lines), RULES_SCHEMA).to_pandas()
    return frame


def judged(root: Path, rows: list[Row], *lines: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Verdict and code by row, under rules."""
    staged = stage(root, rows, [])
    write(staged.inputs.state / "rules.parquet", list(lines), RULES_SCHEMA)
    staged.decide()
    found = pq.read_table(staged.out / "verdicts.parquet").to_pylist()
    return {one["row_id"]: (one["verdict"], one["code"]) for one in found}


def plain(label: str, held: str | None = None) -> Row:
    """A row that nothing speaks against."""
    return Row(0, label, held, "registered", None, {})


def test_a_rule_holds_what_it_hits_and_nothing_else(tmp_path: Path) -> None:
    rows = [plain("ham"), plain("spam"), plain("spam", "conflict")]
    found = judged(tmp_path, rows, on("spammy", "label = 'spam'"))
    assert found == {
        "r000": ("accepted", ""),
        "r001": ("quarantined", "rule:spammy"),
        "r002": ("quarantined", "conflict"),
    }


def test_of_several_rules_the_first_by_name_holds_a_row(tmp_path: Path) -> None:
    lines = [on("b", "true"), on("a", "label = 'spam'"), on("c", "true", "evidence", 3.0)]
    found = judged(tmp_path, [plain("ham"), plain("spam")], *lines)
    assert [code for _, code in found.values()] == ["rule:b", "rule:a"]


@pytest.mark.parametrize(
    "where", ["nosuch = 1", "label", "held IS NULL", "label > 1 AND", "; DROP"]
)
def test_a_rule_that_cannot_be_used_any_more_fails_no_night(
    where: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines = [on("broken", where), on("spammy", "label = 'spam'")]
    found = judged(tmp_path, [plain("ham"), plain("spam")], *lines)
    assert [code for _, code in found.values()] == ["", "rule:spammy"]
    assert "rules.broken.where" in caplog.text


def test_evidence_of_the_desk_is_added_to_the_policys(caplog: pytest.LogCaptureFixture) -> None:
    policy = Policy(rules=(Rule(name="ours", where="label = 'a'", llr=1.0),))
    lines = [on("theirs", "label = 'a'", "evidence", 2.0), on("held", "true")]
    more = armed(policy, rules(*lines, on("broken", "nosuch = 1", "evidence", 5.0)))
    batch = make_batch(np.zeros((2, 0)), ["a", "b"], ["p", "q"])
    opinion = configured(more)["rules"].fit_evidence(batch)
    assert opinion.llr.tolist() == [3 * MICRO, 0]
    assert opinion.reason == ["rule:ours rule:theirs", ""]
    assert "rules.broken.where" in caplog.text
    assert armed(policy, no_rules()) is policy


def test_rules_are_part_of_the_state_that_a_night_starts_from(tmp_path: Path) -> None:
    lines = rules(on("a", "label = 'x'"), on("b", "true", "evidence", 1.5))
    state = begin(a_night(tmp_path), NOTHING, None, lines)
    assert read_rules(state).equals(lines)
    again = begin(a_night(tmp_path / "again"), NOTHING, None, lines)
    assert (state / "rules.parquet").read_bytes() == (again / "rules.parquet").read_bytes()
    assert read_rules(begin(a_night(tmp_path / "none"), NOTHING)).empty


def test_two_rules_of_one_name_stop_the_night_before_it_begins(tmp_path: Path) -> None:
    policy = Policy(rules=(Rule(name="a", where="true", llr=1.0),))
    with pytest.raises(PolicyError, match="the desk has a rule of that name too: a"):
        begin(a_night(tmp_path, policy), NOTHING, None, rules(on("a", "label = 'x'")))


def test_rules_see_the_contract_and_none_of_the_bookkeeping() -> None:
    policy = Policy.model_validate({"columns": {"features": ["age"], "attributes": ["from"]}})
    names = columns(policy)
    assert {"text", "label", "contributor_id", "f_age", "a_from"} <= set(names)
    assert not {"held", "source", "source_row", "row_digest"} & set(names)
    assert usable("F_AGE>1 -- x", policy, rule="r") == "F_AGE > 1"
    with pytest.raises(PolicyError, match="not true or false"):
        usable("f_age", policy, rule="r")


def test_what_a_rule_holds_is_a_case_of_that_rule() -> None:
    held = [row(n, f"c{n}", code="rule:spammy", reasons="outliers +0.4: x") for n in range(3)]
    found = cases(*held, row(7, "c7", code="conflict"))
    assert set(found) == {"rule", "held"}
    assert found["rule"].title == "3 rows from 3 accounts hit the rule spammy"
    assert len(found["rule"].rows) == 3


def test_people_are_told_of_a_rule_that_is_over(tmp_path: Path) -> None:
    spoken = SavedRule("spammy", "label = 'x'", "hold", 0.0, "ann", "secret words", LATER)
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        saved = ledger.save_rule(spoken, by="ann", at=AS_OF)
        tried = ledger.record_test(saved, {"total": {}}, by="ann", at=AS_OF)
        ledger.set_rule_state(tried, "on", by="lea", at=AS_OF)
        assert list(notices(ledger, Review(), AS_OF)) == []
        [told] = notices(ledger, Review(), LATER)
    assert told.title == "The rule spammy is over"
    assert "secret" not in told.body

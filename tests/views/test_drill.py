"""What people are shown of a drill."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from foretaste.core.errors import ContractError
from foretaste.core.policy import Drill as Settings
from foretaste.report.drill import DrillLine, DrillMark, drill_picture
from foretaste.steps.drill import Drill, Size, Trial, Tried
from foretaste.views.drill import NO_ATTACK, picture, read_budget, table, trial_line

SETTINGS = Settings(accounts=40, rows=10, days=2)
SMALL = Trial(Size(2, 5, 1), 2, 10, 0.8, 0.01, 0.90, 0.93, 0.04)
LARGE = Trial(Size(9, 5, 1), 9, 45, 0.1, 0.02, 0.92, 0.93, 0.01)
HELD = Trial(Size(9, 5, 1), 9, 45, 0.0, 0.02, held=("accepted: label_shift is 0.4",))


def drilled(*tried: Tried) -> Drill:
    base = Trial(Size(0, 0, 0), 0, 0, 0.0, 0.004, 0.95, 0.95, 0.0)
    return Drill("release/0003", ("2026-01-02",), 7, SETTINGS, Size(40, 10, 1), base, tried)


FOUND = drilled(
    Tried("collusion", smallest=SMALL, trials=(LARGE, SMALL)),
    Tried("shilling", "it needs ratings, which these contributions lack"),
    Tried("slow_drip", trials=(replace(SMALL, learnt=0.0, metric=0.93), LARGE)),
    Tried("sybil_ring", trials=(HELD,)),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, Size(40, 10, 2)),
        ("12", Size(12, 10, 2)),
        ("12,3", Size(12, 3, 2)),
        ("12,3,1", Size(12, 3, 1)),
        (",3", Size(40, 3, 2)),
    ],
)
def test_a_budget_is_what_was_written_and_else_the_policys(
    text: str | None, expected: Size
) -> None:
    assert read_budget(text, SETTINGS) == expected


@pytest.mark.parametrize(
    "text", ["0", "1,0", "-1", "a", "1,2,3,4", "1;2", "1e3", "9999999", "1 ,2"]
)
def test_what_is_no_budget_is_refused(text: str) -> None:
    with pytest.raises(ContractError, match="is no budget"):
        read_budget(text, SETTINGS)


def test_the_table_tells_the_smallest_that_got_through_and_else_the_largest() -> None:
    lines = {line["attack"]: line for line in table(FOUND)}
    assert lines[NO_ATTACK]["honest_lost"] == 0.004
    assert (lines["collusion"]["result"], lines["collusion"]["rows"]) == ("gets through", 10)
    assert lines["collusion"]["loss"] == pytest.approx(0.03)
    assert (lines["slow_drip"]["result"], lines["slow_drip"]["rows"]) == ("kept out", 45)
    assert lines["sybil_ring"]["result"] == "night held"
    assert lines["shilling"]["result"].startswith("cannot be run here: it needs ratings")


def test_recall_is_of_the_largest_attacks_that_were_tried() -> None:
    assert FOUND.recall == pytest.approx(1 - (0.1 * 45 + 0.1 * 45) / 135)
    assert drilled(Tried("shilling", "no")).recall is None


def test_a_loss_alone_lets_an_attack_through() -> None:
    loss = replace(SMALL, learnt=0.0)
    assert FOUND.got_through(loss)
    assert not FOUND.got_through(replace(loss, metric=0.92))
    assert not FOUND.got_through(HELD)


def test_a_trial_is_told_with_why_the_night_was_held() -> None:
    assert trial_line("sybil_ring", HELD).endswith("held: accepted: label_shift is 0.4")
    assert "1 account, " in trial_line("x", replace(SMALL, accounts=1))


def test_the_picture_is_one_svg_that_names_every_attack_tried() -> None:
    drawn = picture(FOUND)
    assert drawn == picture(FOUND)
    ET.fromstring(drawn)
    for name in ("collusion", "slow_drip", "sybil_ring", "release/0003"):
        assert name in drawn
    assert "shilling" not in drawn
    assert "2 accounts, -3.0 points" in drawn


def test_a_picture_of_nothing_and_of_a_huge_attack_can_be_drawn() -> None:
    ET.fromstring(drill_picture("none", []))
    mark = DrillMark(100_000, 1.0, through=True)
    assert ">100,000<" in drill_picture("huge", [DrillLine("flood", (mark,), "<b>")])

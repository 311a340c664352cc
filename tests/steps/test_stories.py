"""Held rows are told by what they have in common, in words that obey nobody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from foretaste.core.ledger import NewCase
from foretaste.steps.cases import draft_cases
from foretaste.steps.stories import within

START = datetime(2026, 11, 18, tzinfo=UTC)
COPY = "win a free cruise to the bahamas by calling this number today friends"


def row(number: int, who: str, **more: Any) -> dict[str, Any]:
    """A held row."""
    return {
        "row_id": f"r{number:02d}",
        "contributor_id": who,
        "actor_id": who,
        "verdict": "quarantined",
        "code": "evidence",
        "reasons": "excess +3.0: x",
        "posterior": 0.8,
        "influence_weight": 1.0,
        "item_id": f"item{number}",
        "label": "spam",
        "contributed_at": START + timedelta(hours=number),
        "registered_at": START - timedelta(hours=number),
        "time_unknown": False,
        "text": f"words of their own {number} " + "abcdefghij"[number % 10] * 9,
        **more,
    }


def cases(*rows: dict[str, Any], campaign: tuple[str, ...] = ()) -> dict[str, NewCase]:
    """Cases by kind."""
    night = pd.DataFrame(rows)
    people = sorted(set(night["contributor_id"]))
    actors = pd.DataFrame(
        {
            "contributor_id": people,
            "actor_id": ["gang" if who in campaign else who for who in people],
            "kind": ["campaign" if who in campaign else "singleton" for who in people],
            "reason": "ring",
        }
    )
    night["actor_id"] = night["contributor_id"].map(
        dict(zip(people, actors["actor_id"], strict=True))
    )
    content = ["row_id", "contributed_at", "registered_at", "time_unknown", "text"]
    found = draft_cases(night.drop(columns=content[1:]), actors, "n", night[content], b"salt")
    return {case.kind: case for case in found}


def test_several_accounts_that_push_an_item_are_one_story() -> None:
    pushed = [row(i, f"p{i}", item_id="sold", label="ham") for i in range(3)]
    found = cases(*pushed, row(5, "alone"))
    assert found["target"].rows == ("r00", "r01", "r02")
    assert found["target"].title.startswith("3 accounts label one item, “sold”, as “ham”, sent")
    assert found["contributor"].rows == ("r05",)


def test_many_honest_words_about_an_item_make_no_push_of_the_few_that_are_held() -> None:
    held = [row(i, f"p{i}", item_id="popular") for i in range(3)]
    accepted = [
        row(i, f"q{i}", item_id="popular", verdict="accepted", code="") for i in range(10, 17)
    ]
    assert set(cases(*held, *accepted)) == {"contributor"}


def test_words_over_several_days_are_no_push() -> None:
    slow = [
        row(i, f"p{i}", item_id="sold", contributed_at=START + timedelta(days=i)) for i in range(3)
    ]
    assert set(cases(*slow)) == {"contributor"}


def test_near_copies_from_several_accounts_are_one_story() -> None:
    copies = [row(i, f"p{i}", text=f"{COPY} {i}") for i in range(4)]
    own = [
        row(10 + i, "loud", text=f"an other text that one account sends often {i}")
        for i in range(4)
    ]
    found = cases(*copies, *own)
    assert found["copies"].rows == ("r00", "r01", "r02", "r03")
    assert found["copies"].title == "4 near-copies from 4 accounts, all labelled “spam”"
    assert found["contributor"].title == "4 rows of one account, all labelled “spam”"


def test_a_campaign_is_told_before_everything_it_does() -> None:
    ring = [row(i, f"p{i}", item_id="sold", text=COPY, label="ham") for i in range(4)]
    found = cases(*ring, campaign=("p0", "p1", "p2", "p3"))
    assert set(found) == {"campaign"}
    title = "4 accounts that act as one, registered within 3 h, all labelled “ham”"
    assert found["campaign"].title == f"{title}, about 1 item, 4 rows"


def test_what_strangers_wrote_in_a_title_is_made_visible() -> None:
    (case,) = cases(row(1, "a", label="\u202egnp\x1b[31m" + "x" * 500)).values()
    assert "\u202e" not in case.title
    assert "\x1b" not in case.title
    assert len(case.title) < 120


@pytest.mark.parametrize(
    ("hours", "told"),
    [((0,), []), ((0, 0.5), ["sent within 30 min"]), ((0, 9), ["sent within 9 h"]), ((0, 25), [])],
)
def test_short_spans_are_told_and_long_ones_are_not(
    hours: tuple[float, ...], told: list[str]
) -> None:
    assert within([START + timedelta(hours=h) for h in hours], "sent") == told
    assert within([START, None], "sent") == []

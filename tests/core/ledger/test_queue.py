from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.core.ledger import ORDERS, WAITING, CaseState, Judgement, Ledger, Query, Role
from tests.core.ledger.stage import NIGHT, NOW, WEEK, opened, say

NEXT = "2026-01-02"


def ids(ledger: Ledger, **asked: Any) -> list[str]:
    page = ledger.queue(Query(**asked))
    assert page.total == len(page.items)
    return [one.id for one in page.items]


@pytest.fixture
def filled(ledger: Ledger) -> Ledger:
    """Three cases that differ in everything."""
    opened(ledger, "c1", influence=3.0, labels=("ham", "spam"), texts={"c1-1": "Free Viagra"})
    opened(
        ledger, "c2", rows=5, influence=9.0, kind="rule", night=NEXT, people=("cat",),
        detectors=("rules", "crowd"),
    )  # fmt: skip
    opened(ledger, "c3", influence=1.0, kind="contributor", people=("bee",))
    return ledger


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["c2", "c1", "c3"]),
        ({"order": "newest"}, ["c2", "c1", "c3"]),
        ({"order": "size"}, ["c2", "c1", "c3"]),
        ({"kind": "rule"}, ["c2"]),
        ({"detector": "burst"}, ["c1", "c3"]),
        ({"detector": "crowd"}, ["c2"]),
        ({"contributor": "bee"}, ["c1", "c3"]),
        ({"subnet": "net-cat"}, ["c2"]),
        ({"label": "spam"}, ["c1"]),
        ({"night": NIGHT}, ["c1", "c3"]),
        ({"run": "r1"}, ["c2", "c1", "c3"]),
        ({"run": "r2"}, []),
        ({"states": (CaseState.DECIDED,)}, []),
        ({"text": "VIAGRA"}, ["c1"]),
        ({"text": "viagra ham"}, ["c1"]),
        ({"text": "viagra cat"}, []),
        ({"text": "Case C2"}, ["c2"]),
        ({"text": "c2-4"}, ["c2"]),
        ({"text": "bee"}, ["c1", "c3"]),
        ({"text": "item-4"}, ["c2"]),
        ({"text": "100%_"}, []),
        ({"text": "' OR 1=1 --"}, []),
        ({"kind": "rule", "label": "spam"}, []),
    ],
)
def test_the_queue_gives_what_was_asked_for(
    filled: Ledger, asked: dict[str, Any], found: list[str]
) -> None:
    assert ids(filled, **asked) == found


def test_the_queue_comes_in_pages_without_details(filled: Ledger) -> None:
    first = filled.queue(Query(per=2))
    assert ([one.id for one in first.items], first.total, first.pages) == (["c2", "c1"], 3, 2)
    assert [one.id for one in filled.queue(Query(per=2, page=2)).items] == ["c3"]
    assert filled.queue(Query(per=2, page=9)).items == ()
    assert first.items[0].details == {}
    assert filled.queue(Query(kind="none")).pages == 1


def test_a_shuffle_is_the_same_all_day_and_another_tomorrow(ledger: Ledger) -> None:
    opened(ledger, *(f"c{n}" for n in range(12)))
    today = ids(ledger, order="random", day=NIGHT)
    pages = [ledger.queue(Query(order="random", day=NIGHT, per=5, page=n)) for n in (1, 2, 3)]
    assert [one.id for page in pages for one in page.items] == today
    assert sorted(today) == sorted(ids(ledger, order="random", day=NEXT))
    assert today != ids(ledger, order="random", day=NEXT)


def test_what_is_disputed_or_doubtful_comes_first_where_people_disagree(ledger: Ledger) -> None:
    opened(ledger, "c1", "c2")
    say(ledger, "c2", Judgement.ESCALATE)
    assert ids(ledger, order="disagreement") == ["c2", "c1"]


def test_the_queue_leaves_out_what_somebody_may_not_judge(filled: Ledger) -> None:
    filled.add_user("ann", Role.REVIEWER, at=NOW, by="x", accounts=["cat"])
    filled.add_user("dot", Role.LEAD, at=NOW, by="x")
    opened(filled, "two", needs=2, influence=0.5)
    opened(filled, "old", influence=0.4)
    say(filled, "old", Judgement.RELEASE, "dot")
    gold = filled.make_gold("old", Judgement.RELEASE, by="dot", at=NOW)
    assert ids(filled, viewer="ann") == ["c1", "c3", "two", gold]
    say(filled, "two", Judgement.POISON)
    say(filled, gold, Judgement.RELEASE)
    assert ids(filled, viewer="ann") == ["c1", "c3"]
    assert ids(filled, viewer="bob") == ["c2", "c1", "c3", "two", gold]
    say(filled, "two", Judgement.RELEASE, "bob")
    say(filled, "c3", Judgement.ESCALATE, "dot")
    assert ids(filled, viewer="bob") == ["c2", "c1", gold]
    assert ids(filled, viewer="dot") == ["c2", "c1", "two", gold]
    assert ids(filled) == ["c2", "c1", "c3", "two", gold]


def test_a_case_that_was_taken_up_again_is_for_everybody(ledger: Ledger) -> None:
    opened(ledger, "c1", needs=2)
    say(ledger, "c1", Judgement.POISON)
    ledger.expire_due(WEEK)
    ledger.reopen("c1", by="dot", at=WEEK + timedelta(hours=1), reason="appeal")
    assert ids(ledger, viewer="ann") == ["c1"]


plain = st.text(st.characters(exclude_categories=["Cs"]), max_size=30).map(str.strip)
queries = st.builds(
    Query,
    states=st.sets(st.sampled_from(CaseState), min_size=1).map(
        lambda some: tuple(one for one in CaseState if one in some)
    ),
    kind=plain, detector=plain, contributor=plain, subnet=plain, label=plain, night=plain,
    run=plain, assignee=plain, text=plain,
    order=st.sampled_from(ORDERS),
    page=st.integers(1, 10_000), per=st.integers(1, 200),
)  # fmt: skip


@given(queries)
def test_a_query_survives_its_address(query: Query) -> None:
    assert Query.from_string(query.to_string()) == query


@given(st.text(max_size=200))
def test_any_address_is_some_query(text: str) -> None:
    query = Query.from_string(text, viewer="ann")
    assert query.viewer == "ann"
    assert query.order in ORDERS
    assert 1 <= query.per <= 200


def test_an_ordinary_query_has_a_short_address() -> None:
    assert Query().to_string() == ""
    assert Query.from_string("?state=all").states == tuple(CaseState)
    assert Query.from_string("state=nonsense&page=-1&per=1e9&order=x") == Query()
    assert Query.from_string("viewer=ann&day=x") == Query()
    assert Query(viewer="ann", day=NIGHT, states=WAITING).to_string() == ""

"""The queue: order, filters, paging, saved views; all of it in the address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from foretaste.core.ledger import Judgement, Query, Role
from foretaste.core.workspace import Workspace
from foretaste.review.desk import Desk
from tests.review import seat
from tests.review.stage import NIGHT, pseudonym


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seat.staged(tmp_path_factory.mktemp("staged"), 40)


@pytest.fixture
def desk(workspace: Workspace, staged: Path) -> Iterator[Desk]:
    with seat.desk_on(workspace, staged) as opened:
        yield opened


@pytest.mark.parametrize("order", ["influence", "newest", "size", "disagreement", "random"])
def test_the_order_is_in_the_address_and_stands(desk: Desk, order: str) -> None:
    ann = seat.sit(desk, "ann")
    first = seat.ids_in(ann.get(f"/queue?order={order}"))

    assert seat.ids_in(ann.get(f"/queue?order={order}")) == first
    day = f"{desk.now():%Y-%m-%d}"
    assert first == [case.id for case in desk.ledger.queue(Query(order=order, day=day)).items]


def test_orders_differ(desk: Desk) -> None:
    ann = seat.sit(desk, "ann")
    pages = {o: tuple(seat.ids_in(ann.get(f"/queue?order={o}"))) for o in ("influence", "random")}

    assert pages["influence"] != pages["random"]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ("kind=campaign", 'value="campaign" selected'),
        ("detector=contributor_shift", "<option selected>contributor_shift"),
        (f"contributor={pseudonym('account', 1000)}", f'value="{pseudonym("account", 1000)}"'),
        (f"subnet={pseudonym('net', 3)}", f'value="{pseudonym("net", 3)}"'),
        ("label=spam", 'name="label" value="spam"'),
        (f"night={NIGHT}", f'name="night" value="{NIGHT}"'),
        ("text=inheritance", 'value="inheritance"'),
    ],
)
def test_filters_come_back_from_the_address(desk: Desk, asked: str, field: str) -> None:
    page = seat.sit(desk, "ann").get(f"/queue?{asked}")
    wanted = desk.ledger.queue(Query.from_string(asked)).items

    assert wanted
    assert seat.ids_in(page) == [case.id for case in wanted]
    assert field in page


def test_pages_hold_every_case_once(desk: Desk) -> None:
    ann = seat.sit(desk, "ann")
    shown = [one for n in (1, 2) for one in seat.ids_in(ann.get(f"/queue?page={n}"))]

    assert len(shown) == len(set(shown)) == 40
    assert 'rel="next"' in ann.get("/queue")
    assert 'rel="next"' not in ann.get("/queue?page=2")


def test_decided_cases_move_to_their_tab(desk: Desk) -> None:
    ann, case = seat.sit(desk, "ann"), seat.one(desk, needs=1)
    ann.decide(case.id, "poison")

    assert case.id not in seat.ids_in(ann.get("/queue?per=100"))
    assert seat.ids_in(ann.get("/queue?state=decided")) == [case.id]


def test_views_are_kept_and_forgotten(desk: Desk) -> None:
    ann, bob = seat.sit(desk, "ann"), seat.sit(desk, "bob")
    answer = ann.post("/views", {"name": "mine & yours", "query": "kind=rule&page=3&nonsense=1"})

    assert answer.headers["location"] == "/queue?kind=rule"
    assert 'href="/queue?kind=rule"' in ann.get("/queue")
    assert "mine &amp; yours" not in bob.get("/queue")
    ann.post("/views/drop", {"name": "mine & yours"})
    assert "mine &amp; yours" not in ann.get("/queue")


def test_there_is_a_limit_to_views_and_each_has_a_name(desk: Desk) -> None:
    ann = seat.sit(desk, "ann")
    ann.post("/views", {"name": " ", "query": ""}, 400)
    for i in range(20):
        desk.ledger.save_view("ann", f"view {i}", "")

    ann.post("/views", {"name": "one more", "query": ""}, 400)
    ann.post("/views", {"name": "view 3", "query": "kind=rule"})
    assert desk.ledger.saved_views("ann")["view 3"] == "kind=rule"


def test_nobody_is_offered_their_own_contributions(desk: Desk) -> None:
    own = pseudonym("account", 1000)
    ann = seat.sit(desk, "ann", accounts=(own,))
    theirs = {case.id for case in desk.ledger.queue(Query(contributor=own)).items}

    assert theirs
    assert not theirs & set(seat.ids_in(ann.get("/queue?per=100")))
    case_id = theirs.pop()
    assert "your own" in ann.get(f"/cases/{case_id}")
    assert "your own" in ann.decide(case_id, "release", 409).text


def test_a_viewer_looks_and_decides_nothing(desk: Desk) -> None:
    vic, case = seat.sit(desk, "vic", Role.VIEWER), seat.one(desk)

    assert "Decide about" not in vic.get("/queue")
    assert "that needs the role reviewer" in vic.get(f"/cases/{case.id}")
    vic.decide(case.id, "poison", 403)
    assert desk.ledger.case(case.id).version == case.version


def test_nonsense_in_the_address_is_the_plain_queue(desk: Desk) -> None:
    ann = seat.sit(desk, "ann")
    plain = seat.ids_in(ann.get("/queue"))

    for asked in ("page=-1", "page=9e9", "order=drop", "state=x", "per=x", "%FF=%00", "a&&;=&"):
        assert seat.ids_in(ann.get(f"/queue?{asked}")) == plain, asked


def test_the_first_page_is_the_queue(desk: Desk) -> None:
    ann = seat.sit(desk, "ann")

    assert ann.client.get("/").headers["location"] == "/queue"
    first = seat.ids_in(ann.get("/queue"))[0]
    assert ann.client.get("/next").headers["location"] == f"/cases/{first}"


def test_questions_to_the_ledger_do_not_grow_with_the_page(desk: Desk) -> None:
    ann = seat.sit(desk, "ann")
    asked = {}
    for per in (5, 40):
        with seat.counting(desk) as said:
            ann.get(f"/queue?per={per}")
        asked[per] = len(said)

    assert asked[5] == asked[40]


def test_a_case_of_another_waits_for_them(desk: Desk) -> None:
    ann, bob = seat.sit(desk, "ann"), seat.sit(desk, "bob")
    case = seat.one(desk, needs=2)
    desk.ledger.vote(
        case.id,
        Judgement.POISON,
        by="ann",
        role=Role.REVIEWER,
        at=desk.now(),
        reason_code="spam",
    )

    assert case.id not in seat.ids_in(ann.get("/queue?per=100"))
    assert case.id in seat.ids_in(bob.get("/queue?state=second"))

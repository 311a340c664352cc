"""A case's page: why it was held, by whom, what is in it; texts only when asked for."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.registry import DETECTORS
from foretaste.core.ledger import CaseRow, Furnishing, NewCase, Query, Role
from foretaste.core.workspace import Workspace
from foretaste.report.safe import visible
from foretaste.review import plots
from foretaste.review.desk import Desk
from foretaste.review.words import ACTIONS
from foretaste.views import desk as views
from foretaste.views import pictures
from foretaste.views.marked import PART, marked
from tests.review import seat
from tests.review.stage import NIGHT, RUN


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seat.staged(tmp_path_factory.mktemp("staged"))


@pytest.fixture
def desk(workspace: Workspace, staged: Path) -> Iterator[Desk]:
    with seat.desk_on(workspace, staged) as opened:
        yield opened


def write(desk: Desk, rows: list[CaseRow], **details: Any) -> str:
    """Open and furnish a case of a test's own."""
    new = NewCase("0ddca5e", "contributor", "A case", 0.1, 0.9, (), tuple(r.row_id for r in rows))
    desk.ledger.open_cases([new], run_id=RUN, night=NIGHT, at=desk.now())
    told = Furnishing("0ddca5e", "c1", 1, 1.0, 0.5, 1, desk.now(), details, tuple(rows), ())
    desk.ledger.furnish([told], at=desk.now())
    return new.id


def test_every_signal_is_named_with_its_weight_and_its_record(desk: Desk) -> None:
    case = seat.one(desk, "campaign")
    page = seat.sit(desk, "ann").get(f"/cases/{case.id}")
    told = views.argue(desk.ledger.rows_of(case.id, limit=25), case.details)

    assert len(told.signals) > 1
    for one in told.signals:
        assert one.looks_for in page
        assert f"{one.nats:+.2f}" in page
        assert visible(one.reasons[0]) in page.replace("&#39;", "'")
    assert "confirmed 92 % of 214" in page
    assert "held from +2.20" in page
    assert "never lets anything in" in page
    assert "No automatic account bans: the pipeline only decides about samples." in page


def test_pictures_have_tables_beside_them(desk: Desk) -> None:
    case = seat.one(desk, "campaign")
    page = seat.sit(desk, "ann").get(f"/cases/{case.id}")

    assert page.count("As a table") == 2
    assert all('aria-hidden="true"' in svg for svg in re.findall(r"<svg class=[^>]*>", page))
    for edge in case.details["graph"]["edges"]:
        assert visible(edge["why"]) in page


def test_texts_stay_closed_until_somebody_opens_them(desk: Desk) -> None:
    ann, case = seat.sit(desk, "ann"), seat.one(desk, size=2)
    rows = desk.ledger.rows_of(case.id)
    opening = [(row.text or "").splitlines()[0][:30] for row in rows]
    day = f"{desk.now():%Y-%m-%d}"

    page = ann.get(f"/cases/{case.id}")
    assert not any(text in page for text in opening)
    assert desk.ledger.exposure("ann", day) == 0

    part = ann.get(f"/cases/{case.id}/rows/{rows[0].row_id}", **{"hx-request": "true"})
    assert opening[0] in part.replace("&#39;", "'")
    assert "<html" not in part
    assert desk.ledger.exposure("ann", day) == 1

    page = ann.get(f"/cases/{case.id}?open=1").replace("&#39;", "'")
    assert all(text in page for text in opening[:25])
    assert desk.ledger.exposure("ann", day) == 1 + min(len(rows), 25)


def test_who_read_much_is_told_to_rest(desk: Desk) -> None:
    desk = seat.with_policy(desk, exposure_per_day=3)
    ann, case = seat.sit(desk, "ann"), seat.one(desk)
    desk.ledger.expose("ann", f"{desk.now():%Y-%m-%d}", 2)
    assert "Take a break" not in ann.get(f"/cases/{case.id}")
    desk.ledger.expose("ann", f"{desk.now():%Y-%m-%d}", 1)
    assert "Take a break" in ann.get(f"/cases/{case.id}")


def test_an_opened_row_shows_its_neighbours_and_marks(desk: Desk) -> None:
    text = "The quarterly zephyr call: log in at p\u0430ypal \u202egnp.exe"
    row = CaseRow("r1", "c1", text=text, label="ham", content={"digits": 9.0, "client": "web"})
    case_id = write(
        desk,
        [row],
        alike={"r1": [{"row_id": "a", "label": "spam", "text": "near text", "distance": 0.1}]},
        spans={"r1": ["ZEPHYR", "call"]},
        features={"digits": {"mean": 1.0, "sd": 2.0}},
    )
    page = seat.sit(desk, "ann").get(f"/cases/{case_id}/rows/r1")

    assert '<mark class="suspect" title="speaks against the row">zephyr</mark>' in page
    assert re.search(r'<mark class="lookalike" title="looks like “a”[^>]*>\u0430</mark>', page)
    assert re.search(r'<mark class="hidden"[^>]*>⟦U\+202E⟧</mark>gnp', page)
    assert "\u202e" not in page
    assert "near text" in page
    assert "4.0 sd above" in page


def test_a_long_text_comes_in_parts(desk: Desk) -> None:
    text = "".join(f"word{i} " for i in range(1_500))
    case_id = write(desk, [CaseRow("r1", "c1", text=text)])
    ann = seat.sit(desk, "ann")

    first = ann.get(f"/cases/{case_id}/rows/r1")
    assert "Part 1 of 4" in first
    assert "word1499 " not in first
    assert "word1499 " in ann.get(f"/cases/{case_id}/rows/r1?part=4")
    assert "word1499 " in ann.get(f"/cases/{case_id}/rows/r1?part=999")
    assert "The rest of this text" in ann.get(f"/cases/{case_id}?open=1")


@pytest.mark.parametrize(
    "details",
    [
        {},
        dict.fromkeys(("story", "timeline", "graph", "before", "labels", "alike", "threshold")),
        dict.fromkeys(("timeline", "graph", "before", "track", "spans", "features"), "text"),
        {"timeline": {"bins": [{"at": None}, {}, 3]}, "graph": {"nodes": [{}], "edges": [{}, 1]}},
        {"graph": {"nodes": [{"id": "c1"}], "edges": [{"a": "c1", "b": "gone", "weight": "x"}]}},
        {"before": [{}, {"contributor": "c1", "rows": None}], "track": {"rules": [1]}},
        {"alike": {"r1": [{}, None]}, "spans": {"r1": "zephyr"}, "features": {"digits": {}}},
        {"labels": {"ham": 10**400}, "threshold": "high", "track": {"rules": ["a", "b"]}},
    ],
)
def test_a_page_stands_whatever_the_night_wrote(desk: Desk, details: dict[str, Any]) -> None:
    line = {"detector": "rules", "nats": 2.0, "reason": "hit"}
    row = CaseRow("r1", "c1", posterior=0.9, content={"digits": 3.0}, evidence=(line,))
    case_id = write(desk, [row, CaseRow("r2")], **details)
    ann = seat.sit(desk, "ann")

    assert "rows that hit a hand-written rule" in ann.get(f"/cases/{case_id}?open=1")
    assert "A case" in ann.get(f"/cases/{case_id}/rows/r1")
    assert "A case" in ann.get(f"/cases/{case_id}/rows/r2")


def test_a_case_that_shows_nothing_yet_says_so(desk: Desk) -> None:
    new = NewCase("0ddca5e", "held", "Bare", 0.1, 0.9, ("held",), ())
    desk.ledger.open_cases([new], run_id=RUN, night=NIGHT, at=desk.now())

    assert "not written down yet" in seat.sit(desk, "ann").get("/cases/0ddca5e")


def test_what_is_not_there_is_said_not_crashed(desk: Desk) -> None:
    ann, case = seat.sit(desk, "ann"), seat.one(desk)
    odd = quote("<script>alert(1)</script>", safe="")

    for path in (f"/cases/{odd}", f"/cases/{case.id}/rows/{odd}", "/cases/none"):
        answer = ann.client.get(path)
        assert answer.status_code == 404
        assert "<script>alert" not in answer.text


def test_other_cases_of_the_account_and_its_network_are_linked(desk: Desk) -> None:
    case = seat.one(desk, size=2)
    row = desk.ledger.rows_of(case.id)[0]
    write(desk, [replace(row, row_id="r1")])
    page = seat.sit(desk, "ann").get(f"/cases/{case.id}/rows/{row.row_id}")

    assert "Other cases of this account" in page
    assert "Other cases from its network" in page
    assert 'href="/cases/0ddca5e"' in page


def test_questions_to_the_ledger_do_not_grow_with_the_case(desk: Desk) -> None:
    vic = seat.sit(desk, "vic", Role.VIEWER)
    by_size = desk.ledger.queue(Query(order="size", per=200, kind="campaign")).items
    asked = {}
    for case in (by_size[0], by_size[-1]):
        vic.get(f"/cases/{case.id}?open=1")
        with seat.counting(desk) as said:
            vic.get(f"/cases/{case.id}?open=1")
        asked[case.size] = len(said)

    assert len(asked) == 2
    assert len(set(asked.values())) == 1


def test_help_lists_the_keys_that_the_page_has(desk: Desk) -> None:
    vic, ann = seat.sit(desk, "vic", Role.VIEWER), seat.sit(desk, "ann")
    case = seat.one(desk, needs=1)

    def bound(page: str) -> set[str]:
        return set(re.findall(r'data-bound="(\w+)"', page))

    moving = {"next", "previous", "open", "help"}
    deciding = {"poison", "release", "downweight", "relabel", "escalate", "skip"}
    assert bound(vic.get(f"/cases/{case.id}")) == moving
    assert bound(ann.get(f"/cases/{case.id}")) == moving | deciding | {"select"}
    for action in deciding:
        assert f'data-action="{action}"' in ann.get(f"/cases/{case.id}")
        assert ACTIONS[action] in ann.get(f"/cases/{case.id}")
    there = ann.decide(case.id, "poison").headers["location"]
    assert "undo" in bound(ann.get(there))


def test_keys_are_those_that_somebody_chose(desk: Desk) -> None:
    ann, case = seat.sit(desk, "ann"), seat.one(desk)
    desk.ledger.set_keys("ann", {"poison": "q"}, at=desk.now(), by="ann")

    page = ann.get(f"/cases/{case.id}")
    assert '<kbd aria-hidden="true">q</kbd>' in page
    assert re.search(r'data-bound="poison"><dt><kbd>q</kbd>', page)


def test_every_detector_says_in_plain_words_what_it_looks_for() -> None:
    assert set(DETECTORS) <= views.LOOKS_FOR.keys()


_LINES = st.lists(
    st.fixed_dictionaries({"detector": st.sampled_from("abc"), "nats": st.floats(-8, 8)}),
    max_size=6,
    unique_by=lambda line: line["detector"],
)


@given(st.lists(st.tuples(_LINES, st.floats(0, 1)), min_size=1, max_size=5))
def test_a_waterfall_adds_up(rows: list[tuple[list[dict[str, Any]], float]]) -> None:
    made = [
        CaseRow(f"r{i}", posterior=posterior, evidence=tuple(lines))
        for i, (lines, posterior) in enumerate(rows)
    ]
    told = views.argue(made, {"threshold": 2.0})

    ends = [0.0, *(one.after for one in told.signals)]
    assert [one.before for one in told.signals] == ends[:-1]
    assert math.isclose(ends[-1] + told.rest, told.total, abs_tol=1e-9)
    assert all(told.low <= x <= told.high for x in (*ends, told.total, 2.0))
    assert math.isclose(told.posterior, math.fsum(r.posterior for r in made) / len(made))
    assert told == views.argue(made[::-1], {"threshold": 2.0})


@given(st.text(max_size=200), st.lists(st.text(max_size=8), max_size=4))
def test_marking_loses_and_adds_nothing(text: str, words: list[str]) -> None:
    shown = marked(text, words)
    lines = text.replace("\r\n", "\n").replace("\t", "    ").split("\n")

    assert "".join(piece.text for piece in shown.pieces) == "\n".join(
        visible(line, limit=100_000) for line in lines
    )
    assert sum(shown.counts.values()) == sum(piece.mark != "" for piece in shown.pieces)


@given(st.integers(1, 3 * PART), st.integers(-3, 9))
def test_parts_cover_a_text_once(length: int, part: int) -> None:
    text = ("x" * 7 + " ") * (length // 8) + "y" * (length % 8)
    parts = marked(text).parts
    pieces = [marked(text, part=n).pieces for n in range(1, parts + 1)]

    assert "".join(p.text for some in pieces for p in some) == text
    assert 1 <= marked(text, part=part).part <= parts


_THING = st.dictionaries(
    st.sampled_from(["at", "rows", "held", "id", "a", "b", "weight", "why"]),
    st.none() | st.text(max_size=9) | st.floats() | st.integers(),
)


@given(st.lists(_THING, max_size=8))
def test_pictures_stand_whatever_the_night_wrote(things: list[dict[str, Any]]) -> None:
    details = {"timeline": {"bins": things}, "graph": {"nodes": things, "edges": things}}
    bins, (nodes, edges) = pictures.bins(details), pictures.graph(details)

    for picture in (bins and plots.timeline(bins), nodes and plots.neighbourhood(nodes, edges)):
        assert str(picture or "").count("<svg") == (1 if picture else 0)
        drawn = re.sub(r"<title>.*?</title>|<text.*?</text>", "", str(picture), flags=re.DOTALL)
        assert not re.search(r"nan|inf|e\+", drawn.replace("line", ""))


def test_a_timeline_keeps_its_gaps() -> None:
    told = [
        {"at": f"2026-03-04T0{hour}:00:00+00:00", "rows": rows, "held": 1}
        for hour, rows in ((1, 5), (2, 3), (5, 8))
    ]

    bins = pictures.bins({"timeline": {"bins": told}})
    assert [one.rows for one in bins] == [5, 3, 0, 0, 8]
    assert bins[2].at == "2026-03-04T03:00+00:00"
    odd = pictures.bins({"timeline": {"bins": [*told, {"at": "later", "rows": 1}]}})
    assert [one.rows for one in odd] == [5, 3, 8, 1]


def test_honest_scripts_are_no_look_alikes() -> None:
    for text in (
        "Привет, как дела?",
        "Crème brûlée à la façon",
        "日本語のメール",
    ):
        assert marked(text).counts == {}

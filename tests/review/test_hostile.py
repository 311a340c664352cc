"""Hostile content on every page: nothing runs, nothing leaves its place, nothing hides."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import pytest

from foretaste.core.ledger import CaseRow, Furnishing, Ledger, NewCase, Role
from foretaste.core.workspace import Workspace
from foretaste.report.safe import visible
from foretaste.review.desk import Desk
from tests.review import seat
from tests.review.payloads import PAYLOADS
from tests.review.stage import NIGHT, NOW, RUN

_OURS = {"/static/htmx.min.js", "/static/desk.js"}
_HX = {"hx-get", "hx-target", "hx-swap"}


class Reader(HTMLParser):
    """Reads a page as a browser would: elements, their attributes, the text between."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)


@dataclass(frozen=True)
class Stage:
    """Two staged desks' files: one all hostile, one of the same shape and harmless."""

    hostile: Path
    tame: Path


def fill(where: Path, payloads: tuple[str, ...]) -> Path:
    """Put payloads wherever a contributor, or what a night tells of them, can have a say."""
    with Ledger.open(where) as ledger:
        ledger.start_run(RUN, night=NIGHT, kind="nightly", at=NOW)
        new, told = zip(*(_case(i, p) for i, p in enumerate(payloads)), strict=True)
        ledger.open_cases(new, run_id=RUN, night=NIGHT, at=NOW)
        ledger.furnish(told, at=NOW)
    return where


def _case(i: int, p: str) -> tuple[NewCase, Furnishing]:
    case_id, row_id, short = f"{i:012x}", f"{i:024x}", p[:100]
    line = {"detector": short, "nats": 2.0, "reason": p, "capped": False}
    row = CaseRow(
        row_id=row_id,
        contributor_id=f"{i:03}{short}",
        actor_id=short,
        subnet_id=short,
        item_id=p,
        label=p,
        posterior=0.9,
        text=p,
        content={p: p, "n": 3.0, f"{p}#": 4.0},
        evidence=(line,),
    )
    details = {
        "story": [p],
        "timeline": {"bins": [{"at": p, "rows": 3, "held": 1}, {"at": p, "rows": 1, "held": 1}]},
        "graph": {
            "nodes": [{"id": p, "rows": 2, "held": 1}, {"id": "b", "rows": 1, "held": 0}],
            "edges": [{"a": p, "b": "b", "weight": 1.0, "why": p}],
        },
        "before": [{"contributor": row.contributor_id, "rows": 2, "labels": {p: 2, "ham": 1}}],
        "labels": {p: 1},
        "alike": {row_id: [{"row_id": p, "label": p, "text": p, "distance": 0.1}]},
        "track": {short: [3, 1]},
        "spans": {row_id: [p, p[:8], "("]},
        "features": {p: {"mean": 1.0, "sd": 1.0}},
    }
    new = NewCase(case_id, "campaign", p, 0.1, 0.9, (f"x +1.0: {p}",), (row_id,))
    return new, Furnishing(case_id, p[:100], 1, 1.0, 0.1, 1, NOW, details, (row,), (short[:60],))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    folder = tmp_path_factory.mktemp("hostile")
    tame = tuple("harmless" for _ in PAYLOADS)
    return Stage(fill(folder / "h.sqlite", PAYLOADS), fill(folder / "t.sqlite", tame))


@pytest.fixture
def desk(workspace: Workspace, files: Stage) -> Iterator[Desk]:
    with seat.desk_on(workspace, files.hostile) as opened:
        yield opened


def check(page: str) -> Reader:
    """Check that a page holds only elements and attributes of our own making."""
    read = Reader(page)
    scripts = [attrs["src"].partition("?")[0] for tag, attrs in read.elements if tag == "script"]
    assert set(scripts) <= _OURS
    for tag, attrs in read.elements:
        assert tag not in {"iframe", "object", "embed", "base", "style", "img", "math", "video"}
        for name, value in attrs.items():
            assert not name.startswith("on")
            assert name != "style"
            assert name in _HX or not name.removeprefix("data-").startswith("hx")
            if name in {"href", "src", "action", "hx-get", "formaction"}:
                assert re.match(r"[/#](?![/\\])", value), (tag, name, value)
    assert "window.pwned" not in "".join(
        value for _, attrs in read.elements for name, value in attrs.items() if name == "class"
    )
    hidden = {c for c in page if unicodedata.category(c) in {"Cf", "Co", "Cn", "Zl", "Zp"}}
    assert not hidden, hidden
    assert not {c for c in page if unicodedata.category(c) == "Cc"} - {"\n"}
    return read


def paths(i: int) -> tuple[str, ...]:
    case, row = f"{i:012x}", f"{i:024x}"
    return (f"/cases/{case}?open=1", f"/cases/{case}/rows/{row}")


def test_there_are_payloads_enough() -> None:
    assert len(set(PAYLOADS)) == len(PAYLOADS) >= 100


def test_no_payload_becomes_part_of_a_page(desk: Desk) -> None:
    vic = seat.sit(desk, "vic", Role.VIEWER)
    for i, payload in enumerate(PAYLOADS):
        # Row pages share all but their frame with what opens in a case's page.
        read = [check(vic.get(path)) for path in paths(i)[: 1 + (i % 4 == 0)]]
        first = next(line for line in payload.split("\n"))[:60].strip()
        shown = visible(first.replace("\t", "    "), limit=1_000)
        assert all(shown in page.text for page in read), payload
        assert "1337" not in read[0].text, payload


def test_hostile_pages_have_the_elements_of_harmless_ones(
    workspace: Workspace, files: Stage
) -> None:
    def shapes(where: Path) -> list[list[str]]:
        with seat.desk_on(workspace, where) as desk:
            vic = seat.sit(desk, "vic", Role.VIEWER)
            found = []
            for i in range(0, len(PAYLOADS), 6):
                tags = [tag for tag, _ in check(vic.get(paths(i)[0])).elements]
                # Marks in a text, and labels where two of them differ, are the content's own.
                found.append([tag for tag in tags if tag not in {"mark", "span", "rect"}])
        return found

    assert shapes(files.hostile) == shapes(files.tame)


def test_queue_bulk_and_parts_stand(desk: Desk) -> None:
    ann = seat.sit(desk, "ann")
    queue = check(ann.get("/queue?per=200&order=newest"))
    assert sum("data-item" in attrs for _, attrs in queue.elements) == len(PAYLOADS)
    check(ann.post("/bulk/preview", {"which": "all", "query": ""}, 200).text)
    for i in range(0, len(PAYLOADS), 8):
        check(ann.get(paths(i)[1], **{"hx-request": "true"}))


def test_what_people_type_is_no_more_trusted(desk: Desk) -> None:
    ann = seat.sit(desk, "ann")
    for i, payload in enumerate(PAYLOADS[::4]):
        case = f"{4 * i:012x}"
        told = {"judgement": payload, "reason_code": payload, "label": payload, "note": payload}
        check(ann.post(f"/cases/{case}/decide", {**told, "queue": payload}, 400).text)
        ann.decide(case, "poison", note=payload, queue=payload, passed=payload)
        check(ann.get(f"/cases/{case}"))
        if i < 20:
            ann.post("/views", {"name": payload, "query": payload})
    for payload in PAYLOADS[::5]:
        answer = ann.client.get("/queue", params={"text": payload, "label": payload})
        check(answer.text)
        answer = ann.client.get("/cases/000000000001", params={"queue": payload, "done": payload})
        check(answer.text)


def test_a_text_of_five_million_letters_fills_no_page(desk: Desk) -> None:
    long = "<b>\u202e" + "A\u0301" * 2_500_000
    row = CaseRow("r1", "c1", text=long, label="L" * 5_000, item_id="i" * 5_000)
    new = NewCase("10ad", "held", "T" * 5_000, 0.1, 0.9, ("R" * 5_000,), ("r1",))
    desk.ledger.open_cases([new], run_id=RUN, night=NIGHT, at=desk.now())
    told = Furnishing("10ad", "c1", 1, 1.0, 0.1, 1, desk.now(), {}, (row,), ())
    desk.ledger.furnish([told], at=desk.now())
    ann = seat.sit(desk, "ann")

    for path in ("/cases/10ad", "/cases/10ad?open=1", "/cases/10ad/rows/r1", "/queue?per=200"):
        page = ann.get(path)
        check(page)
        assert len(page.encode()) < 300_000
    assert "Part 1 of 1,251" in ann.get("/cases/10ad/rows/r1")
    check(ann.get("/cases/10ad/rows/r1?part=1251"))

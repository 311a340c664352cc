import re
import subprocess
import sys
import unicodedata
from dataclasses import replace
from functools import cache
from importlib import resources

import pytest

from foretaste.core.verdict import Account
from foretaste.report import FileLine, RunReport, render_html
from tests.report.groups import a_group
from tests.report.nights import empty, full
from tests.report.pages import Page
from tests.report.payloads import PAYLOADS
from tests.workspaces import CHECKOUT

LOADING = ("href", "src", "action", "content", "class", "id", "http-equiv", "onload")

SECTIONS = (
    "warnings",
    "flow",
    "decision",
    "evidence",
    "campaigns",
    "influence",
    "gates",
    "model",
    "comparison",
    "suites",
    "run",
)


@cache
def rendered(text):
    return render_html(full(text))


@pytest.fixture(scope="module")
def page():
    return Page(render_html(full()))


def test_all_sections_are_there(page):
    ids = [attributes.get("id") for attributes in page.all("section")]
    assert ids == [name for name in SECTIONS if name in ids]
    assert set(ids) == set(SECTIONS)


def test_what_happened_is_said(page):
    for said in ("Night 2026-03-01", "held", "4,812", "4,450", "release/2026-03-01", "12.4"):
        assert said in page.text
    for name in ("canary_backdoor", "confident_learning", "a3f9c2e1d0b4", "repeated_row_ids"):
        assert name in page.text


def test_a_champion_against_its_gates_stands_in_red_at_the_top_and_in_the_history(page):
    html = render_html(full())
    (alarm,) = [a for a in page.all("p") if a.get("id") == "overruled"]
    assert "fail" in alarm["class"].split()
    assert html.index('id="overruled"') < html.index("<main>")
    assert html.count('<tr class="fail">') == html.count("<strong>against gates</strong>") == 1
    assert "a sleeper who began to flip" in html[html.index('id="overruled"') :][:300]
    honest = replace(full(), champions=full().champions[1:])
    assert 'id="overruled"' not in render_html(honest)
    assert '<tr class="fail">' not in render_html(honest)


def test_the_page_asks_nothing_of_anyone():
    html = render_html(full())
    assert "<script" not in html
    assert not re.search(r"https?:|//[a-z]|@import|url\((?!#)", html)
    policy = next(a["content"] for a in Page(html).all("meta") if a.get("http-equiv") is not None)
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    assert "script-src" not in policy


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_hostile_text_changes_no_element(payload):
    hostile, harmless = Page(rendered(payload)), Page(rendered("harmless"))
    assert hostile.shape == harmless.shape
    for (_, found), (_, meant) in zip(hostile.elements, harmless.elements, strict=True):
        assert {k: found.get(k) for k in LOADING} == {k: meant.get(k) for k in LOADING}


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_hostile_text_is_shown_whole_or_cut_but_never_hidden(payload):
    html = rendered(payload)
    hidden = {c for c in html if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
    assert hidden <= {"\n"}
    start = re.match(r"[!-~]*", payload).group()[:100]
    assert start in Page(html).text


def test_a_bidirectional_override_is_written_out():
    text = Page(render_html(full("invoice\u202egnp.exe"))).text
    assert "invoice⟦U+202E⟧gnp.exe" in text


def test_every_picture_has_words_and_a_table(page):
    pictures = [a for a in page.all("div") if a.get("role") == "img"]
    assert len(pictures) == len(page.all("svg")) == len(page.all("figure")) == 9
    assert all(len(a["aria-label"]) > 20 for a in pictures)
    assert all(a.get("aria-hidden") == "true" for a in page.all("svg"))
    tables = len(page.all("table"))
    assert tables >= len(pictures)
    assert len(page.all("caption")) == tables
    assert all(a.get("scope") in {"col", "row"} for a in page.all("th"))


def test_the_page_can_be_walked_by_ear_and_keyboard(page):
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("h1")) == len(page.all("main")) == len(page.all("nav")) == 1
    assert all(a.get("tabindex") == "0" and a.get("aria-label") for a in page.all("div") if
               a.get("class") == "scroll")  # fmt: skip
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    anchors = {a["href"] for a in page.all("a")}
    assert anchors <= {f"#{name}" for name in ids}


def test_pictures_follow_the_page_into_the_dark(page):
    drawn = [a["style"] for tag, a in page.elements if tag in {"path", "use", "text"} and
             "style" in a]  # fmt: skip
    assert not [style for style in drawn if re.search(r"#[0-9a-fA-F]{3,6}", style)]
    assert any("var(--quarantined)" in style for style in drawn)


def test_a_night_without_rows_is_a_page_too():
    page = Page(render_html(empty()))
    assert "Nothing new in landing." in page.text
    assert page.all("svg") == []


def test_the_page_stays_small_whatever_comes_in():
    worst = "\u202e<'\"&>" * 100
    lines = 5_000
    report = full(worst)
    flooded = replace(
        report,
        rejected={f"{worst}{i}": i for i in range(lines)},
        files=(FileLine(worst, "set_aside", 0, 0, 0, worst),) * lines,
        campaigns=report.campaigns * lines,
        detectors=report.detectors * lines,
        shares=report.shares * lines,
        gates=report.gates * lines,
        warnings=(worst,) * lines,
        comparison=report.comparison * lines,
        groups=(a_group(60, others=(worst,), items=(worst, "i1"), visits=90).picture(),) * lines,
    )
    html = render_html(flooded)
    assert len(html.encode()) <= 1_000_000
    assert "more; the JSON report has them all" in html


def test_groups_are_drawn_as_far_as_there_is_room():
    group = a_group(60, others=("o1",), items=("i1", "i2"), visits=90).picture()
    page = Page(render_html(replace(empty(), campaigns=full().campaigns, groups=(group,) * 40)))
    told = [a["aria-label"] for a in page.all("div") if a.get("role") == "img"]
    drawn = sum("Timeline" in words for words in told)
    cards = len([a for a in page.all("article") if a.get("class") == "group"])
    assert 4 <= drawn < cards == 12
    assert page.text.count("Not drawn, to keep the page small") == cards - drawn
    assert "40 of 60 members" in told[1]


def test_equal_reports_give_equal_bytes_in_any_process():
    child = (
        "import hashlib; from tests.report.nights import full; from foretaste.report import *;"
        "print(hashlib.sha256(render_html(full()).encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", child],
            env={"PYTHONHASHSEED": seed},
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


@pytest.mark.parametrize("count", [0, 1, 999_999_999])
def test_any_count_of_rows_can_be_drawn(count):
    report = RunReport("r", "2026-03-01", "", "promoted", "", Account(count, rejected=count), {})
    assert f"{count:,}" in Page(render_html(report)).text


def _themes():
    css = (resources.files("foretaste.report") / "templates" / "report.css").read_text()
    blocks = re.findall(r":root \{(.*?)\}", css, flags=re.DOTALL)
    themes = [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6}|\d+%)", block)) for block in blocks]
    assert len(themes) == 2
    return themes


def _luminance(rgb):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _rgb(value):
    return [int(value[i : i + 2], 16) / 255 for i in (1, 3, 5)]


def _contrast(a, b):
    low, high = sorted((_luminance(a), _luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", _themes(), ids=["light", "dark"])
def test_contrast_is_enough_to_read(theme):
    paper, ground = _rgb(theme["paper"]), _rgb(theme["ground"])
    for name in ("ink", "muted", "accent"):
        assert min(_contrast(_rgb(theme[name]), back) for back in (paper, ground)) >= 4.5
    tint = int(theme["tint"].rstrip("%")) / 100
    for name in ("pass", "warn", "fail", "undecided"):
        back = [tint * c + (1 - tint) * p for c, p in zip(_rgb(theme[name]), paper, strict=True)]
        assert _contrast(_rgb(theme[f"{name}-ink"]), back) >= 4.5
    for name in ("accepted", "downweighted", "quarantined", "rejected", "accent"):
        assert _contrast(_rgb(theme[name]), paper) >= 3

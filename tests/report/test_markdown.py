from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from foretaste.report import render_markdown
from tests.report.nights import empty, full
from tests.report.payloads import PAYLOADS


def tokens(text):
    found = MarkdownIt("commonmark").enable("table").parse(text)
    return [t.type for t in found] + [c.type for t in found for c in t.children or ()]


def test_the_summary_says_what_happened():
    text = render_markdown(full())
    for said in ("2026-03-01", "`held`", "4,812", "canary_backdoor", "≤ 0.20", "a3f9c2e1d0b4"):
        assert said in text
    assert "duplicates" in text
    assert "repeated_row_ids" in text


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_hostile_text_stays_in_its_code_span(payload):
    hostile = render_markdown(full(payload, headline=payload, release=payload))
    harmless = render_markdown(full("harmless", headline="harmless", release="harmless"))
    assert tokens(hostile) == tokens(harmless)
    assert not {"link_open", "image", "html_inline", "html_block"} & set(tokens(hostile))
    assert "<" not in hostile


def test_a_champion_against_its_gates_is_told_before_any_number():
    told = render_markdown(full())
    assert told.index("Against its gates") < told.index("rows in")
    assert "Against its gates" not in render_markdown(replace(full(), champions=()))


def test_a_quiet_night_has_a_short_summary():
    text = render_markdown(empty())
    assert "##" not in text
    assert "Nothing new in landing." in text


def test_long_tables_are_cut_and_say_so():
    text = render_markdown(replace(full(), warnings=("late",) * 1_000))
    assert text.count("| `late` |") == 20
    assert "980 more" in text

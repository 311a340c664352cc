"""What templates make of values: readable, and harmless."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.review.rendering import age, compact, environment, masked, moment, number, percent

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [
        (0.0, 0, "0 %"),
        (1.0, 0, "100 %"),
        (0.004, 0, "< 1 %"),
        (0.004, 1, "0.4 %"),
        (0.996, 0, "> 99 %"),
        (0.99995, 1, "> 99.9 %"),
        (0.5, 0, "50 %"),
        (None, 0, "\N{EN DASH}"),
    ],
)
def test_a_share_is_never_rounded_to_certainty(
    value: float | None, digits: int, shown: str
) -> None:
    assert percent(value, digits) == shown


@pytest.mark.parametrize(
    ("ago", "shown"),
    [
        (timedelta(minutes=5), "5 min"),
        (timedelta(minutes=119), "119 min"),
        (timedelta(hours=5), "5 h"),
        (timedelta(days=3), "3 d"),
        (-timedelta(hours=30), "in 30 h"),
    ],
)
def test_an_age_has_one_unit(ago: timedelta, shown: str) -> None:
    assert age(NOW - ago, NOW) == shown


def test_nothing_is_a_dash() -> None:
    assert {age(None, NOW), moment(None), moment(""), number(None), masked(None)} == {"\N{EN DASH}"}


def test_moments_are_in_utc_whatever_they_came_as() -> None:
    assert moment("2026-03-02T10:00:00+01:00") == moment(NOW) == "2026-03-02 09:00"


def test_numbers_are_grouped_and_short() -> None:
    assert [number(v) for v in (12345, 3.0, 0.12345)] == ["12,345", "3", "0.123"]


def test_a_pseudonym_is_shown_as_far_as_it_helps() -> None:
    assert masked("c0123456789abcdef") == "c01234567…"
    assert masked("c0123") == "c0123"


@given(st.text(max_size=60))
def test_no_text_leaves_its_place_in_a_page(text: str) -> None:
    template = environment().from_string('<p title="{{ x }}">{{ x }}</p>')
    shown = template.render(x=text)
    inside = shown.removeprefix('<p title="').removesuffix("</p>")
    quoted, _, content = inside.partition('">')
    assert quoted == content
    assert not set(content) & set("<>\"'\u202e\u200b\x00\x1b\n")


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=20), max_size=4))
def test_json_in_an_attribute_stays_there(value: dict[str, str]) -> None:
    shown = environment().from_string('<p data-x="{{ x|json }}">').render(x=value)
    assert shown.count('"') == 2
    assert compact(value).isascii()

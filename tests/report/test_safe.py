import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.report.safe import plain_label, visible

HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
ANY_TEXT = st.text(st.characters(codec=None), max_size=400)


@given(ANY_TEXT, st.integers(20, 300))
def test_nothing_hidden_is_left_and_nothing_is_too_long(text, limit):
    shown = visible(text, limit=limit)
    assert not {c for c in shown if unicodedata.category(c) in HIDDEN}
    assert len(shown) <= limit


@given(st.text("abc äßñ привет 日本語 שלום مرحبا", max_size=100))
def test_what_can_be_read_stays_as_it_is(text):
    assert visible(text) == text


@given(ANY_TEXT)
def test_what_is_visible_stays_visible(text):
    once = visible(text)
    assert visible(once) == once


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202eb", "a⟦U+202E⟧b"),
        ("a\nb", "a⟦U+000A⟧b"),
        ("a\u00a0b", "a⟦U+00A0⟧b"),
        ("a\U000e0041", "a⟦U+E0041⟧"),
        ("\u3164", "⟦U+3164⟧"),
        ("e\u0301", "e\u0301"),
        ("e" + "\u0301" * 6, "e" + "\u0301" * 4 + "⟦U+0301⟧" * 2),
    ],
)
def test_hidden_characters_are_named(text, shown):
    assert visible(text) == shown


def test_an_escape_is_never_cut_in_half():
    for limit in range(10, 40):
        shown = visible("ab" + "\u202e" * 10, limit=limit)
        assert shown.count("⟦") == shown.count("⟧")
        assert shown.endswith("…")


@given(ANY_TEXT, st.integers(8, 60))
def test_a_label_is_short_printable_ascii(text, limit):
    label = plain_label(text, limit)
    assert label.isascii()
    assert not text or label.isprintable()
    assert len(label) <= limit

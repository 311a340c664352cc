"""The most specific word of a case stands, whatever the order in which words were said."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.core.ledger import Decision, Judgement
from foretaste.steps.pending import expand

AT = datetime(2026, 11, 18, tzinfo=UTC)
OWNERS = {"c1": {"r1": "ann", "r2": "ann", "r3": "bob"}}


def said(
    number: int,
    judgement: Judgement = Judgement.POISON,
    *,
    case: str | None = "c1",
    row: str | None = None,
    who: str | None = None,
    label: str | None = None,
) -> Decision:
    """A decision about a case, or a part of it."""
    return Decision(number, case, row, who, judgement, "x", "", label, "ann", AT, None)


def heard(*decisions: Decision, done: tuple[int, ...] = ()) -> dict[str, tuple[int, str]]:
    """Number and decision by row."""
    return {row: (n, word) for n, row, word, _ in expand(decisions, OWNERS, done)}


def test_a_row_stands_above_its_contributor_and_that_above_the_case() -> None:
    whole = said(1)
    person = said(2, Judgement.DOWNWEIGHT, who="ann")
    row = said(3, Judgement.RELABEL, row="r2", label="spam")
    for order in permutations([whole, person, row]):
        assert heard(*order) == {"r1": (2, "downweight"), "r2": (3, "relabel"), "r3": (1, "poison")}


def test_of_equals_the_last_stands() -> None:
    assert heard(said(1), said(4, Judgement.RELEASE))["r1"] == (4, "release")
    both = (said(2, row="r1"), said(5, Judgement.RELEASE, row="r1"))
    assert heard(*both) == {"r1": (5, "release")}


def test_a_row_that_was_decided_before_its_case_keeps_its_word() -> None:
    row, whole = said(1, Judgement.RELEASE, row="r1"), said(2)
    assert heard(row, whole, done=(1,)) == {"r2": (2, "poison"), "r3": (2, "poison")}


def test_what_is_said_of_a_row_of_no_case_is_about_that_row() -> None:
    assert heard(said(7, case=None, row="r9")) == {"r9": (7, "poison")}
    assert heard(said(8, case=None, who="ann")) == {}


TARGETS = st.sampled_from(
    [{}, {"who": "ann"}, {"who": "bob"}, {"row": "r1"}, {"row": "r2"}, {"row": "r3"}]
)
WORDS = st.sampled_from([Judgement.POISON, Judgement.RELEASE, Judgement.DOWNWEIGHT])


@settings(deadline=None)
@given(st.lists(st.tuples(TARGETS, WORDS), max_size=8), st.sets(st.integers(1, 8)))
def test_every_row_has_at_most_one_word_and_it_is_never_given_twice(
    told: list[tuple[dict[str, str], Judgement]], done: set[int]
) -> None:
    decisions = [said(i, word, **about) for i, (about, word) in enumerate(told, start=1)]
    lines = list(expand(decisions, OWNERS, done))
    rows = [row for _, row, _, _ in lines]
    assert len(rows) == len(set(rows))
    assert not {number for number, *_ in lines} & done
    applied = done | {number for number, *_ in lines}
    assert not list(expand(decisions, OWNERS, applied))

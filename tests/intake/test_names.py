"""Names at ingest: what is kept of them, and what is not."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.core.keys import WorkspaceKey
from foretaste.intake.names import COMPONENTS, name_columns, shape_of, stem_of
from tests.intake.landing import KEY, land, row, take_in


def sketches(*names: str | None, key: WorkspaceKey = KEY) -> list[str | None]:
    found: list[str | None] = name_columns(pa.array(names, pa.string()), key)[1].to_pylist()
    return found


def agreement(one: str, other: str) -> float:
    left, right = sketches(one, other)
    assert left is not None
    assert right is not None
    return (
        sum(left[i : i + 2] == right[i : i + 2] for i in range(0, 2 * COMPONENTS, 2)) / COMPONENTS
    )


@pytest.mark.parametrize(
    "name",
    ["anna", "Anna-1934", "anna2281", "ANNA+shop@mail.example", "аnnа77", "änna_5", "𝒶nna1"],  # noqa: RUF001
)  # fmt: skip
def test_look_alikes_have_one_stem(name: str) -> None:
    assert stem_of(name) == "anna"
    assert sketches(name) == sketches("anna")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("paypal9", "paypaI9"),
        ("mooncow", "m00ncow"),
        ("barnby", "bamby"),
        ("12van.der.berg", "vanderberg_"),
    ],
)
def test_look_alikes_within_ascii_have_one_stem(one: str, other: str) -> None:
    assert stem_of(one) == stem_of(other)


def test_similar_names_have_similar_sketches() -> None:
    assert agreement("christopher", "christofer") > agreement("christopher", "guadalupe")
    assert agreement("christopher", "guadalupe") < 0.3


@pytest.mark.parametrize(
    ("name", "shape"),
    [("anna1934", "a9999"), ("Anna.Smith", "a-a"), ("q--x", "a-a"), ("é9", "a9"), ("٣٤", "99"),
     ("x@y.example", "a"), ("9" * 50, "9" * 16)],
)  # fmt: skip
def test_shapes_keep_no_letters(name: str, shape: str) -> None:
    assert shape_of(name) == shape


@pytest.mark.parametrize("name", [None, "", "  "])
def test_no_name_has_neither(name: str | None) -> None:
    shape, sketch = name_columns(pa.array([name], pa.string()), KEY)
    assert (shape.to_pylist(), sketch.to_pylist()) == ([None], [None])


def test_short_stems_and_numbers_have_no_sketch() -> None:
    assert sketches("ab", "ab12345", "12345", "_-_") == [None] * 4


def test_without_the_key_a_sketch_is_another() -> None:
    assert sketches("anna") != sketches("anna", key=WorkspaceKey(b"j" * 32))


def test_the_company_a_name_keeps_does_not_matter() -> None:
    alone = [*sketches("zoe99"), *sketches("anna")]
    assert sketches("zoe99", "anna", None, "zoe99") == [*alone, None, alone[0]]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_a_name(name: str) -> None:
    shape, sketch = (column.to_pylist()[0] for column in name_columns(pa.array([name]), KEY))
    assert shape is None or (set(shape) <= set("a9-") and len(shape) <= 16)
    assert sketch is None or (
        len(sketch) == 2 * COMPONENTS and set(sketch) <= set("0123456789abcdef")
    )


def test_the_contributor_id_is_the_name_where_none_is_mapped(tmp_path: Path) -> None:
    land(tmp_path, "a", row(contributor_id="Anna1934"))
    taken = take_in(tmp_path).contributions.to_pylist()[0]
    assert taken["name_shape"] == "a9999"
    assert [taken["name_sketch"]] == sketches("anna")
    assert taken["contributor_id"] == KEY.pseudonym("contributor", "Anna1934")
    assert "anna" not in str(taken).casefold()


def test_a_mapped_name_is_the_name_and_leaves_nothing_else(tmp_path: Path) -> None:
    land(tmp_path, "a", row(nick="Quirín_77"), row(contribution_id="c2", nick=None))
    policy = {"columns": {"account_name": "nick"}}
    taken = take_in(tmp_path, policy).contributions.sort_by("contribution_id").to_pylist()
    assert [line["name_shape"] for line in taken] == ["a-99", None]
    assert [line["name_sketch"] for line in taken] == [*sketches("quirin"), None]
    assert "quir" not in str(taken).casefold()


def test_ids_that_differ_by_case_stay_apart_with_one_sketch(tmp_path: Path) -> None:
    land(tmp_path, "a", row(contributor_id="Anna"), row(contributor_id="anna"))
    taken = take_in(tmp_path).contributions.to_pylist()
    assert len({line["contributor_id"] for line in taken}) == 2
    assert len({line["name_sketch"] for line in taken}) == 1


def test_devices_are_keyed_pseudonyms(tmp_path: Path) -> None:
    agents = ["Mozilla/5.0 (X11)", " Mozilla/5.0 (X11) ", "curl/8", "", None]
    land(tmp_path, "a", *(row(contribution_id=f"c{n}", ua=ua) for n, ua in enumerate(agents)))
    taken = take_in(tmp_path, {"columns": {"device": "ua"}}).contributions
    found = taken.sort_by("contribution_id")["device_id"].to_pylist()
    assert found[0] == found[1] == KEY.pseudonym("device", "Mozilla/5.0 (X11)")
    assert found[2] not in (None, found[0])
    assert found[3:] == [None, None]


def test_a_changed_device_or_name_is_the_same_row(tmp_path: Path) -> None:
    land(tmp_path, "a", row(ua="one", nick="anna"), row(ua="two", nick="zoe"))
    taken = take_in(tmp_path, {"columns": {"device": "ua", "account_name": "nick"}})
    assert (taken.contributions.num_rows, taken.codes) == (1, {"duplicate": 1})
